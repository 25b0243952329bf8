/**
 * Counting every ended pod exactly once (upstream `pkg/controller/job/job_controller.go`,
 * `trackJobStatusAndRemoveFinalizers`).
 *
 * A pod's way: its uid is written to `status.uncountedTerminatedPods`, then its finalizer is removed, then the uid leaves the
 * list and the count goes up, in one write. Whenever this is interrupted, status and finalizers say how far it has come.
 */
import type { JobCondition } from '@kubets/api/types/batch-v1';
import type { Pod } from '@kubets/api/types/core-v1';
import type { Assessment } from './assess.ts';
import { completionIndex, validIndex } from './completion-index.ts';
import { trueCondition } from './conditions.ts';
import { countIndexes, formatIntervals, hasIndex, withIndexes } from './intervals.ts';
import { isIndexed, isPodFailed, isTracked, jobCondition } from './job-spec.ts';
import { podFailure } from './pod-failure-policy.ts';
import type { StatusDraft } from './status.ts';

/** So many uids may be in the list at a time: it is to stay below 20 kB. */
const maxUncountedPods = 500;

/** Pods whose finalizer can go after the status is written. */
export interface Tracking {
  readonly release: readonly Readonly<Pod>[];
  /** Uids of pods that have not been counted; those that are released leave it. */
  readonly tracked: Set<string>;
  /** There are more pods to count than go into one write. */
  readonly more: boolean;
  /** How often each action of the failure policy was taken. */
  readonly policyActions: ReadonlyMap<string, number>;
}

/** Uids leave the list as soon as the finalizer is gone, and count from then on; whether any did (`cleanUncountedPodsWithoutFinalizers`). */
export function countReleased(draft: StatusDraft, tracked: ReadonlySet<string>): boolean {
  const { succeeded, failed } = draft.uncountedTerminatedPods;
  const leftSucceeded = succeeded.filter((uid) => tracked.has(uid));
  const leftFailed = failed.filter((uid) => tracked.has(uid));
  const counted = succeeded.length - leftSucceeded.length + failed.length - leftFailed.length;
  if (counted === 0) return false;
  draft.succeeded += succeeded.length - leftSucceeded.length;
  draft.failed += failed.length - leftFailed.length;
  draft.uncountedTerminatedPods = { succeeded: leftSucceeded, failed: leftFailed };
  return true;
}

/** Whether the pod's finalizer may go (`canRemoveFinalizer`). */
function isReleasable({ job, indexes }: Assessment, finished: boolean, pod: Readonly<Pod>): boolean {
  if (job.metadata.deletionTimestamp !== undefined || finished || pod.status?.phase === 'Succeeded') return true;
  if (!isPodFailed(pod, job)) return false;
  const index = completionIndex(pod);
  return index === undefined || indexes?.delayed.get(index)?.metadata.uid !== pod.metadata.uid;
}

class Tracker {
  readonly tracked = new Set<string>();
  readonly newIndexes: number[] = [];
  readonly policyActions = new Map<string, number>();
  readonly #assessment: Assessment;
  readonly #draft: StatusDraft;
  readonly #finished: JobCondition | undefined;

  constructor(assessment: Assessment, draft: StatusDraft, finished: JobCondition | undefined) {
    this.#assessment = assessment;
    this.#draft = draft;
    this.#finished = finished;
    for (const pod of assessment.pods) {
      if (this.#isOpen(pod)) this.tracked.add(pod.metadata.uid ?? '');
    }
  }

  get full(): boolean {
    const { succeeded, failed } = this.#draft.uncountedTerminatedPods;
    return this.newIndexes.length + succeeded.length + failed.length >= maxUncountedPods;
  }

  /** Whether the pod's finalizer can go; it is in the lists then if it counts. */
  take(pod: Readonly<Pod>): boolean {
    if (!this.#isOpen(pod) || !isReleasable(this.#assessment, this.#finished !== undefined, pod)) return false;
    const { uid = '' } = pod.metadata;
    const { job, uncounted } = this.#assessment;
    const isFailure =
      isPodFailed(pod, job) || (this.#finished !== undefined && this.#finished.type !== 'SuccessCriteriaMet');
    if (pod.status?.phase === 'Succeeded' && !uncounted.failed.has(uid)) this.#addSucceeded(pod, uid);
    else if (isFailure && !uncounted.failed.has(uid)) this.#addFailed(pod, uid);
    return true;
  }

  /** Not counted yet, as far as is known. */
  #isOpen(pod: Readonly<Pod>): boolean {
    return isTracked(pod) && !this.#assessment.released.has(pod.metadata.uid ?? '');
  }

  #addSucceeded(pod: Readonly<Pod>, uid: string): void {
    const { job, indexes, uncounted } = this.#assessment;
    if (indexes === undefined) {
      if (!uncounted.succeeded.has(uid)) this.#draft.uncountedTerminatedPods.succeeded.push(uid);
      return;
    }
    const index = validIndex(pod, job);
    // The index itself tells that it has been counted: no uid is needed.
    if (index !== undefined && !hasIndex(indexes.before, index)) this.newIndexes.push(index);
  }

  #addFailed(pod: Readonly<Pod>, uid: string): void {
    const { job, indexes } = this.#assessment;
    if (indexes !== undefined && validIndex(pod, job) === undefined) return;
    const { counts, action } = podFailure(job.spec?.podFailurePolicy, pod);
    if (action !== undefined) this.policyActions.set(action, (this.policyActions.get(action) ?? 0) + 1);
    if (counts) this.#draft.uncountedTerminatedPods.failed.push(uid);
  }
}

/** Puts ended pods into the status, up to a limit. */
export function trackPods(assessment: Assessment, draft: StatusDraft, finished: JobCondition | undefined): Tracking {
  const tracker = new Tracker(assessment, draft, finished);
  countReleased(draft, tracker.tracked);
  const release: Readonly<Pod>[] = [];
  let more = false;
  for (const pod of inOrder(assessment)) {
    if (tracker.take(pod)) release.push(pod);
    if (!tracker.full) continue;
    more = true;
    break;
  }
  setIndexes(assessment, draft, tracker.newIndexes);
  return { release, tracked: tracker.tracked, more, policyActions: tracker.policyActions };
}

/** Indexes are completed in order. */
function inOrder({ job, pods }: Assessment): readonly Readonly<Pod>[] {
  if (!isIndexed(job)) return pods;
  return pods
    .map((pod) => ({ pod, index: completionIndex(pod) ?? -1 }))
    .toSorted((a, b) => a.index - b.index)
    .map(({ pod }) => pod);
}

function setIndexes({ indexes }: Assessment, draft: StatusDraft, added: readonly number[]): void {
  if (indexes === undefined) return;
  const succeeded = withIndexes(indexes.succeeded, added);
  draft.succeeded = countIndexes(succeeded);
  draft.completedIndexes = formatIntervals(succeeded);
  draft.failedIndexes = indexes.failed && formatIntervals(indexes.failed);
}

/**
 * Writes down that the Job is ending, and returns the condition with which it will have ended: FailureTarget and
 * SuccessCriteriaMet come before the finalizers go, Failed and Complete after.
 */
export function announceEnd(draft: StatusDraft, finished: JobCondition, now: number): JobCondition {
  const { type, reason = '', message = '' } = finished;
  if (type !== 'FailureTarget' && type !== 'SuccessCriteriaMet') return finished;
  if (jobCondition(draft.conditions, type)?.status !== 'True') draft.conditions = [...draft.conditions, finished];
  return trueCondition(type === 'FailureTarget' ? 'Failed' : 'Complete', { reason, message }, now);
}
