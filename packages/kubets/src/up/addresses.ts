/** Which addresses and names a control plane on this machine goes by. */
import { isIP } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { formatIP, parseCIDR, type IP } from '@kubets/apimachinery/validation-ip';
import { UserError } from '../user-error.ts';

const unspecified = new Set(['0.0.0.0', '::']);

/** The address clients on this machine use. */
export function localAddress(bindAddress: string): string {
  return unspecified.has(bindAddress) ? '127.0.0.1' : bindAddress;
}

const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1';

/**
 * The address others are told of (`--advertise-address`): the one bound, unless that is no address for
 * others; then the machine's first outward one, and the local one on a machine without any.
 */
export function advertiseAddress(bindAddress: string): string {
  if (!unspecified.has(bindAddress) && !isLoopback(bindAddress)) return bindAddress;
  const outward = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find((address) => address.family === 'IPv4' && !address.internal);
  return outward?.address ?? localAddress(bindAddress);
}

/** `https://host:port`, with brackets around IPv6 addresses. */
export function serverUrl(address: string, port: number): string {
  return `https://${isIP(address) === 6 ? `[${address}]` : address}:${port}`;
}

/** The nth address of a range: the first is the API server's service. Throws a UserError for a bad range. */
export function nthAddress(cidr: string, n: number): string {
  const parsed = parseCIDR(cidr);
  if (parsed === undefined) throw new UserError(`--service-cluster-ip-range: ${JSON.stringify(cidr)} is no CIDR range`);
  const bytes = [...parsed.network];
  for (let i = bytes.length - 1, carry = n; i >= 0 && carry > 0; i--) {
    const sum = (bytes[i] ?? 0) + carry;
    bytes[i] = sum & 0xff;
    carry = sum >> 8;
  }
  return formatIP(bytes as IP);
}

export interface ServingNames {
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
}

/** What the serving certificate has to hold (`cmd/kubeadm/app/util/pkiutil` GetAPIServerAltNames). */
export function servingNames(bindAddress: string, serviceRanges: readonly string[]): ServingNames {
  const addresses = [
    '127.0.0.1',
    ...(bindAddress.includes(':') ? ['::1'] : []),
    ...serviceRanges.map((range) => nthAddress(range, 1)),
    localAddress(bindAddress),
    advertiseAddress(bindAddress),
  ];
  const service = 'kubernetes';
  return {
    dnsNames: [
      ...new Set([
        'localhost',
        hostname().toLowerCase(),
        service,
        `${service}.default`,
        `${service}.default.svc`,
        `${service}.default.svc.cluster.local`,
      ]),
    ],
    ipAddresses: [...new Set(addresses)],
  };
}
