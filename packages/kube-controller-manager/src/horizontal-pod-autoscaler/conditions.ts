/** Conditions of autoscalers (upstream `horizontal.go`, `setConditionInList`). */
import { formatTime } from '@kubets/apimachinery/time';
import type { HorizontalPodAutoscalerCondition } from '@kubets/api/types/autoscaling-v2';

/** A condition without its time. */
export interface Finding {
  readonly type: 'AbleToScale' | 'ScalingActive' | 'ScalingLimited';
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

/** With the finding in place; the time changes with the status only. */
export function withFinding(
  conditions: readonly HorizontalPodAutoscalerCondition[],
  { type, status, reason, message }: Finding,
  now: number,
): HorizontalPodAutoscalerCondition[] {
  const old = conditions.find((condition) => condition.type === type);
  const lastTransitionTime = old?.status === status ? old.lastTransitionTime : formatTime(now);
  const condition = {
    type,
    status,
    ...(lastTransitionTime !== undefined && { lastTransitionTime }),
    reason,
    message,
  };
  return old === undefined
    ? [...conditions, condition]
    : conditions.map((other) => (other === old ? condition : other));
}
