/**
 * Which addresses are taken, and by whom. Addresses are reserved in memory at once, so that two requests of
 * this server never get the same one; an object of their own (IPAddress) keeps other servers away.
 * (`pkg/registry/core/service/ipallocator/cidrallocator.go`.)
 */
import type { Random } from '@kubets/apimachinery/clock';
import { parseIP } from '@kubets/apimachinery/validation-ip';
import {
  bigIntToText,
  canonicalIP,
  familyOfIP,
  ipToBigInt,
  rangeContains,
  type IPFamily,
  type IPRange,
} from './ip-range.ts';
import { scan } from './scan.ts';

/** Why an address cannot be given out; the messages are upstream's. */
export class AllocationError extends Error {
  override readonly name = 'AllocationError';
}

export const rangeFull = 'range is full';
export const ipAllocated = 'provided IP is already allocated';
const otherNetwork = 'the provided network does not match the current range';

export class IPAllocator {
  readonly #random: Random;
  readonly #ranges: () => readonly IPRange[];
  /** Whether something else holds the address, such as an IPAddress object. */
  readonly #isTaken: (address: string) => boolean;
  /** Owner by canonical address. */
  readonly #owners = new Map<string, string>();

  constructor(options: {
    random: Random;
    /** The ranges as they are now. */
    ranges: () => readonly IPRange[];
    isTaken?: (address: string) => boolean;
  }) {
    this.#random = options.random;
    this.#ranges = options.ranges;
    this.#isTaken = options.isTaken ?? (() => false);
  }

  /** Reserves the address; throws {@link AllocationError}. Answers its canonical text. */
  allocate(address: string, owner: string): string {
    this.checkRange(address);
    const canonical = canonicalIP(address) as string;
    if (this.#owners.has(canonical)) throw new AllocationError(ipAllocated);
    this.#owners.set(canonical, owner);
    return canonical;
  }

  /** Throws {@link AllocationError} unless some range has the address. */
  checkRange(address: string): void {
    const ip = parseIP(address);
    if (ip === undefined) throw new AllocationError(otherNetwork);
    const value = ipToBigInt(ip);
    const family = familyOfIP(ip);
    const fits = this.#ranges().some((range) => range.family === family && rangeContains(range, value));
    if (!fits) throw new AllocationError(otherNetwork);
  }

  /** Reserves a free address: of the upper part of a range first. Throws {@link AllocationError} when there is none. */
  next(family: IPFamily, owner: string): string {
    for (const range of this.#ranges()) {
      if (range.family !== family) continue;
      const found = this.#nextOf(range, owner);
      if (found !== undefined) return found;
    }
    throw new AllocationError(rangeFull);
  }

  #nextOf({ first, last, dynamicFirst, family }: IPRange, owner: string): string | undefined {
    const bands = [
      { first: dynamicFirst, last },
      { first, last: dynamicFirst - 1n < last ? dynamicFirst - 1n : last },
    ];
    for (const value of scan(bands, () => this.#random.float())) {
      const address = bigIntToText(value, family);
      if (this.#owners.has(address) || this.#isTaken(address)) continue;
      this.#owners.set(address, owner);
      return address;
    }
    return undefined;
  }

  /** What a dry run shows instead of a free address: the network's (`dryRunAllocator`). */
  placeholder(family: IPFamily): string {
    const range = this.#ranges().find((candidate) => candidate.family === family);
    if (range === undefined) throw new AllocationError(rangeFull);
    return bigIntToText(range.network, family);
  }

  /** Notes an address that is in use already. Answers the earlier owner when there is another one. */
  claim(address: string, owner: string): string | undefined {
    const canonical = canonicalIP(address);
    if (canonical === undefined) return undefined;
    const before = this.#owners.get(canonical);
    if (before !== undefined && before !== owner) return before;
    this.#owners.set(canonical, owner);
    return undefined;
  }

  /** Frees the address if it is still the owner's. Idempotent. */
  release(address: string, owner: string): void {
    const canonical = canonicalIP(address);
    if (canonical !== undefined && this.#owners.get(canonical) === owner) this.#owners.delete(canonical);
  }

  ownerOf(address: string): string | undefined {
    return this.#owners.get(canonicalIP(address) ?? '');
  }

  /** All reserved addresses with their owners. */
  entries(): IterableIterator<[address: string, owner: string]> {
    return this.#owners.entries();
  }
}
