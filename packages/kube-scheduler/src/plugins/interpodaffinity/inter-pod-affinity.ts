/** Pods that want to be near other pods, or far from them (`pkg/scheduler/framework/plugins/interpodaffinity`). */
import type { Labels } from '@kubets/apimachinery/labels';
import type { Namespace, Node, Pod } from '@kubets/api/types/core-v1';
import { namespaces } from '@kubets/client/resources';
import { noValue, type TopologyColumn } from '../../cache/topology-column.ts';
import type { Candidates, ClusterKernel, FastHandle, FastPlugin } from '../../fast/kernel.ts';
import { affinityTermsOf, type AffinityTerm } from '../../framework/affinity-term.ts';
import { StateKey, type CycleState, type StateData } from '../../framework/cycle-state.ts';
import type { NodeInfo } from '../../framework/node-info.ts';
import type { PodInfo } from '../../framework/pod-info.ts';
import { Status } from '../../framework/status.ts';
import {
  action,
  maxNodeScore,
  type ClusterEventWithHint,
  type Outcome,
  type QueueingHintFn,
} from '../../framework/types.ts';
import { asNode, asPod, ownUpdate } from '../helper/hints.ts';
import {
  addWeighted,
  AffinityCounts,
  affinityName,
  affinityViolated,
  antiAffinityViolated,
  existingViolated,
  filterAnti,
  filterRequired,
  matchesOwnTerms,
  type Scoring,
} from './affinity-counts.ts';
import { termMatches } from './pod-matchers.ts';

export interface InterPodAffinityArgs {
  readonly hardPodAffinityWeight?: number;
  readonly ignorePreferredTermsOfExistingPods?: boolean;
}

/** Counts by value of one topology, that pods can be tried out on. */
interface Counts {
  readonly column: TopologyColumn;
  readonly values: Int32Array;
}

class AffinityState implements StateData {
  readonly required: readonly Counts[];
  readonly anti: readonly Counts[];
  /** Of terms of other pods that mean this one. */
  readonly existing: Map<TopologyColumn, Counts>;
  readonly matchesOwn: boolean;

  constructor(state: Pick<AffinityState, 'required' | 'anti' | 'existing' | 'matchesOwn'>) {
    this.required = state.required;
    this.anti = state.anti;
    this.existing = state.existing;
    this.matchesOwn = state.matchesOwn;
  }

  clone(): AffinityState {
    return new AffinityState({
      required: this.required.map(copied),
      anti: this.anti.map(copied),
      existing: new Map(Array.from(this.existing, ([column, counts]) => [column, copied(counts)])),
      matchesOwn: this.matchesOwn,
    });
  }
}

const copied = ({ column, values }: Counts): Counts => ({ column, values: values.slice() });
const stateKey = new StateKey<AffinityState>(`PreFilter${affinityName}`);

export class InterPodAffinity implements FastPlugin {
  readonly name = affinityName;
  readonly #handle: FastHandle;
  readonly #hardWeight: number;
  readonly #ignoreExisting: boolean;

  constructor(args: InterPodAffinityArgs, handle: FastHandle) {
    this.#handle = handle;
    this.#hardWeight = args.hardPodAffinityWeight ?? 1;
    this.#ignoreExisting = args.ignorePreferredTermsOfExistingPods ?? false;
    const set = ({ metadata }: Readonly<Namespace>): void =>
      handle.cluster.setNamespace(metadata.name ?? '', metadata.labels ?? {});
    handle.informers.informer(namespaces).addEventHandler({
      onAdd: set,
      onUpdate: (_old, namespace) => set(namespace),
      onDelete: ({ metadata }) => handle.cluster.setNamespace(metadata.name ?? '', undefined),
    });
  }

