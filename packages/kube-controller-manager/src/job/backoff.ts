/** How long a Job waits before it replaces failed pods (upstream `pkg/controller/job/backoff_utils.go`). */
import { podCondition } from '@kubets/api/core/helpers/pod';
import type { Pod } from '@kubets/api/types/core-v1';

const baseMs = 10_000;
const maxMs = 600_000;

/** Kept in memory for each Job. */
export interface BackoffRecord {
  readonly failuresAfterLastSuccess: number;
  /** Milliseconds since 1970; there when there are failures. */
  readonly lastFailure?: number;
}

/** No failures. */
export const noFailures: BackoffRecord = { failuresAfterLastSuccess: 0 };

function containersFinished(pod: Readonly<Pod>): number | undefined {
  let last: number | undefined;
  for (const { state } of pod.status?.containerStatuses ?? []) {
    const at = state?.terminated?.finishedAt;
    if (at === undefined || at === null) return undefined;
    last = Math.max(last ?? 0, Date.parse(at));
  }
  return last;
}

/**
 * When the pod ended, as well as can be known: the last container's end, becoming unready, the moment of its deletion, its
 * creation (`getFinishedTime`).
 */
export function finishedAt(pod: Readonly<Pod>): number {
  const containers = containersFinished(pod);
  if (containers !== undefined) return containers;
  const ready = podCondition(pod, 'Ready');
  if (ready?.status === 'False' && ready.lastTransitionTime) return Date.parse(ready.lastTransitionTime);
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, creationTimestamp } = pod.metadata;
  if (deletionTimestamp !== undefined) return Date.parse(deletionTimestamp) - deletionGracePeriodSeconds * 1000;
  return Date.parse(creationTimestamp ?? '') || 0;
}

const latest = (times: readonly number[]): number => times.reduce((last, at) => Math.max(last, at), 0);

/** The record after more pods have ended (`newBackoffRecord`). */
export function nextBackoff(
  before: BackoffRecord,
  succeeded: readonly Readonly<Pod>[],
  failed: readonly Readonly<Pod>[],
): BackoffRecord {
  if (failed.length === 0) return succeeded.length === 0 ? before : noFailures;
  const failures = failed.map(finishedAt);
  if (succeeded.length === 0) {
    const failuresAfterLastSuccess = before.failuresAfterLastSuccess + failures.length;
    return { failuresAfterLastSuccess, lastFailure: latest(failures) };
  }
  const lastSuccess = latest(succeeded.map(finishedAt));
  const after = failures.filter((at) => at > lastSuccess);
  if (after.length === 0) return noFailures;
  return { failuresAfterLastSuccess: after.length, lastFailure: latest(after) };
}

/** Milliseconds from `now` until the next pod may be made: 10 s doubling to 10 minutes after each failure (`getRemainingTimeForFailuresCount`). */
export function remainingBackoff({ failuresAfterLastSuccess, lastFailure }: BackoffRecord, now: number): number {
  if (failuresAfterLastSuccess === 0 || lastFailure === undefined) return 0;
  const pause = Math.min(maxMs, baseMs * 2 ** (failuresAfterLastSuccess - 1));
  return Math.max(0, pause - (now - lastFailure));
}
