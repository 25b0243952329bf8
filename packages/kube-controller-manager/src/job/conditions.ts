/** Conditions of Jobs (upstream `pkg/controller/job/job_controller.go`, `newCondition`, `ensureJobConditionStatus`). */
import { formatTime } from '@kubets/apimachinery/time';
import type { JobCondition } from '@kubets/api/types/batch-v1';

/** Why a Job failed, in words; `reason` and `message` of a condition. */
export interface Cause {
  readonly reason: string;
  readonly message: string;
}

/** A condition that is True since `now`. */
export function trueCondition(type: string, cause: Cause | undefined, now: number): JobCondition {
  return newCondition({ type, status: 'True', reason: cause?.reason ?? '', message: cause?.message ?? '' }, now);
}

function newCondition(
  { type, status, reason, message }: Required<Pick<JobCondition, 'type' | 'status' | 'reason' | 'message'>>,
  now: number,
): JobCondition {
  const time = formatTime(now);
  return {
    type,
    status,
    lastProbeTime: time,
    lastTransitionTime: time,
    ...(reason !== '' && { reason }),
    ...(message !== '' && { message }),
  };
}

/**
 * The list with the condition as wanted; undefined when it is so already. What was never there and is to be False is not added:
 * that would say nothing.
 */
export function ensureCondition(
  conditions: readonly JobCondition[],
  wanted: Required<Pick<JobCondition, 'type' | 'status' | 'reason' | 'message'>>,
  now: number,
): JobCondition[] | undefined {
  const { type, status, reason, message } = wanted;
  const index = conditions.findIndex((condition) => condition.type === type);
  const there = conditions[index];
  if (there === undefined) return status === 'False' ? undefined : [...conditions, newCondition(wanted, now)];
  const { reason: oldReason = '', message: oldMessage = '' } = there;
  if (there.status === status && oldReason === reason && oldMessage === message) return undefined;
  return conditions.with(index, newCondition(wanted, now));
}
