/**
 * When a range of Services' addresses may go (upstream `pkg/controller/servicecidrs/servicecidrs_controller.go`,
 * `pkg/api/servicecidr/servicecidr.go`). Pure.
 */
import { isIPv6, parseCIDR, parseIP, type CIDR, type IP } from '@kubets/apimachinery/validation-ip';
import type { IPAddress, ServiceCIDR } from '@kubets/api/types/networking-v1';

export const protectionFinalizer = 'networking.k8s.io/service-cidr-finalizer';
/** So long after its deletion a range stays: allocators may not have heard of it yet. */
export const deletionGracePeriodMs = 10_000;

const managedByLabel = 'ipaddress.kubernetes.io/managed-by';

/** The networks of a range; what is none is left out. */
export const prefixesOf = (cidr: Readonly<ServiceCIDR>): CIDR[] =>
  (cidr.spec?.cidrs ?? []).flatMap((text) => parseCIDR(text) ?? []);

function sameBits(a: IP, b: IP, bits: number): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; 8 * i < bits; i++) {
    const mask = (0xff00 >> Math.min(8, bits - 8 * i)) & 255;
    if (((a[i] ?? 0) & mask) !== ((b[i] ?? 0) & mask)) return false;
  }
  return true;
}

/** Whether all of `inner` is in `outer`. */
export const containsPrefix = (outer: CIDR, inner: CIDR): boolean =>
  outer.bits <= inner.bits && sameBits(outer.network, inner.network, outer.bits);

/** Whether two networks have addresses in common. */
export const overlaps = (a: CIDR, b: CIDR): boolean => sameBits(a.network, b.network, Math.min(a.bits, b.bits));

/** Whether a Service may have the address by this network: its first one and the broadcast address are nobody's. */
export function containsAddress(prefix: CIDR, ip: IP): boolean {
  if (!sameBits(prefix.network, ip, prefix.bits)) return false;
  if (prefix.network.every((byte, i) => byte === ip[i])) return false;
  if (isIPv6(ip)) return true;
  const hostBits = 32 - prefix.bits;
  const broadcast = prefix.network.map((byte, i) => byte | (255 >> Math.max(0, Math.min(8, 8 * (4 - i) - hostBits))));
  return !broadcast.every((byte, i) => byte === ip[i]);
}

/** The address of an object that the API server has allocated; undefined for those that users have made. */
export const allocatedAddress = ({ metadata }: Readonly<IPAddress>): IP | undefined =>
  metadata.labels?.[managedByLabel] === 'ipallocator.k8s.io' ? parseIP(metadata.name ?? '') : undefined;

/** Whether no address is left without a range when `cidr` goes (`canDeleteCIDR`). */
export function canDelete(
  cidr: Readonly<ServiceCIDR>,
  all: readonly Readonly<ServiceCIDR>[],
  addresses: readonly Readonly<IPAddress>[],
): boolean {
  const others = all.filter((other) => other.metadata.name !== cidr.metadata.name).flatMap(prefixesOf);
  const own = prefixesOf(cidr);
  if (own.every((prefix) => others.some((other) => containsPrefix(other, prefix)))) return true;
  return !addresses.some((object) => {
    const ip = allocatedAddress(object);
    if (ip === undefined || !own.some((prefix) => containsAddress(prefix, ip))) return false;
    return !others.some((other) => containsAddress(other, ip));
  });
}

/** What the Ready condition is to say. */
export interface ReadyCondition {
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

export const readyCondition: ReadyCondition = {
  status: 'True',
  reason: '',
  message: 'Kubernetes Service CIDR is ready',
};

export const blockedCondition: ReadyCondition = {
  status: 'False',
  reason: 'Terminating',
  message: 'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR',
};

/** Whether the range says so already. */
export function says(cidr: Readonly<ServiceCIDR>, { status, reason, message }: ReadyCondition): boolean {
  const current = cidr.status?.conditions?.find((condition) => condition.type === 'Ready');
  return current?.status === status && (current.reason ?? '') === reason && current.message === message;
}
