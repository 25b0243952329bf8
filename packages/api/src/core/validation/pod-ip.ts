/** IP addresses of pods (`pkg/apis/core/validation/validation.go`, `IsValidIPForLegacyField`). */
import { parseIP } from '@kubets/apimachinery/validation-ip';
import type { ErrorList } from './pod-error-list.ts';

const leadingZero = /(^|[.:])0[0-9]+(\.|$)/;

/** An address that an earlier release has accepted for this object (`existing`) may stay as it is. */
export function checkIP(
  errors: ErrorList,
  address: string,
  { path, strict, existing = [] }: { path: string; strict: boolean; existing?: readonly string[] },
): void {
  if (existing.includes(address)) return;
  const ip = parseIP(address);
  if (ip === undefined) {
    errors.invalid(path, address, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)');
  } else if (strict && leadingZero.test(address)) {
    errors.invalid(path, address, 'must not have leading 0s');
  } else if (strict && ip.length === 4 && address.includes(':')) {
    errors.invalid(path, address, 'must not be an IPv4-mapped IPv6 address');
  }
}

/** Whether the list has at most one address of each family. */
export function isDualStack(addresses: readonly string[]): boolean {
  const families = addresses.map((address) => parseIP(address)?.length);
  return families.length <= 2 && new Set(families).size === families.length && !families.includes(undefined);
}
