/** What is allocated to which Service, as this server knows it: its own writes at once, those of others from the caches. */
import type { Random } from '@kubets/apimachinery/clock';
import { needsHealthCheck, nodePortsOf } from '@kubets/api/core/validation/service-traits';
import type { Service } from '@kubets/api/types/core-v1';
import type { ServiceCIDR } from '@kubets/api/types/networking-v1';
import type { CacheDirectory, CacheEvent, CachedObject, ResourceCache } from '../../../storage/cache.ts';
import { IPAllocator } from './ip-allocator.ts';
import { parseRange, type IPFamily, type IPRange } from './ip-range.ts';
import { PortAllocator, type PortRange } from './port-allocator.ts';

/** Ready unless it says otherwise, as where no controller manager runs. */
function isReady({ metadata, status }: Readonly<ServiceCIDR>): boolean {
  if (metadata.deletionTimestamp) return false;
  return status?.conditions?.find(({ type }) => type === 'Ready')?.status !== 'False';
}

const serviceOf = (entry: CachedObject): Readonly<Service> => entry.object as Readonly<Service>;

/** The addresses of a Service, without `None`. */
export function addressesOf({ spec }: Readonly<Service>): readonly string[] {
  if (spec?.type === 'ExternalName') return [];
  return (spec?.clusterIPs ?? []).filter((address) => address !== 'None' && address !== '');
}

/** Node ports and health check port. */
export function allPortsOf(service: Readonly<Service>): number[] {
  const health = needsHealthCheck(service) ? (service.spec?.healthCheckNodePort ?? 0) : 0;
  return health > 0 ? [...nodePortsOf(service), health] : nodePortsOf(service);
}

export class AllocationState implements Disposable {
  readonly addresses: IPAllocator;
  readonly ports: PortAllocator;
  /** The families of the configured ranges, the default one first. */
  readonly families: readonly IPFamily[];
  readonly #configured: readonly IPRange[];
  #ranges: readonly IPRange[];
  #objects: ResourceCache | undefined;
  #endpoints: ResourceCache | undefined;
  /** Addresses of Services that have gone whose IPAddress has not, with their owners. */
  readonly #leaving = new Map<string, string>();
  readonly #stack = new DisposableStack();

  constructor(options: { serviceCidrs: readonly string[]; nodePortRange: PortRange; random: Random }) {
    this.#configured = options.serviceCidrs.map(parseRange);
    this.#ranges = this.#configured;
    this.families = [...new Set(this.#configured.map(({ family }) => family))];
    this.addresses = new IPAllocator({
      random: options.random,
      ranges: () => this.#ranges,
      isTaken: (address) => this.#objects?.get('', address) !== undefined,
    });
    this.ports = new PortAllocator(options.nodePortRange, options.random);
  }

  /** Fills the state from the caches and keeps it up to date. */
  follow(caches: CacheDirectory): void {
    const group = 'networking.k8s.io';
    this.#objects = caches.of({ group, resource: 'ipaddresses' });
    this.#endpoints = caches.of({ group: '', resource: 'endpoints' });
    const cidrs = caches.of({ group, resource: 'servicecidrs' });
    const services = caches.of({ group: '', resource: 'services' });
    this.#readRanges(cidrs);
    for (const entry of services.list()) this.#claim(serviceOf(entry));
    this.#stack.defer(cidrs.subscribe(() => this.#readRanges(cidrs)));
    this.#stack.defer(services.subscribe((event) => this.#onService(event)));
    this.#stack.defer(this.#objects.subscribe((event) => this.#onObject(event)));
  }

  hasEndpoints(namespace: string, name: string): boolean {
    return this.#endpoints?.get(namespace, name) !== undefined;
  }

  /** Idempotent. */
  releasePorts(service: Readonly<Service>): void {
    for (const port of allPortsOf(service)) this.ports.release(port, service.metadata.uid ?? '');
  }

  [Symbol.dispose](): void {
    this.#stack.dispose();
  }

  /** ServiceCIDR objects count once there are any of a family; until then, what the command line says. */
  #readRanges(cidrs: ResourceCache): void {
    const ranges: IPRange[] = [];
    const seen = new Set<string>();
    const families = new Set<IPFamily>();
    for (const entry of cidrs.list()) {
      const object = entry.object as unknown as Readonly<ServiceCIDR>;
      for (const cidr of object.spec?.cidrs ?? []) {
        const range = parseRange(cidr);
        families.add(range.family);
        if (!isReady(object) || seen.has(cidr)) continue;
        seen.add(cidr);
        ranges.push(range);
      }
    }
    for (const range of this.#configured) if (!families.has(range.family)) ranges.push(range);
    this.#ranges = ranges;
  }

  #claim(service: Readonly<Service>): void {
    const owner = service.metadata.uid ?? '';
    for (const address of addressesOf(service)) this.addresses.claim(address, owner);
    for (const port of allPortsOf(service)) this.ports.claim(port, owner);
  }

  #onService(event: CacheEvent): void {
    if (event.type !== 'deleted') return this.#claim(serviceOf(event.current));
    const service = serviceOf(event.previous);
    const owner = service.metadata.uid ?? '';
    this.releasePorts(service);
    for (const address of addressesOf(service)) {
      if (this.#objects?.get('', address) === undefined) this.addresses.release(address, owner);
      else this.#leaving.set(address, owner);
    }
  }

  #onObject(event: CacheEvent): void {
    if (event.type !== 'deleted') return;
    const address = event.previous.name;
    const owner = this.#leaving.get(address);
    if (owner === undefined) return;
    this.#leaving.delete(address);
    this.addresses.release(address, owner);
  }
}
