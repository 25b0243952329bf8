/**
 * How the plugins of the default profile judge all nodes at once.
 *
 * A kernel is a plugin compiled for one pod, or for all pods of one shape. What it says of a node depends on
 * - `node`: the node object alone (taints, labels). Asked again when the node changes.
 * - `pods`: also on the pods of that node (free resources). Asked again when a pod comes or goes.
 * - `cluster`: on pods elsewhere (spreading, affinity). Asked for all rows at once, at each attempt.
 *
 * The answers of the first two kinds are kept per shape and row (`shape-view.ts`), so that an attempt costs a look at what has
 * changed, and a pass over numbers.
 */
import type { Cluster } from '../cache/cluster.ts';
import type { PodInfo, PodShape } from '../framework/pod-info.ts';
import type { Status } from '../framework/status.ts';
import type { AnyPlugin, Handle } from '../framework/types.ts';

/** What the framework gives to the plugins that have kernels. */
export interface FastHandle extends Handle {
  readonly cluster: Cluster;
}

/** Filters and scores nodes one by one. Answers for rows without a node are never asked for. */
export interface LocalKernel {
  readonly filterScope: 'none' | 'node' | 'pods';
  /** Undefined: it fits. The same answer is the same object, which makes it cheap to count. */
  filter(row: number): Status | undefined;
  readonly scoreScope: 'none' | 'node' | 'pods';
  /** An integer; from 0 to 100 unless `normalize` is there. */
  score(row: number): number;
  /** Brings the scores of the feasible nodes, which are at 0 to `count`, to 0 to 100. Answers false when it would make them all alike. */
  normalize?(scores: Float64Array, count: number): boolean;
  /** Grows when answers of scope `node` change without the node having changed. */
  version?(): number;
}

/** Which rows are left, and why the others are not. */
export interface Candidates {
  /** The rows left are the first `count`. */
  readonly rows: Int32Array;
  count: number;
  reject(row: number, status: Status): void;
}

/** Looks at all rows in one pass. */
export interface ClusterKernel {
  /** Leaves only feasible rows in the list, in their order. */
  filter?(pod: PodInfo, candidates: Candidates): void;
  /** Writes the final scores, 0 to 100, of the first `count` rows. Answers false when there is nothing to tell them apart by. */
  score?(pod: PodInfo, rows: Int32Array, count: number, scores: Float64Array): boolean;
  /** Gives counters back; nothing is called after that. */
  release?(): void;
}

/** A plugin that has kernels, and does what they do per node too: for preemption and nominated pods. */
export interface FastPlugin extends AnyPlugin {
  /** For all pods of the shape. Undefined: it has nothing to say about them. */
  localKernel?(shape: PodShape, pod: PodInfo): LocalKernel | undefined;
  /** What tells classes of pods apart besides shape, namespace and labels: the cluster kernel is asked for anew when it changes. */
  classKey?(pod: PodInfo): string;
  /** For pods of this shape, namespace, labels and class key. Undefined: it has nothing to say about them. */
  clusterKernel?(pod: PodInfo): ClusterKernel | undefined;
}

export function isFastPlugin(plugin: AnyPlugin | FastPlugin): plugin is FastPlugin {
  return 'localKernel' in plugin || 'clusterKernel' in plugin;
}
