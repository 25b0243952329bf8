/**
 * How many pods their owners want: known kinds from caches, others by their scale subresource
 * (upstream `pkg/controller/disruption/disruption.go`, `finders`).
 */
import type { Clock } from '@kubets/apimachinery/clock';
import {
  groupResourceString,
  parseApiVersion,
  type ApiObject,
  type GroupVersionKind,
  type OwnerReference,
} from '@kubets/apimachinery/meta';
import { isNotFound } from '@kubets/apimachinery/status';
import type { Pod } from '@kubets/api/types/core-v1';
import {
  discover,
  ResourceClient,
  RestMapper,
  type DiscoveredResource,
  type SharedInformer,
  type SharedInformerFactory,
  type Transport,
} from '@kubets/client';
import { deployments, replicaSets, replicationControllers, statefulSets } from '@kubets/client/resources';
import { controllerOf } from '../lib/owner-references.ts';

/** Something with replicas. */
interface Scalable extends ApiObject {
  spec?: { replicas?: number };
}

/** An owner and what it wants. */
interface Scale {
  readonly uid: string;
  readonly replicas: number;
}

/** What is known of the owners of some pods. */
export interface OwnerScales {
  /** All owners together; one that owns several of the pods counts once. */
  readonly scale: number;
  /** Names of pods that nobody manages. */
  readonly unmanaged: readonly string[];
}

/** Kinds may come with custom resource definitions: after so long the server is asked again for one that is not known. */
const rediscoverMs = 30_000;

type Store = SharedInformer<Scalable>['store'];

export class OwnerScaleFinder {
  readonly informers: readonly Pick<SharedInformer<ApiObject>, 'waitForSync'>[];
  readonly #transport: Transport;
  readonly #clock: Clock;
  /** By `group/Kind`. */
  readonly #stores: ReadonlyMap<string, Store>;
  readonly #deployments: Store;
  #mapper: { readonly since: number; readonly mapper: Promise<RestMapper> } | undefined;

  constructor(options: {
    readonly informers: SharedInformerFactory;
    readonly transport: Transport;
    readonly clock: Clock;
  }) {
    const { informers, transport, clock } = options;
    this.#transport = transport;
    this.#clock = clock;
    const all = {
      deployments: informers.informer(deployments),
      replicaSets: informers.informer(replicaSets),
      statefulSets: informers.informer(statefulSets),
      replicationControllers: informers.informer(replicationControllers),
    };
    this.informers = Object.values(all);
    this.#deployments = all.deployments.store;
    this.#stores = new Map<string, Store>([
      ['apps/ReplicaSet', all.replicaSets.store],
      ['extensions/ReplicaSet', all.replicaSets.store],
      ['apps/StatefulSet', all.statefulSets.store],
      ['/ReplicationController', all.replicationControllers.store],
    ]);
  }

  /** Rejects when an owner cannot be scaled, or is not there (`getExpectedScale`). */
  async of(pods: readonly Readonly<Pod>[]): Promise<OwnerScales> {
    const unmanaged: string[] = [];
    const asked = new Set<string>();
    const scales = new Map<string, number>();
    for (const pod of pods) {
      const { name = '', namespace = '' } = pod.metadata;
      const reference = controllerOf(pod);
      if (reference === undefined) unmanaged.push(name);
      else if (!asked.has(reference.uid)) {
        const found = this.#known(reference, namespace) ?? (await this.#scaleOf(reference, namespace));
        if (found === undefined) throw new Error(`found no controllers for pod ${JSON.stringify(name)}`);
        asked.add(reference.uid);
        scales.set(found.uid, found.replicas);
      }
    }
    let scale = 0;
    for (const replicas of scales.values()) scale += replicas;
    return { scale, unmanaged };
  }

  #known(reference: Readonly<OwnerReference>, namespace: string): Scale | undefined {
    const { group, kind } = kindOf(reference);
    const owner = owned(this.#stores.get(`${group}/${kind}`), reference, namespace);
    if (owner === undefined) return undefined;
    const above = kind === 'ReplicaSet' ? controllerOf(owner) : undefined;
    if (above === undefined || above.kind !== 'Deployment') return scaleOf(owner);
    // A Deployment's ReplicaSets change places during an update: only the Deployment knows the number.
    const deployment = owned(this.#deployments, above, namespace);
    return deployment === undefined ? undefined : scaleOf(deployment);
  }

  async #scaleOf(reference: Readonly<OwnerReference>, namespace: string): Promise<Scale | undefined> {
    const resource = await this.#resourceOf(kindOf(reference));
    const client = new ResourceClient<ApiObject>(this.#transport, resource, namespace);
    try {
      const scale = await client.getSubresource<Scalable>(reference.name, 'scale');
      return scale.metadata.uid === reference.uid ? scaleOf(scale) : undefined;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      if (resource.subresources.includes('scale')) return undefined;
      throw new Error(`${groupResourceString(resource)} does not implement the scale subresource`, { cause: error });
    }
  }

  async #resourceOf(gvk: GroupVersionKind): Promise<DiscoveredResource> {
    const known = (await this.#discovered())?.forKind(gvk);
    if (known !== undefined) return known;
    if (this.#mapper !== undefined && this.#clock.monotonic() - this.#mapper.since >= rediscoverMs) {
      this.#mapper = undefined;
      return await this.#resourceOf(gvk);
    }
    const { group, version, kind } = gvk;
    throw new Error(
      `no matches for kind ${JSON.stringify(kind)} in version ${JSON.stringify(group === '' ? version : `${group}/${version}`)}`,
    );
  }

  async #discovered(): Promise<RestMapper | undefined> {
    if (this.#mapper === undefined) {
      // A group that cannot be asked is as if it had no kinds: whoever needs one of them gets an error that says so.
      const mapper = discover(this.#transport, () => undefined).then((resources) => new RestMapper(resources));
      this.#mapper = { since: this.#clock.monotonic(), mapper };
      mapper.catch(() => (this.#mapper = undefined));
    }
    return await this.#mapper.mapper;
  }
}

function kindOf(reference: Readonly<OwnerReference>): GroupVersionKind {
  const parsed = parseApiVersion(reference.apiVersion);
  if (parsed === undefined) throw new Error(`unexpected GroupVersion string: ${reference.apiVersion}`);
  return { ...parsed, kind: reference.kind };
}

function owned(store: Store | undefined, reference: OwnerReference, namespace: string): Readonly<Scalable> | undefined {
  const owner = store?.get(`${namespace}/${reference.name}`);
  return owner?.metadata.uid === reference.uid ? owner : undefined;
}

const scaleOf = ({ metadata, spec }: Readonly<Scalable>): Scale => ({
  uid: metadata.uid ?? '',
  replicas: spec?.replicas ?? 0,
});
