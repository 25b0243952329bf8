/** What is to be done about a Job's pods (upstream `pkg/controller/job/job_controller.go`, `manageJob`). */
import { isPodTerminating } from '@kubets/api/core/helpers/pod';
import type { Pod } from '@kubets/api/types/core-v1';
import type { Assessment } from './assess.ts';
import { finishedAt, remainingBackoff } from './backoff.ts';
import { completionIndex, indexAbsoluteFailureCount } from './completion-index.ts';
import { podsToRemove } from './deletion-order.ts';
import { firstFreeIndexes, mergeIntervals, withIndexes } from './intervals.ts';
import { hasBackoffLimitPerIndex, isSuspended, replacesFailedOnly } from './job-spec.ts';

/** So many pods are made or deleted in one go, so that a large Job does not keep others waiting. */
const maxPodsPerSync = 500;

export type PodPlan =
  /** Something asked for has not been seen yet, or the Job is going away: hands off. */
  | { readonly type: 'hold' }
  | { readonly type: 'none' }
  /** The Job is over: delete all active pods. They keep their finalizers until they are counted. */
  | { readonly type: 'end'; readonly pods: readonly Readonly<Pod>[] }
  /** Delete pods that are not to be counted. */
  | { readonly type: 'delete'; readonly pods: readonly Readonly<Pod>[] }
  | { readonly type: 'wait'; readonly ms: number }
  /** With `indexes`, one pod for each. */
  | { readonly type: 'create'; readonly count: number; readonly indexes?: readonly number[] };

/** Decides; deleting goes before making. */
export function planPods(assessment: Assessment): PodPlan {
  const { job, active, finished, expectationsMet } = assessment;
  if (finished !== undefined) return { type: 'end', pods: active };
  if (!expectationsMet || job.metadata.deletionTimestamp !== undefined) return { type: 'hold' };
  if (isSuspended(job)) {
    const pods = podsToRemove(job, active, active.length);
    return pods.length === 0 ? { type: 'none' } : { type: 'delete', pods };
  }
  const wanted = wantedActive(assessment);
  const surplus = podsToRemove(job, active, Math.max(0, active.length - wanted)).slice(0, maxPodsPerSync);
  if (surplus.length > 0) return { type: 'delete', pods: surplus };
  const terminating = replacesFailedOnly(job) ? assessment.terminating : 0;
  const missing = wanted - terminating - active.length;
  return missing > 0 ? planCreation(assessment, missing) : { type: 'none' };
}

function wantedActive({ job, active, succeeded }: Assessment): number {
  const { completions, parallelism = 1 } = job.spec ?? {};
  // Any success means that the work is done: what runs may end, nothing is started.
  if (completions === undefined) return succeeded > 0 ? active.length : parallelism;
  return Math.max(0, Math.min(parallelism, completions - succeeded));
}

function planCreation(assessment: Assessment, missing: number): PodPlan {
  const { job, now, indexes } = assessment;
  if (!hasBackoffLimitPerIndex(job)) {
    const ms = remainingBackoff(assessment.nextBackoff, now);
    if (ms > 0) return { type: 'wait', ms };
  }
  const count = Math.min(missing, maxPodsPerSync);
  if (indexes === undefined) return { type: 'create', count };
  const free = freeIndexes(assessment, count);
  if (!hasBackoffLimitPerIndex(job)) return creation(free);
  const pauses = free.map((index) => indexBackoff(indexes.delayed.get(index), now));
  const ready = free.filter((_, i) => pauses[i] === 0);
  return ready.length > 0 || free.length === 0 ? creation(ready) : { type: 'wait', ms: Math.min(...pauses) };
}

const creation = (indexes: readonly number[]): PodPlan =>
  indexes.length === 0 ? { type: 'none' } : { type: 'create', count: indexes.length, indexes };

function freeIndexes({ job, pods, active, indexes }: Assessment, count: number): number[] {
  const indexesOf = (some: readonly Readonly<Pod>[]): number[] => some.flatMap((pod) => completionIndex(pod) ?? []);
  let taken = withIndexes(indexes?.succeeded ?? [], indexesOf(active));
  if (replacesFailedOnly(job)) taken = withIndexes(taken, indexesOf(pods.filter(isPodTerminating)));
  if (indexes?.failed !== undefined) taken = mergeIntervals(taken, indexes.failed);
  return firstFreeIndexes(taken, count, job.spec?.completions ?? 0);
}

/** `getRemainingTimePerIndex`: the pod that failed last tells how often its index has. */
function indexBackoff(failed: Readonly<Pod> | undefined, now: number): number {
  if (failed === undefined) return 0;
  const failures = indexAbsoluteFailureCount(failed) + 1;
  return remainingBackoff({ failuresAfterLastSuccess: failures, lastFailure: finishedAt(failed) }, now);
}
