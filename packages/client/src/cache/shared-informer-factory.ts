/**
 * One informer for each resource and selection, shared by all that ask (client-go `informers.SharedInformerFactory`).
 *
 *     const factory = new SharedInformerFactory({ transport, clock, random, onError });
 *     const pods = factory.informer(resources.pods);
 *     factory.start(signal);
 *     await factory.waitForCacheSync(signal);
 */
import { apiVersionOf, type ApiObject } from '@kubets/apimachinery/meta';
import { ResourceClient, type Resource } from '../rest/resource-client.ts';
import type { Transport } from '../transport.ts';
import { SharedInformer, waitForCacheSync, type InformerOptions, type Registration } from './shared-informer.ts';

export interface InformerFactoryOptions extends Pick<
  InformerOptions<ApiObject>,
  'clock' | 'random' | 'resyncMs' | 'watchList' | 'onError' | 'transform' | 'stallMs'
> {
  readonly transport: Transport;
}

/** Which objects of a resource. Absent: all. */
export interface InformerSelection {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export class SharedInformerFactory implements AsyncDisposable {
  readonly #options: InformerFactoryOptions;
  readonly #informers = new Map<string, SharedInformer<ApiObject>>();
  readonly #running = new Map<string, Promise<void>>();
  readonly #stop = new AbortController();
  #collected: Registration[] | undefined;

  constructor(options: InformerFactoryOptions) {
    this.#options = options;
  }

  /** The informer of a resource and selection; the same one for the same question. Not started by this. */
  informer<T extends ApiObject>(resource: Resource<T>, selection: InformerSelection = {}): SharedInformer<T> {
    const { namespace = '', labelSelector, fieldSelector } = selection;
    const name = `${apiVersionOf(resource)}/${resource.resource}`;
    const key = JSON.stringify([name, namespace, labelSelector ?? '', fieldSelector ?? '']);
    const known = this.#informers.get(key);
    // The key holds the resource: whoever asks with the same one means the same type.
    if (known !== undefined) return known as unknown as SharedInformer<T>;
    const { transport, ...options } = this.#options;
    const informer = new SharedInformer<ApiObject>({
      ...options,
      name: resource.resource,
      onRegistered: (registration) => void this.#collected?.push(registration),
      source: new ResourceClient<ApiObject>(transport, resource as unknown as Resource, namespace),
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    });
    this.#informers.set(key, informer);
    return informer as unknown as SharedInformer<T>;
  }

  /**
   * Calls `make`, and gives back with its result every handler that it has added to informers of this factory: so that all
   * of one component's handlers can be taken away when it ends before the informers do. `make` must not be asynchronous.
   */
  collecting<R>(make: () => R): { readonly result: R; readonly registrations: readonly Registration[] } {
    const outer = this.#collected;
    const registrations: Registration[] = [];
    this.#collected = registrations;
    try {
      return { result: make(), registrations };
    } finally {
      this.#collected = outer;
    }
  }

  /** Starts the informers that do not run yet; call it again after asking for more. They end with the signal. */
  start(signal: AbortSignal): void {
    const both = AbortSignal.any([signal, this.#stop.signal]);
    for (const [key, informer] of this.#informers) {
      if (!this.#running.has(key)) this.#running.set(key, informer.run(both));
    }
  }

  /** Resolves when all that were started have their first complete list; rejects when the signal is aborted first. */
  async waitForCacheSync(signal: AbortSignal): Promise<void> {
    const started = [...this.#running.keys()].flatMap((key) => this.#informers.get(key) ?? []);
    await waitForCacheSync(signal, ...started);
  }

  /** Stops all informers; resolves when they and their handlers have ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('the informers were stopped'));
    await Promise.all(this.#running.values());
  }
}
