/** What a PodDisruptionBudget allows (upstream `pkg/controller/disruption/disruption.go`, `trySync`, `updatePdbStatus`). */
import { scaledValue } from '@kubets/apimachinery/int-or-string';
import type { Condition } from '@kubets/api/types/meta-v1';
import { formatTime } from '@kubets/apimachinery/time';
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import { isPodReady } from '@kubets/api/core/helpers/pod';
import type { Pod } from '@kubets/api/types/core-v1';
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '@kubets/api/types/policy-v1';

export type Budget = Readonly<PodDisruptionBudget>;

/** So long an eviction that was granted may take until the pod is seen going; then the pod counts again. */
const deletionTimeoutMs = 2 * 60_000;

/** How many pods there should be, and how many of them healthy. */
export interface Expected {
  readonly expectedPods: number;
  readonly desiredHealthy: number;
}

/** Whether the budget speaks of a part of all replicas, so that the scale of the pods' owners has to be known. */
export function needsScale({ spec }: Budget): boolean {
  return spec?.maxUnavailable !== undefined || typeof spec?.minAvailable === 'string';
}

/**
 * What the budget expects (`getExpectedPodCount`). `scale` is the sum of the owners' replicas where {@link needsScale}.
 * Throws for a text that is no percentage.
 */
export function expectedOf({ spec }: Budget, podCount: number, scale: number): Expected {
  const { minAvailable, maxUnavailable } = spec ?? {};
  if (maxUnavailable !== undefined) {
    const missing = scaledValue({ value: maxUnavailable, total: scale, round: 'up' });
    return { expectedPods: scale, desiredHealthy: Math.max(0, scale - missing) };
  }
  if (minAvailable === undefined) return { expectedPods: 0, desiredHealthy: 0 };
  if (typeof minAvailable === 'number') return { expectedPods: podCount, desiredHealthy: minAvailable };
  return { expectedPods: scale, desiredHealthy: scaledValue({ value: minAvailable, total: scale, round: 'up' }) };
}

/** Pods whose eviction was granted (`buildDisruptedPodMap`). */
export interface Disrupted {
  /** Those that are still to go, with the times of their evictions. */
  readonly pods: Readonly<Record<string, string>>;
  /** Those that should have gone by now. */
  readonly late: readonly Readonly<Pod>[];
  /** Milliseconds until the next one is late. */
  readonly recheckMs?: number;
}

export function disruptedOf(budget: Budget, pods: readonly Readonly<Pod>[], now: number): Disrupted {
  const known = budget.status?.disruptedPods;
  const left: Record<string, string> = {};
  const late: Readonly<Pod>[] = [];
  let soonest = Infinity;
  for (const pod of known === undefined ? [] : pods) {
    const { name = '', deletionTimestamp } = pod.metadata;
    if (deletionTimestamp !== undefined || known === undefined || !Object.hasOwn(known, name)) continue;
    const since = known[name] ?? '';
    const until = Date.parse(since) + deletionTimeoutMs;
    if (until < now) late.push(pod);
    else {
      left[name] = since;
      soonest = Math.min(soonest, until);
    }
  }
  return { pods: left, late, ...(soonest < Infinity && { recheckMs: soonest - now + 1 }) };
}

/** Ready, and neither going nor granted to go (`countHealthyPods`). */
export function countHealthy(pods: readonly Readonly<Pod>[], disrupted: Disrupted['pods'], now: number): number {
  let healthy = 0;
  for (const pod of pods) {
    if (pod.metadata.deletionTimestamp !== undefined) continue;
    const since = Object.hasOwn(disrupted, pod.metadata.name ?? '') ? disrupted[pod.metadata.name ?? ''] : undefined;
    if (since !== undefined && Date.parse(since) + deletionTimeoutMs > now) continue;
    if (isPodReady(pod)) healthy++;
  }
  return healthy;
}

const allowed = 'DisruptionAllowed';

function withCondition(
  conditions: readonly Condition[] | undefined,
  condition: Omit<Condition, 'lastTransitionTime'>,
  now: number,
): Condition[] {
  const old = conditions?.find(({ type }) => type === condition.type);
  const same = old?.status === condition.status;
  const { type, status, observedGeneration = 0, reason, message } = condition;
  const lastTransitionTime = same ? old.lastTransitionTime : formatTime(now);
  const next: Condition = {
    type,
    status,
    ...(observedGeneration > 0 && { observedGeneration }),
    lastTransitionTime,
    reason,
    message,
  };
  if (old === undefined) return [...(conditions ?? []), next];
  return (conditions ?? []).map((given) => (given === old ? next : given));
}

/** What was counted. */
export interface Counted extends Expected {
  readonly currentHealthy: number;
  readonly disruptedPods: Readonly<Record<string, string>>;
}

/** The status to write; undefined when the budget says so already. */
export function planStatus(budget: Budget, counted: Counted, now: number): PodDisruptionBudgetStatus | undefined {
  const { currentHealthy, desiredHealthy, expectedPods, disruptedPods } = counted;
  // A budget that matches no pods yet must be safe when its first ones appear.
  const disruptionsAllowed = expectedPods <= 0 ? 0 : Math.max(0, currentHealthy - desiredHealthy);
  const { generation = 0 } = budget.metadata;
  const sufficient = disruptionsAllowed > 0;
  const condition = {
    type: allowed,
    status: sufficient ? ('True' as const) : ('False' as const),
    observedGeneration: generation,
    reason: sufficient ? 'SufficientPods' : 'InsufficientPods',
    message: '',
  };
  const old = budget.status;
  const given = old?.conditions?.find(({ type }) => type === allowed);
  const same =
    old !== undefined &&
    old.currentHealthy === currentHealthy &&
    old.desiredHealthy === desiredHealthy &&
    old.expectedPods === expectedPods &&
    old.disruptionsAllowed === disruptionsAllowed &&
    semanticEqual(old.disruptedPods, disruptedPods) &&
    (old.observedGeneration ?? 0) === generation &&
    (given?.observedGeneration ?? 0) === generation &&
    given?.status === condition.status &&
    given.reason === condition.reason;
  if (same) return undefined;
  return {
    ...(generation > 0 && { observedGeneration: generation }),
    ...(Object.keys(disruptedPods).length > 0 && { disruptedPods: { ...disruptedPods } }),
    disruptionsAllowed,
    currentHealthy,
    desiredHealthy,
    expectedPods,
    conditions: withCondition(old?.conditions, condition, now),
  };
}

/**
 * The status of a budget whose numbers could not be found out: nothing may be disrupted (`failSafe`). Undefined when the
 * budget says so already.
 */
export function failSafeStatus(budget: Budget, message: string, now: number): PodDisruptionBudgetStatus | undefined {
  const old: PodDisruptionBudgetStatus = budget.status ?? {};
  const { observedGeneration = 0 } = old;
  const condition = { type: allowed, status: 'False' as const, observedGeneration, reason: 'SyncFailed', message };
  const conditions = withCondition(old.conditions, condition, now);
  if (old.disruptionsAllowed === 0 && semanticEqual(old.conditions, conditions)) return undefined;
  return {
    ...(observedGeneration > 0 && { observedGeneration }),
    ...(old.disruptedPods && { disruptedPods: old.disruptedPods }),
    disruptionsAllowed: 0,
    currentHealthy: old.currentHealthy ?? 0,
    desiredHealthy: old.desiredHealthy ?? 0,
    expectedPods: old.expectedPods ?? 0,
    conditions,
  };
}
