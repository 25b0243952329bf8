/**
 * Checks of domain-like values that report by field (`k8s.io/apimachinery/pkg/util/validation/validation.go`).
 */
import { invalid, required, type FieldError, type Path } from './field.ts';
import { isDNS1123Label, isDNS1123Subdomain, isHTTPPath, isQualifiedName } from './names.ts';

function minSegments(path: Path, name: string, segments: { count: number; word: string }): FieldError[] {
  const errors = isDNS1123Subdomain(name);
  if (errors.length > 0) return [invalid(path, name, errors.join(','))];
  if (name.split('.').length >= segments.count) return [];
  return [invalid(path, name, `should be a domain with at least ${segments.word} segments separated by dots`)];
}

/** A domain of three segments or more. */
export function isFullyQualifiedName(path: Path, name: string): FieldError[] {
  return name === '' ? [required(path, '')] : minSegments(path, name, { count: 3, word: 'three' });
}

/** A domain of two segments or more; one dot at the end is accepted. */
export function isFullyQualifiedDomainName(path: Path, name: string): FieldError[] {
  if (name === '') return [required(path, '')];
  const domain = name.endsWith('.') ? name.slice(0, -1) : name;
  const errors = minSegments(path, domain, { count: 2, word: 'two' });
  if (errors.length > 0) return errors;
  for (const label of domain.split('.')) {
    const bad = isDNS1123Label(label);
    if (bad.length > 0) return [invalid(path, label, bad.join(','))];
  }
  return [];
}

/** `acme.io/foo/bar`. */
export function isDomainPrefixedPath(path: Path, value: string): FieldError[] {
  if (value === '') return [required(path, '')];
  const slash = value.indexOf('/');
  if (slash <= 0 || slash === value.length - 1) {
    return [invalid(path, value, 'must be a domain-prefixed path (such as "acme.io/foo")')];
  }
  const [host, rest] = [value.slice(0, slash), value.slice(slash + 1)];
  return [
    ...isDNS1123Subdomain(host).map((message) => invalid(path, host, message)),
    ...isHTTPPath(rest).map((message) => invalid(path, rest, message)),
  ];
}

/** `acme.io/foo`: a qualified name whose prefix is not optional. */
export function isDomainPrefixedKey(path: Path, key: string): FieldError[] {
  if (key === '') return [required(path, '')];
  const errors = isQualifiedName(key).map((message) => invalid(path, key, message));
  if (errors.length > 0 || key.includes('/')) return errors;
  return [invalid(path, key, 'must be a domain-prefixed key (such as "acme.io/foo")')];
}
