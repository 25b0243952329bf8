/** The next step of a rolling update (upstream `pkg/controller/deployment/rolling.go`). */
import type { ReplicaSet } from '@kubets/api/types/apps-v1';
import { desiredOf, isRollingUpdate, maxReplicas, minAvailable } from './limits.ts';
import { activeOf, replicasOf, reportedOf, wantedOf } from './replica-sets.ts';
import type { Rollout } from './rollout.ts';

type Set = Readonly<ReplicaSet>;

/** How many pods the new ReplicaSet may have now (`NewRSNewReplicas`); `others` are all besides it. */
export function newSetReplicas(rollout: Rollout, set: Set, others: readonly Set[]): number {
  const { deployment } = rollout;
  const [desired, present] = [desiredOf(deployment), replicasOf(set)];
  if (!isRollingUpdate(deployment)) return desired;
  const room = maxReplicas(deployment) - wantedOf(others) - present;
  if (room <= 0) return present;
  return present + Math.min(room, desired - present);
}

/** Brings the new ReplicaSet nearer to the desired size (`reconcileNewReplicaSet`). Returns whether anything changed. */
export function growNewSet(rollout: Rollout): boolean {
  const { newSet, oldSets } = rollout;
  if (newSet === undefined) return false;
  const [desired, present] = [desiredOf(rollout.deployment), replicasOf(newSet)];
  if (present === desired) return false;
  if (present > desired) return rollout.resize(newSet, desired);
  return rollout.resize(newSet, newSetReplicas(rollout, newSet, oldSets));
}

/** Takes pods from the old ReplicaSets as far as enough stay available (`reconcileOldReplicaSets`). Returns whether it did. */
export function shrinkOldSets(rollout: Rollout): boolean {
  const { newSet, deployment } = rollout;
  if (newSet === undefined || wantedOf(rollout.oldSets) === 0) return false;
  // New pods that are not available yet count as missing: else a template that never works would take all old pods down.
  const newUnavailable = replicasOf(newSet) - (newSet.status?.availableReplicas ?? 0);
  const most = wantedOf(rollout.allSets) - minAvailable(deployment) - newUnavailable;
  if (most <= 0) return false;
  const removed = removeUnhealthy(rollout, most);
  return removed + removeAvailable(rollout) > 0;
}

/** Pods that are not available are missed by nobody (`cleanupUnhealthyReplicas`). */
function removeUnhealthy(rollout: Rollout, most: number): number {
  let removed = 0;
  for (const set of activeOf(rollout.oldSets)) {
    const unhealthy = replicasOf(set) - (set.status?.availableReplicas ?? 0);
    const count = Math.min(most - removed, unhealthy);
    if (count <= 0) continue;
    rollout.resize(set, replicasOf(set) - count);
    removed += count;
  }
  return removed;
}

/** `scaleDownOldReplicaSetsForRollingUpdate`. */
function removeAvailable(rollout: Rollout): number {
  const available = reportedOf(rollout.allSets, 'availableReplicas');
  const most = available - minAvailable(rollout.deployment);
  let removed = 0;
  for (const set of activeOf(rollout.oldSets)) {
    const count = Math.min(replicasOf(set), most - removed);
    if (count <= 0) break;
    rollout.resize(set, replicasOf(set) - count);
    removed += count;
  }
  return removed;
}
