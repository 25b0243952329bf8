/**
 * The keys of the store in order, in memory: a list of sorted chunks.
 *
 * Chosen over a tree for its small footprint (one array slot per key) and because a prefix scan walks
 * arrays. An insert searches two levels (about log2(n) string comparisons) and shifts at most one
 * chunk. Order is that of UTF-16 code units, which is byte order for all text below U+D800.
 */
import type { PendingWrite } from './pending-write.ts';

/** What the index knows of a key. One object shape for all, mutated in place. */
export interface KeyEntry {
  readonly key: string;
  /** Revision of the newest durable write, a deletion included; 0 when none is durable yet. */
  modRevision: number;
  /** Revision of the durable creation; 0 when the newest durable write is a deletion, or there is none. */
  createRevision: number;
  lease: number;
  /** The newest write that is decided and not yet durable. */
  pending: PendingWrite | undefined;
}

const chunkLimit = 512;

/** The first position in `list` whose key is not below `key`. */
function lowerBound(list: readonly KeyEntry[], key: string): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = list[middle];
    if (entry !== undefined && entry.key < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

export class KeyIndex {
  /** No chunk is empty. */
  readonly #chunks: KeyEntry[][] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The chunk that holds `key` if any does: the last one that starts at or below it. */
  #chunkOf(key: string): number {
    const chunks = this.#chunks;
    let low = 0;
    let high = chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const first = chunks[middle]?.[0];
      if (first !== undefined && first.key <= key) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? 0 : low - 1;
  }

  get(key: string): KeyEntry | undefined {
    const chunk = this.#chunks[this.#chunkOf(key)];
    if (chunk === undefined) return undefined;
    const entry = chunk[lowerBound(chunk, key)];
    return entry !== undefined && entry.key === key ? entry : undefined;
  }

  /** The entry of `key`, made empty when there is none. */
  ensure(key: string): KeyEntry {
    const at = this.#chunkOf(key);
    let chunk = this.#chunks[at];
    if (chunk === undefined) {
      chunk = [];
      this.#chunks.push(chunk);
    }
    const position = lowerBound(chunk, key);
    const found = chunk[position];
    if (found !== undefined && found.key === key) return found;
    const entry: KeyEntry = { key, modRevision: 0, createRevision: 0, lease: 0, pending: undefined };
    if (position === chunk.length) chunk.push(entry);
    else chunk.splice(position, 0, entry);
    this.#size++;
    if (chunk.length > chunkLimit) this.#split(at, chunk, position);
    return entry;
  }

  /** Keys often arrive in order; then the full chunk is left full instead of halved. */
  #split(at: number, chunk: KeyEntry[], position: number): void {
    const cut = position === chunk.length - 1 ? chunk.length - 1 : chunk.length >>> 1;
    // A copy of exact size: a spliced array keeps its spare room.
    const upper = chunk.slice(cut);
    this.#chunks[at] = chunk.slice(0, cut);
    this.#chunks.splice(at + 1, 0, upper);
  }

  remove(key: string): void {
    const at = this.#chunkOf(key);
    const chunk = this.#chunks[at];
    if (chunk === undefined) return;
    const position = lowerBound(chunk, key);
    if (chunk[position]?.key !== key) return;
    chunk.splice(position, 1);
    this.#size--;
    if (chunk.length === 0) this.#chunks.splice(at, 1);
    else this.#mergeWithNext(at, chunk);
  }

  #mergeWithNext(at: number, chunk: KeyEntry[]): void {
    const next = this.#chunks[at + 1];
    if (next === undefined || chunk.length + next.length > chunkLimit >>> 1) return;
    this.#chunks.splice(at, 2, chunk.concat(next));
  }

  /**
   * Calls `visit` for the entries in [start, end) in order, until it returns false.
   * The index must not change meanwhile.
   */
  scan(start: string, end: string, visit: (entry: KeyEntry) => boolean): void {
    const chunks = this.#chunks;
    const first = this.#chunkOf(start);
    for (let at = first; at < chunks.length; at++) {
      const chunk = chunks[at];
      if (chunk === undefined) return;
      const from = at === first ? lowerBound(chunk, start) : 0;
      for (let i = from; i < chunk.length; i++) {
        const entry = chunk[i];
        if (entry === undefined || entry.key >= end || !visit(entry)) return;
      }
    }
  }

  /** Every entry, in order. */
  *[Symbol.iterator](): Generator<KeyEntry> {
    for (const chunk of this.#chunks) yield* chunk;
  }
}
