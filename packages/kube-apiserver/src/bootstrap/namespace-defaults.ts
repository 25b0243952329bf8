/**
 * What every namespace has: the service account `default` and the config map `kube-root-ca.crt`
 * (`pkg/controller/serviceaccount/serviceaccounts_controller.go`, `pkg/controller/certificates/rootcacertpublisher`).
 *
 * The work of two controllers of the controller manager, done here until one runs.
 */
import type { Clock } from '@kubets/apimachinery/clock';
import type { ApiObject, GroupVersionResource } from '@kubets/apimachinery/meta';
import { isForbidden, isNotFound } from '@kubets/apimachinery/status';
import type { CacheDirectory, CacheEvent, ResourceCache } from '../storage/cache.ts';
import { ensureObject, namespaces } from './ensure.ts';
import type { InternalClient } from './internal-client.ts';

export interface NamespaceDefaultsDeps {
  readonly caches: CacheDirectory;
  readonly client: InternalClient;
  readonly clock: Clock;
  /** PEM of the CA that signed the serving certificate. */
  readonly rootCA: string;
  /** Told of a failed write, before it is tried again. */
  onError(error: unknown): void;
}

const serviceAccounts: GroupVersionResource = { group: '', version: 'v1', resource: 'serviceaccounts' };
const configMaps: GroupVersionResource = { group: '', version: 'v1', resource: 'configmaps' };
const rootCAName = 'kube-root-ca.crt';
const descriptionAnnotation = 'kubernetes.io/description';
const description =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.';
const retryMs = 1_000;

/** Follows namespaces, and what is deleted or changed of the defaults, until disposed. */
export class NamespaceDefaults implements AsyncDisposable {
  readonly #deps: NamespaceDefaultsDeps;
  readonly #namespaces: ResourceCache;
  readonly #pending = new Set<string>();
  readonly #stops: (() => void)[] = [];
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(deps: NamespaceDefaultsDeps) {
    this.#deps = deps;
    this.#namespaces = deps.caches.of(namespaces);
  }

  start(): void {
    const { caches } = this.#deps;
    const follow = (resource: GroupVersionResource, wanted: string): void => {
      this.#stops.push(caches.of(resource).subscribe((event) => this.#onDefault(event, wanted)));
    };
    this.#stops.push(
      this.#namespaces.subscribe((event) => {
        if (event.type === 'added') this.#enqueue(event.current.name);
      }),
    );
    follow(serviceAccounts, 'default');
    follow(configMaps, rootCAName);
    for (const entry of this.#namespaces.list()) this.#enqueue(entry.name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    for (const stop of this.#stops.splice(0)) stop();
    this.#pending.clear();
    await this.#running;
  }

  /** Resolves when nothing is left to do. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  #onDefault(event: CacheEvent, wanted: string): void {
    if (event.type === 'added') return;
    const { name, namespace } = event.previous;
    if (name === wanted) this.#enqueue(namespace);
  }

  #enqueue(namespace: string): void {
    if (this.#stopped) return;
    this.#pending.add(namespace);
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  async #run(): Promise<void> {
    // Several namespaces of one moment go out together.
    await Promise.resolve();
    while (this.#pending.size > 0) {
      const batch = [...this.#pending];
      this.#pending.clear();
      await Promise.all(batch.map((namespace) => this.#ensure(namespace)));
    }
  }

  async #ensure(namespace: string): Promise<void> {
    const entry = this.#namespaces.get('', namespace);
    if (entry === undefined || isDying(entry.object)) return;
    try {
      await this.#ensureServiceAccount(namespace);
      await this.#ensureRootCA(namespace);
    } catch (error) {
      // The namespace has gone in the meantime, or is going.
      const now = this.#namespaces.get('', namespace);
      if ((isNotFound(error) || isForbidden(error)) && (now === undefined || isDying(now.object))) return;
      this.#deps.onError(error);
      this.#deps.clock.setTimer(retryMs, () => this.#enqueue(namespace));
    }
  }

  #ensureServiceAccount(namespace: string): Promise<void> {
    const object = { kind: 'ServiceAccount', apiVersion: 'v1', metadata: { name: 'default', namespace } };
    return ensureObject(this.#deps.client, this.#deps.caches, { resource: serviceAccounts, object });
  }

  async #ensureRootCA(namespace: string): Promise<void> {
    const { client, caches, rootCA } = this.#deps;
    const data = { 'ca.crt': rootCA };
    const existing = caches.of(configMaps).get(namespace, rootCAName)?.object;
    if (existing === undefined) {
      const metadata = { name: rootCAName, namespace, annotations: { [descriptionAnnotation]: description } };
      return ensureObject(client, caches, {
        resource: configMaps,
        object: { kind: 'ConfigMap', apiVersion: 'v1', metadata, data },
      });
    }
    if ((existing['data'] as Record<string, string> | undefined)?.['ca.crt'] === rootCA) return;
    await client.update(configMaps, namespace, { ...structuredClone(existing), data } as ApiObject);
  }
}

function isDying(object: Readonly<ApiObject>): boolean {
  const phase = (object['status'] as { phase?: string } | undefined)?.phase;
  return phase === 'Terminating' || object.metadata.deletionTimestamp !== undefined;
}
