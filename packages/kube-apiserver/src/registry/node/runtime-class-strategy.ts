/** RuntimeClasses (`pkg/registry/node/runtimeclass/strategy.go`). */
import { podValidationOptions, type PodValidationOptions } from '@kubets/api/core/validation/pod-options';
import { validateRuntimeClass, validateRuntimeClassUpdate } from '@kubets/api/node/validation/runtime-class';
import type { RuntimeClass } from '@kubets/api/types/node-v1';
import { gatesOf } from '../apps/template-support.ts';
import { baseStrategy } from '../generic/base-strategy.ts';
import type { Strategy, StrategyContext } from '../strategy.ts';

/** The tolerations of a class are the pods': the same options rule both. */
function options(context: StrategyContext, old?: Readonly<RuntimeClass>): PodValidationOptions {
  const tolerations = old?.scheduling?.tolerations ?? [];
  return podValidationOptions(gatesOf(context), { spec: { containers: [], tolerations } }, false);
}

export const runtimeClassStrategy: Strategy<RuntimeClass> = baseStrategy<RuntimeClass>({
  allowUnconditionalUpdate: false,
  validate: (context, object) => validateRuntimeClass(object, options(context)),
  validateUpdate: (context, object, old) => validateRuntimeClassUpdate(object, old, options(context, old)),
});
