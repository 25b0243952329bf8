/**
 * Reading the API's state inside the API server: the watch caches as seen by authorizers, admission,
 * allocators and handlers. Objects here are shared and immutable.
 */
import type { ApiObject, GroupResource } from '@kubets/apimachinery/meta';

/** One stored object with all that is derived from it, made once. */
export interface CachedObject {
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly resourceVersion: number;
  readonly labels: Readonly<Record<string, string>> | undefined;
  /** Final JSON of the storage version, kind and apiVersion first, resourceVersion in it. */
  readonly json: Buffer;
  /** Parsed on first use (and perhaps again after it was dropped to save memory). Never mutate it. */
  readonly object: Readonly<ApiObject>;
}

export type CacheEvent =
  | { readonly type: 'added'; readonly current: CachedObject }
  | { readonly type: 'modified'; readonly current: CachedObject; readonly previous: CachedObject }
  | { readonly type: 'deleted'; readonly previous: CachedObject; readonly resourceVersion: number };

/** All objects of one resource, as of the newest durable revision seen. */
export interface ResourceCache {
  /** `namespace` is '' for cluster-scoped resources. */
  get(namespace: string, name: string): CachedObject | undefined;
  /** In key order; with a namespace only that one. */
  list(namespace?: string): Iterable<CachedObject>;
  /** Called in order for each event from now on; returns the way to stop it. */
  subscribe(listener: (event: CacheEvent) => void): () => void;
}

export interface CacheDirectory {
  /** Throws for a resource that is not served. */
  of(resource: GroupResource): ResourceCache;
}
