/** Services (`pkg/registry/core/service/strategy.go`); addresses and ports are allocated by `service-hooks.ts`. */
import { validateService } from '@kubets/api/core/validation/service';
import { validateServiceStatusUpdate } from '@kubets/api/core/validation/service-load-balancer';
import { validateServiceUpdate } from '@kubets/api/core/validation/service-update';
import { serviceWarnings } from '@kubets/api/core/validation/service-warnings';
import type { Service } from '@kubets/api/types/core-v1';
import { invalid, Path, type FieldError } from '@kubets/apimachinery/field';
import { isDNS1035Label, nameIsDNSLabel } from '@kubets/apimachinery/names';
import { baseStrategy, statusUpdateStrategy } from '../../generic/base-strategy.ts';
import type { Strategy, StrategyContext } from '../../strategy.ts';
import { dropTypeDependentFields, normalizeClusterIPs, patchAllocatedValues } from './normalize.ts';

const strictIP = (context: StrategyContext): boolean => context.featureEnabled('StrictIPCIDRValidation');

/** Without the gate a name has to begin with a letter. */
function nameErrors(context: StrategyContext, name: string): FieldError[] {
  if (context.featureEnabled('RelaxedServiceNameValidation')) return [];
  return isDNS1035Label(name).map((message) => invalid(Path.of('metadata.name'), name, message));
}

export const serviceStrategy: Strategy<Service> = baseStrategy<Service>({
  validateName: nameIsDNSLabel,
  allowCreateOnUpdate: true,
  status: { loadBalancer: {} },
  // Allocation does the same, and first; a registry without allocators needs it here.
  prepareForCreate: (_context, service) => normalizeClusterIPs(service),
  prepareForUpdate(_context, service, old) {
    patchAllocatedValues(service, old);
    normalizeClusterIPs(service, old);
    dropTypeDependentFields(service, old);
  },
  validate: (context, service) => [
    ...nameErrors(context, service.metadata.name ?? ''),
    ...validateService(service, { strictIP: strictIP(context) }),
  ],
  validateUpdate: (context, service, old) => validateServiceUpdate(service, old, { strictIP: strictIP(context) }),
  warningsOnCreate: (_context, service) => serviceWarnings(service),
  warningsOnUpdate: (_context, service, old) => serviceWarnings(service, old),
  selectableFields: ({ spec }) => ({ 'spec.clusterIP': spec?.clusterIP ?? '', 'spec.type': spec?.type ?? '' }),
  selectableFieldNames: ['spec.clusterIP', 'spec.type'],
  subresources: {
    status: statusUpdateStrategy<Service>({
      validateUpdate: (context, service, old) =>
        validateServiceStatusUpdate(service, old, {
          strictIP: strictIP(context),
          allowOnOtherTypes: context.featureEnabled('AllowServiceLBStatusOnNonLB'),
        }),
    }),
  },
});
