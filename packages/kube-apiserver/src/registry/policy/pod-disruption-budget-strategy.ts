/** PodDisruptionBudgets (`pkg/registry/policy/poddisruptionbudget/strategy.go`). */
import {
  validatePodDisruptionBudget,
  validatePodDisruptionBudgetStatus,
} from '@kubets/api/policy/validation/pod-disruption-budget';
import type { PodDisruptionBudget } from '@kubets/api/types/policy-v1';
import { zeroOf } from '../apps/template-support.ts';
import { baseStrategy, statusUpdateStrategy } from '../generic/base-strategy.ts';
import type { Strategy } from '../strategy.ts';

export const podDisruptionBudgetStrategy: Strategy<PodDisruptionBudget> = baseStrategy<PodDisruptionBudget>({
  status: zeroOf('policy-v1.PodDisruptionBudgetStatus'),
  generation: true,
  allowUnconditionalUpdate: false,
  validate: (_context, object) => validatePodDisruptionBudget(object),
  validateUpdate: (_context, object, old) => validatePodDisruptionBudget(object, old),
  subresources: {
    status: statusUpdateStrategy<PodDisruptionBudget>({
      validateUpdate: (_context, object) => validatePodDisruptionBudgetStatus(object),
    }),
  },
});
