/**
 * The endpoints controller: the pods behind each Service with a selector in one Endpoints object, for those who do not know
 * EndpointSlices yet (upstream `pkg/controller/endpoint/endpoints_controller.go`).
 */
import { isNotFound } from '@kubets/apimachinery/status';
import type { Endpoints, Pod, Service } from '@kubets/api/types/core-v1';
import { keyOf, splitKey, type SharedInformer, type WorkQueue } from '@kubets/client';
import * as resources from '@kubets/client/resources';
import type { Controller, ControllerContext, ControllerDescriptor } from '../controller.ts';
import { followServicesAndPods, podsOf } from '../endpointslice/services-of-pods.ts';
import { TriggerTimes } from '../endpointslice/trigger-times.ts';
import { isNamespaceTerminating, messageOf } from '../lib/pod-control.ts';
import { reconciler, workersOf } from '../lib/reconciler.ts';
import { planEndpoints } from './plan.ts';

const maxRetries = 15;
/** A cache that lags is looked at again so soon. */
const stalePauseMs = 100;
/** What was written may be gone again without the cache having had it: then it is not waited for any longer. */
const staleLimitMs = 10_000;
/** Locks of old leader elections are Endpoints without a Service. */
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader';

class EndpointsController {
  readonly #context: ControllerContext;
  readonly #queue: WorkQueue<string>;
  readonly #services: SharedInformer<Service>;
  readonly #pods: SharedInformer<Pod>;
  readonly #endpoints: SharedInformer<Endpoints>;
  readonly #triggers = new TriggerTimes();
  /** Versions that have been written over ('': none): a cache that still has one of them is late. */
  readonly #overwritten = new Map<string, { readonly version: string; readonly at: number }>();
  /** How many pods are behind each Service. */
  readonly #sizes = new Map<string, number>();

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#queue = context.queue('endpoint');
    this.#services = context.informers.informer(resources.services);
    this.#pods = context.informers.informer(resources.pods);
    this.#endpoints = context.informers.informer(resources.endpoints);
    this.#listen();
  }

  controller(): Controller {
    return reconciler(this.#context, {
      queue: this.#queue,
      informers: [this.#services, this.#pods, this.#endpoints],
      workers: workersOf(this.#context, 5),
      maxRetries,
      reconcile: (key) => this.#reconcile(key),
    });
  }

  #listen(): void {
    followServicesAndPods(this.#services, this.#pods, { queue: this.#queue, sizes: this.#sizes });
    this.#endpoints.addEventHandler({
      // Left over from Services that went while nobody looked.
      onAdd: (endpoints, initial) => {
        if (initial && endpoints.metadata.annotations?.[leaderAnnotation] === undefined)
          this.#queue.add(keyOf(endpoints));
      },
      onDelete: (endpoints) => {
        this.#overwritten.delete(keyOf(endpoints));
        this.#queue.add(keyOf(endpoints));
      },
    });
  }

  async #reconcile(key: string): Promise<void> {
    const service = this.#services.store.get(key);
    if (service === undefined) return await this.#delete(key);
    const { type, selector } = service.spec ?? {};
    if (type === 'ExternalName' || selector === undefined || Object.keys(selector).length === 0) return;
    const pods = podsOf(this.#pods.store, service);
    this.#sizes.set(key, pods.length);
    const current = this.#endpoints.store.get(key);
    if (this.#isStale(key, current)) return this.#queue.addAfter(key, stalePauseMs);
    const triggerTime = this.#triggers.next(key, service, pods);
    const wanted = planEndpoints({ service, pods, current, triggerTime });
    if (wanted !== undefined) await this.#write(key, current, wanted);
  }

  #isStale(key: string, current: Readonly<Endpoints> | undefined): boolean {
    const overwritten = this.#overwritten.get(key);
    if (overwritten?.version !== (current?.metadata.resourceVersion ?? '')) return false;
    return this.#context.clock.monotonic() - overwritten.at < staleLimitMs;
  }

  #wroteOver(key: string, version: string): void {
    this.#overwritten.set(key, { version, at: this.#context.clock.monotonic() });
  }

  async #write(key: string, current: Readonly<Endpoints> | undefined, wanted: Endpoints): Promise<void> {
    const client = this.#context.client.endpoints(wanted.metadata.namespace);
    const { events } = this.#context;
    try {
      if (current === undefined) {
        await client.create(wanted);
        return this.#wroteOver(key, '');
      }
      const { resourceVersion = '' } = current.metadata;
      const updated = await client.update(wanted);
      if (updated.metadata.resourceVersion !== resourceVersion) this.#wroteOver(key, resourceVersion);
    } catch (error) {
      if (current !== undefined) {
        const message = `Failed to update endpoint ${key}: ${messageOf(error)}`;
        events.event(wanted, 'Warning', 'FailedToUpdateEndpoint', message);
      } else {
        // Nothing will ever be made there again.
        if (isNamespaceTerminating(error)) return;
        const message = `Failed to create endpoint for service ${key}: ${messageOf(error)}`;
        events.event(wanted, 'Warning', 'FailedToCreateEndpoint', message);
      }
      throw error;
    }
  }

  async #delete(key: string): Promise<void> {
    this.#triggers.forget(key);
    this.#overwritten.delete(key);
    this.#sizes.delete(key);
    const { namespace, name } = splitKey(key);
    await this.#context.client
      .endpoints(namespace)
      .delete(name)
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
  }
}

export const endpointsController: ControllerDescriptor = {
  name: 'endpoints-controller',
  eventSource: 'endpoint-controller',
  create: (context) => new EndpointsController(context).controller(),
};
