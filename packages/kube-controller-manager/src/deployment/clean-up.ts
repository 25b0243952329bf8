/** Old ReplicaSets beyond the history's limit (upstream `pkg/controller/deployment/sync.go`, `cleanupDeployment`). */
import type { ReplicaSet } from '@kubets/api/types/apps-v1';
import { byRevision } from './annotations.ts';
import { revisionHistoryLimit } from './limits.ts';
import { byCreation, replicasOf } from './replica-sets.ts';
import type { Rollout } from './rollout.ts';

/** Marks the oldest revisions for deletion; those that have pods, or may get some, stay. */
export function cleanUp(rollout: Rollout): void {
  const limit = revisionHistoryLimit(rollout.deployment);
  if (limit === undefined) return;
  const alive = rollout.oldSets.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const surplus = Math.max(0, alive.length - limit);
  const sorted = alive.toSorted((a, b) => byRevision(a, b) || byCreation(a, b));
  for (const set of sorted.slice(0, surplus)) if (isIdle(set)) rollout.delete(set);
}

function isIdle(set: Readonly<ReplicaSet>): boolean {
  const { replicas = 0, observedGeneration = 0 } = set.status ?? {};
  return replicas === 0 && replicasOf(set) === 0 && (set.metadata.generation ?? 0) <= observedGeneration;
}
