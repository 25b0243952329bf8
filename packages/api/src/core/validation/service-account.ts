/** Warnings about service accounts (`pkg/registry/core/serviceaccount/strategy.go`). */
import type { ServiceAccount } from '../../generated/types/core-v1.ts';

const mountableSecrets = 'kubernetes.io/enforce-mountable-secrets';
const text = `metadata.annotations[${mountableSecrets}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets`;

const isAnnotated = (account: Readonly<ServiceAccount>): boolean =>
  account.metadata.annotations !== undefined && mountableSecrets in account.metadata.annotations;

/** Warns of the deprecated annotation when it is new. */
export function serviceAccountWarnings(account: ServiceAccount, old?: Readonly<ServiceAccount>): string[] {
  return isAnnotated(account) && !(old !== undefined && isAnnotated(old)) ? [text] : [];
}
