/** Whether a node has room for a pod, and how much would be left (`pkg/scheduler/framework/plugins/noderesources/fit.go`). */
import type { Node, Pod } from '@kubets/api/types/core-v1';
import type { NodeTable } from '../../cache/node-table.ts';
import type { FastHandle, FastPlugin, LocalKernel } from '../../fast/kernel.ts';
import type { CycleState } from '../../framework/cycle-state.ts';
import { NodeInfo } from '../../framework/node-info.ts';
import { PodInfo, type PodShape } from '../../framework/pod-info.ts';
import type { Resource } from '../../framework/resource.ts';
import type { Status } from '../../framework/status.ts';
import {
  action,
  type ClusterEventWithHint,
  type Outcome,
  type QueueingHint,
  type QueueingHintFn,
} from '../../framework/types.ts';
import { asNode, asPod, ownUpdate } from '../helper/hints.ts';
import { fitName, insufficient, type IgnoredResources } from './insufficient.ts';
import { strategyScore, type ScoringStrategy } from './scoring-strategy.ts';

export interface FitArgs {
  readonly ignoredResources?: readonly string[];
  readonly ignoredResourceGroups?: readonly string[];
  readonly scoringStrategy?: ScoringStrategy;
}

const defaultStrategy: ScoringStrategy = {
  type: 'LeastAllocated',
  resources: [
    { name: 'cpu', weight: 1 },
    { name: 'memory', weight: 1 },
  ],
};

export class NodeResourcesFit implements FastPlugin {
  readonly name = fitName;
  readonly #table: NodeTable;
  readonly #ignored: IgnoredResources;
  readonly #strategy: ScoringStrategy;

  constructor(args: FitArgs, handle: FastHandle) {
    this.#table = handle.cluster.table;
    this.#ignored = { names: new Set(args.ignoredResources), groups: new Set(args.ignoredResourceGroups) };
    this.#strategy = args.scoringStrategy ?? defaultStrategy;
  }

  eventsToRegister(): readonly ClusterEventWithHint[] {
    return [
      { event: { resource: 'AssignedPod', actionType: action.delete | action.updatePodScaleDown }, hint: roomMade },
      ownUpdate(action.updatePodScaleDown, () => 'Queue'),
      { event: { resource: 'Node', actionType: action.add | action.updateNodeAllocatable }, hint: this.#nodeHint },
    ];
  }

  filter(_state: CycleState, pod: PodInfo, node: NodeInfo): Outcome {
    return insufficient(pod.requests, node, this.#ignored);
  }

  localKernel(shape: PodShape): LocalKernel {
    return {
      filterScope: 'pods',
      filter: (row) => this.#filterRow(row, shape.requests),
      scoreScope: 'pods',
      score: strategyScore(this.#strategy, this.#table, shape),
    };
  }

  /** As `insufficient`; looks at the columns first, which are enough for nearly all nodes. */
  #filterRow(row: number, requests: Resource): Status | undefined {
    const { milliCpu, memory, ephemeralStorage, scalar } = requests;
    const table = this.#table;
    const c = table.columns;
    if (
      scalar === undefined &&
      (c.pods[row] as number) + 1 <= (c.allocatablePods[row] as number) &&
      (milliCpu === 0 || milliCpu <= (c.allocatableCpu[row] as number) - (c.requestedCpu[row] as number)) &&
      (memory === 0 || memory <= (c.allocatableMemory[row] as number) - (c.requestedMemory[row] as number)) &&
      (ephemeralStorage === 0 ||
        ephemeralStorage <= (c.allocatableStorage[row] as number) - (c.requestedStorage[row] as number))
    ) {
      return undefined;
    }
    return insufficient(requests, table.infos[row] as NodeInfo, this.#ignored);
  }

  readonly #nodeHint: QueueingHintFn = (pod, oldObject, newObject) => {
    const node = asNode(newObject);
    if (node === undefined) return 'Queue';
    const info = new PodInfo(pod);
    if (!this.#wouldFit(info, node)) return 'QueueSkip';
    const old = asNode(oldObject);
    if (old === undefined) return 'Queue';
    return gained(info.requests, new NodeInfo('', -1, old).allocatable, new NodeInfo('', -1, node).allocatable)
      ? 'Queue'
      : 'QueueSkip';
  };

  /** On the node when it is empty. */
  #wouldFit(pod: PodInfo, node: Readonly<Node>): boolean {
    return insufficient(pod.requests, new NodeInfo('', -1, node), this.#ignored) === undefined;
  }
}

/** Whether there is more of something that is asked for. */
function gained(requests: Resource, before: Resource, after: Resource): boolean {
  if (after.allowedPodNumber > before.allowedPodNumber) return true;
  for (const name of ['cpu', 'memory', 'ephemeral-storage', ...(requests.scalar?.keys() ?? [])]) {
    if (requests.get(name) > 0 && after.get(name) > before.get(name)) return true;
  }
  return false;
}

/** A pod that was on a node has gone, or asks for less. */
function roomMade(pod: Readonly<Pod>, old: unknown, changed: unknown): QueueingHint {
  const before = asPod(old as Readonly<Pod> | undefined);
  if (before === undefined) return 'Queue';
  if (changed === undefined) return (before.spec?.nodeName ?? '') === '' ? 'QueueSkip' : 'Queue';
  const wanted = new PodInfo(pod).requests;
  const less = gained(wanted, new PodInfo(changed as Pod).requests, new PodInfo(before).requests);
  return less ? 'Queue' : 'QueueSkip';
}
