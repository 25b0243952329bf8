/**
 * Objects as they will be once writes under way have been seen (upstream `pkg/scheduler/util/assumecache`): the next pod must
 * not be given a volume that was promised a moment ago.
 */
import type { ApiObject } from '@kubets/apimachinery/meta';
import type { Indexer } from '@kubets/client';

type Store<T extends ApiObject> = Pick<Indexer<T>, 'get' | 'byIndex'>;

const versionOf = (object: Readonly<ApiObject>): number => Number(object.metadata.resourceVersion ?? 0);

/** Over an informer's store. What is assumed holds until a newer version of the object is seen, or until it is taken back. */
export class AssumeCache<T extends ApiObject> {
  readonly #store: Store<T>;
  readonly #assumed = new Map<string, Readonly<T>>();

  constructor(store: Store<T>) {
    this.#store = store;
  }

  /** As assumed, else as the API server has it. */
  get(key: string): Readonly<T> | undefined {
    const stored = this.#store.get(key);
    const assumed = this.#assumed.get(key);
    if (assumed === undefined) return stored;
    // An object that is gone, or newer than what was assumed, wins.
    if (stored !== undefined && versionOf(stored) <= versionOf(assumed)) return assumed;
    this.#assumed.delete(key);
    return stored;
  }

  /** As the API server has it. */
  stored(key: string): Readonly<T> | undefined {
    return this.#store.get(key);
  }

  /** Objects under a value of the informer's index, as assumed. Assuming must not change what the index looks at. */
  byIndex(index: string, value: string, keyOf: (object: Readonly<T>) => string): Readonly<T>[] {
    const objects = this.#store.byIndex(index, value);
    return this.#assumed.size === 0 ? objects : objects.map((object) => this.get(keyOf(object)) ?? object);
  }

  /** Throws when a newer version is known: the decision was made on an old one. */
  assume(key: string, object: Readonly<T>): void {
    const known = this.get(key);
    if (known === undefined) throw new Error(`could not find object "${key}"`);
    if (versionOf(object) < versionOf(known)) {
      throw new Error(`"${key}" is out of sync (stored: ${versionOf(known)}, assume: ${versionOf(object)})`);
    }
    this.#assumed.set(key, object);
  }

  /** Takes back what was assumed of the object. */
  restore(key: string): void {
    this.#assumed.delete(key);
  }
}
