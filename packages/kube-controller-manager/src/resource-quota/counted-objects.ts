/**
 * The objects that quotas count (`pkg/controller/resourcequota/resource_quota_monitor.go`).
 *
 * Upstream follows every resource there is; here only those are followed that some quota limits.
 */
import { apiVersionOf, groupResourceString, type ApiObject, type GroupResource } from '@kubets/apimachinery/meta';
import {
  discover,
  SharedInformer,
  type DiscoveredResource,
  type EventHandler,
  type Registration,
  type Resource,
} from '@kubets/client';
import * as typedResources from '@kubets/client/resources';
import type { ControllerContext } from '../controller.ts';
import { metadataClient } from '../lib/metadata-client.ts';

/** Told of changes of objects of a resource. */
export type CountedHandler = (resource: GroupResource) => EventHandler<ApiObject>;

/** Names that are not served are asked for again so often. */
const rediscoverMs = 30_000;

interface Followed {
  readonly served: DiscoveredResource;
  readonly informer: SharedInformer<ApiObject>;
  readonly registration: Registration;
  readonly end: AbortController;
}

const typed: ReadonlyMap<string, Resource> = new Map(
  (Object.values(typedResources) as Resource[]).map((resource) => [
    `${apiVersionOf(resource)}/${resource.resource}`,
    resource,
  ]),
);

export class CountedObjects {
  readonly #context: ControllerContext;
  readonly #handler: CountedHandler;
  readonly #followed = new Map<string, Followed>();
  readonly #running = new Set<Promise<void>>();
  #served: readonly DiscoveredResource[] = [];
  #discoveredAt = -Infinity;
  #discovering: Promise<void> | undefined;

  constructor(context: ControllerContext, handler: CountedHandler) {
    this.#context = context;
    this.#handler = handler;
  }

  /**
   * The informer of a resource, in step with the server; `undefined` when it is not served. Rejects when the signal is
   * aborted, or when that could not be found out.
   */
  async of(resource: GroupResource, signal: AbortSignal): Promise<SharedInformer<ApiObject> | undefined> {
    const key = groupResourceString(resource);
    let followed = this.#followed.get(key);
    if (followed === undefined) {
      const served = await this.#find(resource);
      if (served === undefined) return undefined;
      followed = this.#followed.get(key);
      if (followed === undefined) this.#followed.set(key, (followed = this.#follow(served, signal)));
    }
    await followed.informer.waitForSync(AbortSignal.any([signal, followed.end.signal]));
    return followed.informer;
  }

  /** Lets go of resources that are served no more; call it now and then. */
  async refresh(): Promise<void> {
    await this.#discover();
    const served = new Set(this.#served.map(groupResourceString));
    for (const [key, followed] of this.#followed) {
      if (served.has(key)) continue;
      this.#followed.delete(key);
      followed.registration.remove();
      followed.end.abort(new Error(`${key} is served no more`));
    }
  }

  /** Resolves when its own informers have ended; they do with the signal. */
  async ended(): Promise<void> {
    await Promise.all(this.#running);
  }

  async #find(resource: GroupResource): Promise<DiscoveredResource | undefined> {
    const isIt = (served: DiscoveredResource): boolean =>
      served.group === resource.group && served.resource === resource.resource;
    const known = this.#served.find(isIt);
    if (known !== undefined) return known;
    const { clock } = this.#context;
    if (clock.monotonic() - this.#discoveredAt >= rediscoverMs) await this.#discover();
    return this.#served.find(isIt);
  }

  async #discover(): Promise<void> {
    this.#discovering ??= this.#ask().finally(() => {
      this.#discovering = undefined;
    });
    await this.#discovering;
  }

  /** What a group that does not answer had is taken to be there still. */
  async #ask(): Promise<void> {
    const { transport, clock, log, name: controller } = this.#context;
    const silent = new Set<string>();
    const found = await discover(transport, ({ groupVersion, error }) => {
      silent.add(groupVersion);
      log.warn({ controller, groupVersion, error: String(error) }, 'a group cannot be discovered');
    });
    const kept = this.#served.filter((resource) => silent.has(apiVersionOf(resource)));
    this.#served = [...found, ...kept].filter(
      ({ namespaced, verbs }) => namespaced && ['create', 'list', 'watch', 'delete'].every((v) => verbs.includes(v)),
    );
    this.#discoveredAt = clock.monotonic();
  }

  #follow(served: DiscoveredResource, signal: AbortSignal): Followed {
    const end = new AbortController();
    const known = typed.get(`${apiVersionOf(served)}/${served.resource}`);
    const informer = known === undefined ? this.#ownInformer(served) : this.#context.informers.informer(known);
    const registration = informer.addEventHandler(this.#handler(served));
    if (known === undefined) this.#run(informer.run(AbortSignal.any([signal, end.signal])));
    else this.#context.informers.start(signal);
    return { served, informer, registration, end };
  }

  #run(running: Promise<void>): void {
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running));
  }

  #ownInformer(served: DiscoveredResource): SharedInformer<ApiObject> {
    const { transport, clock, random, log, name: controller } = this.#context;
    return new SharedInformer<ApiObject>({
      name: served.resource,
      source: metadataClient(transport, served),
      clock,
      random,
      onError: (error, text) => log.warn({ controller, error: String(error) }, text),
    });
  }
}
