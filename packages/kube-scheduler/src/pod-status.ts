/** Writes the PodScheduled condition and the nominated node (`schedule_one.go`, `updatePod`; `util/utils.go`, `PatchPodStatus`). */
import type { Clock } from '@kubets/apimachinery/clock';
import type { Pod, PodCondition } from '@kubets/api/types/core-v1';
import { podCondition } from '@kubets/api/core/helpers/pod';
import type { KubeClient } from '@kubets/client';

export interface PodStatusChange {
  /** Of the condition; undefined: it stays as it is. */
  readonly reason?: 'Unschedulable' | 'SchedulerError';
  readonly message?: string;
  /** Undefined: stays as it is. */
  readonly nominatedNodeName?: string | undefined;
}

function conditionOf(pod: Readonly<Pod>, { reason, message }: PodStatusChange, now: number): PodCondition | undefined {
  if (reason === undefined) return undefined;
  const before = podCondition(pod, 'PodScheduled');
  const { generation } = pod.metadata;
  const same = before?.status === 'False' && before.reason === reason && before.message === message;
  if (same && before.observedGeneration === generation) return undefined;
  const time = new Date(now).toISOString().replace(/\.\d+Z$/, 'Z');
  return {
    type: 'PodScheduled',
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    status: 'False',
    lastProbeTime: null as unknown as string,
    lastTransitionTime: before?.status === 'False' ? (before.lastTransitionTime ?? time) : time,
    reason,
    message,
  } as PodCondition;
}

/** Nothing is sent when nothing would change. Rejects as the client does. */
export async function patchPodStatus(
  pod: Readonly<Pod>,
  change: PodStatusChange,
  { client, clock }: { readonly client: KubeClient; readonly clock: Clock },
): Promise<void> {
  const condition = conditionOf(pod, change, clock.now());
  const { nominatedNodeName } = change;
  const nominates = nominatedNodeName !== undefined && nominatedNodeName !== (pod.status?.nominatedNodeName ?? '');
  if (condition === undefined && !nominates) return;
  const { namespace = '', name = '', uid } = pod.metadata;
  const status = {
    ...(condition === undefined ? {} : { conditions: [condition] }),
    ...(nominates ? { nominatedNodeName: nominatedNodeName === '' ? null : nominatedNodeName } : {}),
  };
  await client.pods(namespace).patch(name, {
    type: 'application/strategic-merge-patch+json',
    subresource: 'status',
    body: { metadata: { uid }, status },
  });
}
