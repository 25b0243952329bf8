/** An internal client over a fake cache directory, for tests: what is written is in the caches at once. */
import { apiVersionOf, type ApiObject, type GroupVersionResource } from '@kubets/apimachinery/meta';
import { newAlreadyExists, newConflict, newNotFound } from '@kubets/apimachinery/status';
import type { FakeCacheDirectory, FakeResourceCache } from '../../authorization/testing/fake-cache.ts';
import type { InternalClient } from '../internal-client.ts';

export class FakeClient implements InternalClient {
  readonly caches: FakeCacheDirectory;
  /** `create roles kube-system/x`, in order. */
  readonly log: string[] = [];
  /** Thrown once by the next write, when set. */
  failNext: Error | undefined;
  #uids = 0;

  constructor(caches: FakeCacheDirectory) {
    this.caches = caches;
  }

  #cache(resource: GroupVersionResource): FakeResourceCache {
    return this.caches.of(resource);
  }

  #write(verb: string, resource: GroupVersionResource, where: string): void {
    this.log.push(`${verb} ${resource.resource} ${where}`);
    const error = this.failNext;
    this.failNext = undefined;
    if (error !== undefined) throw error;
  }

  #put(resource: GroupVersionResource, namespace: string, object: ApiObject): ApiObject {
    const metadata = { ...object.metadata, ...(namespace !== '' && { namespace }) };
    metadata.uid ??= `uid-${++this.#uids}`;
    metadata.resourceVersion = String(this.log.length);
    return this.#cache(resource).put({ apiVersion: apiVersionOf(resource), ...object, metadata }).object;
  }

  async get(resource: GroupVersionResource, namespace: string, name: string): Promise<Readonly<ApiObject>> {
    const entry = this.#cache(resource).get(namespace, name);
    if (entry === undefined) throw newNotFound(resource, name);
    return entry.object;
  }

  async create(resource: GroupVersionResource, namespace: string, object: ApiObject): Promise<Readonly<ApiObject>> {
    const name = object.metadata.name ?? '';
    this.#write('create', resource, namespace === '' ? name : `${namespace}/${name}`);
    if (this.#cache(resource).get(namespace, name) !== undefined) throw newAlreadyExists(resource, name);
    return this.#put(resource, namespace, object);
  }

  async update(resource: GroupVersionResource, namespace: string, object: ApiObject): Promise<Readonly<ApiObject>> {
    const name = object.metadata.name ?? '';
    this.#write('update', resource, namespace === '' ? name : `${namespace}/${name}`);
    const current = await this.get(resource, namespace, name);
    const version = object.metadata.resourceVersion;
    if (version !== undefined && version !== current.metadata.resourceVersion)
      throw newConflict(resource, name, 'modified');
    return this.#put(resource, namespace, object);
  }

  async updateStatus(
    resource: GroupVersionResource,
    namespace: string,
    object: ApiObject,
  ): Promise<Readonly<ApiObject>> {
    const current = await this.get(resource, namespace, object.metadata.name ?? '');
    this.#write('updateStatus', resource, `${namespace}/${object.metadata.name ?? ''}`);
    if (
      object.metadata.resourceVersion !== undefined &&
      object.metadata.resourceVersion !== current.metadata.resourceVersion
    ) {
      throw newConflict(resource, object.metadata.name ?? '', 'modified');
    }
    return this.#put(resource, namespace, { ...current, status: object['status'] });
  }

  async delete(resource: GroupVersionResource, namespace: string, name: string): Promise<void> {
    this.#write('delete', resource, namespace === '' ? name : `${namespace}/${name}`);
    await this.get(resource, namespace, name);
    this.#cache(resource).remove(namespace, name);
  }
}
