/** Which of a Job's running pods go first (upstream `pkg/controller/controller_utils.go`, `ActivePods`; `job_controller.go`, `activePodsForRemoval`). */
import { isPodReady, podCondition } from '@kubets/api/core/helpers/pod';
import type { Job } from '@kubets/api/types/batch-v1';
import type { ContainerStatus, Pod } from '@kubets/api/types/core-v1';
import { validIndex } from './completion-index.ts';
import { isIndexed } from './job-spec.ts';

const phaseOrder: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

/** Absent times are the latest of all. */
const timeOf = (time: string | null | undefined): number => (time ? Date.parse(time) : Infinity);

const mostRestarts = (statuses: readonly ContainerStatus[] | undefined): number =>
  (statuses ?? []).reduce((most, { restartCount }) => Math.max(most, restartCount), 0);

/** The lower come first; equal at the first difference. */
function rank(pod: Readonly<Pod>): readonly number[] {
  const ready = isPodReady(pod);
  return [
    pod.spec?.nodeName ? 1 : 0,
    phaseOrder[pod.status?.phase ?? ''] ?? 0,
    ready ? 1 : 0,
    ready ? -timeOf(podCondition(pod, 'Ready')?.lastTransitionTime) : 0,
    -Math.max(mostRestarts(pod.status?.containerStatuses), mostRestarts(pod.status?.initContainerStatuses)),
    -timeOf(pod.metadata.creationTimestamp),
  ];
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  for (const [i, x] of a.entries()) {
    const y = b[i] ?? 0;
    if (x !== y) return x < y ? -1 : 1;
  }
  return 0;
}

/** Pods in the order in which they are given up: the earlier in their life, the earlier they go. */
function byDeletionOrder(pods: readonly Readonly<Pod>[]): Readonly<Pod>[] {
  return pods
    .map((pod) => ({ pod, rank: rank(pod) }))
    .toSorted((a, b) => compareRanks(a.rank, b.rank))
    .map(({ pod }) => pod);
}

/** Pods without a valid index, and of several pods with the same index all but the last to be given up. */
function superfluous(
  job: Readonly<Job>,
  pods: readonly Readonly<Pod>[],
): { rm: Readonly<Pod>[]; left: Readonly<Pod>[] } {
  const byIndex = Map.groupBy(pods, (pod) => validIndex(pod, job));
  const rm = [...(byIndex.get(undefined) ?? [])];
  const left: Readonly<Pod>[] = [];
  for (const [index, same] of byIndex) {
    if (index === undefined) continue;
    // Nearly always: putting thousands of pods in order at each look would take long.
    if (same.length === 1) {
      left.push(...same);
      continue;
    }
    const ordered = byDeletionOrder(same);
    left.push(...ordered.slice(-1));
    rm.push(...ordered.slice(0, -1));
  }
  return { rm, left };
}

/** At least `atLeast` active pods to delete; more when indexes repeat or make no sense. */
export function podsToRemove(
  job: Readonly<Job>,
  active: readonly Readonly<Pod>[],
  atLeast: number,
): readonly Readonly<Pod>[] {
  const { rm, left } = isIndexed(job) ? superfluous(job, active) : { rm: [], left: active };
  if (rm.length >= atLeast) return rm;
  return [...rm, ...byDeletionOrder(left).slice(0, atLeast - rm.length)];
}
