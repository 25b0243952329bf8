/** From the replicas that metrics ask for to those that the rules allow (upstream `horizontal.go`, `normalizeDesiredReplicas…`). */
import type { HPAScalingRules, HorizontalPodAutoscaler } from '@kubets/api/types/autoscaling-v2';
import type { Finding } from './conditions.ts';
import type { History, ScaleEvent } from './history.ts';

export interface NormalizeInput {
  readonly hpa: Readonly<HorizontalPodAutoscaler>;
  readonly history: History;
  readonly currentReplicas: number;
  /** What the metrics ask for. */
  readonly desiredReplicas: number;
  readonly minReplicas: number;
  readonly now: number;
  /** `--horizontal-pod-autoscaler-downscale-stabilization`. */
  readonly downscaleStabilizationMs: number;
}

export interface Normalized {
  readonly replicas: number;
  readonly findings: readonly Finding[];
}

interface Limited {
  readonly replicas: number;
  readonly reason: string;
  readonly message: string;
}

/** Records the recommendation, and applies stabilization and limits. */
export function normalize(input: NormalizeInput): Normalized {
  const { hpa, desiredReplicas } = input;
  const { behavior } = hpa.spec ?? {};
  const stabilized = behavior === undefined ? stabilizeDown(input) : stabilizeBoth(input);
  const limited =
    behavior === undefined
      ? limit(input, stabilized.replicas)
      : limitRate(input, stabilized.replicas, { up: behavior.scaleUp ?? {}, down: behavior.scaleDown ?? {} });
  const { reason, message } = stabilized.replicas === desiredReplicas ? ready : stabilized;
  return {
    replicas: limited.replicas,
    findings: [
      { type: 'AbleToScale', status: 'True', reason, message },
      {
        type: 'ScalingLimited',
        status: limited.replicas === stabilized.replicas ? 'False' : 'True',
        reason: limited.reason,
        message: limited.message,
      },
    ],
  };
}

const ready = { reason: 'ReadyForNewScale', message: 'recommended size matches current size' };

const scaleDownStabilized = {
  reason: 'ScaleDownStabilized',
  message: 'recent recommendations were higher than current one, applying the highest recent recommendation',
};

const scaleUpStabilized = {
  reason: 'ScaleUpStabilized',
  message: 'recent recommendations were lower than current one, applying the lowest recent recommendation',
};

/** The highest of the recent recommendations (`stabilizeRecommendation`). */
function stabilizeDown({ history, desiredReplicas, now, downscaleStabilizationMs }: NormalizeInput): Limited {
  const recent = history.recommendations.filter(({ at }) => at >= now - downscaleStabilizationMs);
  const replicas = Math.max(desiredReplicas, ...recent.map((recommendation) => recommendation.replicas));
  history.recommend(desiredReplicas, now, downscaleStabilizationMs);
  return { replicas, ...scaleDownStabilized };
}

/** No higher than the lowest of the recent ones, no lower than the highest (`stabilizeRecommendationWithBehaviors`). */
function stabilizeBoth(input: NormalizeInput): Limited {
  const { hpa, history, desiredReplicas, currentReplicas, now } = input;
  const { scaleUp, scaleDown } = hpa.spec?.behavior ?? {};
  const upMs = (scaleUp?.stabilizationWindowSeconds ?? 0) * 1000;
  const downMs =
    scaleDown?.stabilizationWindowSeconds === undefined
      ? input.downscaleStabilizationMs
      : scaleDown.stabilizationWindowSeconds * 1000;
  const within = (windowMs: number): number[] =>
    history.recommendations.filter(({ at }) => at > now - windowMs).map(({ replicas }) => replicas);
  const lowest = Math.min(desiredReplicas, ...within(upMs));
  const highest = Math.max(desiredReplicas, ...within(downMs));
  const replicas = Math.min(Math.max(currentReplicas, lowest), highest);
  history.recommend(desiredReplicas, now, Math.max(upMs, downMs));
  return { replicas, ...(desiredReplicas >= currentReplicas ? scaleUpStabilized : scaleDownStabilized) };
}

const withinRange = {
  reason: 'DesiredWithinRange',
  message: 'the desired count is within the acceptable range',
};

