/** LimitRanges (`pkg/registry/core/limitrange/strategy.go`). */
import { validateLimitRange } from '@kubets/api/core/validation/limit-range';
import type { LimitRange } from '@kubets/api/types/core-v1';
import { baseStrategy } from '../../generic/base-strategy.ts';
import type { Strategy } from '../../strategy.ts';

export const limitRangeStrategy: Strategy<LimitRange> = baseStrategy<LimitRange>({
  allowCreateOnUpdate: true,
  validate: (_context, limitRange) => validateLimitRange(limitRange),
  validateUpdate: (_context, limitRange) => validateLimitRange(limitRange),
});
