/**
 * Follows all objects of all resources that garbage collection is about (`graph_builder.go` `syncMonitors`).
 *
 * Resources with a type of their own are followed through the informers that all controllers share, so that nothing is held
 * twice; all others, which come and go with their definitions, through informers of metadata.
 */
import { apiVersionOf, type ApiObject, type GroupVersionResource } from '@kubets/apimachinery/meta';
import { SharedInformer, type DiscoveredResource, type Registration, type Resource } from '@kubets/client';
import * as typedResources from '@kubets/client/resources';
import type { ControllerContext } from '../controller.ts';
import { metadataClient } from '../lib/metadata-client.ts';
import type { DependencyGraph } from './graph.ts';
import type { NodeType } from './graph-node.ts';
import type { ResourceTypes } from './resource-types.ts';

const nameOf = (resource: GroupVersionResource): string => `${apiVersionOf(resource)}/${resource.resource}`;

const typed: ReadonlyMap<string, Resource> = new Map(
  (Object.values(typedResources) as Resource[]).map((resource) => [nameOf(resource), resource]),
);

/** Definitions of resources: when they change, what is served does. */
const definitions: ReadonlySet<string> = new Set([
  'apiextensions.k8s.io/v1/customresourcedefinitions',
  'apiregistration.k8s.io/v1/apiservices',
]);

function nextTurn(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setImmediate(resolve);
  return promise;
}

interface Monitor {
  readonly resource: DiscoveredResource;
  readonly type: NodeType;
  readonly informer: SharedInformer<ApiObject>;
  readonly registration: Registration;
  stop(): Promise<void>;
}

export class Monitors {
  readonly #context: ControllerContext;
  readonly #graph: DependencyGraph;
  readonly #onDefinition: () => void;
  readonly #monitors = new Map<string, Monitor>();

  /** `onDefinition`: told that what is served is about to change. */
  constructor(context: ControllerContext, graph: DependencyGraph, onDefinition: () => void) {
    this.#context = context;
    this.#graph = graph;
    this.#onDefinition = onDefinition;
  }

  /** Resolves when everything of every resource's first list is in the graph; rejects when the signal is aborted first. */
  async waitForSync(signal: AbortSignal): Promise<void> {
    const monitors = [...this.#monitors.values()];
    await Promise.all(monitors.map(({ informer }) => informer.waitForSync(signal)));
    // What is in a store has been told to its handlers, and they have been called by the next turn.
    while (monitors.some(({ registration }) => !registration.hasSynced) && !signal.aborted) await nextTurn();
  }

  /** Resources whose first list is not complete, for messages. */
  get unsynced(): string[] {
    return [...this.#monitors].filter(([, { registration }]) => !registration.hasSynced).map(([name]) => name);
  }

  /**
   * Follows just these from now on. What of a group version could not be asked for goes on as it was. Returns what has come
   * and gone.
   */
  update(types: ResourceTypes, signal: AbortSignal): { readonly added: string[]; readonly removed: string[] } {
    const wanted = new Map(types.collectable().map((resource) => [nameOf(resource), resource]));
    const added: string[] = [];
    const removed: string[] = [];
    for (const [name, monitor] of this.#monitors) {
      if (wanted.has(name) || types.failed.has(apiVersionOf(monitor.resource))) continue;
      this.#monitors.delete(name);
      monitor.type.followed = false;
      void monitor.stop();
      removed.push(name);
    }
    for (const [name, resource] of wanted) {
      if (this.#monitors.has(name)) continue;
      this.#monitors.set(name, this.#start(name, resource, signal));
      added.push(name);
    }
    if (added.length > 0) this.#context.informers.start(signal);
    return { added, removed };
  }

  /** Resolves when all informers of its own have ended. */
  async stop(): Promise<void> {
    const monitors = [...this.#monitors.values()];
    this.#monitors.clear();
    await Promise.all(monitors.map((monitor) => monitor.stop()));
  }

  #start(name: string, resource: DiscoveredResource, signal: AbortSignal): Monitor {
    const known = typed.get(name);
    const type: NodeType = { apiVersion: apiVersionOf(resource), kind: resource.kind, followed: true };
    if (known !== undefined) {
      const informer = this.#context.informers.informer(known);
      const registration = this.#follow(name, type, informer);
      return { resource, type, informer, registration, stop: async () => registration.remove() };
    }
    const informer = this.#metadataInformer(resource);
    const registration = this.#follow(name, type, informer);
    const ending = new AbortController();
    const running = informer.run(AbortSignal.any([signal, ending.signal]));
    const stop = async (): Promise<void> => {
      registration.remove();
      ending.abort(new Error('the resource is served no more'));
      await running;
    };
    return { resource, type, informer, registration, stop };
  }

  #metadataInformer(resource: DiscoveredResource): SharedInformer<ApiObject> {
    const { transport, clock, random, log, name: controller } = this.#context;
    return new SharedInformer<ApiObject>({
      name: resource.resource,
      source: metadataClient(transport, resource),
      clock,
      random,
      // Custom resources can be refused for a while after they are gone, or before they come.
      onError: (error, text) => log.warn({ controller, error: String(error) }, text),
    });
  }

  #follow(name: string, type: NodeType, informer: SharedInformer<ApiObject>): Registration {
    const graph = this.#graph;
    const tell = definitions.has(name) ? this.#onDefinition : undefined;
    return informer.addEventHandler({
      onAdd(object) {
        graph.observe(type, object.metadata);
        tell?.();
      },
      onUpdate(_old, object) {
        graph.observe(type, object.metadata);
        tell?.();
      },
      onDelete(object) {
        graph.gone(type, object.metadata);
        tell?.();
      },
    });
  }
}
