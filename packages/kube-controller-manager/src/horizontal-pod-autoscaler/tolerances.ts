/** How far usage may be off its target before anything is scaled (upstream `replica_calculator.go`, `Tolerances`). */
import { parseQuantity } from '@kubets/apimachinery/quantity';
import type { HorizontalPodAutoscaler } from '@kubets/api/types/autoscaling-v2';

/** Parts of the target: 0.1 is ten percent. */
export interface Tolerances {
  readonly scaleDown: number;
  readonly scaleUp: number;
}

/** The autoscaler's own tolerances where it has some and the gate HPAConfigurableTolerance is on (`tolerancesForHpa`). */
export function tolerancesOf(
  hpa: Readonly<HorizontalPodAutoscaler>,
  fallback: number,
  configurable: boolean,
): Tolerances {
  const behavior = configurable ? hpa.spec?.behavior : undefined;
  const { scaleDown, scaleUp } = behavior ?? {};
  return {
    scaleDown: scaleDown?.tolerance === undefined ? fallback : parseQuantity(scaleDown.tolerance).asNumber(),
    scaleUp: scaleUp?.tolerance === undefined ? fallback : parseQuantity(scaleUp.tolerance).asNumber(),
  };
}

/** Whether a ratio of usage to target is near enough to 1. */
export function isWithin({ scaleDown, scaleUp }: Tolerances, ratio: number): boolean {
  return 1 - scaleDown <= ratio && ratio <= 1 + scaleUp;
}
