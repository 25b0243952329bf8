/** The next step of a Deployment (upstream `pkg/controller/deployment/deployment_controller.go`, `syncDeployment`). */
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import type { Deployment, DeploymentStatus, ReplicaSet } from '@kubets/api/types/apps-v1';
import { cleanUp } from './clean-up.ts';
import { conditionOf, reasons } from './conditions.ts';
import { desiredOf, isRollingUpdate, progressDeadlineMs } from './limits.ts';
import { activeOf, replicasOf, reportedOf } from './replica-sets.ts';
import { planRollback, rollbackRevision, type Rollback } from './rollback.ts';
import { growNewSet, newSetReplicas, shrinkOldSets } from './rolling.ts';
import { Rollout, type Observed } from './rollout.ts';
import { isScalingEvent, scale } from './scaling.ts';
import { calculateStatus, isComplete, rolloutStatus, untilDeadline } from './status.ts';

export type { Observed } from './rollout.ts';

/** To be carried out in this order; what comes later is void when something before fails. */
export interface DeploymentPlan {
  readonly creation?: Readonly<ReplicaSet>;
  /** `from`: the size before. */
  readonly updates: readonly { readonly set: Readonly<ReplicaSet>; readonly from: number }[];
  readonly deletions: readonly Readonly<ReplicaSet>[];
  /** A change of the specification, instead of all others. */
  readonly rollback?: Rollback;
  /** The Deployment with new status and annotations, to be written through the status subresource; absent: as it is. */
  readonly status?: Deployment;
  /** Look again after so many milliseconds, even if nothing happens. */
  readonly againAfterMs?: number;
}

const nothing: DeploymentPlan = { updates: [], deletions: [] };

/** Decides; does nothing. */
export function planDeployment(observed: Observed): DeploymentPlan {
  const { deployment, replicaSets } = observed;
  const rollout = new Rollout(observed);
  if (deployment.metadata.deletionTimestamp !== undefined) return settled(rollout, calculateStatus(rollout));
  notePause(rollout);
  if (deployment.spec?.paused === true) return scaled(rollout);
  const revision = rollbackRevision(deployment);
  if (revision !== undefined) return { ...nothing, rollback: planRollback(deployment, replicaSets, revision) };
  rollout.syncRevision();
  if (isScalingEvent(rollout)) return scaled(rollout);
  if (isRollingUpdate(deployment)) rollOut(rollout);
  else recreate(rollout);
  const status = rolloutStatus(rollout);
  const againAfterMs = untilDeadline(rollout, status);
  return { ...settled(rollout, status), ...(againAfterMs !== undefined && { againAfterMs }) };
}

/** While paused no progress is expected; a deadline that was missed stays missed (`checkPausedConditions`). */
function notePause(rollout: Rollout): void {
  const { deployment, conditions } = rollout;
  const current = conditionOf(conditions, 'Progressing');
  if (progressDeadlineMs(deployment) === undefined || current?.reason === reasons.progressDeadlineExceeded) return;
  const paused = deployment.spec?.paused === true;
  const noted = current?.reason === reasons.paused;
  if (paused === noted) return;
  rollout.setCondition({
    type: 'Progressing',
    status: 'Unknown',
    reason: paused ? reasons.paused : reasons.resumed,
    message: paused ? 'Deployment is paused' : 'Deployment is resumed',
  });
}

/** Paused, or somebody changed the size: sizes are fitted and nothing is rolled out (`sync`). */
function scaled(rollout: Rollout): DeploymentPlan {
  const { deployment } = rollout;
  rollout.syncRevision();
  scale(rollout);
  if (deployment.spec?.paused === true && rollbackRevision(deployment) === undefined) cleanUp(rollout);
  return settled(rollout, calculateStatus(rollout));
}

/** `rolloutRolling`: first new pods, then fewer old ones, one step at a time. */
function rollOut(rollout: Rollout): void {
  if (rollout.newSet === undefined) rollout.createNewSet((set) => newSetReplicas(rollout, set, rollout.oldSets));
  else if (growNewSet(rollout)) return;
  if (shrinkOldSets(rollout)) return;
  if (isComplete(rollout.deployment, rollout.deployment.status)) cleanUp(rollout);
}

/** `rolloutRecreate`: new pods only when all old ones have ended. */
function recreate(rollout: Rollout): void {
  const active = activeOf(rollout.oldSets);
  for (const set of active) rollout.resize(set, 0);
  if (active.length > 0 || oldPodsRunning(rollout)) return;
  const desired = desiredOf(rollout.deployment);
  if (rollout.newSet === undefined) rollout.createNewSet(() => desired);
  else if (replicasOf(rollout.newSet) !== desired) rollout.resize(rollout.newSet, desired);
  if (isComplete(rollout.deployment, rollout.deployment.status)) cleanUp(rollout);
}

function oldPodsRunning({ oldSets, observed }: Rollout): boolean {
  if (reportedOf(oldSets, 'replicas') > 0) return true;
  return oldSets.some(({ metadata }) => observed.hasRunningPods(metadata.uid ?? ''));
}

/** What has to be written to get there. */
function settled(rollout: Rollout, status: DeploymentStatus): DeploymentPlan {
  const { deployment, annotations } = rollout;
  const { metadata } = deployment;
  const unchanged = semanticEqual(deployment.status, status) && semanticEqual(metadata.annotations ?? {}, annotations);
  return {
    ...rollout.changes(),
    deletions: rollout.deletions,
    ...(!unchanged && {
      status: { ...deployment, metadata: { ...metadata, annotations: { ...annotations } }, status },
    }),
  };
}
