/** APIServices (`kube-aggregator/pkg/registry/apiservice/strategy.go`). */
import { validateAPIService, validateAPIServiceStatus } from '@kubets/api/apiregistration/validation/api-service';
import type { APIService } from '@kubets/api/types/apiregistration-v1';
import { validatePathSegmentName } from '@kubets/apimachinery/names';
import { baseStrategy, statusUpdateStrategy } from '../generic/base-strategy.ts';
import type { Strategy } from '../strategy.ts';

/** What this server serves itself is there from the start. */
function markLocalAvailable(object: APIService, now: string): void {
  if (object.spec?.service !== undefined) return;
  const message = 'Local APIServices are always available';
  const reason = 'Local';
  object.status = {
    conditions: [{ type: 'Available', status: 'True', lastTransitionTime: now, reason, message }],
  };
}

export const apiServiceStrategy: Strategy<APIService> = baseStrategy<APIService>({
  status: {},
  allowUnconditionalUpdate: false,
  validateName: validatePathSegmentName,
  prepareForCreate: (context, object) => markLocalAvailable(object, context.now),
  validate: (_context, object) => validateAPIService(object),
  validateUpdate: (_context, object) => validateAPIService(object),
  subresources: {
    status: statusUpdateStrategy<APIService>({
      keepMetadata: true,
      validateUpdate: (_context, object) => validateAPIServiceStatus(object),
    }),
  },
});