  eventsToRegister(): readonly ClusterEventWithHint[] {
    const pods = action.add | action.delete | action.updatePodLabel;
    return [
      { event: { resource: 'AssignedPod', actionType: pods }, hint: this.#podHint },
      ownUpdate(action.updatePodLabel, () => 'Queue'),
      { event: { resource: 'Node', actionType: action.add | action.updateNodeLabel }, hint: this.#nodeHint },
      { event: { resource: 'Namespace', actionType: action.add | action.update } },
    ];
  }

  clusterKernel(sample: PodInfo): ClusterKernel {
    const counts = new AffinityCounts(this.#handle.cluster, sample);
    return {
      filter: (pod, candidates) => this.#filterRows(counts, pod, candidates),
      score: (pod, rows, count, scores) => this.#scoreRows(counts, pod, { rows, count, scores }),
      release: () => counts.release(),
    };
  }

  preFilter(state: CycleState, pod: PodInfo): Status | undefined {
    const { cluster } = this.#handle;
    const counts = new AffinityCounts(cluster, pod);
    const existing = new Map<TopologyColumn, Counts>();
    for (const { kind, isEmpty, sums } of counts.carried(pod)) {
      if (kind !== 'requiredAntiAffinity' || isEmpty) continue;
      const values = countsOf(existing, sums.column);
      sums.values.forEach((count, value) => (values[value] = (values[value] ?? 0) + count));
    }
    const { required, anti } = counts;
    const matchesOwn = required.length > 0 && matchesOwnTerms(cluster, pod);
    state.set(
      stateKey,
      new AffinityState({ required: required.map(copied), anti: anti.map(copied), existing, matchesOwn }),
    );
    counts.release();
    return existing.size + required.length + anti.length === 0 ? Status.skip() : undefined;
  }

  addPod(state: CycleState, pod: PodInfo, other: PodInfo, node: NodeInfo): Outcome {
    return this.#change(state, pod, other, { node, delta: 1 });
  }

  removePod(state: CycleState, pod: PodInfo, other: PodInfo, node: NodeInfo): Outcome {
    return this.#change(state, pod, other, { node, delta: -1 });
  }

  filter(state: CycleState, _pod: PodInfo, { row }: NodeInfo): Outcome {
    const { required, anti, existing, matchesOwn } = state.need(stateKey);
    if (!allows(required, matchesOwn, row)) return affinityViolated;
    for (const counts of anti) if (at(counts, row) > 0) return antiAffinityViolated;
    for (const counts of existing.values()) if (at(counts, row) > 0) return existingViolated;
    return undefined;
  }

  #filterRows(counts: AffinityCounts, pod: PodInfo, candidates: Candidates): void {
    if (counts.required.length > 0) filterRequired(counts.required, counts.isFirst(pod), candidates);
    for (const sums of counts.anti) filterAnti(sums, antiAffinityViolated, candidates);
    for (const carried of counts.carried(pod)) {
      if (carried.kind !== 'requiredAntiAffinity' || carried.isEmpty) continue;
      filterAnti(carried.sums, existingViolated, candidates);
    }
  }

  #scoreRows(counts: AffinityCounts, pod: PodInfo, scoring: Scoring): boolean {
    const { scores, count } = scoring;
    const { preferred } = counts;
    if (this.#ignoreExisting && preferred.length === 0) return false;
    let any = false;
    const add = (sums: Parameters<typeof addWeighted>[0], weight: number): void => {
      if (weight === 0 || sums.total === 0) return;
      if (!any) scores.fill(0, 0, count);
      any = true;
      addWeighted(sums, weight, scoring);
    };
    for (const { sums, weight } of preferred) add(sums, weight);
    for (const carried of counts.carried(pod)) {
      if (carried.isEmpty || carried.kind === 'requiredAntiAffinity') continue;
      add(carried.sums, carried.kind === 'preferred' ? carried.weight : this.#hardWeight);
    }
    return any && normalize(scores, count);
  }

  #change(
    state: CycleState,
    pod: PodInfo,
    other: PodInfo,
    { node, delta }: { readonly node: NodeInfo; readonly delta: 1 | -1 },
  ): undefined {
    const data = state.get(stateKey);
    if (data === undefined) return;
    const labelsOf = (namespace: string): Labels | undefined => this.#handle.cluster.counts.namespaceLabels(namespace);
    const add = ({ column, values }: Counts): void => {
      const value = column.of[node.row] ?? noValue;
      if (value !== noValue) values[value] = (values[value] ?? 0) + delta;
    };
    for (const term of other.terms.requiredAntiAffinity) {
      if (!termMatches(term, pod, labelsOf(pod.namespace))) continue;
      const column = this.#handle.cluster.table.topology(term.topologyKey);
      add({ column, values: countsOf(data.existing, column) });
    }
    const means = (term: AffinityTerm): boolean => termMatches(term, other, labelsOf(other.namespace));
    const { requiredAffinity, requiredAntiAffinity } = pod.terms;
    if (requiredAffinity.length > 0 && requiredAffinity.every(means)) data.required.forEach(add);
    requiredAntiAffinity.forEach((term, i) => {
      const counts = data.anti[i];
      if (counts !== undefined && means(term)) add(counts);
    });
  }

  /** A node came that may be near what the pod wants; or one moved, and with it the pods on it. */
  readonly #nodeHint: QueueingHintFn = (pod, oldObject, newObject) => {
    const { requiredAffinity, requiredAntiAffinity } = affinityTermsOf(pod);
    const [before, after] = [asNode(oldObject), asNode(newObject)];
    const value = (node: Readonly<Node> | undefined, key: string): string | undefined => node?.metadata.labels?.[key];
    if (before === undefined) {
      return requiredAffinity.every(({ topologyKey }) => value(after, topologyKey) !== undefined)
        ? 'Queue'
        : 'QueueSkip';
    }
    const { counts } = this.#handle.cluster;
    const carried = counts.carriedBy(counts.labelSet(pod.metadata.namespace ?? '', pod.metadata.labels));
    const keepAway = carried.filter(({ kind, isEmpty }) => kind === 'requiredAntiAffinity' && !isEmpty);
    const keys = [...requiredAffinity, ...requiredAntiAffinity, ...keepAway.map(({ term }) => term)].map(
      ({ topologyKey }) => topologyKey,
    );
    return keys.some((key) => value(before, key) !== value(after, key)) ? 'Queue' : 'QueueSkip';
  };

  /** A pod came that the pod wants to be near, or one went that kept it away. */
  readonly #podHint: QueueingHintFn = (pod, oldObject, newObject) => {
    const { counts } = this.#handle.cluster;
    const labelsOf = (namespace = ''): Labels | undefined => counts.namespaceLabels(namespace);
    const means = (term: AffinityTerm, { metadata }: Readonly<Pod>): boolean =>
      term.matches(metadata.namespace ?? '', metadata.labels, labelsOf(metadata.namespace));
    const { requiredAffinity, requiredAntiAffinity } = affinityTermsOf(pod);
    const [before, after] = [asPod(oldObject), asPod(newObject)];
    const wanted = (one: Readonly<Pod> | undefined): boolean =>
      one !== undefined && requiredAffinity.length > 0 && requiredAffinity.every((term) => means(term, one));
    const unwanted = (one: Readonly<Pod> | undefined): boolean =>
      one !== undefined &&
      (requiredAntiAffinity.some((term) => means(term, one)) ||
        affinityTermsOf(one).requiredAntiAffinity.some((term) => means(term, pod)));
    if (wanted(after) && !wanted(before)) return 'Queue';
    // Perhaps no other matches now, and the pod is the first of its kind: then it need not be near another one.
    if (wanted(before) && !wanted(after) && wanted(pod)) return 'Queue';
    return unwanted(before) && !unwanted(after) ? 'Queue' : 'QueueSkip';
  };
}

