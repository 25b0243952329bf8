/** The status of a StatefulSet (upstream `pkg/controller/statefulset/stateful_set_control.go`, `computeReplicaStatus`). */
import { isPodAvailable, isPodReady } from '@kubets/api/core/helpers/pod';
import type { StatefulSetStatus } from '@kubets/api/types/apps-v1';
import type { Pod } from '@kubets/api/types/core-v1';
import { podRevision, replicasOf, type Stateful } from './identity.ts';

/** The server has it: a pod that is only planned has no phase. */
export const isCreated = (pod: Readonly<Pod>): boolean => pod.status?.phase !== undefined;
export const isTerminating = (pod: Readonly<Pod>): boolean => pod.metadata.deletionTimestamp !== undefined;
const isRunningAndReady = (pod: Readonly<Pod>): boolean => pod.status?.phase === 'Running' && isPodReady(pod);

/** Not (yet, or any more) of use to anybody: not ready for `minReadySeconds`, or going (`isUnavailable`). */
export function isUnavailable(pod: Readonly<Pod>, minReadySeconds: number, now: number): boolean {
  return isTerminating(pod) || !isRunningAndReady(pod) || !isPodAvailable(pod, minReadySeconds, now);
}

export interface StatusInput {
  readonly set: Stateful;
  readonly pods: readonly Readonly<Pod>[];
  /** Names of revisions. */
  readonly currentRevision: string;
  readonly updateRevision: string;
  readonly collisionCount: number;
  readonly now: number;
}

/** The counts, and which revisions they are about. */
export function statusOf(input: StatusInput): StatefulSetStatus & Required<Pick<StatefulSetStatus, 'currentReplicas'>> {
  const { set, pods, currentRevision, updateRevision, collisionCount, now } = input;
  const minReadySeconds = set.spec.minReadySeconds ?? 0;
  let [replicas, ready, available, current, updated] = [0, 0, 0, 0, 0];
  for (const pod of pods) {
    if (!isCreated(pod)) continue;
    replicas++;
    if (isRunningAndReady(pod)) {
      ready++;
      if (isPodAvailable(pod, minReadySeconds, now)) available++;
    }
    if (isTerminating(pod)) continue;
    if (podRevision(pod) === currentRevision) current++;
    if (podRevision(pod) === updateRevision) updated++;
  }
  return {
    observedGeneration: set.metadata.generation ?? 0,
    replicas,
    readyReplicas: ready,
    currentReplicas: current,
    updatedReplicas: updated,
    currentRevision,
    updateRevision,
    collisionCount,
    availableReplicas: available,
  };
}

/** When all replicas are updated and ready, the update revision becomes the current one (`completeRollingUpdate`). */
export function completeRollingUpdate(set: Stateful, status: StatefulSetStatus): StatefulSetStatus {
  const wanted = replicasOf(set);
  const done =
    set.spec.updateStrategy?.type === 'RollingUpdate' &&
    status.updatedReplicas === wanted &&
    status.readyReplicas === wanted &&
    status.replicas === wanted;
  if (!done) return status;
  return { ...status, currentReplicas: wanted, currentRevision: status.updateRevision ?? '' };
}

const counts = ['replicas', 'readyReplicas', 'availableReplicas', 'currentReplicas', 'updatedReplicas'] as const;
const names = ['currentRevision', 'updateRevision'] as const;

/** Whether the set does not say what `status` says (`inconsistentStatus`). */
export function isStatusOutdated(set: Stateful, status: StatefulSetStatus): boolean {
  const old: Partial<StatefulSetStatus> = set.status ?? {};
  if ((status.observedGeneration ?? 0) > (old.observedGeneration ?? 0)) return true;
  if (counts.some((name) => (status[name] ?? 0) !== (old[name] ?? 0))) return true;
  return names.some((name) => (status[name] ?? '') !== (old[name] ?? ''));
}

/** The status as Go writes it: counts of zero are left out, but for the three that are always there. */
export function statusForWriting(status: StatefulSetStatus): StatefulSetStatus {
  const written: StatefulSetStatus = {
    observedGeneration: status.observedGeneration ?? 0,
    replicas: status.replicas,
    readyReplicas: status.readyReplicas ?? 0,
    currentReplicas: status.currentReplicas ?? 0,
    updatedReplicas: status.updatedReplicas ?? 0,
    currentRevision: status.currentRevision ?? '',
    updateRevision: status.updateRevision ?? '',
    collisionCount: status.collisionCount ?? 0,
    availableReplicas: status.availableReplicas ?? 0,
  };
  for (const name of ['readyReplicas', 'currentReplicas', 'updatedReplicas'] as const) {
    if (written[name] === 0) delete written[name];
  }
  return written;
}
