/**
 * Chooses devices for claims on one node (upstream `k8s.io/dynamic-resource-allocation/structured`): depth first, in the order
 * of claims, requests and devices, taking steps back when constraints cannot be met. Devices that several claims may share and
 * devices that have to be prepared before binding are not given out.
 */
import { parseQuantity, zeroQuantity, type Quantity } from '@kubets/apimachinery/quantity';
import type {
  Device,
  DeviceAttribute,
  DeviceConstraint,
  DeviceTaint,
  DeviceToleration,
} from '@kubets/api/types/resource-v1';
import { maxResults, type Alternative, type PlannedClaim } from './claim-requests.ts';
import type { PooledDevice } from './device-pools.ts';

/** A device, and the request it serves. */
export interface Chosen {
  readonly device: PooledDevice;
  readonly alternative: Alternative;
  /** Of the claim. */
  readonly request: string;
}

/** How often a choice may be made before the search is given up: other pods wait. */
const maxSteps = 20_000;

interface Task {
  readonly claim: PlannedClaim;
  readonly claimIndex: number;
  readonly requestIndex: number;
}

function tolerates(toleration: Readonly<DeviceToleration>, taint: Readonly<DeviceTaint>): boolean {
  const { key = '', operator = 'Equal', value = '', effect } = toleration;
  if (key !== '' && key !== taint.key) return false;
  if (effect !== undefined && effect !== taint.effect) return false;
  return operator === 'Exists' || value === (taint.value ?? '');
}

const isTolerable = ({ taints = [] }: Readonly<Device>, tolerations: readonly Readonly<DeviceToleration>[]): boolean =>
  taints.every((taint) => taint.effect === 'None' || tolerations.some((toleration) => tolerates(toleration, taint)));

/** An attribute by its full name; a driver's own attributes may leave out the driver's name. */
function attributeOf({ device, pool }: PooledDevice, name: string): Readonly<DeviceAttribute> | undefined {
  const attributes = device.attributes ?? {};
  if (attributes[name] !== undefined) return attributes[name];
  const prefix = `${pool.driver}/`;
  return name.startsWith(prefix) ? attributes[name.slice(prefix.length)] : undefined;
}

export class Allocator {
  readonly #devices: readonly PooledDevice[];
  readonly #claims: readonly PlannedClaim[];
  /** Ids of devices that are not to be had. */
  readonly #taken: ReadonlySet<string>;
  readonly #chosen: Chosen[][];
  readonly #inUse = new Set<string>();
  #steps = 0;

  constructor(claims: readonly PlannedClaim[], devices: readonly PooledDevice[], taken: ReadonlySet<string>) {
    this.#claims = claims;
    this.#devices = devices;
    this.#taken = taken;
    this.#chosen = claims.map(() => []);
  }

  /**
   * Devices for each claim; undefined when there are not enough.
   *
   * @throws Error when a selector cannot be evaluated, a pool that is wanted whole is not, or the search takes too long.
   */
  allocate(): readonly (readonly Chosen[])[] | undefined {
    return this.#isPossible() && this.#claim(0) ? this.#chosen : undefined;
  }

