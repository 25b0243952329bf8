/** A cache directory for tests: objects are put in by hand, listeners hear of it at once. */
import { groupResourceString, type ApiObject, type GroupResource } from '@kubets/apimachinery/meta';
import type { CacheDirectory, CachedObject, CacheEvent, ResourceCache } from '../../storage/cache.ts';

export class FakeResourceCache implements ResourceCache {
  readonly #entries = new Map<string, CachedObject>();
  readonly #listeners = new Set<(event: CacheEvent) => void>();
  #revision = 0;

  get(namespace: string, name: string): CachedObject | undefined {
    return this.#entries.get(`${namespace}/${name}`);
  }

  list(namespace?: string): Iterable<CachedObject> {
    const all = [...this.#entries.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1));
    return namespace === undefined ? all : all.filter((entry) => entry.namespace === namespace);
  }

  subscribe(listener: (event: CacheEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** Adds or replaces. */
  put(input: object): CachedObject {
    const object = structuredClone(input) as ApiObject;
    const { namespace = '', name = '' } = object.metadata;
    const key = `${namespace}/${name}`;
    const previous = this.#entries.get(key);
    const resourceVersion = ++this.#revision;
    const current: CachedObject = {
      key,
      namespace,
      name,
      resourceVersion,
      labels: object.metadata.labels,
      json: Buffer.from(JSON.stringify(object)),
      object,
    };
    this.#entries.set(key, current);
    this.#emit(previous === undefined ? { type: 'added', current } : { type: 'modified', current, previous });
    return current;
  }

  remove(namespace: string, name: string): void {
    const previous = this.#entries.get(`${namespace}/${name}`);
    if (previous === undefined) return;
    this.#entries.delete(previous.key);
    this.#emit({ type: 'deleted', previous, resourceVersion: ++this.#revision });
  }

  #emit(event: CacheEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

export class FakeCacheDirectory implements CacheDirectory {
  readonly #caches = new Map<string, FakeResourceCache>();

  of(resource: GroupResource): FakeResourceCache {
    const key = groupResourceString(resource);
    let cache = this.#caches.get(key);
    if (cache === undefined) {
      cache = new FakeResourceCache();
      this.#caches.set(key, cache);
    }
    return cache;
  }

  /** `put('rbac.authorization.k8s.io', 'roles', {...})`. */
  put(group: string, resource: string, ...objects: object[]): void {
    for (const object of objects) this.of({ group, resource }).put(object);
  }
}
