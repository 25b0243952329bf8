/**
 * Finds what Services and allocators disagree about, and sets it right
 * (`pkg/registry/core/service/ipallocator/controller/repairip.go`, `portallocator/controller/repair.go`).
 */
import type { Clock, Random, Timer } from '@kubets/apimachinery/clock';
import { randomSuffix } from '@kubets/apimachinery/names';
import type { Service } from '@kubets/api/types/core-v1';
import type { IPAddress } from '@kubets/api/types/networking-v1';
import { formatMicroTime } from '@kubets/apimachinery/time';
import type { ApiObject, GroupVersionResource } from '@kubets/apimachinery/meta';
import type { InternalClient } from '../../../bootstrap/internal-client.ts';
import type { CacheDirectory } from '../../../storage/cache.ts';
import { addressesOf, allPortsOf, type AllocationState } from './allocation-state.ts';
import {
  createIPAddress,
  deleteIPAddress,
  ipAddresses,
  isManaged,
  refersTo,
  serviceName,
} from './ip-address-objects.ts';
import { canonicalIP, familyOf } from './ip-range.ts';

const intervalMs = 3 * 60_000;
/** An IPAddress younger than this may belong to a Service that is just being created. */
const graceMs = 60_000;
const events: GroupVersionResource = { group: 'events.k8s.io', version: 'v1', resource: 'events' };

interface Problem {
  readonly reason: string;
  readonly note: string;
  readonly about: 'ClusterIPAllocation' | 'PortAllocation';
}

interface Connections {
  readonly caches: CacheDirectory;
  readonly client: InternalClient;
}

export class RepairLoop {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #state: AllocationState;
  readonly #onError: (what: string, error: unknown) => void;
  #connections: Connections | undefined;
  #timer: Timer | undefined;
  #stopped = false;
  /** Reservations without a Service in the last pass; gone after the next one. */
  #suspects = new Set<string>();

