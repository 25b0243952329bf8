/** What garbage collection asks of the API server (`pkg/controller/garbagecollector/operations.go`, `patch.go`). */
import type { ApiObject, ObjectMeta, OwnerReference } from '@kubets/apimachinery/meta';
import { isConflict, isNotFound, newNotFound, reasonOf } from '@kubets/apimachinery/status';
import type { DiscoveredResource, ResourceClient, Transport } from '@kubets/client';
import { metadataClient } from '../lib/metadata-client.ts';
import { ownersOf, type Identity } from './graph-node.ts';
import type { PropagationPolicy } from './plan.ts';
import type { ResourceTypes } from './resource-types.ts';

/** Cluster-scoped objects cannot be owned by namespaced ones: no later try will find otherwise. */
export class NamespacedOwnerError extends Error {
  override readonly name = 'NamespacedOwnerError';

  constructor() {
    super('cluster-scoped objects cannot refer to namespaced owners');
  }
}

type Client = Pick<ResourceClient, 'get' | 'delete' | 'patch'>;

const attempts = 4;

const sameOwners = (a: readonly OwnerReference[], b: readonly OwnerReference[]): boolean =>
  JSON.stringify(a) === JSON.stringify(b);

export class Operations {
  readonly #transport: Transport;
  readonly #clients = new Map<DiscoveredResource, ResourceClient>();
  /** Resources that know no strategic merge patch: custom ones. */
  readonly #plainPatches = new Set<string>();
  #types: ResourceTypes;

  constructor(transport: Transport, types: ResourceTypes) {
    this.#transport = transport;
    this.#types = types;
  }

  set types(types: ResourceTypes) {
    this.#types = types;
    this.#clients.clear();
  }

  /** Whether objects of a kind live in namespaces. Throws NoMatchError. */
  isNamespaced(apiVersion: string, kind: string): boolean {
    return this.#types.forKind(apiVersion, kind).namespaced;
  }

  #client({ apiVersion, kind, namespace }: Identity): Client {
    const resource = this.#types.forKind(apiVersion, kind);
    let client = this.#clients.get(resource);
    if (client === undefined) this.#clients.set(resource, (client = metadataClient(this.#transport, resource)));
    if (!resource.namespaced) return client;
    if (namespace === '') throw new NamespacedOwnerError();
    return client.in(namespace);
  }

  /** The object's newest metadata; `undefined` when there is none of that name and uid. Rejects when that is not certain. */
  async find(identity: Identity): Promise<Readonly<ObjectMeta> | undefined> {
    const client = this.#client(identity);
    try {
      const { metadata } = await client.get(identity.name);
      return metadata.uid === identity.uid ? metadata : undefined;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /**
   * Tells the object to go, provided that its owners are still those of `judged`. Rejects with NotFound when there is no such
   * object any more, with Conflict when its owners have changed.
   */
  async delete(identity: Identity, judged: Readonly<ObjectMeta>, propagationPolicy: PropagationPolicy): Promise<void> {
    const { uid, name } = identity;
    const { resourceVersion } = judged;
    const client = this.#client(identity);
    const version = resourceVersion === undefined ? {} : { resourceVersion };
    try {
      await client.delete(name, { propagationPolicy, preconditions: { uid, ...version } });
    } catch (error) {
      if (!isConflict(error)) throw error;
      const live = await this.find(identity);
      if (live === undefined) throw newNotFound({ group: '', resource: identity.kind }, name);
      if (!sameOwners(ownersOf(live), ownersOf(judged))) throw error;
      // Something else about it has changed.
      await client.delete(name, { propagationPolicy, preconditions: { uid } });
    }
  }

  /** Takes away the references to these owners. An object that is gone meanwhile is no failure. */
  async removeOwners(identity: Identity, uids: readonly string[]): Promise<void> {
    const gone = uids.map((uid) => ({ $patch: 'delete', uid }));
    await this.#patchOwners(identity, gone, (owners) => owners.filter(({ uid }) => !uids.includes(uid)));
  }

  /** Tells the object's owners not to wait for it. */
  async unblockOwners(identity: Identity, owners: readonly OwnerReference[]): Promise<void> {
    const open = (reference: OwnerReference): OwnerReference => ({ ...reference, blockOwnerDeletion: false });
    const blocking = owners.filter(({ blockOwnerDeletion }) => blockOwnerDeletion === true);
    if (blocking.length > 0) await this.#patchOwners(identity, blocking.map(open), (now) => now.map(open));
  }

  /** By strategic merge, which needs no fresh read; by plain merge of the newest list where the resource knows no other. */
  async #patchOwners(
    identity: Identity,
    strategic: readonly object[],
    change: (owners: readonly OwnerReference[]) => readonly OwnerReference[],
  ): Promise<void> {
    const { apiVersion, kind, name, uid } = identity;
    const client = this.#client(identity);
    const type = `${apiVersion}/${kind}`;
    try {
      if (!this.#plainPatches.has(type)) {
        const body = { metadata: { ownerReferences: strategic, uid } };
        await client.patch(name, { type: 'application/strategic-merge-patch+json', body });
        return;
      }
    } catch (error) {
      if (isNotFound(error) || isOther(error)) return;
      if (reasonOf(error) !== 'UnsupportedMediaType') throw error;
      this.#plainPatches.add(type);
    }
    await this.#mergePatch(identity, (metadata) => ({ ownerReferences: change(ownersOf(metadata)) }));
  }

  /** Takes a finalizer away; nothing happens when it, or the object, is not there any more. */
  async removeFinalizer(identity: Identity, finalizer: string): Promise<void> {
    await this.#mergePatch(identity, ({ finalizers = [] }) =>
      finalizers.includes(finalizer) ? { finalizers: finalizers.filter((name) => name !== finalizer) } : undefined,
    );
  }

  /** Changes the newest state, again when somebody else is faster. */
  async #mergePatch(identity: Identity, change: (metadata: Readonly<ObjectMeta>) => object | undefined): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const live = await this.find(identity);
      const changed = live === undefined ? undefined : change(live);
      if (live === undefined || changed === undefined) return;
      const metadata = { ...changed, resourceVersion: live.resourceVersion, uid: identity.uid };
      try {
        await this.#client(identity).patch(identity.name, {
          type: 'application/merge-patch+json',
          body: { metadata } satisfies Pick<ApiObject, 'metadata'>,
        });
        return;
      } catch (error) {
        if (isNotFound(error)) return;
        if (!isConflict(error) || attempt >= attempts) throw error;
      }
    }
  }
}

/** A patch that names a uid is refused when the object is another one by now. */
const isOther = (error: unknown): boolean => reasonOf(error) === 'Invalid';
