/** Conditions of a pod's status (`pkg/api/v1/pod/util.go`, `UpdatePodCondition`). */
import type { ApiObject } from '@kubets/apimachinery/meta';
import { orderedCopy } from '../core/pod/struct-order.ts';

export interface PodCondition {
  type: string;
  observedGeneration?: number;
  status: string;
  lastProbeTime?: string | null;
  lastTransitionTime?: string | null;
  reason?: string;
  message?: string;
}

interface PodStatus {
  conditions?: PodCondition[];
  [field: string]: unknown;
}

/** The pod with this condition; its transition time is kept while the status is the same. Shares structure. */
export function withPodCondition(pod: Readonly<ApiObject>, condition: PodCondition, now: string): ApiObject {
  const status = (pod['status'] ?? {}) as Readonly<PodStatus>;
  const conditions = status.conditions ?? [];
  const old = conditions.find((c) => c.type === condition.type);
  const lastTransitionTime = old?.status === condition.status ? (old.lastTransitionTime ?? now) : now;
  const { type, observedGeneration, status: value, reason, message } = condition;
  const fresh: PodCondition = {
    type,
    ...(observedGeneration !== undefined && { observedGeneration }),
    status: value,
    lastProbeTime: null,
    lastTransitionTime,
    ...(reason !== undefined && { reason }),
    ...(message !== undefined && { message }),
  };
  const changed = old === undefined ? [...conditions, fresh] : conditions.map((c) => (c === old ? fresh : c));
  return { ...pod, status: orderedCopy({ ...status, conditions: changed }, 'core-v1.PodStatus') };
}

export function podCondition(pod: Readonly<ApiObject>, type: string): Readonly<PodCondition> | undefined {
  return (pod['status'] as Readonly<PodStatus> | undefined)?.conditions?.find((c) => c.type === type);
}
