/** Addresses that something can be reached at (`pkg/apis/core/validation/validation.go`, `ValidateEndpointIP`, `ValidateNonSpecialIP`). */
import { parseIP, type IP } from '@kubets/apimachinery/validation-ip';
import type { ErrorList } from './pod-error-list.ts';

const isLoopback = (ip: IP): boolean =>
  ip.length === 4 ? ip[0] === 127 : ip.slice(0, 15).every((byte) => byte === 0) && ip[15] === 1;

const isLinkLocal = (ip: IP): boolean =>
  ip.length === 4 ? ip[0] === 169 && ip[1] === 254 : ip[0] === 0xfe && ((ip[1] ?? 0) & 0xc0) === 0x80;

const isLinkLocalMulticast = (ip: IP): boolean =>
  ip.length === 4 ? ip[0] === 224 && ip[1] === 0 && ip[2] === 0 : ip[0] === 0xff && ((ip[1] ?? 0) & 0x0f) === 0x02;

/** Refuses unspecified, loopback and link-local addresses, which mean something else on each node. */
export function checkNonSpecialIP(errors: ErrorList, address: string, path: string): void {
  const ip = parseIP(address);
  if (ip === undefined) return errors.invalid(path, address, 'must be a valid IP address');
  if (ip.every((byte) => byte === 0)) errors.invalid(path, address, `may not be unspecified (${address})`);
  if (isLoopback(ip)) errors.invalid(path, address, 'may not be in the loopback range (127.0.0.0/8, ::1/128)');
  if (isLinkLocal(ip)) {
    errors.invalid(path, address, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)');
  }
  if (isLinkLocalMulticast(ip)) {
    errors.invalid(path, address, 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)');
  }
}
