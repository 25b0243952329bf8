/** Node ports (`pkg/registry/core/service/portallocator/allocator.go`, `operation.go`). */
import type { Random } from '@kubets/apimachinery/clock';
import { AllocationError, rangeFull } from './ip-allocator.ts';
import { scan } from './scan.ts';

/** Both ends included: `--service-node-port-range`. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export const portAllocated = 'provided port is already allocated';

/** `ServiceNodePortStaticSubrange`: a 32nd of the range, 16 to 128 ports; none in very small ranges. */
function staticBand({ first, last }: PortRange): number {
  const size = last - first + 1;
  return size <= 16 ? 0 : Math.min(128, Math.max(16, Math.floor(size / 32)));
}

export class PortAllocator {
  readonly range: PortRange;
  readonly #random: Random;
  readonly #owners = new Map<number, string>();

  constructor(range: PortRange, random: Random) {
    this.range = range;
    this.#random = random;
  }

  /** Throws {@link AllocationError} when the port is taken or out of range. */
  allocate(port: number, owner: string): void {
    this.check(port);
    this.#owners.set(port, owner);
  }

  /** As {@link allocate}, without taking it. */
  check(port: number): void {
    const { first, last } = this.range;
    if (port < first || port > last) {
      const valid = `The range of valid ports is ${first}-${last}`;
      throw new AllocationError(`provided port is not in the valid range. ${valid}`);
    }
    if (this.#owners.has(port)) throw new AllocationError(portAllocated);
  }

  /** Takes a free port, of the upper part first. Throws {@link AllocationError} when there is none. */
  next(owner: string): number {
    const port = this.peek();
    this.#owners.set(port, owner);
    return port;
  }

  /** A free port, not taken. Throws {@link AllocationError} when there is none. */
  peek(): number {
    const first = BigInt(this.range.first);
    const dynamic = first + BigInt(staticBand(this.range));
    const bands = [
      { first: dynamic, last: BigInt(this.range.last) },
      { first, last: dynamic - 1n },
    ];
    for (const port of scan(bands, () => this.#random.float())) {
      if (!this.#owners.has(Number(port))) return Number(port);
    }
    throw new AllocationError(rangeFull);
  }

  /** Notes a port that is in use already. Answers the earlier owner when there is another one. */
  claim(port: number, owner: string): string | undefined {
    const before = this.#owners.get(port);
    if (before !== undefined && before !== owner) return before;
    this.#owners.set(port, owner);
    return undefined;
  }

  /** Frees the port if it is still the owner's. Idempotent. */
  release(port: number, owner: string): void {
    if (this.#owners.get(port) === owner) this.#owners.delete(port);
  }

  ownerOf(port: number): string | undefined {
    return this.#owners.get(port);
  }

  entries(): IterableIterator<[port: number, owner: string]> {
    return this.#owners.entries();
  }
}
