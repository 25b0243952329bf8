/** PriorityClasses (`pkg/registry/scheduling/priorityclass/strategy.go`). */
import { validatePriorityClass, validatePriorityClassUpdate } from '@kubets/api/scheduling/validation/priority-class';
import type { PriorityClass } from '@kubets/api/types/scheduling-v1';
import { baseStrategy } from '../generic/base-strategy.ts';
import type { Strategy } from '../strategy.ts';

/** The generation is 1 for ever: what would count is immutable. */
export const priorityClassStrategy: Strategy<PriorityClass> = baseStrategy<PriorityClass>({
  prepareForCreate: (_context, object) => {
    object.metadata.generation = 1;
  },
  validate: (_context, object) => validatePriorityClass(object),
  validateUpdate: (_context, object, old) => validatePriorityClassUpdate(object, old),
});
