/** What a Deployment reports (upstream `pkg/controller/deployment/sync.go`, `calculateStatus`, and `progress.go`). */
import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '@kubets/api/types/apps-v1';
import { conditionAt, conditionOf, reasons, withCondition, without, type Finding } from './conditions.ts';
import { desiredOf, minAvailable, progressDeadlineMs } from './limits.ts';
import { reportedOf, terminatingOf, wantedOf } from './replica-sets.ts';
import type { Rollout } from './rollout.ts';

type Set = Readonly<ReplicaSet>;

/** The counts and whether enough pods are available; the other conditions as they stand. */
export function calculateStatus(rollout: Rollout): DeploymentStatus {
  const { deployment, allSets, newSet, observed } = rollout;
  const available = reportedOf(allSets, 'availableReplicas');
  const terminating = observed.countTerminating ? terminatingOf(allSets) : undefined;
  const counts = {
    observedGeneration: deployment.metadata.generation ?? 0,
    replicas: reportedOf(allSets, 'replicas'),
    updatedReplicas: newSet?.status?.replicas ?? 0,
    readyReplicas: reportedOf(allSets, 'readyReplicas'),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, wantedOf(allSets) - available),
  };
  const { collisionCount } = deployment.status ?? {};
  const conditions = withCondition(rollout.conditions, conditionAt(availability(deployment, available), observed.now));
  return {
    ...Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0)),
    ...(terminating !== undefined && { terminatingReplicas: terminating }),
    conditions: [...conditions],
    ...(collisionCount !== undefined && { collisionCount }),
  };
}

function availability(deployment: Readonly<Deployment>, available: number): Finding {
  return available >= minAvailable(deployment)
    ? {
        type: 'Available',
        status: 'True',
        reason: reasons.minimumAvailable,
        message: 'Deployment has minimum availability.',
      }
    : {
        type: 'Available',
        status: 'False',
        reason: reasons.minimumUnavailable,
        message: 'Deployment does not have minimum availability.',
      };
}

/** The same, with the progress of the rollout and the failures of its ReplicaSets (`syncRolloutStatus`). */
export function rolloutStatus(rollout: Rollout): DeploymentStatus {
  const status = calculateStatus(rollout);
  const conditions = withFailure(rollout, withProgress(rollout, status));
  return { ...status, conditions: [...conditions] };
}

/** Whether all pods are new and available, and no old ones are left (`DeploymentComplete`). */
export function isComplete(deployment: Readonly<Deployment>, status: Readonly<DeploymentStatus> = {}): boolean {
  const desired = desiredOf(deployment);
  return (
    (status.updatedReplicas ?? 0) === desired &&
    (status.replicas ?? 0) === desired &&
    (status.availableReplicas ?? 0) === desired &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

const oldReplicas = ({ replicas = 0, updatedReplicas = 0 }: Readonly<DeploymentStatus>): number =>
  replicas - updatedReplicas;

/** Whether anything got nearer to the end since the last status (`DeploymentProgressing`). */
function isProgressing(before: Readonly<DeploymentStatus>, after: Readonly<DeploymentStatus>): boolean {
  return (
    (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    oldReplicas(after) < oldReplicas(before) ||
    (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

/** Whether the time for progress is over (`DeploymentTimedOut`). */
function isTimedOut(condition: DeploymentCondition | undefined, deadlineMs: number, now: number): boolean {
  if (condition === undefined || condition.reason === reasons.newReplicaSetAvailable) return false;
  if (condition.reason === reasons.progressDeadlineExceeded) return true;
  return Date.parse(condition.lastUpdateTime ?? '') + deadlineMs < now;
}

function withProgress(rollout: Rollout, status: DeploymentStatus): readonly DeploymentCondition[] {
  const { deployment, observed } = rollout;
  const conditions = status.conditions ?? [];
  const deadlineMs = progressDeadlineMs(deployment);
  if (deadlineMs === undefined) return without(conditions, 'Progressing');
  const current = conditionOf(conditions, 'Progressing');
  const wasComplete = oldReplicas(status) === 0 && current?.reason === reasons.newReplicaSetAvailable;
  if (wasComplete) return conditions;
  const { now } = observed;
  const set = (finding: Omit<Finding, 'type'>): readonly DeploymentCondition[] =>
    withCondition(conditions, conditionAt({ type: 'Progressing', ...finding }, now));
  const what = subject(rollout);
  if (isComplete(deployment, status)) {
    const message = `${what} has successfully progressed.`;
    return set({ status: 'True', reason: reasons.newReplicaSetAvailable, message });
  }
  if (isProgressing(deployment.status ?? {}, status)) return progressed(rollout, conditions);
  if (isTimedOut(current, deadlineMs, now)) {
    const message = `${what} has timed out progressing.`;
    return set({ status: 'False', reason: reasons.progressDeadlineExceeded, message });
  }
  return conditions;
}

function subject({ newSet, deployment }: Rollout): string {
  return newSet === undefined
    ? `Deployment ${JSON.stringify(deployment.metadata.name)}`
    : `ReplicaSet ${JSON.stringify(newSet.metadata.name)}`;
}

/** Progress moves `lastUpdateTime` even when nothing else of the condition changes: the deadline counts from there. */
function progressed(rollout: Rollout, conditions: readonly DeploymentCondition[]): readonly DeploymentCondition[] {
  const message = `${subject(rollout)} is progressing.`;
  const finding = { type: 'Progressing', status: 'True', reason: reasons.replicaSetUpdated, message } as const;
  const condition = conditionAt(finding, rollout.observed.now);
  const current = conditionOf(conditions, 'Progressing');
  const { lastTransitionTime } = current?.status === 'True' ? current : condition;
  return [
    ...without(conditions, 'Progressing'),
    { ...condition, ...(lastTransitionTime !== undefined && { lastTransitionTime }) },
  ];
}

/** The new ReplicaSet's failure counts more than another's (`getReplicaFailures`). */
function withFailure(rollout: Rollout, conditions: readonly DeploymentCondition[]): readonly DeploymentCondition[] {
  const sets: Set[] = rollout.newSet === undefined ? [] : [rollout.newSet];
  for (const { status } of [...sets, ...rollout.allSets]) {
    const failure = status?.conditions?.find(({ type }) => type === 'ReplicaFailure');
    if (failure === undefined) continue;
    const { type, status: value, lastTransitionTime: time, reason, message } = failure;
    return withCondition(conditions, {
      type,
      status: value,
      ...(time !== undefined && { lastUpdateTime: time, lastTransitionTime: time }),
      ...(reason !== undefined && { reason }),
      ...(message !== undefined && { message }),
    });
  }
  return without(conditions, 'ReplicaFailure');
}

/** Milliseconds until the deadline must be looked at again; undefined: never (`requeueStuckDeployment`). */
export function untilDeadline(rollout: Rollout, status: DeploymentStatus): number | undefined {
  const { deployment, observed } = rollout;
  const deadlineMs = progressDeadlineMs(deployment);
  const current = conditionOf(status.conditions ?? [], 'Progressing');
  if (deadlineMs === undefined || current?.lastUpdateTime === undefined) return undefined;
  if (isComplete(deployment, status) || current.reason === reasons.progressDeadlineExceeded) return undefined;
  // A second more, since times in conditions are whole seconds.
  return Math.max(0, Date.parse(current.lastUpdateTime) + deadlineMs - observed.now) + 1000;
}
