/** Pods that were to be disrupted and then were not (upstream `pkg/controller/disruption/disruption.go`, `syncStalePodDisruption`). */
import { formatTime } from '@kubets/apimachinery/time';
import { isPodTerminal, podCondition } from '@kubets/api/core/helpers/pod';
import type { Pod, PodCondition } from '@kubets/api/types/core-v1';

/** So long the condition may stand before the deletion that it announces. */
const staleTargetMs = 2 * 60_000;

const disruptionTarget = 'DisruptionTarget';

/**
 * Milliseconds until the pod's DisruptionTarget condition is stale, 0 when it is; undefined when it has none that could be.
 * What a kubelet has set is never stale: its pods may take long to end.
 */
export function untilStale(pod: Readonly<Pod>, now: number): number | undefined {
  if (pod.metadata.deletionTimestamp !== undefined || isPodTerminal(pod)) return undefined;
  const condition = podCondition(pod, disruptionTarget);
  if (condition?.status !== 'True' || condition.reason === 'TerminationByKubelet') return undefined;
  return Math.max(0, Date.parse(condition.lastTransitionTime ?? '') + staleTargetMs - now || 0);
}

/** The pod, not a target any more. */
export function withoutTarget(pod: Readonly<Pod>, now: number): Pod {
  const { generation = 0 } = pod.metadata;
  const reset: PodCondition = {
    type: disruptionTarget,
    ...(generation > 0 && { observedGeneration: generation }),
    status: 'False',
    lastTransitionTime: formatTime(now),
  };
  const conditions = pod.status?.conditions?.map((given) => (given.type === disruptionTarget ? reset : given));
  return { ...pod, status: { ...pod.status, ...(conditions && { conditions }) } };
}