const tooFew = {
  reason: 'TooFewReplicas',
  message: 'the desired replica count is less than the minimum replica count',
};

const tooMany = {
  reason: 'TooManyReplicas',
  message: 'the desired replica count is more than the maximum replica count',
};

const tooFastUp = {
  reason: 'ScaleUpLimit',
  message: 'the desired replica count is increasing faster than the maximum scale rate',
};

const tooFastDown = {
  reason: 'ScaleDownLimit',
  message: 'the desired replica count is decreasing faster than the maximum scale rate',
};

/** Twice as many at once, or four where there are fewer than two (`convertDesiredReplicasWithRules`). */
function limit({ hpa, currentReplicas, minReplicas }: NormalizeInput, desired: number): Limited {
  const maxReplicas = hpa.spec?.maxReplicas ?? 0;
  const rateLimit = Math.max(2 * currentReplicas, 4);
  const most = Math.min(maxReplicas, rateLimit);
  if (desired < minReplicas) return { replicas: minReplicas, ...tooFew };
  if (desired > most) return { replicas: most, ...(maxReplicas > rateLimit ? tooFastUp : tooMany) };
  return { replicas: desired, ...withinRange };
}

/** As fast as the policies allow (`convertDesiredReplicasWithBehaviorRate`). */
function limitRate(
  input: NormalizeInput,
  desired: number,
  rules: { readonly up: Readonly<HPAScalingRules>; readonly down: Readonly<HPAScalingRules> },
): Limited {
  const { hpa, currentReplicas, minReplicas } = input;
  if (desired > currentReplicas) {
    const maxReplicas = hpa.spec?.maxReplicas ?? 0;
    const rateLimit = Math.max(upLimit(input, rules.up), currentReplicas);
    const most = Math.min(maxReplicas, rateLimit);
    if (desired > most) return { replicas: most, ...(maxReplicas > rateLimit ? tooFastUp : tooMany) };
  } else if (desired < currentReplicas) {
    const rateLimit = Math.min(downLimit(input, rules.down), currentReplicas);
    const least = Math.max(minReplicas, rateLimit);
    if (desired < least) return { replicas: least, ...(minReplicas < rateLimit ? tooFastDown : tooFew) };
  }
  return { replicas: desired, ...withinRange };
}

/** `calculateScaleUpLimitWithScalingRules`. */
function upLimit(input: NormalizeInput, rules: Readonly<HPAScalingRules>): number {
  if (rules.selectPolicy === 'Disabled') return input.currentReplicas;
  const limits = (rules.policies ?? []).map(({ type, value, periodSeconds }) => {
    const start = replicasBefore(input, periodSeconds);
    // Rounded up: else small numbers could never grow.
    return type === 'Pods' ? start + value : Math.ceil(start * (1 + value / 100));
  });
  return rules.selectPolicy === 'Min' ? Math.min(...limits) : Math.max(...limits);
}

/** `calculateScaleDownLimitWithBehaviors`; the policy that changes least gives the highest limit. */
function downLimit(input: NormalizeInput, rules: Readonly<HPAScalingRules>): number {
  if (rules.selectPolicy === 'Disabled') return input.currentReplicas;
  const limits = (rules.policies ?? []).map(({ type, value, periodSeconds }) => {
    const start = replicasBefore(input, periodSeconds);
    return type === 'Pods' ? start - value : Math.trunc(start * (1 - value / 100));
  });
  return rules.selectPolicy === 'Min' ? Math.max(...limits) : Math.min(...limits);
}

/** How many there were when the period began. */
function replicasBefore({ currentReplicas, history, now }: NormalizeInput, periodSeconds: number): number {
  const since = now - periodSeconds * 1000;
  const changed = (events: readonly ScaleEvent[]): number =>
    events.filter(({ at }) => at > since).reduce((sum, { change }) => sum + change, 0);
  return currentReplicas - changed(history.scaleUps) + changed(history.scaleDowns);
}

/** The longest period that a rule looks back (`getLongestPolicyPeriod`). */
export function longestPeriodMs(rules: Readonly<HPAScalingRules> | undefined): number {
  return Math.max(0, ...(rules?.policies ?? []).map(({ periodSeconds }) => periodSeconds * 1000));
}
