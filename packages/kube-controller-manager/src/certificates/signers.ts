/** The signers of kubernetes.io, and what each of them signs (`pkg/controller/certificates/signer/signer.go`). Pure. */
import { kubeletClientProblem, kubeletServingProblem, type SignedRequest } from './kubelet-requests.ts';

export const kubeletClientSigner = 'kubernetes.io/kube-apiserver-client-kubelet';

const clientUsages: ReadonlySet<string> = new Set(['digital signature', 'key encipherment', 'client auth']);

function clientProblem(usages: readonly string[]): string | undefined {
  const wrong = usages.find((usage) => !clientUsages.has(usage));
  if (wrong !== undefined) return `invalid usage for client certificate: ${wrong}`;
  return usages.includes('client auth') ? undefined : 'missing required usage for client certificate: client auth';
}

type Check = (request: SignedRequest, usages: readonly string[]) => string | undefined;

const checks: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['kubernetes.io/kubelet-serving', kubeletServingProblem],
  [kubeletClientSigner, kubeletClientProblem],
  ['kubernetes.io/kube-apiserver-client', (_request, usages) => clientProblem(usages)],
  // Whatever it is: as it was before signers had names.
  ['kubernetes.io/legacy-unknown', () => undefined],
]);

/** Whether requests to this signer are ours. */
export const isKnownSigner = (signerName: string): boolean => checks.has(signerName);

/** Why the signer does not sign the request; `undefined`: it does. */
export const signerProblem = (
  signerName: string,
  request: SignedRequest,
  usages: readonly string[],
): string | undefined => checks.get(signerName)?.(request, usages);

const minute = 60_000;
const shortestMs = 10 * minute;
const backdateMs = 5 * minute;
const shortMs = 8 * 60 * minute;

/** How long a certificate lasts: as long as is asked for, between ten minutes and the default. */
export function lifetimeMs(expirationSeconds: number | undefined, defaultMs: number): number {
  if (expirationSeconds === undefined) return defaultMs;
  const asked = expirationSeconds * 1000;
  if (asked > defaultMs) return defaultMs;
  return Math.max(asked, shortestMs);
}

export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

/**
 * From five minutes ago, as clocks differ; those five minutes are taken off its end unless it is short. Never longer than the
 * authority. Throws when that has expired (`authority/policies.go` PermissiveSigningPolicy).
 */
export function validityOf(now: number, ttlMs: number, authorityNotAfter: number): Validity {
  if (now >= authorityNotAfter)
    throw new Error(
      `refusing to sign a certificate that expired in the past: NotAfter=${new Date(authorityNotAfter).toISOString()}`,
    );
  const notAfter = now + (ttlMs < shortMs ? ttlMs : ttlMs - backdateMs);
  return { notBefore: now - backdateMs, notAfter: Math.min(notAfter, authorityNotAfter) };
}
