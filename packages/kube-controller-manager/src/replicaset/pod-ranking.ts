/** Which pods go first when there are too many (upstream `pkg/controller/controller_utils.go`, `ActivePodsWithRanks`). */
import { parseTime } from '@kubets/apimachinery/time';
import { isPodActive, podCondition } from '@kubets/api/core/helpers/pod';
import type { ContainerStatus, Pod } from '@kubets/api/types/core-v1';

/** Pods with a lower value go first; -2147483648 to 2147483647 (`core.PodDeletionCost`). */
const podDeletionCostAnnotation = 'controller.kubernetes.io/pod-deletion-cost';

export interface RankingOptions {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Pods of all controllers of the same owner: nodes that hold more of them are relieved first. */
  readonly related: readonly Readonly<Pod>[];
  /** Gate PodDeletionCost. */
  readonly deletionCost: boolean;
}

/** All that the order depends on, taken from a pod once. */
interface Candidate {
  readonly pod: Readonly<Pod>;
  readonly uid: string;
  readonly assigned: number;
  readonly phase: number;
  readonly ready: number;
  readonly cost: number;
  readonly onSameNode: number;
  /** Undefined: not ready, or nobody knows since when. */
  readonly readySince: number | undefined;
  readonly restarts: number;
  readonly sidecarRestarts: number;
  readonly created: number | undefined;
}

/** Of `pods` the `count` that are to be deleted (`getPodsToDelete`). Does not change the list. */
export function podsToDelete(
  pods: readonly Readonly<Pod>[],
  count: number,
  options: RankingOptions,
): readonly Readonly<Pod>[] {
  // Nothing to choose: sorting would be in vain.
  if (count >= pods.length) return pods;
  const perNode = countPerNode(options.related);
  const candidates = pods.map((pod) => candidate(pod, perNode, options.deletionCost));
  candidates.sort((a, b) => compare(a, b, options.now));
  return candidates.slice(0, count).map(({ pod }) => pod);
}

function countPerNode(pods: readonly Readonly<Pod>[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const pod of pods) {
    if (!isPodActive(pod)) continue;
    const node = pod.spec?.nodeName ?? '';
    counts.set(node, (counts.get(node) ?? 0) + 1);
  }
  return counts;
}

const phases: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

function candidate(pod: Readonly<Pod>, perNode: ReadonlyMap<string, number>, deletionCost: boolean): Candidate {
  const { metadata, spec, status } = pod;
  const node = spec?.nodeName ?? '';
  const ready = podCondition(pod, 'Ready');
  return {
    pod,
    uid: metadata.uid ?? '',
    assigned: node === '' ? 0 : 1,
    phase: phases[status?.phase ?? ''] ?? 0,
    ready: ready?.status === 'True' ? 1 : 0,
    cost: deletionCost ? costOf(pod) : 0,
    onSameNode: perNode.get(node) ?? 0,
    readySince: ready?.status === 'True' ? timeOf(ready.lastTransitionTime) : undefined,
    restarts: mostRestarts(status?.containerStatuses),
    sidecarRestarts: mostRestarts(status?.initContainerStatuses?.filter(({ name }) => isSidecar(pod, name))),
    created: timeOf(metadata.creationTimestamp),
  };
}

const timeOf = (time: string | null | undefined): number | undefined =>
  time === undefined || time === null ? undefined : parseTime(time);

/** 0 when the annotation is absent or no number; the server refuses the latter. */
function costOf(pod: Readonly<Pod>): number {
  const text = pod.metadata.annotations?.[podDeletionCostAnnotation] ?? '0';
  return /^(0|-?[1-9][0-9]{0,9})$/.test(text) ? Number(text) : 0;
}

const isSidecar = (pod: Readonly<Pod>, name: string): boolean =>
  pod.spec?.initContainers?.some((container) => container.name === name && container.restartPolicy === 'Always') ===
  true;

function mostRestarts(statuses: readonly Readonly<ContainerStatus>[] | undefined): number {
  let most = 0;
  for (const { restartCount } of statuses ?? []) most = Math.max(most, restartCount);
  return most;
}

/** Negative: `a` goes before `b`. */
function compare(a: Candidate, b: Candidate, now: number): number {
  return (
    a.assigned - b.assigned ||
    a.phase - b.phase ||
    a.ready - b.ready ||
    a.cost - b.cost ||
    b.onSameNode - a.onSameNode ||
    (a.ready === 1 ? compareAge({ a, b, timeA: a.readySince, timeB: b.readySince, now }) : 0) ||
    b.restarts - a.restarts ||
    b.sidecarRestarts - a.sidecarRestarts ||
    compareAge({ a, b, timeA: a.created, timeB: b.created, now })
  );
}

interface Ages {
  readonly a: Candidate;
  readonly b: Candidate;
  readonly timeA: number | undefined;
  readonly timeB: number | undefined;
  readonly now: number;
}

/** Younger first, an unknown time first of all; ages of the same power of two count as equal, then the uid decides. */
function compareAge({ a, b, timeA, timeB, now }: Ages): number {
  if (timeA === timeB) return 0;
  if (timeA === undefined) return -1;
  if (timeB === undefined) return 1;
  const difference = ageBucket(now - timeA) - ageBucket(now - timeB);
  if (difference !== 0) return difference;
  return a.uid < b.uid ? -1 : 1;
}

/** The power of two below an age in nanoseconds, -1 for none (`logarithmicRankDiff`). */
function ageBucket(ageMs: number): number {
  return ageMs > 0 ? Math.floor(Math.log2(ageMs * 1e6)) : -1;
}
