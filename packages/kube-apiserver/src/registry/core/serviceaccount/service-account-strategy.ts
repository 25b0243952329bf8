/** Service accounts (`pkg/registry/core/serviceaccount/strategy.go`). */
import { serviceAccountWarnings } from '@kubets/api/core/validation/service-account';
import type { ServiceAccount } from '@kubets/api/types/core-v1';
import { baseStrategy } from '../../generic/base-strategy.ts';
import type { Strategy } from '../../strategy.ts';

/** Secrets are named, nothing more. */
function cleanSecretReferences(account: ServiceAccount): void {
  if (account.secrets) account.secrets = account.secrets.map(({ name }) => (name ? { name } : {}));
}

export const serviceAccountStrategy: Strategy<ServiceAccount> = baseStrategy<ServiceAccount>({
  prepareForCreate: (_context, account) => cleanSecretReferences(account),
  prepareForUpdate: (_context, account) => cleanSecretReferences(account),
  warningsOnCreate: (_context, account) => serviceAccountWarnings(account),
  warningsOnUpdate: (_context, account, old) => serviceAccountWarnings(account, old),
});
