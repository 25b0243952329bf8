/** The arithmetic of a Deployment's strategy (upstream `deployment_util.go`, `ResolveFenceposts` and what uses it). */
import { scaledValue, type IntOrString } from '@kubets/apimachinery/int-or-string';
import type { Deployment } from '@kubets/api/types/apps-v1';

/** How many pods the Deployment is to have. */
export const desiredOf = (deployment: Readonly<Deployment>): number => deployment.spec?.replicas ?? 1;

/** Whether old and new pods may run at the same time. */
export const isRollingUpdate = (deployment: Readonly<Deployment>): boolean =>
  deployment.spec?.strategy?.type === 'RollingUpdate';

/** A count or percentage of all; 0 for what validation would have refused. */
function scaled(value: IntOrString | undefined, total: number, round: 'up' | 'down'): number {
  try {
    return scaledValue({ value: value ?? 0, total, round });
  } catch {
    // Objects that were stored before they were checked must not stop the controller; upstream ignores the error too.
    return 0;
  }
}

/** How many pods there may be beyond the desired ones (`MaxSurge`). */
function maxSurge(deployment: Readonly<Deployment>): number {
  if (!isRollingUpdate(deployment)) return 0;
  return scaled(deployment.spec?.strategy?.rollingUpdate?.maxSurge, desiredOf(deployment), 'up');
}

/** How many of the desired pods may be missing (`MaxUnavailable`); 1 where neither more nor less pods were allowed. */
function maxUnavailable(deployment: Readonly<Deployment>): number {
  const desired = desiredOf(deployment);
  if (!isRollingUpdate(deployment) || desired === 0) return 0;
  const unavailable = scaled(deployment.spec?.strategy?.rollingUpdate?.maxUnavailable, desired, 'down');
  if (unavailable === 0 && maxSurge(deployment) === 0) return 1;
  return Math.min(unavailable, desired);
}

/** The most pods at any time. */
export const maxReplicas = (deployment: Readonly<Deployment>): number => desiredOf(deployment) + maxSurge(deployment);

/** The least available pods at any time of a rollout. */
export const minAvailable = (deployment: Readonly<Deployment>): number =>
  desiredOf(deployment) - maxUnavailable(deployment);

const unlimited = 2 ** 31 - 1;

/** Milliseconds within which a rollout must show progress; undefined: any time (`HasProgressDeadline`). */
export function progressDeadlineMs(deployment: Readonly<Deployment>): number | undefined {
  const seconds = deployment.spec?.progressDeadlineSeconds;
  return seconds === undefined || seconds === unlimited ? undefined : seconds * 1000;
}

/** How many old ReplicaSets are kept; undefined: all (`HasRevisionHistoryLimit`). */
export function revisionHistoryLimit(deployment: Readonly<Deployment>): number | undefined {
  const limit = deployment.spec?.revisionHistoryLimit;
  return limit === unlimited ? undefined : limit;
}
