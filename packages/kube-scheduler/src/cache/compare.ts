/** Looks for differences between the cache and the API (`pkg/scheduler/backend/cache/debugger/comparer.go`). */
import { isPodTerminal } from '@kubets/api/core/helpers/pod';
import type { Node, Pod } from '@kubets/api/types/core-v1';
import type { SchedulerCache } from './cache.ts';

export interface CacheComparison {
  /** Names of nodes that only the API knows, and that only the cache knows. */
  readonly missedNodes: readonly string[];
  readonly redundantNodes: readonly string[];
  /** Uids of pods, likewise; a pod that waits to be scheduled counts as known. */
  readonly missedPods: readonly string[];
  readonly redundantPods: readonly string[];
  /** What the sums by node, selector and topology contradict when counted anew. */
  readonly wrongSums: readonly string[];
}

const without = (all: Iterable<string>, known: ReadonlySet<string>): string[] =>
  [...all].filter((name) => !known.has(name)).sort();

/** Every sum in the columns, counted again pod by pod. */
function wrongSums({ cluster }: SchedulerCache): string[] {
  const wrong: string[] = [];
  const { columns } = cluster.table;
  for (const { row, name, pods, requested, nonZeroRequested } of cluster.list()) {
    let [cpu, memory, nonZeroCpu] = [0, 0, 0];
    for (const { requests, nonZero } of pods) {
      cpu += requests.milliCpu;
      memory += requests.memory;
      nonZeroCpu += nonZero.milliCpu;
    }
    const pairs: [string, number, number | undefined][] = [
      ['cpu', cpu, requested.milliCpu],
      ['cpu column', cpu, columns.requestedCpu[row]],
      ['memory', memory, requested.memory],
      ['memory column', memory, columns.requestedMemory[row]],
      ['non-zero cpu', nonZeroCpu, nonZeroRequested.milliCpu],
      ['pods column', pods.length, columns.pods[row]],
    ];
    for (const [what, counted, kept] of pairs)
      if (counted !== kept) wrong.push(`${name}: ${what} ${kept}, is ${counted}`);
  }
  return wrong;
}

/** Right after a change the two differ for a moment; when all is quiet they must not. */
export function compareCache(
  ours: { readonly cache: SchedulerCache; readonly queued: readonly Readonly<Pod>[] },
  api: { readonly nodes: readonly Readonly<Node>[]; readonly pods: readonly Readonly<Pod>[] },
): CacheComparison {
  const { cache, queued } = ours;
  const uidOf = ({ metadata }: Readonly<Pod>): string => metadata.uid ?? '';
  const apiNodes = new Set(api.nodes.map(({ metadata }) => metadata.name ?? ''));
  const ourNodes = new Set(cache.cluster.list().map(({ name }) => name));
  const apiPods = new Set(
    api.pods.filter((pod) => !isPodTerminal(pod) && (pod.spec?.nodeName ?? '') !== '').map(uidOf),
  );
  const ourPods = new Set(Array.from(cache.pods(), ({ info }) => info.uid));
  const assumed = new Set(Array.from(cache.pods(), (pod) => (pod.assumed ? pod.info.uid : '')));
  const waiting = new Set(queued.map(uidOf));
  return {
    missedNodes: without(apiNodes, ourNodes),
    redundantNodes: without(ourNodes, apiNodes),
    missedPods: without(apiPods, ourPods.union(waiting)),
    redundantPods: without(ourPods, apiPods.union(assumed)),
    wrongSums: wrongSums(cache),
  };
}
