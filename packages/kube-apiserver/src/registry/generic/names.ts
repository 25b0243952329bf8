/**
 * Name checks for strategies (`apimachinery/pkg/api/validation/generic.go`,
 * `apimachinery/pkg/util/validation/validation.go`). With `prefix`, a name that generateName will
 * complete: a trailing dash is fine then.
 */

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const subdomainMessage =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

/** `NameIsDNSSubdomain`. */
export function dns1123Subdomain(name: string, prefix: boolean): string[] {
  const checked = prefix && name.endsWith('-') ? `${name.slice(0, -1)}a` : name;
  const errors: string[] = [];
  if (checked.length > 253) errors.push('must be no more than 253 bytes');
  if (!subdomain.test(checked)) errors.push(subdomainMessage);
  return errors;
}

/** `path.ValidatePathSegmentName`: whatever fits into one segment of a URL's path. */
export function pathSegmentName(name: string, prefix: boolean): string[] {
  const errors: string[] = [];
  if (!prefix && (name === '.' || name === '..')) errors.push(`may not be '${name}'`);
  if (name.includes('/')) errors.push("may not contain '/'");
  if (name.includes('%')) errors.push("may not contain '%'");
  return errors;
}
