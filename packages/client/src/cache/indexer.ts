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

export class Indexer<T extends ApiObject> {
  readonly #objects = new Map<string, Readonly<T>>();
  #functions: Readonly<Record<string, IndexFunction<T>>>;
  /** index name → value → keys */
  readonly #indexes = new Map<string, Map<string, Set<string>>>();

  constructor(functions: Readonly<Record<string, IndexFunction<T>>> = {}) {
    this.#functions = { [namespaceIndex]: (object) => [object.metadata.namespace ?? ''], ...functions };
    for (const name of Object.keys(this.#functions)) this.#indexes.set(name, new Map());
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
    const keys = this.#index(index).get(value);
    return keys === undefined ? [] : Array.from(keys).flatMap((key) => this.#objects.get(key) ?? []);
  }

  /** The keys of {@link byIndex}. Throws for an index that does not exist. */
  keysByIndex(index: string, value: string): string[] {
    return [...(this.#index(index).get(value) ?? [])];
  }

  /** All values under which something is found in an index. Throws for an index that does not exist. */
  indexValues(index: string): string[] {
    return [...this.#index(index).keys()];
  }

  /** Indexes what is there already too. Throws for a name that is taken. */
  addIndexes(functions: Readonly<Record<string, IndexFunction<T>>>): void {
    const taken = Object.keys(functions).find((name) => this.#indexes.has(name));
    if (taken !== undefined) throw new Error(`index with name ${taken} exists already`);
    this.#functions = { ...this.#functions, ...functions };
    for (const [name, indexFunction] of Object.entries(functions)) {
      const values = new Map<string, Set<string>>();
      for (const [key, object] of this.#objects) addKey(values, indexFunction(object), key);
      this.#indexes.set(name, values);
    }
  }

  set(key: string, object: Readonly<T>): void {
    this.#unindex(key);
    this.#objects.set(key, object);
    for (const [name, values] of this.#indexes) {
      addKey(values, this.#functions[name]?.(object) ?? [], key);
    }
  }

  delete(key: string): void {
    this.#unindex(key);
    this.#objects.delete(key);
  }

  #index(name: string): Map<string, Set<string>> {
    const values = this.#indexes.get(name);
    if (values === undefined) throw new Error(`index with name ${name} does not exist`);
    return values;
  }

  #unindex(key: string): void {
    const old = this.#objects.get(key);
    if (old === undefined) return;
    for (const [name, values] of this.#indexes) {
      for (const value of this.#functions[name]?.(old) ?? []) {
        const keys = values.get(value);
        keys?.delete(key);
        // Values come and go (node names, uids): empty sets would pile up.
        if (keys?.size === 0) values.delete(value);
      }
    }
  }
}

function addKey(index: Map<string, Set<string>>, values: readonly string[], key: string): void {
  for (const value of values) {
    const keys = index.get(value);
    if (keys === undefined) index.set(value, new Set([key]));
    else keys.add(key);
  }
}
