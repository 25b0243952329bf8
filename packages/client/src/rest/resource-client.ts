/** Typed access to one resource of an API server (client-go's `rest.Interface` and its typed clients in one). */
import { apiVersionOf, type ApiObject, type GroupVersionResource, type ListMeta } from '@kubets/apimachinery/meta';
import type { Transport, TransportRequest, WatchStream } from '../transport.ts';

/** Names a resource; the type parameter is the shape of its objects. */
export interface Resource<T extends ApiObject = ApiObject> extends GroupVersionResource {
  readonly kind: string;
  readonly namespaced: boolean;
  /** Never there: carries the type. */
  readonly object?: T;
}

export interface ListOptions {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan';
  readonly timeoutSeconds?: number;
  readonly signal?: AbortSignal;
}

export interface WatchOptions extends ListOptions {
  readonly allowWatchBookmarks?: boolean;
  readonly sendInitialEvents?: boolean;
}

export interface WriteOptions {
  readonly dryRun?: boolean;
  readonly fieldManager?: string;
  readonly fieldValidation?: 'Strict' | 'Warn' | 'Ignore';
  readonly signal?: AbortSignal;
}

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Foreground' | 'Background' | 'Orphan';
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
}

export interface ObjectList<T> {
  readonly metadata: ListMeta;
  readonly items: readonly T[];
}

export type PatchType =
  | 'application/json-patch+json'
  | 'application/merge-patch+json'
  | 'application/strategic-merge-patch+json'
  | 'application/apply-patch+yaml';

function listQuery(options: WatchOptions): Record<string, string> {
  const query: Record<string, string> = {};
  for (const [name, value] of Object.entries(options)) {
    if (name !== 'signal' && value !== undefined) query[name] = String(value);
  }
  return query;
}

function writeQuery(options: WriteOptions & { force?: boolean }): Record<string, string> {
  const query: Record<string, string> = {};
  if (options.dryRun === true) query['dryRun'] = 'All';
  if (options.fieldManager !== undefined) query['fieldManager'] = options.fieldManager;
  if (options.fieldValidation !== undefined) query['fieldValidation'] = options.fieldValidation;
  if (options.force === true) query['force'] = 'true';
  return query;
}

const withSignal = (signal: AbortSignal | undefined): { signal?: AbortSignal } =>
  signal === undefined ? {} : { signal };

/** Every method rejects with a StatusError when the server refuses, with a TransportError when it cannot be reached. */
export class ResourceClient<T extends ApiObject = ApiObject> {
  readonly resource: Resource<T>;
  /** '' for cluster-scoped resources, and for all namespaces. */
  readonly namespace: string;
  readonly #transport: Transport;

  constructor(transport: Transport, resource: Resource<T>, namespace = '') {
    this.#transport = transport;
    this.resource = resource;
    this.namespace = namespace;
  }

  /** The same resource in another namespace. */
  in(namespace: string): ResourceClient<T> {
    return new ResourceClient(this.#transport, this.resource, namespace);
  }

  get(name: string, options: { signal?: AbortSignal } = {}): Promise<Readonly<T>> {
    return this.#send({ method: 'GET', path: this.#path(name), ...withSignal(options.signal) });
  }

  async list(options: ListOptions = {}): Promise<ObjectList<Readonly<T>>> {
    const query = listQuery(options);
    const request = { method: 'GET', path: this.#path(), query, ...withSignal(options.signal) } as const;
    const { object } = await this.#transport.request(request);
    const list = object as unknown as ObjectList<T>;
    return { metadata: list.metadata, items: (list.items ?? []).map((item) => this.#named(item)) };
  }

  watch(options: WatchOptions = {}): Promise<WatchStream> {
    return this.#transport.watch({
      method: 'GET',
      path: this.#path(),
      query: { ...listQuery(options), watch: '1' },
      ...withSignal(options.signal),
    });
  }

  create(object: T, options: WriteOptions = {}): Promise<Readonly<T>> {
    return this.#write('POST', this.#path(), object, options);
  }

  update(object: T, options: WriteOptions = {}): Promise<Readonly<T>> {
    return this.#write('PUT', this.#path(object.metadata.name), object, options);
  }

  updateStatus(object: T, options: WriteOptions = {}): Promise<Readonly<T>> {
    return this.#write('PUT', this.#path(object.metadata.name, 'status'), object, options);
  }

  /** A subresource that answers with some object of its own: `binding`, `eviction`, `token` … */
  createSubresource<R extends ApiObject>(
    name: string,
    subresource: string,
    body: object,
    options: WriteOptions = {},
  ): Promise<Readonly<R>> {
    return this.#sendAs({
      method: 'POST',
      path: this.#path(name, subresource),
      body,
      query: writeQuery(options),
      ...withSignal(options.signal),
    });
  }

