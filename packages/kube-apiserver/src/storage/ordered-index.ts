/**
 * Entries by key, and in key order. Changes cost O(1); the order is brought up to date by the next
 * reader that wants it, in one merge.
 *
 * Order is that of JavaScript strings, which is the store's byte order for all names but those with
 * characters beyond the basic plane.
 */
import type { CacheEntry } from './cache-entry.ts';

interface Slot {
  readonly key: string;
  entry: CacheEntry | undefined;
}

const byKey = (a: Slot, b: Slot): number => (a.key < b.key ? -1 : 1);

export class OrderedIndex {
  readonly #slots = new Map<string, Slot>();
  #order: Slot[] = [];
  #added: Slot[] = [];
  #dead = 0;

  get size(): number {
    return this.#slots.size;
  }

  get(key: string): CacheEntry | undefined {
    return this.#slots.get(key)?.entry;
  }

  /** Returns what was there. */
  set(entry: CacheEntry): CacheEntry | undefined {
    const slot = this.#slots.get(entry.key);
    if (slot !== undefined) {
      const previous = slot.entry;
      slot.entry = entry;
      return previous;
    }
    const fresh = { key: entry.key, entry };
    this.#slots.set(entry.key, fresh);
    this.#added.push(fresh);
    return undefined;
  }

  /** Returns what was there. */
  delete(key: string): CacheEntry | undefined {
    const slot = this.#slots.get(key);
    if (slot === undefined) return undefined;
    this.#slots.delete(key);
    const previous = slot.entry;
    slot.entry = undefined;
    this.#dead++;
    return previous;
  }

  /** Entries with keys in [start, end), in order; a fresh array. `filter` drops some. */
  range(start: string, end: string, filter?: (entry: CacheEntry) => boolean): CacheEntry[] {
    const order = this.#ordered();
    const out: CacheEntry[] = [];
    for (let i = firstAtOrAfter(order, start); i < order.length; i++) {
      const slot = order[i];
      if (slot === undefined || slot.key >= end) break;
      if (slot.entry !== undefined && (filter === undefined || filter(slot.entry))) out.push(slot.entry);
    }
    return out;
  }

  /** How many keys lie in [start, end). */
  count(start: string, end: string): number {
    const order = this.#ordered();
    return firstAtOrAfter(order, end) - firstAtOrAfter(order, start);
  }

  #ordered(): readonly Slot[] {
    if (this.#added.length === 0 && this.#dead === 0) return this.#order;
    const live = this.#dead === 0 ? this.#order : this.#order.filter((slot) => slot.entry !== undefined);
    const added = this.#added.filter((slot) => slot.entry !== undefined).toSorted(byKey);
    this.#order = added.length === 0 ? live : mergeSorted(live, added);
    this.#added = [];
    this.#dead = 0;
    return this.#order;
  }
}

function mergeSorted(a: readonly Slot[], b: readonly Slot[]): Slot[] {
  const out: Slot[] = [];
  let i = 0;
  for (const slot of b) {
    for (let next = a[i]; next !== undefined && next.key < slot.key; next = a[++i]) out.push(next);
    out.push(slot);
  }
  for (; i < a.length; i++) out.push(a[i] as Slot);
  return out;
}

function firstAtOrAfter(order: readonly Slot[], key: string): number {
  let low = 0;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((order[middle] as Slot).key < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
