/** What a Job and its pods amount to, before anything is done about it (upstream `pkg/controller/job/job_controller.go`, `syncJob`). */
import { isPodActive, isPodReady, isPodTerminating } from '@kubets/api/core/helpers/pod';
import type { Job, JobCondition } from '@kubets/api/types/batch-v1';
import type { Pod } from '@kubets/api/types/core-v1';
import { finishedAt, nextBackoff, type BackoffRecord } from './backoff.ts';
import { completionIndex, indexAbsoluteFailureCount, indexFailureCount, validIndex } from './completion-index.ts';
import { trueCondition, type Cause } from './conditions.ts';
import { countIndexes, hasIndex, parseIntervals, withIndexes, type Intervals } from './intervals.ts';
import { hasBackoffLimitPerIndex, isIndexed, isPodFailed, isSuspended, isTracked, jobCondition } from './job-spec.ts';
import { podFailure } from './pod-failure-policy.ts';
import { successPolicyMet } from './success-policy.ts';

/** All that is known about one Job. */
export interface Observed {
  readonly job: Readonly<Job>;
  /** Claimed by the Job. */
  readonly pods: readonly Readonly<Pod>[];
  /** All pods that were made and deleted have been seen. */
  readonly expectationsMet: boolean;
  /** Uids of pods whose finalizer has been removed, which has not been seen yet. */
  readonly released: ReadonlySet<string>;
  readonly backoff: BackoffRecord;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Indexes of an Indexed Job. */
export interface IndexState {
  /** As the status says. */
  readonly before: Intervals;
  readonly succeeded: Intervals;
  /** Only with a back-off limit for each index. */
  readonly failed?: Intervals;
  /** Failed pods that stay until their successors have taken over their counts. */
  readonly delayed: ReadonlyMap<number, Readonly<Pod>>;
}

export interface Assessment extends Observed {
  readonly active: readonly Readonly<Pod>[];
  readonly ready: number;
  readonly terminating: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly uncounted: { readonly succeeded: ReadonlySet<string>; readonly failed: ReadonlySet<string> };
  readonly nextBackoff: BackoffRecord;
  readonly indexes?: IndexState;
  /** The Job is over: `FailureTarget`, `SuccessCriteriaMet`, or `Failed` where the status has FailureTarget already. */
  readonly finished?: JobCondition;
  /** Milliseconds until the deadline. */
  readonly deadlineInMs?: number;
}

/** Pods that count and have not been counted (`getValidPodsWithFilter`). */
function uncountedPods(
  { job, pods, released }: Observed,
  listed: ReadonlySet<string>,
  filter: (pod: Readonly<Pod>) => boolean,
): Readonly<Pod>[] {
  const indexed = isIndexed(job);
  return pods.filter((pod) => {
    const { uid = '' } = pod.metadata;
    if (!isTracked(pod) || listed.has(uid) || released.has(uid)) return false;
    return (!indexed || validIndex(pod, job) !== undefined) && filter(pod);
  });
}

/** Looks at everything; decides whether the Job is over. */
export function assess(observed: Observed): Assessment {
  const { job, pods } = observed;
  const { status = {} } = job;
  const uncounted = {
    succeeded: new Set(status.uncountedTerminatedPods?.succeeded),
    failed: new Set(status.uncountedTerminatedPods?.failed),
  };
  const active = pods.filter(isPodActive);
  const newSucceeded = uncountedPods(observed, uncounted.succeeded, (pod) => pod.status?.phase === 'Succeeded');
  const newFailed = uncountedPods(observed, uncounted.failed, (pod) => isPodFailed(pod, job));
  const policy = job.spec?.podFailurePolicy;
  const counted = policy === undefined ? newFailed : newFailed.filter((pod) => podFailure(policy, pod).counts);
  const indexes = isIndexed(job) ? assessIndexes(observed, active) : undefined;
  const failed = (status.failed ?? 0) + counted.length + uncounted.failed.size;
  const ended = decideEnd(observed, { failed, indexes });
  return {
    ...observed,
    active,
    ready: active.filter(isPodReady).length,
    terminating: pods.filter(isPodTerminating).length,
    succeeded: indexes
      ? countIndexes(indexes.succeeded)
      : (status.succeeded ?? 0) + newSucceeded.length + uncounted.succeeded.size,
    failed,
    uncounted,
    nextBackoff: nextBackoff(observed.backoff, newSucceeded, newFailed),
    ...(indexes && { indexes }),
    ...ended,
  };
}

function assessIndexes(observed: Observed, active: readonly Readonly<Pod>[]): IndexState {
  const { job, pods } = observed;
  const completions = job.spec?.completions ?? 0;
  const before = parseIntervals(job.status?.completedIndexes, completions);
  const indexesOf = (filter: (pod: Readonly<Pod>) => boolean): number[] =>
    pods.filter((pod) => isTracked(pod) && filter(pod)).flatMap((pod) => validIndex(pod, job) ?? []);
  const succeeded = withIndexes(
    before,
    indexesOf((pod) => pod.status?.phase === 'Succeeded'),
  );
  if (!hasBackoffLimitPerIndex(job)) return { before, succeeded, delayed: new Map() };
  const failed = withIndexes(
    parseIntervals(job.status?.failedIndexes, completions),
    indexesOf((pod) => isIndexFailed(job, pod)),
  );
  return { before, succeeded, failed, delayed: delayedPods(observed, active, { succeeded, failed }) };
}

/** Whether with this pod its index has failed for good. */
function isIndexFailed(job: Readonly<Job>, pod: Readonly<Pod>): boolean {
  if (!isPodFailed(pod, job)) return false;
  const { action, counts } = podFailure(job.spec?.podFailurePolicy, pod);
  if (action === 'FailIndex') return true;
  return counts && indexFailureCount(pod) >= (job.spec?.backoffLimitPerIndex ?? 0);
}

/**
 * The last failed pod of each index that is to be tried again: it stays until its successor exists, so that the count of
 * failures is not lost (`getPodsWithDelayedDeletionPerIndex`).
 */
function delayedPods(
  observed: Observed,
  active: readonly Readonly<Pod>[],
  { succeeded, failed }: { readonly succeeded: Intervals; readonly failed: Intervals },
): ReadonlyMap<number, Readonly<Pod>> {
  const running = new Set(active.map(completionIndex));
  const delayed = new Map<number, Readonly<Pod>>();
  const none = new Set<string>();
  for (const pod of uncountedPods(observed, none, (each) => isPodFailed(each, observed.job))) {
    const index = completionIndex(pod);
    if (index === undefined || running.has(index) || hasIndex(succeeded, index) || hasIndex(failed, index)) continue;
    const other = delayed.get(index);
    if (other === undefined || isLater(pod, other)) delayed.set(index, pod);
  }
  return delayed;
}

const isLater = (pod: Readonly<Pod>, other: Readonly<Pod>): boolean =>
  indexAbsoluteFailureCount(other) <= indexAbsoluteFailureCount(pod) && finishedAt(pod) >= finishedAt(other);

interface Counts {
  readonly failed: number;
  readonly indexes: IndexState | undefined;
}

type End = Pick<Assessment, 'finished' | 'deadlineInMs'>;

function decideEnd(observed: Observed, counts: Counts): End {
  const { job, now } = observed;
  const { conditions } = job.status ?? {};
  const met = jobCondition(conditions, 'SuccessCriteriaMet');
  if (met?.status === 'True') return { finished: met };
  const target = jobCondition(conditions, 'FailureTarget');
  if (target?.status === 'True') {
    const { reason = '', message = '' } = target;
    return { finished: trueCondition('Failed', { reason, message }, now) };
  }
  const cause = failureByPods(observed) ?? failureByLimits(observed, counts.failed) ?? failureByIndexes(job, counts);
  if (cause !== undefined) return { finished: trueCondition('FailureTarget', cause, now) };
  const deadline = deadlineOf(job);
  const waiting: End = deadline === undefined ? {} : { deadlineInMs: deadline - now };
  const succeeded = counts.indexes?.succeeded ?? [];
  const message = successPolicyMet(job.spec?.successPolicy, job.spec?.completions ?? 0, succeeded);
  if (message === undefined) return waiting;
  return { ...waiting, finished: trueCondition('SuccessCriteriaMet', { reason: 'SuccessPolicy', message }, now) };
}

/** A rule FailJob of the failure policy (`getFailJobMessage`). */
function failureByPods({ job, pods }: Observed): Cause | undefined {
  const policy = job.spec?.podFailurePolicy;
  if (policy === undefined) return undefined;
  for (const pod of pods) {
    const message = isPodFailed(pod, job) ? podFailure(policy, pod).message : undefined;
    if (message !== undefined) return { reason: 'PodFailurePolicy', message };
  }
  return undefined;
}

function failureByLimits({ job, pods, now }: Observed, failed: number): Cause | undefined {
  if (failed > (job.spec?.backoffLimit ?? 6) || pastBackoffLimitOnFailure(job, pods)) {
    return { reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' };
  }
  const deadline = deadlineOf(job);
  if (deadline === undefined || now < deadline) return undefined;
  return { reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' };
}

function failureByIndexes(job: Readonly<Job>, { indexes }: Counts): Cause | undefined {
  if (indexes?.failed === undefined) return undefined;
  const failed = countIndexes(indexes.failed);
  const { maxFailedIndexes = Infinity, completions = 0 } = job.spec ?? {};
  if (failed > maxFailedIndexes) {
    const message = 'Job has exceeded the specified maximal number of failed indexes';
    return { reason: 'MaxFailedIndexesExceeded', message };
  }
  if (failed === 0 || failed + countIndexes(indexes.succeeded) < completions) return undefined;
  return { reason: 'FailedIndexes', message: 'Job has failed indexes' };
}

/** When the Job has been active for too long. None before it starts or starts again: it counts from that moment. */
function deadlineOf(job: Readonly<Job>): number | undefined {
  const seconds = job.spec?.activeDeadlineSeconds;
  const start = job.status?.startTime;
  if (seconds === undefined || !start || isSuspended(job)) return undefined;
  if (jobCondition(job.status?.conditions, 'Suspended')?.status === 'True') return undefined;
  return Date.parse(start) + seconds * 1000;
}

/** With restartPolicy OnFailure, restarts of containers count (`pastBackoffLimitOnFailure`). */
function pastBackoffLimitOnFailure(job: Readonly<Job>, pods: readonly Readonly<Pod>[]): boolean {
  if (job.spec?.template.spec?.restartPolicy !== 'OnFailure') return false;
  let restarts = 0;
  for (const { status } of pods) {
    if (status?.phase !== 'Running' && status?.phase !== 'Pending') continue;
    for (const { restartCount = 0 } of status.initContainerStatuses ?? []) restarts += restartCount;
    for (const { restartCount = 0 } of status.containerStatuses ?? []) restarts += restartCount;
  }
  const limit = job.spec.backoffLimit ?? 6;
  return limit === 0 ? restarts > 0 : restarts >= limit;
}
