/** Scaling outside of a rollout's steps (upstream `pkg/controller/deployment/sync.go`, `scale`). */
import type { ReplicaSet } from '@kubets/api/types/apps-v1';
import { desiredReplicasOf, maxReplicasOf } from './annotations.ts';
import { desiredOf, isRollingUpdate, maxReplicas } from './limits.ts';
import { activeOf, bySizeNewer, bySizeOlder, replicasOf, wantedOf } from './replica-sets.ts';
import type { Rollout } from './rollout.ts';

type Set = Readonly<ReplicaSet>;

/**
 * Whether somebody changed `spec.replicas` since the ReplicaSets were scaled last (`isScalingEvent`). With the strategy
 * Recreate several active sets are no matter of scaling: {@link scale} leaves them alone, and upstream is stuck there; ending
 * the old ones brings the new size along.
 */
export function isScalingEvent(rollout: Rollout): boolean {
  const desired = desiredOf(rollout.deployment);
  const active = activeOf(rollout.allSets);
  if (active.length > 1 && !isRollingUpdate(rollout.deployment)) return false;
  return active.some((set) => (desiredReplicasOf(set) ?? desired) !== desired);
}

/** Fits the sizes to `spec.replicas`, keeping the proportions in the middle of a rollout, so as not to hasten it. */
export function scale(rollout: Rollout): void {
  const { deployment, newSet } = rollout;
  const only = activeOrLatest(rollout);
  if (only !== undefined) {
    // Also when the size fits already: else the size noted on it would look like a scaling event for ever.
    rollout.scale(only, desiredOf(deployment));
    return;
  }
  if (newSet !== undefined && isSaturated(rollout, newSet)) {
    for (const set of activeOf(rollout.oldSets)) rollout.resize(set, 0);
  } else if (isRollingUpdate(deployment)) scaleProportionally(rollout);
}

/** The one ReplicaSet that has pods; the newest where none has; undefined where several have (`FindActiveOrLatest`). */
function activeOrLatest({ newSet, oldSets, allSets }: Rollout): Set | undefined {
  const active = activeOf(allSets);
  if (active.length > 1) return undefined;
  return active[0] ?? newSet ?? oldSets.at(-1);
}

function isSaturated({ deployment }: Rollout, set: Set): boolean {
  const desired = desiredOf(deployment);
  return (
    replicasOf(set) === desired &&
    desiredReplicasOf(set) === desired &&
    (set.status?.availableReplicas ?? 0) === desired
  );
}

function scaleProportionally(rollout: Rollout): void {
  const { deployment } = rollout;
  const active = activeOf(rollout.allSets);
  const allowed = desiredOf(deployment) > 0 ? maxReplicas(deployment) : 0;
  const toAdd = allowed - wantedOf(active);
  // The largest takes what rounding leaves over. Of equals newer ones grow first, older ones shrink first.
  const sorted = toAdd === 0 ? active : active.toSorted(toAdd > 0 ? bySizeNewer : bySizeOlder);
  let added = 0;
  const sizes = sorted.map((set) => {
    const share = proportion(rollout, set, toAdd - added, toAdd);
    added += share;
    return replicasOf(set) + share;
  });
  if (sizes[0] !== undefined) sizes[0] = Math.max(0, sizes[0] + toAdd - added);
  for (const [i, set] of sorted.entries()) rollout.scale(set, sizes[i] ?? 0);
}

/** `GetReplicaSetProportion`. */
function proportion(rollout: Rollout, set: Set, left: number, toAdd: number): number {
  if (toAdd === 0 || left === 0) return 0;
  const fraction = fractionOf(rollout, set);
  return toAdd > 0 ? Math.min(fraction, left) : Math.max(fraction, left);
}

/** By how much the ReplicaSet would grow if all grew alike (`getReplicaSetFraction`). */
function fractionOf({ deployment }: Rollout, set: Set): number {
  const size = replicasOf(set);
  if (desiredOf(deployment) === 0) return -size;
  const before = maxReplicasOf(set) || (deployment.status?.replicas ?? 0);
  if (before === 0) return 0;
  return roundAwayFromZero((size * maxReplicas(deployment)) / before) - size;
}

const roundAwayFromZero = (value: number): number => (value < 0 ? -Math.round(-value) : Math.round(value));
