/** HorizontalPodAutoscalers, stored in the shape of v2 (`pkg/registry/autoscaling/horizontalpodautoscaler/strategy.go`). */
import {
  validateHorizontalPodAutoscaler,
  validateHorizontalPodAutoscalerStatus,
} from '@kubets/api/autoscaling/validation/horizontal-pod-autoscaler';
import type { HorizontalPodAutoscaler } from '@kubets/api/types/autoscaling-v2';
import { zeroOf } from '../apps/template-support.ts';
import { baseStrategy, statusUpdateStrategy } from '../generic/base-strategy.ts';
import type { Strategy, StrategyContext } from '../strategy.ts';

function dropTolerance(
  context: StrategyContext,
  object: HorizontalPodAutoscaler,
  old?: Readonly<HorizontalPodAutoscaler>,
): void {
  const before = old?.spec?.behavior;
  const used = before?.scaleUp?.tolerance !== undefined || before?.scaleDown?.tolerance !== undefined;
  if (used || context.featureEnabled('HPAConfigurableTolerance')) return;
  delete object.spec?.behavior?.scaleUp?.tolerance;
  delete object.spec?.behavior?.scaleDown?.tolerance;
}

const scaleToZero = (context: StrategyContext): boolean => context.featureEnabled('HPAScaleToZero');

export const horizontalPodAutoscalerStrategy: Strategy<HorizontalPodAutoscaler> = baseStrategy<HorizontalPodAutoscaler>(
  {
    status: zeroOf('autoscaling-v2.HorizontalPodAutoscalerStatus'),
    prepareForCreate: (context, object) => dropTolerance(context, object),
    validate: (context, object) => validateHorizontalPodAutoscaler(object, { scaleToZero: scaleToZero(context) }),
    prepareForUpdate: (context, object, old) => dropTolerance(context, object, old),
    validateUpdate: (context, object, old) =>
      validateHorizontalPodAutoscaler(object, { scaleToZero: scaleToZero(context), old }),
    subresources: {
      status: statusUpdateStrategy<HorizontalPodAutoscaler>({
        validateUpdate: (_context, object) => validateHorizontalPodAutoscalerStatus(object),
      }),
    },
  },
);
