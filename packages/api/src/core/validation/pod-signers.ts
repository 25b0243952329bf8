/**
 * Signer names, trust bundle names and user annotations inside projected volumes
 * (`pkg/apis/core/validation/names.go`, `validation.go` `ValidateUserAnnotations`).
 */
import { Path } from '@kubets/apimachinery/field';
import { isDNS1123Label, isDNS1123Subdomain } from '@kubets/apimachinery/names';
import { isDomainPrefixedKey } from '@kubets/apimachinery/validation-domain';
import type { ErrorList } from './pod-error-list.ts';

export function isKubernetesSigner(name: string | undefined): boolean {
  const domain = (name ?? '').split('/', 1)[0] ?? '';
  return domain === 'kubernetes.io' || domain.endsWith('.kubernetes.io');
}

const segments = 'must be a fully qualified domain and path of the form "example.com/signer-name"';
const maxSignerName = 253 + 1 + 63;

/** `ValidateSignerName`: `example.com/name`, the domain of two labels or more. */
export function signerNameErrors(errors: ErrorList, name: string, path: string): void {
  if (name === '') return errors.required(path);
  const parts = name.split('/');
  if (parts.length !== 2) return errors.invalid(path, name, segments);
  const [domain = '', signer = ''] = parts;
  for (const message of isDNS1123Subdomain(domain))
    errors.invalid(path, domain, `validating label ${JSON.stringify(domain)}: ${message}`);
  for (const message of isDNS1123Subdomain(signer))
    errors.invalid(path, signer, `validating label ${JSON.stringify(signer)}: ${message}`);
  if (domain.split('.').length < 2) {
    errors.invalid(path, domain, 'should be a domain with at least two segments separated by dots');
  }
  if (name.length > maxSignerName) errors.tooLong(path, maxSignerName);
}

/** `example.com:signer:name` belongs to a signer; names without a colon to none. */
export function clusterTrustBundleNameErrors(name: string): string[] {
  const colon = name.lastIndexOf(':');
  if (colon < 0) return isDNS1123Subdomain(name);
  const base = name.slice(colon + 1);
  if (base === '') return ['name must be a valid subdomain after the signer prefix'];
  return isDNS1123Subdomain(base).concat(
    ...name
      .slice(0, colon)
      .split(':')
      .map((part) => isSubdomainOrLabel(part)),
  );
}

function isSubdomainOrLabel(part: string): string[] {
  return isDNS1123Label(part).length === 0 ? [] : isDNS1123Subdomain(part);
}

const maxUserAnnotationBytes = 256 * 1024;

export function checkUserAnnotations(
  errors: ErrorList,
  annotations: Readonly<Record<string, string>>,
  path: string,
): void {
  let total = 0;
  for (const [key, value] of Object.entries(annotations)) {
    total += key.length + value.length;
    for (const error of isDomainPrefixedKey(Path.of(path), key)) errors.add([error]);
  }
  if (total > maxUserAnnotationBytes) errors.tooLong(path, maxUserAnnotationBytes);
}
