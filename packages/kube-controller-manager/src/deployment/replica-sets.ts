/** Questions about the ReplicaSets of a Deployment (upstream `pkg/controller/deployment/util/deployment_util.go`). */
import type { ReplicaSet } from '@kubets/api/types/apps-v1';

type Set = Readonly<ReplicaSet>;

/** How many pods the set is to have. */
export const replicasOf = (set: Set): number => set.spec?.replicas ?? 1;

/** Sets that are to have pods (`FilterActiveReplicaSets`). */
export const activeOf = (sets: readonly Set[]): Set[] => sets.filter((set) => replicasOf(set) > 0);

/** What all sets together are to have (`GetReplicaCountForReplicaSets`). */
export const wantedOf = (sets: readonly Set[]): number => sets.reduce((sum, set) => sum + replicasOf(set), 0);

/** The counters of a ReplicaSet's status. */
export type Counter = 'replicas' | 'readyReplicas' | 'availableReplicas';

/** What all sets together report. */
export const reportedOf = (sets: readonly Set[], counter: Counter): number =>
  sets.reduce((sum, set) => sum + (set.status?.[counter] ?? 0), 0);

/** Pods on their way out; undefined when some set does not say (`GetTerminatingReplicaCountForReplicaSets`). */
export function terminatingOf(sets: readonly Set[]): number | undefined {
  let sum = 0;
  for (const { status } of sets) {
    if (status?.terminatingReplicas === undefined) return undefined;
    sum += status.terminatingReplicas;
  }
  return sum;
}

const compareText = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

/** Oldest first (`ReplicaSetsByCreationTimestamp`). */
export function byCreation(a: Set, b: Set): number {
  return (
    compareText(a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? '') ||
    compareText(a.metadata.name ?? '', b.metadata.name ?? '')
  );
}

/** Largest first, newer ones first among equals (`ReplicaSetsBySizeNewer`). */
export const bySizeNewer = (a: Set, b: Set): number => replicasOf(b) - replicasOf(a) || byCreation(b, a);

/** Largest first, older ones first among equals (`ReplicaSetsBySizeOlder`). */
export const bySizeOlder = (a: Set, b: Set): number => replicasOf(b) - replicasOf(a) || byCreation(a, b);
