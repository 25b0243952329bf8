/** A thread-safe-by-nature store with indexes (client-go `tools/cache/thread_safe_store.go`). */
import type { ApiObject } from '@kubets/apimachinery/meta';

/** The values under which an object is found in an index. */
export type IndexFunction<T> = (object: Readonly<T>) => readonly string[];

/** `namespace/name`, or `name` for cluster-scoped objects (client-go `MetaNamespaceKeyFunc`). */
export function keyOf(object: Readonly<ApiObject>): string {
  const { namespace, name = '' } = object.metadata;
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}

/** The inverse of {@link keyOf}. */
export function splitKey(key: string): { namespace: string; name: string } {
  const slash = key.indexOf('/');
  return slash < 0 ? { namespace: '', name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** The index every informer has. */
export const namespaceIndex = 'namespace';

interface Index<T> {
  readonly valuesOf: IndexFunction<T>;
  /** Value → keys of objects. */
  readonly keys: Map<string, Set<string>>;
}

export class Indexer<T extends ApiObject> {
  readonly #objects = new Map<string, Readonly<T>>();
  readonly #byName = new Map<string, Index<T>>();
  /** The same, to be gone through at every change. */
  readonly #indexes: Index<T>[] = [];

  constructor(functions: Readonly<Record<string, IndexFunction<T>>> = {}) {
    this.addIndexes({ [namespaceIndex]: (object) => [object.metadata.namespace ?? ''], ...functions });
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): Readonly<T> | undefined {
    return this.#objects.get(key);
  }

  keys(): string[] {
    return [...this.#objects.keys()];
  }

  list(): Readonly<T>[] {
    return [...this.#objects.values()];
  }

  /** Objects found under a value of a named index. Throws for an index that does not exist. */
  byIndex(index: string, value: string): Readonly<T>[] {
    const found: Readonly<T>[] = [];
    const keys = this.#index(index).keys.get(value);
    if (keys === undefined) return found;
    for (const key of keys) {
      const object = this.#objects.get(key);
      if (object !== undefined) found.push(object);
    }
    return found;
  }

  /** The keys of {@link byIndex}. Throws for an index that does not exist. */
  keysByIndex(index: string, value: string): string[] {
    return [...(this.#index(index).keys.get(value) ?? [])];
  }

  /** All values under which something is found in an index. Throws for an index that does not exist. */
  indexValues(index: string): string[] {
    return [...this.#index(index).keys.keys()];
  }

  /** Indexes what is there already too. Throws for a name that is taken. */
  addIndexes(functions: Readonly<Record<string, IndexFunction<T>>>): void {
    const taken = Object.keys(functions).find((name) => this.#byName.has(name));
    if (taken !== undefined) throw new Error(`index with name ${taken} exists already`);
    for (const [name, valuesOf] of Object.entries(functions)) {
      const index: Index<T> = { valuesOf, keys: new Map() };
      for (const [key, object] of this.#objects) addKey(index.keys, valuesOf(object), key);
      this.#byName.set(name, index);
      this.#indexes.push(index);
    }
  }

  set(key: string, object: Readonly<T>): void {
    const old = this.#objects.get(key);
    this.#objects.set(key, object);
    for (const { valuesOf, keys } of this.#indexes) {
      const after = valuesOf(object);
      if (old !== undefined) {
        const before = valuesOf(old);
        // Most changes are found where the object was found before.
        if (sameValues(before, after)) continue;
        removeKey(keys, before, key);
      }
      addKey(keys, after, key);
    }
  }

  delete(key: string): void {
    const old = this.#objects.get(key);
    if (old === undefined) return;
    for (const { valuesOf, keys } of this.#indexes) removeKey(keys, valuesOf(old), key);
    this.#objects.delete(key);
  }

  #index(name: string): Index<T> {
    const index = this.#byName.get(name);
    if (index === undefined) throw new Error(`index with name ${name} does not exist`);
    return index;
  }
}

function sameValues(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function addKey(index: Map<string, Set<string>>, values: readonly string[], key: string): void {
  for (const value of values) {
    const keys = index.get(value);
    if (keys === undefined) index.set(value, new Set([key]));
    else keys.add(key);
  }
}

function removeKey(index: Map<string, Set<string>>, values: readonly string[], key: string): void {
  for (const value of values) {
    const keys = index.get(value);
    keys?.delete(key);
    // Values come and go (node names, uids): empty sets would pile up.
    if (keys?.size === 0) index.delete(value);
  }
}
