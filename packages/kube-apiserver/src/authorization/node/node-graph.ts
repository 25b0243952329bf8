/**
 * Which objects belong to which node (`plugin/pkg/auth/authorizer/node/graph.go`, `graph_populator.go`).
 *
 * Upstream keeps a general graph. Its paths have only three shapes, which are kept directly here:
 * object → pod → node (counted per node), volume → claim → pod → node, and secret → volume → ….
 */
import type { ApiObject } from '@kubets/apimachinery/meta';
import type { CacheDirectory, CachedObject, ResourceCache } from '../../storage/cache.ts';
import { podReferences, volumeSecrets, type PersistentVolumeObject, type PodObject } from './references.ts';

export type NodeVertex =
  | 'pods'
  | 'secrets'
  | 'configmaps'
  | 'persistentvolumeclaims'
  | 'persistentvolumes'
  | 'serviceaccounts'
  | 'resourceclaims'
  | 'resourceslices'
  | 'volumeattachments';

interface PodRecord {
  readonly node: string;
  readonly uid: string | undefined;
  readonly claims: string;
  readonly keys: readonly string[];
}

const mirrorAnnotation = 'kubernetes.io/config.mirror';

const keyOf = (type: NodeVertex, namespace: string, name: string): string => `${type}/${namespace}/${name}`;

/** Start it with {@link NodeGraph.start}; dispose it to stop following the caches. */
export class NodeGraph {
  /** Object → node → by how many pods (or directly). */
  readonly #nodes = new Map<string, Map<string, number>>();
  readonly #pods = new Map<string, PodRecord>();
  /** Volume name → key of its claim. */
  readonly #claimOfVolume = new Map<string, string>();
  readonly #volumesOfSecret = new Map<string, Set<string>>();
  readonly #secretsOfVolume = new Map<string, readonly string[]>();
  readonly #direct = new Map<string, string>();
  readonly #stops: (() => void)[] = [];

  private constructor() {}

  /** Reads what the caches hold and follows them from there. */
  static start(caches: CacheDirectory): NodeGraph {
    const graph = new NodeGraph();
    const core = (resource: string): ResourceCache => caches.of({ group: '', resource });
    graph.#follow(core('pods'), (entry, present) => graph.#setPod(entry, present));
    graph.#follow(core('persistentvolumes'), (entry, present) => graph.#setVolume(entry, present));
    const attachments = caches.of({ group: 'storage.k8s.io', resource: 'volumeattachments' });
    graph.#follow(attachments, (entry, present) => graph.#setDirect('volumeattachments', entry, present));
    const slices = caches.of({ group: 'resource.k8s.io', resource: 'resourceslices' });
    graph.#follow(slices, (entry, present) => graph.#setDirect('resourceslices', entry, present));
    return graph;
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  /** Whether the object is related to the node: mounted, used or run by one of its pods, or its own. */
  isRelated(node: string, type: NodeVertex, namespace: string, name: string): boolean {
    const key = keyOf(type, namespace, name);
    if (this.#nodes.get(key)?.has(node)) return true;
    if (type === 'persistentvolumes') return this.#volumeReaches(name, node);
    if (type !== 'secrets') return false;
    for (const volume of this.#volumesOfSecret.get(`${namespace}/${name}`) ?? []) {
      if (this.#volumeReaches(volume, node)) return true;
    }
    return false;
  }

  #volumeReaches(volume: string, node: string): boolean {
    const claim = this.#claimOfVolume.get(volume);
    return claim !== undefined && (this.#nodes.get(claim)?.has(node) ?? false);
  }

  #follow(cache: ResourceCache, set: (entry: CachedObject, present: boolean) => void): void {
    this.#stops.push(
      cache.subscribe((event) => (event.type === 'deleted' ? set(event.previous, false) : set(event.current, true))),
    );
    for (const entry of cache.list()) set(entry, true);
  }

  #setPod(entry: CachedObject, present: boolean): void {
    const known = this.#pods.get(entry.key);
    const pod = present ? (entry.object as PodObject) : undefined;
    const node = pod?.spec?.nodeName ?? '';
    const claims = JSON.stringify([pod?.status?.resourceClaimStatuses, pod?.status?.extendedResourceClaimStatus]);
    if (known !== undefined && pod?.metadata.uid === known.uid && node === known.node && claims === known.claims)
      return;
    if (known !== undefined) for (const key of known.keys) this.#count(key, known.node, -1);
    this.#pods.delete(entry.key);
    if (pod === undefined || node === '') return;
    const keys = podKeys(entry, pod);
    for (const key of keys) this.#count(key, node, 1);
    this.#pods.set(entry.key, { node, uid: pod.metadata.uid, claims, keys });
  }

  #setVolume(entry: CachedObject, present: boolean): void {
    for (const secret of this.#secretsOfVolume.get(entry.name) ?? []) this.#forgetSecret(secret, entry.name);
    this.#secretsOfVolume.delete(entry.name);
    this.#claimOfVolume.delete(entry.name);
    const volume = entry.object as PersistentVolumeObject;
    const claim = volume.spec?.claimRef;
    if (!present || claim === undefined) return;
    this.#claimOfVolume.set(entry.name, keyOf('persistentvolumeclaims', claim.namespace ?? '', claim.name ?? ''));
    const secrets = volumeSecrets(volume);
    this.#secretsOfVolume.set(entry.name, secrets);
    for (const secret of secrets) {
      const volumes = this.#volumesOfSecret.get(secret) ?? new Set();
      this.#volumesOfSecret.set(secret, volumes.add(entry.name));
    }
  }

  #forgetSecret(secret: string, volume: string): void {
    const volumes = this.#volumesOfSecret.get(secret);
    volumes?.delete(volume);
    if (volumes?.size === 0) this.#volumesOfSecret.delete(secret);
  }

  #setDirect(type: NodeVertex, entry: CachedObject, present: boolean): void {
    const key = keyOf(type, '', entry.name);
    const known = this.#direct.get(key);
    const node = present ? nodeNameOf(entry.object) : '';
    if (known === node) return;
    if (known !== undefined) this.#count(key, known, -1);
    this.#direct.delete(key);
    if (node === '') return;
    this.#count(key, node, 1);
    this.#direct.set(key, node);
  }

  #count(key: string, node: string, by: number): void {
    const nodes = this.#nodes.get(key) ?? new Map<string, number>();
    const count = (nodes.get(node) ?? 0) + by;
    if (count > 0) this.#nodes.set(key, nodes.set(node, count));
    else if (nodes.delete(node) && nodes.size === 0) this.#nodes.delete(key);
  }
}

function nodeNameOf(object: Readonly<ApiObject>): string {
  return (object['spec'] as { nodeName?: string } | undefined)?.nodeName ?? '';
}

/** A mirror pod is its node's, but opens no other object: a node makes it by itself. */
function podKeys(entry: CachedObject, pod: Readonly<PodObject>): string[] {
  const keys = [keyOf('pods', entry.namespace, entry.name)];
  if (pod.metadata.annotations?.[mirrorAnnotation] !== undefined) return keys;
  const references = podReferences(pod);
  for (const type of [
    'serviceaccounts',
    'secrets',
    'configmaps',
    'persistentvolumeclaims',
    'resourceclaims',
  ] as const) {
    for (const name of new Set(references[type])) keys.push(keyOf(type, entry.namespace, name));
  }
  return keys;
}