  constructor(options: {
    clock: Clock;
    random: Random;
    state: AllocationState;
    onError: (what: string, error: unknown) => void;
  }) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#state = options.state;
    this.#onError = options.onError;
  }

  /** The first pass is made after one interval; {@link run} makes one at once. */
  start(connections: Connections): void {
    this.#connections = connections;
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#timer = this.#clock.setTimer(intervalMs, () => {
      void this.run().finally(() => this.#schedule());
    });
  }

  /** One pass. Never fails: each problem is reported and the next one looked at. */
  async run(): Promise<void> {
    if (this.#connections === undefined) return;
    const { caches } = this.#connections;
    const services = [...caches.of({ group: '', resource: 'services' }).list()];
    for (const { object } of services) await this.#attempt('service', () => this.#repairService(object as Service));
    for (const { object } of caches.of(ipAddresses).list()) {
      await this.#attempt('IPAddress', () => this.#repairObject(object as unknown as Readonly<IPAddress>));
    }
    this.#dropLeaks(services.map(({ object }) => object as Readonly<Service>));
  }

  async #attempt(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#onError(`repair of ${what}`, error);
    }
  }

  async #repairService(service: Readonly<Service>): Promise<void> {
    for (const address of addressesOf(service)) {
      const problem = await this.#repairAddress(service, address);
      if (problem !== undefined) await this.#report(service, problem);
    }
    for (const port of new Set(allPortsOf(service))) {
      const problem = this.#repairPort(service, port);
      if (problem !== undefined) await this.#report(service, problem);
    }
  }

  async #repairAddress(service: Readonly<Service>, text: string): Promise<Problem | undefined> {
    const about = 'ClusterIPAllocation';
    const address = canonicalIP(text);
    if (address === undefined) {
      return {
        about,
        reason: 'ClusterIPNotValid',
        note: `Cluster IP ${text} is not a valid IP; please recreate service`,
      };
    }
    const named = `Cluster IP [${familyOf(address)}]:${address}`;
    const taken: Problem = {
      about,
      reason: 'ClusterIPAlreadyAllocated',
      note: `${named} was assigned to multiple services; please recreate service`,
    };
    const owner = this.#state.addresses.claim(address, service.metadata.uid ?? '');
    if (owner !== undefined && this.#isLive(owner, address)) return taken;
    if (!this.#inRange(address)) {
      const note = `${named} is not within any configured Service CIDR; please recreate service`;
      return { about, reason: 'ClusterIPOutOfRange', note };
    }
    return this.#repairAddressObject(service, address, { taken, named });
  }

  async #repairAddressObject(
    service: Readonly<Service>,
    address: string,
    { taken, named }: { taken: Problem; named: string },
  ): Promise<Problem | undefined> {
    const { caches, client } = this.#connections as Connections;
    const object = caches.of(ipAddresses).get('', address)?.object as unknown as Readonly<IPAddress> | undefined;
    const parent = object?.spec?.parentRef;
    if (object !== undefined) {
      if (refersTo(parent, serviceName(service))) return undefined;
      const other = caches.of({ group: '', resource: 'services' }).get(parent?.namespace ?? '', parent?.name ?? '');
      const uses = other !== undefined && addressesOf(other.object as Service).includes(address);
      if (parent?.resource === 'services' && uses) return taken;
      await deleteIPAddress(client, address);
    }
    await createIPAddress(client, address, serviceName(service));
    const note = `${named} is not allocated; repairing`;
    return { about: 'ClusterIPAllocation', reason: 'ClusterIPNotAllocated', note };
  }

  #inRange(address: string): boolean {
    try {
      this.#state.addresses.checkRange(address);
      return true;
    } catch {
      // The only error there is says that no range has it.
      return false;
    }
  }

  /** Whether the Service with this uid is there and uses the address. */
  #isLive(uid: string, address: string): boolean {
    const { caches } = this.#connections as Connections;
    for (const { object } of caches.of({ group: '', resource: 'services' }).list()) {
      if (object.metadata.uid === uid) return addressesOf(object as Service).includes(address);
    }
    return false;
  }

  #repairPort(service: Readonly<Service>, port: number): Problem | undefined {
    const about = 'PortAllocation';
    const { first, last } = this.#state.ports.range;
    if (port < first || port > last) {
      const note = `Port ${port} is not within the port range ${first}-${last}; please recreate service`;
      return { about, reason: 'PortOutOfRange', note };
    }
    const owner = this.#state.ports.claim(port, service.metadata.uid ?? '');
    if (owner === undefined) return undefined;
    const note = `Port ${port} was assigned to multiple services; please recreate service`;
    return { about, reason: 'PortAlreadyAllocated', note };
  }

  /** An IPAddress of ours whose Service does not use it goes. */
  async #repairObject(object: Readonly<IPAddress>): Promise<void> {
    const parent = object.spec?.parentRef;
    if (!isManaged(object) || object.metadata.deletionTimestamp) return;
    const age = this.#clock.now() - Date.parse(object.metadata.creationTimestamp ?? '');
    if (age < graceMs) return;
    const { caches, client } = this.#connections as Connections;
    const address = object.metadata.name ?? '';
    const entry = caches.of({ group: '', resource: 'services' }).get(parent?.namespace ?? '', parent?.name ?? '');
    if (entry !== undefined && addressesOf(entry.object as Service).some((ip) => canonicalIP(ip) === address)) return;
    await deleteIPAddress(client, address);
  }

  /** Reservations that no Service explains in two passes running are given back. */
  #dropLeaks(services: readonly Readonly<Service>[]): void {
    const used = new Set<string>();
    for (const service of services) {
      const uid = service.metadata.uid ?? '';
      for (const address of addressesOf(service)) used.add(`${uid} ${canonicalIP(address)}`);
      for (const port of allPortsOf(service)) used.add(`${uid} ${port}`);
    }
    const suspects = new Set<string>();
    const { addresses, ports } = this.#state;
    const check = (key: string, release: () => void): void => {
      if (used.has(key)) return;
      if (this.#suspects.has(key)) release();
      else suspects.add(key);
    };
    for (const [address, owner] of addresses.entries()) {
      check(`${owner} ${address}`, () => addresses.release(address, owner));
    }
    for (const [port, owner] of ports.entries()) {
      check(`${owner} ${port}`, () => ports.release(port, owner));
    }
    this.#suspects = suspects;
  }

  async #report(service: Readonly<Service>, { reason, note, about }: Problem): Promise<void> {
    const { namespace = '', name = '', uid, resourceVersion } = service.metadata;
    const controller = about === 'PortAllocation' ? 'portallocator-repair-controller' : 'ipallocator-repair-controller';
    const event = {
      kind: 'Event',
      apiVersion: 'events.k8s.io/v1',
      metadata: { name: `${name}.${randomSuffix(this.#random, 16)}`, namespace },
      eventTime: formatMicroTime(this.#clock.now()),
      reportingController: controller,
      reportingInstance: controller,
      action: about,
      reason,
      note,
      type: 'Warning',
      regarding: { kind: 'Service', apiVersion: 'v1', namespace, name, uid, resourceVersion },
    };
    await (this.#connections as Connections).client.create(events, namespace, event as ApiObject);
  }
}
