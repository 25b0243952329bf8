/**
 * Pods go only where the node declares what they need (`pkg/scheduler/framework/plugins/nodedeclaredfeatures`). What they need
 * is part of their shape; nearly all need nothing, and cost nothing here.
 */
import { declaresAll, featuresForScheduling } from '@kubets/api/core/helpers/node-declared-features';
import type { Node, Pod } from '@kubets/api/types/core-v1';
import type { NodeTable } from '../../cache/node-table.ts';
import type { Candidates, ClusterKernel, FastHandle, FastPlugin } from '../../fast/kernel.ts';
import type { CycleState } from '../../framework/cycle-state.ts';
import type { NodeInfo } from '../../framework/node-info.ts';
import type { PodInfo } from '../../framework/pod-info.ts';
import { Status } from '../../framework/status.ts';
import { action, type ClusterEventWithHint, type Outcome, type QueueingHintFn } from '../../framework/types.ts';
import { asNode, asPod, nodeAddedOrChanged, ownUpdate } from '../helper/hints.ts';

const name = 'NodeDeclaredFeatures';
const unsatisfied = Status.unresolvable("node(s) didn't match Pod's required features").by(name);

/** Nodes that are new, or declare something else than before. */
const nodeChanged: QueueingHintFn = (_pod, oldObject, newObject) => {
  if (oldObject === undefined) return 'Queue';
  return sameList(declaredBy(asNode(oldObject)), declaredBy(asNode(newObject))) ? 'QueueSkip' : 'Queue';
};

/** The pod needs something else than before. */
const podChanged: QueueingHintFn = (_pod, oldObject, newObject) =>
  sameList(neededBy(asPod(oldObject)), neededBy(asPod(newObject))) ? 'QueueSkip' : 'Queue';

const declaredBy = (node: Readonly<Node> | undefined): readonly string[] => node?.status?.declaredFeatures ?? [];
const neededBy = (pod: Readonly<Pod> | undefined): readonly string[] => featuresForScheduling(pod?.spec);
const sameList = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((text, i) => text === b[i]);

/** With its feature gate off it takes part in nothing, even where a configuration names it. */
export class NodeDeclaredFeatures implements FastPlugin {
  readonly name = name;
  readonly #table: NodeTable;
  readonly #enabled: boolean;

  constructor(_args: unknown, handle: FastHandle) {
    this.#table = handle.cluster.table;
    this.#enabled = handle.featureEnabled('NodeDeclaredFeatures');
  }

  eventsToRegister(): readonly ClusterEventWithHint[] {
    if (!this.#enabled) return [];
    return [nodeAddedOrChanged(action.updateNodeDeclaredFeature, nodeChanged), ownUpdate(action.update, podChanged)];
  }

  preFilter(_state: CycleState, { shape }: PodInfo): Status | undefined {
    return this.#enabled && shape.requiredFeatures.length > 0 ? undefined : Status.skip();
  }

  filter(_state: CycleState, { shape }: PodInfo, { node }: NodeInfo): Outcome {
    return declaresAll(shape.requiredFeatures, node) ? undefined : unsatisfied;
  }

  /** Not a local one: it comes last in the profile, and those before it are to give the reasons. */
  clusterKernel({ shape }: PodInfo): ClusterKernel | undefined {
    const { requiredFeatures } = shape;
    if (!this.#enabled || requiredFeatures.length === 0) return undefined;
    const { infos } = this.#table;
    const filter = (_pod: PodInfo, candidates: Candidates): void => {
      const { rows, count } = candidates;
      let left = 0;
      for (let i = 0; i < count; i++) {
        const row = rows[i] as number;
        if (declaresAll(requiredFeatures, infos[row]?.node)) rows[left++] = row;
        else candidates.reject(row, unsatisfied);
      }
      candidates.count = left;
    };
    return { filter };
  }
}
