/**
 * Taints of nodes and tolerations of pods (upstream `staging/src/k8s.io/api/core/v1/toleration.go`,
 * `component-helpers/scheduling/corev1/helpers.go`).
 */
import type { Taint, Toleration } from '../../generated/types/core-v1.ts';

export type TaintEffect = Taint['effect'];

/** What depends on feature gates. */
export interface TolerationOptions {
  /** `Gt` and `Lt` tolerate (feature gate TaintTolerationComparisonOperators, off by default); else they tolerate nothing. */
  readonly comparisonOperators?: boolean;
}

const decimalInteger = /^(0|-?[1-9][0-9]*)$/;

function int64(text: string | undefined): bigint | undefined {
  if (text === undefined || !decimalInteger.test(text)) return undefined;
  const value = BigInt(text);
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

function comparesTo(toleration: Readonly<Toleration>, taint: Readonly<Taint>): boolean {
  const limit = int64(toleration.value);
  const value = int64(taint.value);
  if (limit === undefined || value === undefined) return false;
  return toleration.operator === 'Lt' ? value < limit : value > limit;
}

/**
 * Whether one toleration tolerates a taint: an empty effect means every effect, an empty key every key, no operator `Equal`
 * (`Toleration.ToleratesTaint`).
 */
export function toleratesTaint(
  toleration: Readonly<Toleration>,
  taint: Readonly<Taint>,
  options?: TolerationOptions,
): boolean {
  const { effect, key, operator } = toleration;
  if (effect !== undefined && (effect as string) !== '' && effect !== taint.effect) return false;
  if (key !== undefined && key !== '' && key !== taint.key) return false;
  switch (operator) {
    case 'Exists':
      return true;
    case 'Gt':
    case 'Lt':
      return options?.comparisonOperators === true && comparesTo(toleration, taint);
    default:
      if (operator !== undefined && (operator as string) !== '' && operator !== 'Equal') return false;
      return (toleration.value ?? '') === (taint.value ?? '');
  }
}

/** Whether any toleration tolerates the taint (`TolerationsTolerateTaint`). */
export function tolerationsTolerateTaint(
  tolerations: readonly Readonly<Toleration>[] | undefined,
  taint: Readonly<Taint>,
  options?: TolerationOptions,
): boolean {
  if (tolerations === undefined) return false;
  for (const toleration of tolerations) if (toleratesTaint(toleration, taint, options)) return true;
  return false;
}

/** Effects that keep a pod from being placed on a node (`DoNotScheduleTaintsFilterFunc`). */
export const schedulingEffects: readonly TaintEffect[] = ['NoSchedule', 'NoExecute'];

/**
 * The first taint of one of these effects that no toleration tolerates; undefined when all are tolerated
 * (`FindMatchingUntoleratedTaint`).
 */
export function findUntoleratedTaint(
  taints: readonly Readonly<Taint>[] | undefined,
  tolerations: readonly Readonly<Toleration>[] | undefined,
  effects: readonly TaintEffect[] = schedulingEffects,
  options?: TolerationOptions,
): Readonly<Taint> | undefined {
  if (taints === undefined) return undefined;
  for (const taint of taints) {
    if (effects.includes(taint.effect) && !tolerationsTolerateTaint(tolerations, taint, options)) return taint;
  }
  return undefined;
}

/** Whether two taints are the same one: values may differ (`Taint.MatchTaint`). */
export function sameTaint(a: Readonly<Taint>, b: Readonly<Taint>): boolean {
  return a.key === b.key && a.effect === b.effect;
}

/** Whether two tolerations say the same, whatever their seconds (`Toleration.MatchToleration`). */
export function sameToleration(a: Readonly<Toleration>, b: Readonly<Toleration>): boolean {
  return (
    (a.key ?? '') === (b.key ?? '') &&
    (a.effect ?? '') === (b.effect ?? '') &&
    (a.operator ?? '') === (b.operator ?? '') &&
    (a.value ?? '') === (b.value ?? '')
  );
}

/** `key=value:effect` or `key:effect`, as Events and logs show a taint (`Taint.ToString`). */
export function taintText({ key, value = '', effect }: Readonly<Taint>): string {
  if ((effect as string) === '') return value === '' ? key : `${key}=${value}:`;
  return value === '' ? `${key}:${effect}` : `${key}=${value}:${effect}`;
}