  /**
   * Counts before it searches: requests that are alike must find enough devices together. Without this, too few devices would be
   * tried in every combination before the answer is no.
   */
  #isPossible(): boolean {
    const wanted = new Map<string, { left: number }>();
    for (const { requests } of this.#claims) {
      for (const { alternatives } of requests) {
        const [only] = alternatives;
        if (alternatives.length !== 1 || only?.count === undefined || only.adminAccess) continue;
        const suitable = this.#devices.filter(
          (device) => device.pool.complete && !this.#taken.has(device.id) && this.#matches(device, only),
        );
        const key = suitable.map(({ id }) => id).join(' ');
        let group = wanted.get(key);
        if (group === undefined) wanted.set(key, (group = { left: suitable.length }));
        group.left -= only.count;
        if (group.left < 0) return false;
      }
    }
    return true;
  }

  #claim(index: number): boolean {
    const claim = this.#claims[index];
    return claim === undefined || this.#request({ claim, claimIndex: index, requestIndex: 0 });
  }

  #request(task: Task): boolean {
    const request = task.claim.requests[task.requestIndex];
    if (request === undefined) return this.#claim(task.claimIndex + 1);
    for (const alternative of request.alternatives) {
      const served =
        alternative.count === undefined
          ? this.#all(task, alternative)
          : this.#some(task, alternative, { left: alternative.count, from: 0 });
      if (served) return true;
    }
    return false;
  }

  #next(task: Task): boolean {
    return this.#request({ ...task, requestIndex: task.requestIndex + 1 });
  }

  /** So many more, from a place in the list on: no two orders of the same devices are tried. */
  #some(task: Task, alternative: Alternative, { left, from }: { left: number; from: number }): boolean {
    if (left === 0) return this.#next(task);
    if (this.#devices.length - from < left) return false;
    for (let i = from; i < this.#devices.length; i++) {
      const device = this.#devices[i] as PooledDevice;
      if (!device.pool.complete || !this.#matches(device, alternative)) continue;
      if (!this.#take(task, alternative, device)) continue;
      if (this.#some(task, alternative, { left: left - 1, from: i + 1 })) return true;
      this.#release(task);
    }
    return false;
  }

  /** Every device that matches, or none. */
  #all(task: Task, alternative: Alternative): boolean {
    const wanted = this.#devices.filter((device) => this.#matches(device, alternative));
    const { claim } = task;
    const torn = wanted.find((device) => !device.pool.complete);
    if (torn !== undefined) {
      throw new Error(
        `claim ${claim.claim.metadata.name}, request ${alternative.name}: asks for all devices, but resource pool ${torn.pool.driver}/${torn.pool.name} is currently being updated`,
      );
    }
    let taken = 0;
    for (const device of wanted) {
      if (!this.#take(task, alternative, device)) break;
      taken++;
    }
    if (taken > 0 && taken === wanted.length && this.#next(task)) return true;
    for (; taken > 0; taken--) this.#release(task);
    return false;
  }

  #matches(pooled: PooledDevice, { matchers, tolerations }: Alternative): boolean {
    if (++this.#steps > maxSteps) throw new Error('allocating devices takes too long: too many combinations');
    const { device, pool } = pooled;
    if (device.allowMultipleAllocations === true || (device.bindingConditions?.length ?? 0) > 0) return false;
    if (!isTolerable(device, tolerations)) return false;
    return matchers.every((matches) => matches({ driver: pool.driver, device }));
  }

  #take({ claim, claimIndex, requestIndex }: Task, alternative: Alternative, device: PooledDevice): boolean {
    const chosen = this.#chosen[claimIndex] as Chosen[];
    if (chosen.length >= maxResults) return false;
    const { adminAccess } = alternative;
    if (!adminAccess && (this.#taken.has(device.id) || this.#inUse.has(device.id))) return false;
    if (adminAccess && chosen.some((other) => other.device === device)) return false;
    const request = claim.requests[requestIndex]?.name ?? '';
    if (!this.#meetsConstraints(claim, chosen, { request, alternative, device })) return false;
    if (!adminAccess && !this.#hasCounters(device)) return false;
    chosen.push({ device, alternative, request });
    if (!adminAccess) this.#inUse.add(device.id);
    return true;
  }

  #release({ claimIndex }: Task): void {
    const last = this.#chosen[claimIndex]?.pop();
    if (last !== undefined && !last.alternative.adminAccess) this.#inUse.delete(last.device.id);
  }

  #meetsConstraints({ constraints }: PlannedClaim, chosen: readonly Chosen[], candidate: Chosen): boolean {
    return constraints.every(({ requests, matchAttribute = '' }) => {
      if (!concerns(requests, candidate)) return true;
      const own = attributeOf(candidate.device, matchAttribute);
      if (own === undefined) return false;
      const other = chosen.find((earlier) => concerns(requests, earlier));
      return other === undefined || sameAttribute(own, attributeOf(other.device, matchAttribute));
    });
  }

  /** Whether what the pool's devices share is enough for one more. */
  #hasCounters({ pool, device }: PooledDevice): boolean {
    for (const { counterSet, counters } of device.consumesCounters ?? []) {
      const limits = pool.counters.get(counterSet);
      if (limits === undefined) return false;
      for (const [name, { value }] of Object.entries(counters)) {
        const limit = limits[name];
        const used = this.#used(pool, counterSet, name);
        if (limit === undefined || used.add(parseQuantity(value)).compare(parseQuantity(limit.value)) > 0) return false;
      }
    }
    return true;
  }

  #used({ driver, name: poolName, slices }: PooledDevice['pool'], set: string, counter: string): Quantity {
    let used = zeroQuantity;
    for (const { spec } of slices) {
      for (const { name, consumesCounters } of spec.devices ?? []) {
        const id = `${driver}/${poolName}/${name}`;
        if (!this.#taken.has(id) && !this.#inUse.has(id)) continue;
        for (const { counterSet, counters } of consumesCounters ?? []) {
          const value = counterSet === set ? counters[counter]?.value : undefined;
          if (value !== undefined) used = used.add(parseQuantity(value));
        }
      }
    }
    return used;
  }
}

/** A constraint names requests, or speaks of all; a request's name stands for its alternatives too. */
function concerns(requests: DeviceConstraint['requests'], { request, alternative }: Chosen): boolean {
  if (requests === undefined || requests.length === 0) return true;
  return requests.includes(request) || requests.includes(alternative.name);
}

function sameAttribute(a: Readonly<DeviceAttribute>, b: Readonly<DeviceAttribute> | undefined): boolean {
  return b !== undefined && a.int === b.int && a.bool === b.bool && a.string === b.string && a.version === b.version;
}
