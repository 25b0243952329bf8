/** How objects get from one version to another (`validateCustomResourceConversion`). Paths are those of upstream's internal form. */
import { checkReviewVersions } from '../../admissionregistration/validation/review-versions.ts';
import { checkWebhookClient } from '../../admissionregistration/validation/webhook-client.ts';
import type { ErrorList } from '../../core/validation/pod-error-list.ts';
import type { CustomResourceConversion, WebhookConversion } from '../../generated/types/apiextensions-v1.ts';

const strategies = ['None', 'Webhook'];

function checkWebhook(
  errors: ErrorList,
  webhook: Partial<WebhookConversion> | undefined,
  { path, requireKnown }: { path: string; requireKnown: boolean },
): void {
  const client = `${path}.webhookClientConfig`;
  if (webhook?.clientConfig === undefined) errors.required(client, 'required when strategy is set to Webhook');
  else checkWebhookClient(errors, webhook.clientConfig, client);
  const versions = webhook?.conversionReviewVersions ?? [];
  checkReviewVersions(errors, versions, { path: `${path}.conversionReviewVersions`, requireKnown, none: '' });
}

export function checkConversion(
  errors: ErrorList,
  conversion: CustomResourceConversion,
  { path, requireKnown }: { path: string; requireKnown: boolean },
): void {
  const { strategy, webhook } = conversion;
  if (!strategy) errors.required(`${path}.strategy`);
  else if (!strategies.includes(strategy)) errors.notSupported(`${path}.strategy`, strategy, strategies);
  if (strategy === 'Webhook') {
    checkWebhook(errors, webhook, { path, requireKnown });
    return;
  }
  const detail = 'should not be set when strategy is not set to Webhook';
  if (webhook?.clientConfig !== undefined) errors.forbidden(`${path}.webhookClientConfig`, detail);
  if ((webhook?.conversionReviewVersions ?? []).length > 0) {
    errors.forbidden(`${path}.conversionReviewVersions`, detail);
  }
}
