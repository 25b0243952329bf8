/**
 * What has happened to each object since it was last taken, in order of the objects' first change
 * (client-go `tools/cache/delta_fifo.go`).
 */
import type { ApiObject } from '@kubets/apimachinery/meta';
import { keyOf, type Indexer } from './indexer.ts';

export type DeltaType = 'Added' | 'Updated' | 'Deleted' | 'Replaced' | 'Sync';

export interface Delta<T> {
  readonly type: DeltaType;
  readonly object: Readonly<T>;
  /** The deletion itself was missed: `object` is the last state known. */
  readonly finalStateUnknown?: boolean;
}

export interface Deltas<T> {
  readonly key: string;
  readonly deltas: readonly Delta<T>[];
  /** Whether these came with the first complete list. */
  readonly isInInitialList: boolean;
}

export class DeltaFifo<T extends ApiObject> {
  readonly #known: Pick<Indexer<T>, 'get' | 'keys'>;
  readonly #items = new Map<string, Delta<T>[]>();
  #populated = false;
  #initialLeft = 0;

  /** `known`: what the consumer has applied already; tells deletions and additions apart. */
  constructor(known: Pick<Indexer<T>, 'get' | 'keys'>) {
    this.#known = known;
  }

  /** True when the first complete list has been taken out again. */
  get hasSynced(): boolean {
    return this.#populated && this.#initialLeft === 0;
  }

  get size(): number {
    return this.#items.size;
  }

  add(object: Readonly<T>): void {
    this.#populated = true;
    this.#queue({ type: 'Added', object });
  }

  update(object: Readonly<T>): void {
    this.#populated = true;
    this.#queue({ type: 'Updated', object });
  }

  /** Ignored when the object is neither known nor queued: it is gone already. */
  delete(object: Readonly<T>): void {
    this.#populated = true;
    const key = keyOf(object);
    if (this.#known.get(key) === undefined && !this.#items.has(key)) return;
    this.#queue({ type: 'Deleted', object });
  }

  /** A complete list: what is known or queued but not in it has been deleted without our seeing it. */
  replace(objects: Iterable<Readonly<T>>): void {
    const steps = this.replacing(objects);
    while (steps.next().done !== true);
  }

  /** {@link replace} in steps, one for each object. Nothing may be taken before the last step. */
  *replacing(objects: Iterable<Readonly<T>>): Generator<void, void> {
    const keys = new Set<string>();
    for (const object of objects) {
      keys.add(keyOf(object));
      this.#queue({ type: 'Replaced', object });
      yield;
    }
    for (const key of [...this.#items.keys(), ...this.#known.keys()]) {
      if (!keys.has(key)) this.#missing(key);
      yield;
    }
    if (this.#populated) return;
    this.#populated = true;
    this.#initialLeft = this.#items.size;
  }

  #missing(key: string): void {
    const last = this.#items.get(key)?.at(-1);
    if (last?.type === 'Deleted') return;
    const object = last?.object ?? this.#known.get(key);
    if (object !== undefined) this.#queue({ type: 'Deleted', object, finalStateUnknown: true });
  }

  /** Offers every known object once more, unless something newer about it is queued. */
  resync(): void {
    for (const key of this.#known.keys()) {
      const object = this.#known.get(key);
      if (object !== undefined && !this.#items.has(key)) this.#queue({ type: 'Sync', object });
    }
  }

  /** Takes the oldest entry; `undefined` when there is none. */
  pop(): Deltas<T> | undefined {
    const next = this.#items.entries().next();
    if (next.done === true) return undefined;
    const [key, deltas] = next.value;
    this.#items.delete(key);
    const isInInitialList = !this.hasSynced;
    if (this.#initialLeft > 0) this.#initialLeft--;
    return { key, deltas, isInInitialList };
  }

  #queue(delta: Delta<T>): void {
    const key = keyOf(delta.object);
    const deltas = this.#items.get(key);
    if (deltas === undefined) {
      this.#items.set(key, [delta]);
      return;
    }
    // Two deletions in a row say the same thing; the one with the known final state says it better.
    if (delta.type === 'Deleted' && deltas.at(-1)?.type === 'Deleted') {
      if (delta.finalStateUnknown === true) return;
      deltas.pop();
    }
    deltas.push(delta);
  }
}
