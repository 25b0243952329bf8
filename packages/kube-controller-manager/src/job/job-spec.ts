/** What a Job's fields mean (upstream `pkg/controller/job/job_controller.go`, `util/utils.go`). */
import type { Job, JobCondition } from '@kubets/api/types/batch-v1';
import type { Pod } from '@kubets/api/types/core-v1';

/** Keeps a pod until it has been counted. */
export const jobTrackingFinalizer = 'batch.kubernetes.io/job-tracking';

/** `spec.managedBy` of Jobs that are this controller's. */
const jobControllerName = 'kubernetes.io/job-controller';

/** Whether pods have completion indexes. */
export const isIndexed = (job: Readonly<Job>): boolean => job.spec?.completionMode === 'Indexed';

/** Whether failures are limited for each index. */
export const hasBackoffLimitPerIndex = (job: Readonly<Job>): boolean => job.spec?.backoffLimitPerIndex !== undefined;

/** Whether the Job is to have no pods now. */
export const isSuspended = (job: Readonly<Job>): boolean => job.spec?.suspend === true;

/** Pods that are going away are replaced when they have ended, not before (`onlyReplaceFailedPods`). */
export const replacesFailedOnly = (job: Readonly<Job>): boolean =>
  job.spec?.podReplacementPolicy === 'Failed' || job.spec?.podFailurePolicy !== undefined;

/** Whether the pod has not been counted yet. */
export const isTracked = (pod: Readonly<Pod>): boolean =>
  pod.metadata.finalizers?.includes(jobTrackingFinalizer) === true;

/** The name of the controller that manages the Job, if it is another one (`managedByExternalController`). */
export function externalManager(job: Readonly<Job>): string | undefined {
  const manager = job.spec?.managedBy;
  return manager === jobControllerName ? undefined : manager;
}

/** Whether the pod counts as failed; deleted pods may never reach the phase (`isPodFailed`). */
export function isPodFailed(pod: Readonly<Pod>, job: Readonly<Job>): boolean {
  if (pod.status?.phase === 'Failed') return true;
  if (replacesFailedOnly(job)) return false;
  return pod.metadata.deletionTimestamp !== undefined && pod.status?.phase !== 'Succeeded';
}

/** The condition of a type. */
export function jobCondition(
  conditions: readonly JobCondition[] | undefined,
  type: string,
): Readonly<JobCondition> | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** `Complete` or `Failed` when the Job has ended for good (`FinishedCondition`, `IsJobFinished`). */
export function finishedType(job: Readonly<Job>): 'Complete' | 'Failed' | undefined {
  for (const { type, status } of job.status?.conditions ?? []) {
    if (status === 'True' && (type === 'Complete' || type === 'Failed')) return type;
  }
  return undefined;
}
