/** Spreads pods over zones and nodes (`pkg/scheduler/framework/plugins/podtopologyspread/plugin.go`). */
import { RequiredNodeAffinity } from '@kubets/api/core/helpers/node-affinity';
import type { Node, Pod, TopologySpreadConstraint } from '@kubets/api/types/core-v1';
import { noValue, type TopologyColumn } from '../../cache/topology-column.ts';
import type { ClusterKernel, FastHandle, FastPlugin } from '../../fast/kernel.ts';
import { StateKey, type CycleState, type StateData } from '../../framework/cycle-state.ts';
import type { NodeInfo } from '../../framework/node-info.ts';
import type { PodInfo } from '../../framework/pod-info.ts';
import { Status } from '../../framework/status.ts';
import {
  action,
  type ClusterEventWithHint,
  type Outcome,
  type QueueingHint,
  type QueueingHintFn,
} from '../../framework/types.ts';
import { asNode, asPod, ownUpdate } from '../helper/hints.ts';
import { compileConstraints, type Action, type Constraint } from './constraint.ts';
import { DefaultSelectors } from './default-selector.ts';
import { constraintsViolated, filterHard, labelMissing, spreadName } from './hard-kernel.ts';
import { SoftScorer } from './soft-scorer.ts';
import { fewest, SpreadSums } from './spread-sums.ts';

export interface PodTopologySpreadArgs {
  readonly defaultConstraints?: readonly TopologySpreadConstraint[];
  readonly defaultingType?: 'System' | 'List';
}

const systemDefaults: readonly TopologySpreadConstraint[] = [
  { topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 3 },
  { topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 5 },
];

/** One constraint, with counts of its own that pods can be tried out on. */
interface Counted {
  readonly constraint: Constraint;
  readonly column: TopologyColumn;
  readonly selfMatch: number;
  readonly sums: Int32Array;
  readonly nodes: Int32Array;
  readonly domains: number;
  readonly source: SpreadSums;
}

class SpreadState implements StateData {
  readonly counted: readonly Counted[];

  constructor(counted: readonly Counted[]) {
    this.counted = counted;
  }

  clone(): SpreadState {
    return new SpreadState(this.counted.map((one) => ({ ...one, sums: one.sums.slice() })));
  }
}

const stateKey = new StateKey<SpreadState>(`PreFilter${spreadName}`);

export class PodTopologySpread implements FastPlugin {
  readonly name = spreadName;
  readonly #handle: FastHandle;
  readonly #defaults: readonly TopologySpreadConstraint[];
  readonly #systemDefaulted: boolean;
  readonly #selectors: DefaultSelectors | undefined;
  readonly #hardOf = new WeakMap<Readonly<Pod>, readonly Constraint[]>();

