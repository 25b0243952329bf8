/** ResourceQuotas (`pkg/registry/core/resourcequota/strategy.go`). */
import {
  validateResourceQuota,
  validateResourceQuotaStatusUpdate,
  validateResourceQuotaUpdate,
} from '@kubets/api/core/validation/resource-quota';
import type { ResourceQuota } from '@kubets/api/types/core-v1';
import { baseStrategy, statusUpdateStrategy } from '../../generic/base-strategy.ts';
import type { Strategy } from '../../strategy.ts';

export const resourceQuotaStrategy: Strategy<ResourceQuota> = baseStrategy<ResourceQuota>({
  status: {},
  validate: (_context, quota) => validateResourceQuota(quota),
  validateUpdate: (_context, quota, old) => validateResourceQuotaUpdate(quota, old),
  subresources: {
    status: statusUpdateStrategy<ResourceQuota>({
      validateUpdate: (_context, quota) => validateResourceQuotaStatusUpdate(quota),
    }),
  },
});
