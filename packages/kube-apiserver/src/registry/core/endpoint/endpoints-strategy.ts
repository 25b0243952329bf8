/** Endpoints (`pkg/registry/core/endpoint/strategy.go`). */
import { endpointsWarnings, validateEndpoints } from '@kubets/api/core/validation/endpoints';
import type { Endpoints } from '@kubets/api/types/core-v1';
import { baseStrategy } from '../../generic/base-strategy.ts';
import type { Strategy, StrategyContext } from '../../strategy.ts';

const strictIP = (context: StrategyContext): boolean => context.featureEnabled('StrictIPCIDRValidation');

export const endpointsStrategy: Strategy<Endpoints> = baseStrategy<Endpoints>({
  allowCreateOnUpdate: true,
  validate: (context, endpoints) => validateEndpoints(endpoints, { strictIP: strictIP(context) }),
  validateUpdate: (context, endpoints, old) => validateEndpoints(endpoints, { old, strictIP: strictIP(context) }),
  warningsOnCreate: (_context, endpoints) => endpointsWarnings(endpoints),
  warningsOnUpdate: (_context, endpoints) => endpointsWarnings(endpoints),
});