  constructor(args: PodTopologySpreadArgs, handle: FastHandle) {
    this.#handle = handle;
    this.#systemDefaulted = args.defaultingType !== 'List';
    this.#defaults = this.#systemDefaulted ? systemDefaults : (args.defaultConstraints ?? []);
    if (this.#defaults.length > 0) this.#selectors = new DefaultSelectors(handle.informers);
  }

  eventsToRegister(): readonly ClusterEventWithHint[] {
    const pods = action.add | action.delete | action.updatePodLabel;
    const nodes = action.add | action.delete | action.updateNodeLabel | action.updateNodeTaint;
    return [
      { event: { resource: 'AssignedPod', actionType: pods }, hint: this.#podHint },
      ownUpdate(action.updatePodLabel | action.updatePodToleration, () => 'Queue'),
      { event: { resource: 'Node', actionType: nodes }, hint: this.#nodeHint },
    ];
  }

  /** What, besides shape, namespace and labels, tells classes of pods apart. */
  classKey({ pod, namespace }: PodInfo): string {
    if (this.#selectors === undefined || hasConstraints(pod)) return '';
    const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller === true);
    return `${owner?.kind ?? ''}/${owner?.name ?? ''}/${this.#selectors.version(namespace)}`;
  }

  clusterKernel({ pod }: PodInfo): ClusterKernel | undefined {
    const hard = this.#compile(pod, 'DoNotSchedule');
    const soft = this.#compile(pod, 'ScheduleAnyway');
    if (hard.length === 0 && soft.length === 0) return undefined;
    const { table } = this.#handle.cluster;
    const requireAll = hasConstraints(pod) || !this.#systemDefaulted;
    const hardSums = this.#sums(pod, hard, true);
    const softSums = this.#sums(pod, soft, requireAll);
    const scorer = new SoftScorer(table, softSums, requireAll);
    return {
      ...(hard.length === 0 ? {} : { filter: (_pod, candidates) => filterHard(hardSums, candidates) }),
      ...(soft.length === 0 ? {} : { score: (_pod, rows, count, scores) => scorer.score(rows, count, scores) }),
      release: () => {
        for (const sums of hardSums) sums.release();
        for (const sums of softSums) sums.release();
      },
    };
  }

  preFilter(state: CycleState, { pod }: PodInfo): Status | undefined {
    const hard = this.#compile(pod, 'DoNotSchedule');
    if (hard.length === 0) return Status.skip();
    const counted = this.#sums(pod, hard, true).map((source) => {
      const { constraint, column, selfMatch, sums, nodes, domains } = source;
      // Counted once, and from then on by `addPod` and `removePod` only.
      const own = { constraint, column, selfMatch, domains, source, sums: sums.slice(), nodes: nodes.slice() };
      source.release();
      return own;
    });
    state.set(stateKey, new SpreadState(counted));
    return undefined;
  }

  addPod(state: CycleState, pod: PodInfo, other: PodInfo, node: NodeInfo): Outcome {
    return change(state, pod, other, { node, delta: 1 });
  }

  removePod(state: CycleState, pod: PodInfo, other: PodInfo, node: NodeInfo): Outcome {
    return change(state, pod, other, { node, delta: -1 });
  }

  filter(state: CycleState, _pod: PodInfo, { row }: NodeInfo): Outcome {
    for (const counted of state.need(stateKey).counted) {
      const value = counted.column.of[row] ?? noValue;
      if (value === noValue) return labelMissing;
      const skew = (counted.sums[value] ?? 0) + counted.selfMatch - fewest(counted.constraint, counted);
      if (skew > counted.constraint.maxSkew) return constraintsViolated;
    }
    return undefined;
  }

  #compile(pod: Readonly<Pod>, what: Action): Constraint[] {
    if (hasConstraints(pod)) return compileConstraints(pod.spec?.topologySpreadConstraints ?? [], what, pod);
    const constraints = compileConstraints(this.#defaults, what, pod);
    if (constraints.length === 0 || this.#selectors === undefined) return [];
    const selector = this.#selectors.of(pod);
    return selector.empty ? [] : constraints.map((constraint) => ({ ...constraint, selector }));
  }

  /** For queueing hints, which ask about the same pods over and over; defaults may change, so they are not kept. */
  #hard(pod: Readonly<Pod>): readonly Constraint[] {
    if (!hasConstraints(pod)) return this.#compile(pod, 'DoNotSchedule');
    let hard = this.#hardOf.get(pod);
    if (hard === undefined) this.#hardOf.set(pod, (hard = this.#compile(pod, 'DoNotSchedule')));
    return hard;
  }

  #sums(pod: Readonly<Pod>, constraints: readonly Constraint[], requireAll: boolean): SpreadSums[] {
    const requiredKeys = requireAll ? constraints.map(({ topologyKey }) => topologyKey) : [];
    return constraints.map((one) => new SpreadSums(this.#handle.cluster, one, { pod, requiredKeys }));
  }

  /** A pod came, went or changed that one of the constraints counts. */
  readonly #podHint: QueueingHintFn = (pod, oldObject, newObject) => {
    const changed = asPod(newObject) ?? asPod(oldObject);
    if (changed === undefined) return 'Queue';
    if (changed.metadata.namespace !== pod.metadata.namespace) return 'QueueSkip';
    const hard = this.#hard(pod);
    const counts = ({ metadata }: Readonly<Pod>): boolean =>
      hard.some(({ selector }) => selector.matches(metadata.labels));
    const before = oldObject !== undefined && counts(asPod(oldObject) as Pod);
    const after = newObject !== undefined && counts(asPod(newObject) as Pod);
    return before || after ? 'Queue' : 'QueueSkip';
  };

  readonly #nodeHint: QueueingHintFn = (pod, oldObject, newObject): QueueingHint => {
    const hard = this.#hard(pod);
    const required = new RequiredNodeAffinity(pod.spec);
    const counts = (node: Readonly<Node> | undefined): boolean =>
      node !== undefined &&
      hard.every(({ topologyKey }) => node.metadata.labels?.[topologyKey] !== undefined) &&
      required.matches(node);
    const [before, after] = [asNode(oldObject), asNode(newObject)];
    if (counts(after)) {
      const same = before !== undefined && counts(before) && hard.every((one) => sameDomain(one, before, after));
      const taints = JSON.stringify(before?.spec?.taints) === JSON.stringify(after?.spec?.taints);
      return same && taints ? 'QueueSkip' : 'Queue';
    }
    return counts(before) ? 'Queue' : 'QueueSkip';
  };
}

const sameDomain = ({ topologyKey }: Constraint, a: Readonly<Node>, b: Readonly<Node> | undefined): boolean =>
  a.metadata.labels?.[topologyKey] === b?.metadata.labels?.[topologyKey];

const hasConstraints = ({ spec }: Readonly<Pod>): boolean => (spec?.topologySpreadConstraints?.length ?? 0) > 0;

/** Pods being deleted are not counted, so taking one away changes nothing. */
function change(
  state: CycleState,
  pod: PodInfo,
  other: PodInfo,
  { node, delta }: { readonly node: NodeInfo; readonly delta: 1 | -1 },
): undefined {
  const data = state.get(stateKey);
  if (data === undefined || other.namespace !== pod.namespace || other.terminating) return undefined;
  for (const { constraint, column, sums, source } of data.counted) {
    const value = column.of[node.row] ?? noValue;
    if (value === noValue || !constraint.selector.matches(other.labels) || !source.countsRow(node.row)) continue;
    sums[value] = (sums[value] ?? 0) + delta;
  }
  return undefined;
}
