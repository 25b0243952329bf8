/** What a pod's status says, in one place for all components (upstream `pkg/api/v1/pod/util.go`, `pkg/controller/controller_utils.go`). */
import type { Pod, PodCondition } from '../../generated/types/core-v1.ts';

/** The condition of a type, if there is one (`GetPodCondition`). */
export function podCondition(pod: Readonly<Pod>, type: string): Readonly<PodCondition> | undefined {
  return pod.status?.conditions?.find((condition) => condition.type === type);
}

/** Whether the Ready condition is True (`IsPodReady`). */
export function isPodReady(pod: Readonly<Pod>): boolean {
  return podCondition(pod, 'Ready')?.status === 'True';
}

/**
 * Whether the pod has been ready for `minReadySeconds` at `now` (milliseconds since 1970; `IsPodAvailable`).
 */
export function isPodAvailable(pod: Readonly<Pod>, minReadySeconds: number, now: number): boolean {
  const ready = podCondition(pod, 'Ready');
  if (ready?.status !== 'True') return false;
  if (minReadySeconds === 0) return true;
  return ready.lastTransitionTime !== undefined && availableAt(ready.lastTransitionTime, minReadySeconds) <= now;
}

/**
 * Milliseconds from `now` until the pod has been ready for `minReadySeconds`; undefined when it is not ready, 0 when it is
 * available already (`nextPodAvailabilityCheck`).
 */
export function untilPodAvailable(pod: Readonly<Pod>, minReadySeconds: number, now: number): number | undefined {
  const ready = podCondition(pod, 'Ready');
  if (ready?.status !== 'True' || minReadySeconds === 0 || ready.lastTransitionTime === undefined) return undefined;
  return Math.max(0, availableAt(ready.lastTransitionTime, minReadySeconds) - now);
}

const availableAt = (since: string, minReadySeconds: number): number => Date.parse(since) + minReadySeconds * 1000;

/** Whether the pod has ended for good: Succeeded or Failed (`IsPodTerminal`). */
export function isPodTerminal(pod: Readonly<Pod>): boolean {
  const phase = pod.status?.phase;
  return phase === 'Succeeded' || phase === 'Failed';
}

/** Whether deletion has been asked for (`IsPodTerminating`: and it has not ended yet). */
export function isPodTerminating(pod: Readonly<Pod>): boolean {
  return !isPodTerminal(pod) && pod.metadata.deletionTimestamp !== undefined;
}

/** Counts towards the replicas: neither ended nor being deleted (`IsPodActive`). */
export function isPodActive(pod: Readonly<Pod>): boolean {
  return !isPodTerminal(pod) && pod.metadata.deletionTimestamp === undefined;
}
