/**
 * Subnets of one size within a network, given out in turn (upstream `pkg/controller/nodeipam/ipam/cidrset/cidr_set.go`).
 */
import { formatIP, parseCIDR, type CIDR, type IP } from '@kubets/apimachinery/validation-ip';

/** No subnet is left (upstream's `ErrCIDRRangeNoCIDRsRemaining`). */
export class NoCidrsRemainingError extends Error {
  override readonly name = 'NoCidrsRemainingError';

  constructor() {
    super('CIDR allocation failed; there are no remaining CIDRs left to allocate in the accepted range');
  }
}

/** An IPv6 network may be so many bits larger than its subnets. */
const maxIPv6Difference = 16;

const toNumber = (ip: IP): bigint => ip.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);

function toIP(value: bigint, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, i) => Number((value >> BigInt(8 * (bytes - 1 - i))) & 255n));
}

/** A CIDR that must be one. Throws an Error that says what was given. */
export function requireCIDR(text: string): CIDR {
  const cidr = parseCIDR(text);
  if (cidr === undefined) throw new Error(`invalid CIDR address: ${text}`);
  return cidr;
}

interface Range {
  readonly first: number;
  readonly last: number;
}

export class CidrSet {
  /** In its canonical form. */
  readonly network: string;
  /** How many subnets there are. */
  readonly size: number;
  readonly #bytes: number;
  readonly #base: bigint;
  readonly #clusterBits: number;
  readonly #subnetBits: number;
  readonly #used = new Set<number>();
  #next = 0;

  /** Throws when the subnets are not smaller than the network, or too many. */
  constructor(network: string, subnetBits: number) {
    const cidr = requireCIDR(network);
    const { bits } = cidr;
    this.#bytes = cidr.network.length;
    if (subnetBits < bits || subnetBits > 8 * this.#bytes) {
      throw new Error(`the node CIDR mask size ${subnetBits} does not fit into the cluster CIDR ${network}`);
    }
    if (this.#bytes === 16 && subnetBits - bits > maxIPv6Difference) {
      throw new Error(
        `New CIDR set failed; the node CIDR size is too big: ${network} with node CIDR mask size ${subnetBits}`,
      );
    }
    this.network = `${formatIP(cidr.network)}/${bits}`;
    this.size = 2 ** (subnetBits - bits);
    this.#base = toNumber(cidr.network);
    this.#clusterBits = bits;
    this.#subnetBits = subnetBits;
  }

  /** How many are taken. */
  get used(): number {
    return this.#used.size;
  }

  /** The next subnet that is free, and how many were looked at. Throws {@link NoCidrsRemainingError}. */
  allocate(): { readonly cidr: string; readonly tries: number } {
    if (this.#used.size >= this.size) throw new NoCidrsRemainingError();
    for (let tries = 1; ; tries++) {
      const index = this.#next;
      this.#next = (index + 1) % this.size;
      if (this.#used.has(index)) continue;
      this.#used.add(index);
      return { cidr: this.#textOf(index), tries };
    }
  }

  /** Takes all subnets that a network touches. Throws when it lies outside. Returns how many were free. */
  occupy(network: string): number {
    const { first, last } = this.#rangeOf(network);
    const before = this.#used.size;
    for (let index = first; index <= last; index++) this.#used.add(index);
    return this.#used.size - before;
  }

  /** Gives them back. Throws when it lies outside. Returns how many were taken. */
  release(network: string): number {
    const { first, last } = this.#rangeOf(network);
    const before = this.#used.size;
    for (let index = first; index <= last; index++) this.#used.delete(index);
    return before - this.#used.size;
  }

  /** Whether the two networks have addresses in common. */
  overlaps(network: string): boolean {
    const cidr = parseCIDR(network);
    if (cidr?.network.length !== this.#bytes) return false;
    const bits = BigInt(8 * this.#bytes - Math.min(cidr.bits, this.#clusterBits));
    return toNumber(cidr.network) >> bits === this.#base >> bits;
  }

  #rangeOf(network: string): Range {
    const cidr = requireCIDR(network);
    if (!this.overlaps(network)) {
      throw new Error(`cidr ${network} is out the range of cluster cidr ${this.network}`);
    }
    if (cidr.bits <= this.#clusterBits) return { first: 0, last: this.size - 1 };
    const total = 8 * this.#bytes;
    const start = toNumber(cidr.network);
    const end = start + (1n << BigInt(total - cidr.bits)) - 1n;
    return { first: this.#indexOf(start), last: this.#indexOf(end) };
  }

  #indexOf(address: bigint): number {
    return Number((address - this.#base) >> BigInt(8 * this.#bytes - this.#subnetBits));
  }

  #textOf(index: number): string {
    const start = this.#base + (BigInt(index) << BigInt(8 * this.#bytes - this.#subnetBits));
    return `${formatIP(toIP(start, this.#bytes))}/${this.#subnetBits}`;
  }
}
