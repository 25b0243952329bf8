/**
 * One subnet of each of the cluster's networks for every node (upstream `pkg/controller/nodeipam/ipam/range_allocator.go`).
 * Without I/O.
 */
import { CidrSet } from './cidr-set.ts';

export interface RangeAllocatorOptions {
  /** One, or one of each family. */
  readonly clusterCidrs: readonly string[];
  /** Of the subnets, by the index of their network. */
  readonly maskSizes: readonly number[];
  /** Addresses that no node may have. */
  readonly serviceRanges: readonly string[];
  /** Told of what was given out or taken back: the network, how many subnets, how many were looked at. */
  readonly onAllocated?: (set: CidrSet, tries: number) => void;
  readonly onReleased?: (set: CidrSet, count: number) => void;
}

export class RangeAllocator {
  readonly sets: readonly CidrSet[];
  readonly #options: RangeAllocatorOptions;
  /** What each node has, or is to get. */
  readonly #nodes = new Map<string, readonly string[]>();

  /** Throws when a network or a size is invalid. */
  constructor(options: RangeAllocatorOptions) {
    this.#options = options;
    this.sets = options.clusterCidrs.map((cidr, i) => new CidrSet(cidr, options.maskSizes[i] ?? 0));
    for (const range of options.serviceRanges) {
      for (const set of this.sets) if (set.overlaps(range)) set.occupy(range);
    }
  }

  /** What the node has or is to get, as far as is known. */
  of(node: string): readonly string[] | undefined {
    return this.#nodes.get(node);
  }

  /**
   * The node has these: nobody else may get them, and what was meant for it otherwise is free again. Throws when they are not
   * of the cluster's networks; those that are have been taken then.
   */
  occupy(node: string, cidrs: readonly string[]): void {
    const known = this.#nodes.get(node);
    if (known !== undefined && known.join() === cidrs.join()) return;
    if (known !== undefined) this.release(node);
    this.#nodes.set(node, [...cidrs]);
    for (const [i, cidr] of cidrs.entries()) {
      const set = this.sets[i];
      if (set === undefined) {
        throw new Error(
          `node:${node} has an allocated cidr: ${cidr} at index:${i} that does not exist in cluster cidrs configuration`,
        );
      }
      set.occupy(cidr);
    }
  }

  /** What the node is to get: the same when asked again. Throws when a network is used up; nothing is taken then. */
  allocate(node: string): readonly string[] {
    const known = this.#nodes.get(node);
    if (known !== undefined) return known;
    const cidrs: string[] = [];
    for (const [i, set] of this.sets.entries()) {
      try {
        const { cidr, tries } = set.allocate();
        this.#options.onAllocated?.(set, tries);
        cidrs.push(cidr);
      } catch (error) {
        for (const [j, cidr] of cidrs.entries()) this.sets[j]?.release(cidr);
        const why = error instanceof Error ? error.message : String(error);
        throw new Error(`failed to allocate cidr from cluster cidr at idx:${i}: ${why}`, { cause: error });
      }
    }
    this.#nodes.set(node, cidrs);
    return cidrs;
  }

  /** The node is gone: others may have what it had. */
  release(node: string): void {
    const cidrs = this.#nodes.get(node) ?? [];
    this.#nodes.delete(node);
    for (const [i, cidr] of cidrs.entries()) {
      const set = this.sets[i];
      // What lies outside was never taken.
      if (set?.overlaps(cidr) !== true) continue;
      const count = set.release(cidr);
      this.#options.onReleased?.(set, count);
    }
  }
}
