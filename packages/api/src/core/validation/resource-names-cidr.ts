/** Networks in fields that once took anything (`k8s.io/apimachinery/pkg/util/validation/ip.go`, `IsValidCIDRForLegacyField`). */
import { formatIP, parseCIDR } from '@kubets/apimachinery/validation-ip';
import type { ErrorList } from './pod-error-list.ts';

const leadingZero = /(^|[.:/])0[0-9]+([./]|$)/;
const mapped = /^::ffff:.*\./i;

/** A network that an earlier release has accepted for this object (`existing`) may stay as it is. */
export function checkCIDR(
  errors: ErrorList,
  text: string,
  { path, strict, existing = [] }: { path: string; strict: boolean; existing?: readonly string[] },
): void {
  if (existing.includes(text)) return;
  const cidr = parseCIDR(text);
  if (cidr === undefined) {
    return errors.invalid(path, text, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)');
  }
  if (!strict) return;
  if (mapped.test(text)) errors.invalid(path, text, 'must not have an IPv4-mapped IPv6 address');
  else if (!text.includes(':') && leadingZero.test(text)) errors.invalid(path, text, 'must not have leading 0s in IP');
  else if (/\/0[0-9]/.test(text)) errors.invalid(path, text, 'must not have leading 0s in prefix length');
  else if (formatIP(cidr.ip) !== formatIP(cidr.network)) {
    errors.invalid(path, text, 'must not have bits set beyond the prefix length');
  }
}