  /** `scale`, `status`, `ephemeralcontainers` … */
  getSubresource<R extends ApiObject>(
    name: string,
    subresource: string,
    options: { signal?: AbortSignal } = {},
  ): Promise<Readonly<R>> {
    return this.#sendAs({ method: 'GET', path: this.#path(name, subresource), ...withSignal(options.signal) });
  }

  updateSubresource<R extends ApiObject>(
    object: R,
    subresource: string,
    options: WriteOptions = {},
  ): Promise<Readonly<R>> {
    return this.#sendAs({
      method: 'PUT',
      path: this.#path(object.metadata.name, subresource),
      body: object,
      query: writeQuery(options),
      ...withSignal(options.signal),
    });
  }

  patch(
    name: string,
    patch: { readonly type: PatchType; readonly body: object; readonly subresource?: string },
    options: WriteOptions & { force?: boolean } = {},
  ): Promise<Readonly<T>> {
    return this.#send({
      method: 'PATCH',
      path: this.#path(name, patch.subresource),
      body: patch.body,
      contentType: patch.type,
      query: writeQuery(options),
      ...withSignal(options.signal),
    });
  }

  /** Server-side apply; `fieldManager` is whose wish this is. */
  apply(
    object: T,
    options: WriteOptions & { readonly fieldManager: string; readonly force?: boolean },
  ): Promise<Readonly<T>> {
    const name = object.metadata.name ?? '';
    return this.patch(name, { type: 'application/apply-patch+yaml', body: this.#named(object) }, options);
  }

  /** Answers with the object while it is still going away, with a Status when it is gone. */
  async delete(name: string, options: DeleteOptions = {}): Promise<Readonly<ApiObject>> {
    const { signal, dryRun, ...rest } = options;
    const body = { kind: 'DeleteOptions', apiVersion: 'v1', ...rest, ...(dryRun === true ? { dryRun: ['All'] } : {}) };
    const request = { method: 'DELETE', path: this.#path(name), body, ...withSignal(signal) } as const;
    return (await this.#transport.request(request)).object;
  }

  async deleteCollection(options: ListOptions & DeleteOptions = {}): Promise<void> {
    const { labelSelector, fieldSelector, signal, dryRun } = options;
    const { gracePeriodSeconds, propagationPolicy, preconditions } = options;
    const query = listQuery({
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    });
    const wishes = {
      gracePeriodSeconds,
      propagationPolicy,
      preconditions,
      dryRun: dryRun === true ? ['All'] : undefined,
    };
    const given = Object.entries(wishes).filter(([, value]) => value !== undefined);
    const body = { kind: 'DeleteOptions', apiVersion: 'v1', ...Object.fromEntries(given) };
    await this.#transport.request({ method: 'DELETE', path: this.#path(), query, body, ...withSignal(signal) });
  }

  #path(name?: string, subresource?: string): string {
    const { group, resource, namespaced } = this.resource;
    const prefix = `${group === '' ? '/api' : '/apis'}/${apiVersionOf(this.resource)}`;
    const scope = namespaced && this.namespace !== '' ? `/namespaces/${encodeURIComponent(this.namespace)}` : '';
    const item = name === undefined ? '' : `/${encodeURIComponent(name)}`;
    return `${prefix}${scope}/${resource}${item}${subresource === undefined ? '' : `/${subresource}`}`;
  }

  /** Built-in kinds carry no kind and apiVersion inside lists: they are put back where they are missing. */
  #named(item: T): T {
    if (item.kind !== undefined && item.apiVersion !== undefined) return item;
    return { kind: this.resource.kind, apiVersion: apiVersionOf(this.resource), ...item };
  }

  #write(method: 'POST' | 'PUT', path: string, object: T, options: WriteOptions): Promise<Readonly<T>> {
    return this.#send({
      method,
      path,
      body: this.#named(object),
      query: writeQuery(options),
      ...withSignal(options.signal),
    });
  }

  #send(request: TransportRequest): Promise<Readonly<T>> {
    return this.#sendAs<T>(request);
  }

  async #sendAs<R extends ApiObject>(request: TransportRequest): Promise<Readonly<R>> {
    return (await this.#transport.request(request)).object as Readonly<R>;
  }
}
