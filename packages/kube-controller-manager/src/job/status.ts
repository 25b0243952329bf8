/** A Job's status while it is worked out (upstream `pkg/controller/job/job_controller.go`, `syncJob`, `enactJobFinished`). */
import { formatTime } from '@kubets/apimachinery/time';
import type { Job, JobCondition, JobStatus } from '@kubets/api/types/batch-v1';
import type { Assessment } from './assess.ts';
import { ensureCondition } from './conditions.ts';
import { isSuspended } from './job-spec.ts';

/** What is left of the pods after what was done to them. */
export interface PodCounts {
  readonly active: number;
  readonly ready: number;
  readonly terminating: number;
}

/** A status whose parts are all there, to be changed in place. */
export type StatusDraft = Omit<Required<JobStatus>, 'startTime' | 'completionTime' | 'failedIndexes'> & {
  startTime: string | undefined;
  completionTime: string | undefined;
  failedIndexes: string | undefined;
  uncountedTerminatedPods: { succeeded: string[]; failed: string[] };
};

/** The status as a draft. Shares nothing with it that is changed in place. */
export function draftOf(status: Readonly<JobStatus> = {}): StatusDraft {
  const { succeeded, failed } = status.uncountedTerminatedPods ?? {};
  return {
    conditions: status.conditions ?? [],
    startTime: status.startTime ?? undefined,
    completionTime: status.completionTime ?? undefined,
    active: status.active ?? 0,
    succeeded: status.succeeded ?? 0,
    failed: status.failed ?? 0,
    terminating: status.terminating ?? 0,
    completedIndexes: status.completedIndexes ?? '',
    failedIndexes: status.failedIndexes,
    uncountedTerminatedPods: { succeeded: [...(succeeded ?? [])], failed: [...(failed ?? [])] },
    ready: status.ready ?? 0,
  };
}

/** The status as it is written: counts of zero and empty lists are left out as Go leaves them out. */
export function statusOf(draft: StatusDraft): JobStatus {
  const { conditions, startTime, completionTime, active, succeeded, failed } = draft;
  const { terminating, completedIndexes, failedIndexes, uncountedTerminatedPods: uncounted, ready } = draft;
  return {
    ...(conditions.length > 0 && { conditions }),
    ...(startTime !== undefined && { startTime }),
    ...(completionTime !== undefined && { completionTime }),
    ...(active !== 0 && { active }),
    ...(succeeded !== 0 && { succeeded }),
    ...(failed !== 0 && { failed }),
    terminating,
    ...(completedIndexes !== '' && { completedIndexes }),
    ...(failedIndexes !== undefined && { failedIndexes }),
    uncountedTerminatedPods: {
      ...(uncounted.succeeded.length > 0 && { succeeded: [...uncounted.succeeded] }),
      ...(uncounted.failed.length > 0 && { failed: [...uncounted.failed] }),
    },
    ready,
  };
}

/** Counts of pods; whether anything is new. */
export function setPodCounts(draft: StatusDraft, before: Readonly<JobStatus>, counts: PodCounts): boolean {
  const { active, ready, terminating } = counts;
  Object.assign(draft, { active, ready, terminating });
  return active !== (before.active ?? 0) || ready !== before.ready || terminating !== before.terminating;
}

/** `Suspended` or `Resumed` when that is new. */
export type Suspension = 'Suspended' | 'Resumed';

/** The condition Suspended, and a fresh start time for resumed Jobs: deadlines count active time. */
export function setSuspended(draft: StatusDraft, job: Readonly<Job>, now: number): Suspension | undefined {
  const suspended = isSuspended(job);
  const conditions = ensureCondition(
    draft.conditions,
    suspended
      ? { type: 'Suspended', status: 'True', reason: 'JobSuspended', message: 'Job suspended' }
      : { type: 'Suspended', status: 'False', reason: 'JobResumed', message: 'Job resumed' },
    now,
  );
  if (conditions === undefined) return undefined;
  draft.conditions = conditions;
  if (!suspended) draft.startTime = formatTime(now);
  return suspended ? 'Suspended' : 'Resumed';
}

/** Whether all work is done. Without `completions`, one success is enough once nothing runs. */
export function isComplete({ job, succeeded }: Assessment, active: number): boolean {
  const { completions } = job.spec ?? {};
  return active === 0 && (completions === undefined ? succeeded > 0 : succeeded >= completions);
}

/**
 * The last condition, once all pods are counted and gone; whether it could be set. `finished` is of type Complete or Failed.
 */
export function enactFinished(draft: StatusDraft, finished: JobCondition, now: number): boolean {
  const { succeeded, failed } = draft.uncountedTerminatedPods;
  if (succeeded.length + failed.length > 0 || draft.terminating > 0) return false;
  const { type, reason = '', message = '' } = finished;
  draft.conditions =
    ensureCondition(draft.conditions, { type, status: 'True', reason, message }, now) ?? draft.conditions;
  if (type === 'Complete') draft.completionTime = finished.lastTransitionTime ?? formatTime(now);
  return true;
}
