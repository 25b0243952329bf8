/** Conditions of Deployments (upstream `deployment_util.go`, `SetDeploymentCondition`). */
import { formatTime } from '@kubets/apimachinery/time';
import type { DeploymentCondition } from '@kubets/api/types/apps-v1';

export type ConditionType = 'Progressing' | 'Available' | 'ReplicaFailure';
type Conditions = readonly DeploymentCondition[];

/** Reasons of Progressing and Available. */
export const reasons = {
  replicaSetUpdated: 'ReplicaSetUpdated',
  replicaSetCreateError: 'ReplicaSetCreateError',
  newReplicaSetCreated: 'NewReplicaSetCreated',
  foundNewReplicaSet: 'FoundNewReplicaSet',
  newReplicaSetAvailable: 'NewReplicaSetAvailable',
  progressDeadlineExceeded: 'ProgressDeadlineExceeded',
  paused: 'DeploymentPaused',
  resumed: 'DeploymentResumed',
  minimumAvailable: 'MinimumReplicasAvailable',
  minimumUnavailable: 'MinimumReplicasUnavailable',
} as const;

/** A condition without its times. */
export interface Finding {
  readonly type: ConditionType;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
}

/** As found at `now`. */
export function conditionAt({ type, status, reason, message }: Finding, now: number): DeploymentCondition {
  const time = formatTime(now);
  return { type, status, lastUpdateTime: time, lastTransitionTime: time, reason, message };
}

export const conditionOf = (conditions: Conditions, type: ConditionType): DeploymentCondition | undefined =>
  conditions.find((condition) => condition.type === type);

export const without = (conditions: Conditions, type: ConditionType): Conditions =>
  conditions.some((condition) => condition.type === type)
    ? conditions.filter((condition) => condition.type !== type)
    : conditions;

/** With the condition in place of its predecessor, unless that has the same status and reason; then all stay as they are. */
export function withCondition(conditions: Conditions, condition: DeploymentCondition): Conditions {
  const type = condition.type as ConditionType;
  const old = conditionOf(conditions, type);
  if (old?.status === condition.status && old.reason === condition.reason) return conditions;
  const { lastTransitionTime } = old?.status === condition.status ? old : condition;
  return [
    ...without(conditions, type),
    { ...condition, ...(lastTransitionTime !== undefined && { lastTransitionTime }) },
  ];
}