/** The counts of a topology; made when they are not there. */
function countsOf(all: Map<TopologyColumn, Counts>, column: TopologyColumn): Int32Array {
  let counts = all.get(column);
  if (counts === undefined) {
    counts = { column, values: new Int32Array(column.idLimit) };
    all.set(column, counts);
  }
  return counts.values;
}

function at({ column, values }: Counts, row: number): number {
  const value = column.of[row] ?? noValue;
  return value === noValue ? 0 : (values[value] ?? 0);
}

function allows(required: readonly Counts[], matchesOwn: boolean, row: number): boolean {
  let near = true;
  for (const counts of required) {
    if ((counts.column.of[row] ?? noValue) === noValue) return false;
    if (at(counts, row) <= 0) near = false;
  }
  if (near) return true;
  // The first of its kind may go anywhere, when it is of that kind.
  return matchesOwn && required.every(({ values }) => values.every((count) => count <= 0));
}

/** Differences only: the lowest gets 0, the highest 100. */
function normalize(scores: Float64Array, count: number): boolean {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < count; i++) {
    const score = scores[i] as number;
    if (score < min) min = score;
    if (score > max) max = score;
  }
  const difference = max - min;
  if (!(difference > 0)) return false;
  for (let i = 0; i < count; i++) scores[i] = Math.trunc(maxNodeScore * (((scores[i] as number) - min) / difference));
  return true;
}
