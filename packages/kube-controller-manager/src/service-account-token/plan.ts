/** What a token secret lacks (`pkg/controller/serviceaccount/tokens_controller.go`). Pure. */
import type { Secret, ServiceAccount } from '@kubets/api/types/core-v1';

const tokenSecretType = 'kubernetes.io/service-account-token';
const accountNameAnnotation = 'kubernetes.io/service-account.name';
const accountUidAnnotation = 'kubernetes.io/service-account.uid';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

export const isTokenSecret = (secret: Readonly<Secret>): boolean => secret.type === tokenSecretType;

/** The name of the account whose token it holds; '' for secrets of other kinds. */
export const accountNameOf = (secret: Readonly<Secret>): string =>
  isTokenSecret(secret) ? (secret.metadata.annotations?.[accountNameAnnotation] ?? '') : '';

/** Whether it holds a token of just this account: the uid counts where it is given (`IsServiceAccountToken`). */
export function isTokenOf(secret: Readonly<Secret>, account: Readonly<ServiceAccount>): boolean {
  if (accountNameOf(secret) !== account.metadata.name) return false;
  if (secret.metadata.namespace !== account.metadata.namespace) return false;
  const uid = secret.metadata.annotations?.[accountUidAnnotation] ?? '';
  return uid === '' || uid === account.metadata.uid;
}

/** As Go writes maps. */
const sorted = (data: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(data).toSorted(([a], [b]) => (a < b ? -1 : 1)));

export interface TokenSources {
  readonly rootCa: string | undefined;
  sign(account: Readonly<ServiceAccount>, secret: Readonly<Secret>): string;
}

/** The secret with all that it has to hold; `undefined`: it holds that. A token that is there stays. */
export function filledSecret(
  secret: Readonly<Secret>,
  account: Readonly<ServiceAccount>,
  { rootCa, sign }: TokenSources,
): Secret | undefined {
  const missing: Record<string, string> = {};
  const data = secret.data ?? {};
  if (rootCa !== undefined && rootCa !== '' && data['ca.crt'] !== base64(rootCa)) missing['ca.crt'] = base64(rootCa);
  if ((data['namespace'] ?? '') === '') missing['namespace'] = base64(secret.metadata.namespace ?? '');
  if ((data['token'] ?? '') === '') missing['token'] = base64(sign(account, secret));
  if (Object.keys(missing).length === 0) return undefined;
  const annotations = {
    ...secret.metadata.annotations,
    [accountNameAnnotation]: account.metadata.name ?? '',
    [accountUidAnnotation]: account.metadata.uid ?? '',
  };
  return { ...secret, metadata: { ...secret.metadata, annotations }, data: sorted({ ...data, ...missing }) };
}

/** The account without its reference to the secret; `undefined`: there is none. */
export function withoutSecret(account: Readonly<ServiceAccount>, name: string): ServiceAccount | undefined {
  const secrets = (account.secrets ?? []).filter((reference) => reference.name !== name);
  return secrets.length === (account.secrets ?? []).length ? undefined : { ...account, secrets };
}
