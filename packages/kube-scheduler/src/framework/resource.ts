/** Amounts of resources, as the scheduler counts them (`pkg/scheduler/framework/types.go`, `Resource`). */
import { parseQuantity, type Quantity } from '@kubets/apimachinery/quantity';
import { isScalarResource } from '@kubets/api/core/helpers/resource-names';

/** Milli-CPUs, bytes, and for everything else whole units. */
export class Resource {
  milliCpu = 0;
  memory = 0;
  ephemeralStorage = 0;
  /** Of a node: `status.allocatable.pods`. Of pods: not counted. */
  allowedPodNumber = 0;
  /** Extended resources, huge pages, attachable volumes; undefined while there are none. */
  scalar: Map<string, number> | undefined = undefined;

  /** Adds a `ResourceList` (`Resource.Add`). Throws on an amount that is none: the API server lets none through. */
  addList(list: Readonly<Record<string, string | number>> | undefined): void {
    for (const name in list) this.add(name, amountOf(name, list[name]));
  }

  static of(amounts: ReadonlyMap<string, Quantity>): Resource {
    const resource = new Resource();
    for (const [name, amount] of amounts) resource.add(name, name === 'cpu' ? amount.milliValue() : amount.value());
    return resource;
  }

  add(name: string, amount: number): void {
    if (name === 'cpu') this.milliCpu += amount;
    else if (name === 'memory') this.memory += amount;
    else if (name === 'ephemeral-storage') this.ephemeralStorage += amount;
    else if (name === 'pods') this.allowedPodNumber += amount;
    else if (isScalarResource(name)) {
      this.scalar ??= new Map();
      this.scalar.set(name, (this.scalar.get(name) ?? 0) + amount);
    }
  }

  get(name: string): number {
    if (name === 'cpu') return this.milliCpu;
    if (name === 'memory') return this.memory;
    if (name === 'ephemeral-storage') return this.ephemeralStorage;
    if (name === 'pods') return this.allowedPodNumber;
    return this.scalar?.get(name) ?? 0;
  }

  /** Adds (sign 1) or takes away (sign -1) what a pod requests. */
  apply(other: Resource, sign: 1 | -1): void {
    this.milliCpu += sign * other.milliCpu;
    this.memory += sign * other.memory;
    this.ephemeralStorage += sign * other.ephemeralStorage;
    if (other.scalar === undefined) return;
    this.scalar ??= new Map();
    for (const [name, amount] of other.scalar) this.scalar.set(name, (this.scalar.get(name) ?? 0) + sign * amount);
  }

  clone(): Resource {
    const copy = new Resource();
    copy.milliCpu = this.milliCpu;
    copy.memory = this.memory;
    copy.ephemeralStorage = this.ephemeralStorage;
    copy.allowedPodNumber = this.allowedPodNumber;
    if (this.scalar !== undefined) copy.scalar = new Map(this.scalar);
    return copy;
  }
}

/** In the units of {@link Resource}. */
export function amountOf(name: string, quantity: string | number | undefined): number {
  if (quantity === undefined) return 0;
  const parsed = parseQuantity(String(quantity));
  return name === 'cpu' ? parsed.milliValue() : parsed.value();
}
