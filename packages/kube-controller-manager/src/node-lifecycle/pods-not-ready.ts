/** Pods of nodes of which nothing is heard are ready no more (upstream `pkg/controller/util/node/controller_utils.go`, `MarkPodsNotReady`). */
import { formatTime } from '@kubets/apimachinery/time';
import { isNotFound } from '@kubets/apimachinery/status';
import { podCondition } from '@kubets/api/core/helpers/pod';
import type { Pod } from '@kubets/api/types/core-v1';
import type { ControllerContext } from '../controller.ts';
import { settleConcurrently } from '../lib/concurrent.ts';

/** The pod's status with Ready false; undefined when it is not true now. */
function notReadyStatus(pod: Readonly<Pod>, now: number): Pod['status'] {
  const ready = podCondition(pod, 'Ready');
  if (ready === undefined || ready.status === 'False') return undefined;
  const lastTransitionTime = formatTime(now);
  const conditions = (pod.status?.conditions ?? []).map((condition) =>
    condition.type === 'Ready' ? { ...condition, status: 'False' as const, lastTransitionTime } : condition,
  );
  return { ...pod.status, conditions };
}

async function markNotReady(context: ControllerContext, pod: Readonly<Pod>): Promise<void> {
  const status = notReadyStatus(pod, context.clock.now());
  if (status === undefined) return;
  try {
    await context.client.pods(pod.metadata.namespace).updateStatus({ ...pod, status });
  } catch (error) {
    // It is gone: there is nothing left to say.
    if (isNotFound(error)) return;
    throw error;
  }
  context.events.event(pod, 'Warning', 'NodeNotReady', 'Node is not ready');
}

/** Marks them all; rejects with the first failure when all have been tried. */
export async function markPodsNotReady(context: ControllerContext, pods: readonly Readonly<Pod>[]): Promise<void> {
  const outcomes = await settleConcurrently(pods.length, (i) => markNotReady(context, pods[i] as Readonly<Pod>));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
