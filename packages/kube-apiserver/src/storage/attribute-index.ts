/** Entries by the value of one label or one selectable field, for lists that select by `key = value`. */
import type { CacheEntry } from './cache-entry.ts';

export type AttributeKind = 'label' | 'field';

export class AttributeIndex {
  readonly #kind: AttributeKind;
  readonly #key: string;
  readonly #byValue = new Map<string, Map<string, CacheEntry>>();

  constructor(kind: AttributeKind, key: string, entries: Iterable<CacheEntry>) {
    this.#kind = kind;
    this.#key = key;
    for (const entry of entries) this.change(undefined, entry);
  }

  /** Follows a change of the cache. */
  change(previous: CacheEntry | undefined, current: CacheEntry | undefined): void {
    const before = previous === undefined ? undefined : this.#valueOf(previous);
    const after = current === undefined ? undefined : this.#valueOf(current);
    if (previous !== undefined && before !== undefined && before !== after) this.#remove(before, previous.key);
    if (current !== undefined && after !== undefined) this.#bucket(after).set(current.key, current);
  }

  /** Unordered; empty when nothing has this value. */
  entriesOf(value: string): ReadonlyMap<string, CacheEntry> {
    return this.#byValue.get(value) ?? nothing;
  }

  #valueOf(entry: CacheEntry): string | undefined {
    return this.#kind === 'label' ? entry.labels?.[this.#key] : entry.fields[this.#key];
  }

  #bucket(value: string): Map<string, CacheEntry> {
    const bucket = this.#byValue.get(value);
    if (bucket !== undefined) return bucket;
    const fresh = new Map<string, CacheEntry>();
    this.#byValue.set(value, fresh);
    return fresh;
  }

  #remove(value: string, key: string): void {
    const bucket = this.#byValue.get(value);
    bucket?.delete(key);
    if (bucket?.size === 0) this.#byValue.delete(value);
  }
}

const nothing: ReadonlyMap<string, CacheEntry> = new Map();

/** The indexes that requests have asked for, at most a few: the one longest unused makes room. */
export class AttributeIndexes {
  readonly #limit: number;
  readonly #indexes = new Map<string, AttributeIndex>();
  readonly #all: () => Iterable<CacheEntry>;

  constructor(all: () => Iterable<CacheEntry>, limit = 6) {
    this.#all = all;
    this.#limit = limit;
  }

  change(previous: CacheEntry | undefined, current: CacheEntry | undefined): void {
    for (const index of this.#indexes.values()) index.change(previous, current);
  }

  /** Built on first use. */
  of(kind: AttributeKind, key: string): AttributeIndex {
    const id = `${kind}:${key}`;
    const index = this.#indexes.get(id) ?? new AttributeIndex(kind, key, this.#all());
    this.#indexes.delete(id);
    this.#indexes.set(id, index);
    if (this.#indexes.size > this.#limit) {
      const oldest = this.#indexes.keys().next().value;
      if (oldest !== undefined) this.#indexes.delete(oldest);
    }
    return index;
  }

  clear(): void {
    this.#indexes.clear();
  }
}
