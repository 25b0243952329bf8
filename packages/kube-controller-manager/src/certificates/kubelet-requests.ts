/** What kubelets may ask for (`pkg/apis/certificates/helpers.go`). Pure. */
import type { CertificateRequest } from '@kubets/api/certificates/certificate-request';

export type SignedRequest = Pick<CertificateRequest, 'subject' | 'names'>;

const servingUsages = ['digital signature', 'key encipherment', 'server auth'];
const clientUsages = ['client auth', 'digital signature', 'key encipherment'];
/** Keys that are not RSA encipher no keys. */
const withoutEncipherment = (usages: readonly string[]): readonly string[] =>
  usages.filter((usage) => usage !== 'key encipherment');

function sameUsages(usages: readonly string[], wanted: readonly string[]): boolean {
  const given = new Set(usages);
  return given.size === wanted.length && wanted.every((usage) => given.has(usage));
}

const areUsages = (usages: readonly string[], wanted: readonly string[]): boolean =>
  sameUsages(usages, wanted) || sameUsages(usages, withoutEncipherment(wanted));

const isNodesOnly = ({ subject }: SignedRequest): boolean =>
  subject.organizations.length === 1 && subject.organizations[0] === 'system:nodes';

function nameProblem({ subject }: SignedRequest): string | undefined {
  return subject.commonName.startsWith('system:node:')
    ? undefined
    : 'subject common name does not begin with system:node:';
}

/** Why this is no request for a kubelet's serving certificate (`ValidateKubeletServingCSR`); `undefined`: it is one. */
export function kubeletServingProblem(request: SignedRequest, usages: readonly string[]): string | undefined {
  const { names } = request;
  if (!isNodesOnly(request)) return 'subject organization is not system:nodes';
  if (names.dnsNames.length === 0 && names.ipAddresses.length === 0) return 'DNS or IP subjectAltName is required';
  if (names.emailAddresses.length > 0) return 'email subjectAltNames are not allowed';
  if (names.uris.length > 0) return 'URI subjectAltNames are not allowed';
  if (!areUsages(usages, servingUsages)) return `usages did not match [${servingUsages.join(' ')}]`;
  return nameProblem(request);
}

/** Why this is no request for a kubelet's client certificate (`ValidateKubeletClientCSR`); `undefined`: it is one. */
export function kubeletClientProblem(request: SignedRequest, usages: readonly string[]): string | undefined {
  const { names } = request;
  if (!isNodesOnly(request)) return 'subject organization is not system:nodes';
  if (names.dnsNames.length > 0) return 'DNS subjectAltNames are not allowed';
  if (names.emailAddresses.length > 0) return 'email subjectAltNames are not allowed';
  if (names.ipAddresses.length > 0) return 'IP subjectAltNames are not allowed';
  if (names.uris.length > 0) return 'URI subjectAltNames are not allowed';
  if (!areUsages(usages, clientUsages)) return `usages did not match [${clientUsages.join(' ')}]`;
  return nameProblem(request);
}
