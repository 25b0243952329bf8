/** Addresses of one range, handed out one after the other (as the `host-local` plugin of CNI does). */
import { formatIP, parseCIDR, parseIP, type CIDR, type IP } from '@kubets/apimachinery/validation-ip';

/** Larger ranges are used up to here. */
const maxHostBits = 24;

export class AddressPool {
  readonly #network: IP;
  readonly #size: number;
  readonly #used = new Set<number>();
  /** Offset handed out last: an address that has just come free is not the next one. */
  #last = 1;

  /** Throws an Error for what is no range. */
  constructor(cidr: string) {
    const parsed = parseCIDR(cidr);
    if (parsed === undefined) throw new Error(`${JSON.stringify(cidr)} is no CIDR range`);
    this.#network = parsed.network;
    this.#size = 2 ** Math.min(maxHostBits, hostBits(parsed));
  }

  /** A free address; undefined when there is none. The network's, the gateway's and the last one are not given away. */
  allocate(): string | undefined {
    for (let i = 0; i < this.#size; i++) {
      this.#last = this.#last + 1 >= this.#size - 1 ? 2 : this.#last + 1;
      if (this.#last >= this.#size - 1) return undefined;
      if (this.#used.has(this.#last)) continue;
      this.#used.add(this.#last);
      return this.#address(this.#last);
    }
    return undefined;
  }

  /** Takes an address that is in use already. Whether it is one of this range. */
  take(address: string): boolean {
    const offset = this.#offset(address);
    if (offset === undefined) return false;
    this.#used.add(offset);
    this.#last = Math.max(this.#last, offset);
    return true;
  }

  /** Idempotent; addresses of other ranges are passed over. */
  release(address: string): void {
    const offset = this.#offset(address);
    if (offset !== undefined) this.#used.delete(offset);
  }

  #address(offset: number): string {
    const bytes = [...this.#network];
    for (let i = bytes.length - 1, rest = offset; rest > 0; i--, rest = Math.floor(rest / 256)) {
      bytes[i] = (bytes[i] ?? 0) | (rest % 256);
    }
    return formatIP(bytes);
  }

  #offset(address: string): number | undefined {
    const ip = parseIP(address);
    if (ip?.length !== this.#network.length) return undefined;
    let offset = 0;
    for (const [i, byte] of ip.entries()) offset = offset * 256 + (byte ^ (this.#network[i] ?? 0));
    return offset < this.#size ? offset : undefined;
  }
}

const hostBits = ({ network, bits }: CIDR): number => network.length * 8 - bits;
