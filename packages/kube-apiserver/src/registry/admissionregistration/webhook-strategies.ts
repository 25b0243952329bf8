/** Webhook configurations (`pkg/registry/admissionregistration/{validating,mutating}webhookconfiguration/strategy.go`). */
import { validateWebhookConfiguration } from '@kubets/api/admissionregistration/validation/webhook-configuration';
import type {
  MutatingWebhookConfiguration,
  ValidatingWebhookConfiguration,
} from '@kubets/api/types/admissionregistration-v1';
import { baseStrategy, bumpGenerationOnSpecChange } from '../generic/base-strategy.ts';
import type { Strategy } from '../strategy.ts';

/** There is no spec: the generation counts changes of the webhooks. */
function webhookStrategy<T extends ValidatingWebhookConfiguration | MutatingWebhookConfiguration>(): Strategy<T> {
  return baseStrategy<T>({
    allowUnconditionalUpdate: false,
    prepareForCreate: (_context, object) => {
      object.metadata.generation = 1;
    },
    prepareForUpdate: (_context, object, old) => bumpGenerationOnSpecChange(object, old, ['webhooks']),
    validate: (_context, object) => validateWebhookConfiguration(object),
    validateUpdate: (_context, object, old) => validateWebhookConfiguration(object, old),
  });
}

export const validatingWebhookStrategy: Strategy<ValidatingWebhookConfiguration> = webhookStrategy();

export const mutatingWebhookStrategy: Strategy<MutatingWebhookConfiguration> = webhookStrategy();
