/**
 * Addresses and ports into as few subsets as say the same (upstream `pkg/api/v1/endpoints/util.go`, `RepackSubsets`), and not
 * too many of them (`pkg/controller/endpoint/endpoints_controller.go`, `truncateEndpoints`). Pure.
 */
import type { EndpointAddress, EndpointPort, EndpointSubset } from '@kubets/api/types/core-v1';

/** One address behind one port; without a port: behind the Service as such. */
export interface AddressOfPort {
  readonly address: EndpointAddress;
  readonly ready: boolean;
  readonly port: EndpointPort | undefined;
}

/** How many addresses an Endpoints object may have. */
export const maxCapacity = 1000;

interface PortGroup {
  readonly port: EndpointPort | undefined;
  /** Whether the address of that key is ready. */
  readonly ready: Map<string, boolean>;
}

const addressKey = ({ ip, targetRef }: EndpointAddress): string => `${ip} ${targetRef?.uid ?? ''}`;
const byKey = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const portKey = (port: EndpointPort | undefined): string =>
  port === undefined ? '' : JSON.stringify([port.name, port.port, port.protocol, port.appProtocol]);

function byPort(list: readonly AddressOfPort[], addresses: Map<string, EndpointAddress>): Map<string, PortGroup> {
  const groups = new Map<string, PortGroup>();
  for (const { address, ready, port } of list) {
    const key = addressKey(address);
    if (!addresses.has(key)) addresses.set(key, address);
    const name = portKey(port);
    let group = groups.get(name);
    if (group === undefined) groups.set(name, (group = { port, ready: new Map() }));
    // Not ready counts more.
    group.ready.set(key, ready && group.ready.get(key) !== false);
  }
  return groups;
}

/** The same addresses behind several ports are one subset. The order is always the same. */
export function repackSubsets(list: readonly AddressOfPort[]): EndpointSubset[] {
  const addresses = new Map<string, EndpointAddress>();
  const subsets = new Map<string, { ready: Map<string, boolean>; ports: Map<string, EndpointPort> }>();
  for (const [name, { port, ready }] of byPort(list, addresses)) {
    const sorted = new Map([...ready].toSorted(([a], [b]) => byKey(a, b)));
    let key = '';
    for (const [address, is] of sorted) key += is ? `${address}\n` : `${address} -\n`;
    let subset = subsets.get(key);
    if (subset === undefined) subsets.set(key, (subset = { ready: sorted, ports: new Map() }));
    if (port !== undefined) subset.ports.set(name, port);
  }
  return [...subsets]
    .toSorted(([a], [b]) => byKey(a, b))
    .map(([, { ready, ports }]) => {
      const pick = (wanted: boolean): EndpointAddress[] =>
        [...ready].flatMap(([key, is]) => (is === wanted ? [addresses.get(key) as EndpointAddress] : []));
      const [up, down] = [pick(true), pick(false)];
      const sorted = [...ports].toSorted(([a], [b]) => byKey(a, b)).map(([, port]) => port);
      return {
        ...(up.length > 0 && { addresses: up }),
        ...(down.length > 0 && { notReadyAddresses: down }),
        ...(sorted.length > 0 && { ports: sorted }),
      };
    });
}

const count = (subsets: readonly EndpointSubset[], field: 'addresses' | 'notReadyAddresses'): number =>
  subsets.reduce((sum, subset) => sum + (subset[field]?.length ?? 0), 0);

/**
 * At most {@link maxCapacity} addresses, ready ones first, each subset in proportion to its size. Returns the list itself when
 * there are no more.
 */
export function truncateSubsets(subsets: EndpointSubset[]): EndpointSubset[] {
  const ready = count(subsets, 'addresses');
  const notReady = count(subsets, 'notReadyAddresses');
  if (ready + notReady <= maxCapacity) return subsets;
  const field = ready > maxCapacity ? 'addresses' : 'notReadyAddresses';
  const room = ready > maxCapacity ? maxCapacity : maxCapacity - ready;
  const total = ready > maxCapacity ? ready : notReady;
  let left = room;
  return subsets.map((subset) => {
    const { addresses = [], notReadyAddresses = [], ports } = subset;
    const size = field === 'addresses' ? addresses.length : notReadyAddresses.length;
    const share = Math.min(left, Math.ceil((size / total) * room));
    const up = field === 'addresses' ? addresses.slice(0, share) : addresses;
    const down = field === 'addresses' ? [] : notReadyAddresses.slice(0, share);
    left -= field === 'addresses' ? up.length : down.length;
    return {
      ...(up.length > 0 && { addresses: up }),
      ...(down.length > 0 && { notReadyAddresses: down }),
      ...(ports && { ports }),
    };
  });
}
