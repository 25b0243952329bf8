/**
 * The endpoint slice mirroring controller: who keeps Endpoints of a Service without a selector by hand need not keep slices too
 * (upstream `pkg/controller/endpointslicemirroring/endpointslicemirroring_controller.go`).
 */
import type { Endpoints, Service } from '@kubets/api/types/core-v1';
import type { EndpointSlice } from '@kubets/api/types/discovery-v1';
import { keyOf, type SharedInformer, type WorkQueue } from '@kubets/client';
import * as resources from '@kubets/client/resources';
import type { Controller, ControllerContext, ControllerDescriptor } from '../controller.ts';
import { deleteSlice, followSlices, slicesOf, slowRateLimiter } from '../endpointslice/slice-keeping.ts';
import { SliceTracker } from '../endpointslice/slice-tracker.ts';
import { isNamespaceTerminating, messageOf } from '../lib/pod-control.ts';
import { reconciler, workersOf } from '../lib/reconciler.ts';
import { MirrorMetrics } from './metrics.ts';
import { mirroringControllerName, planMirror, shouldMirror, type MirrorPlan } from './plan.ts';

const maxRetries = 15;
const stalePauseMs = 100;

const hasSelector = (service: Readonly<Service>): boolean => Object.keys(service.spec?.selector ?? {}).length > 0;

class EndpointSliceMirroringController {
  readonly #context: ControllerContext;
  readonly #queue: WorkQueue<string>;
  readonly #services: SharedInformer<Service>;
  readonly #endpoints: SharedInformer<Endpoints>;
  readonly #slices: SharedInformer<EndpointSlice>;
  readonly #tracker: SliceTracker;
  readonly #metrics: MirrorMetrics;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#tracker = new SliceTracker(context.clock);
    this.#queue = context.queue('endpoint_slice_mirroring', slowRateLimiter(context.clock));
    this.#services = context.informers.informer(resources.services);
    this.#endpoints = context.informers.informer(resources.endpoints);
    this.#slices = context.informers.informer(resources.endpointSlices);
    this.#metrics = new MirrorMetrics(context.metrics, context.options.mirroringMaxEndpointsPerSubset);
    this.#listen();
  }

  controller(): Controller {
    return reconciler(this.#context, {
      queue: this.#queue,
      informers: [this.#services, this.#endpoints, this.#slices],
      workers: workersOf(this.#context, 5),
      maxRetries,
      reconcile: async (key) => {
        const { clock } = this.#context;
        const start = clock.monotonic();
        await this.#reconcile(key).finally(() => this.#metrics.synced(clock.monotonic() - start));
      },
    });
  }

  #listen(): void {
    const addService = (service: Readonly<Service>): void => {
      if (!hasSelector(service)) this.#queue.add(keyOf(service));
    };
    this.#services.addEventHandler({
      onAdd: addService,
      onUpdate: (old, service) => {
        if (hasSelector(old) !== hasSelector(service)) this.#queue.add(keyOf(service));
      },
      onDelete: addService,
    });
    const addEndpoints = (endpoints: Readonly<Endpoints>): void => {
      if (shouldMirror(endpoints)) this.#queue.add(keyOf(endpoints));
    };
    this.#endpoints.addEventHandler({
      onAdd: addEndpoints,
      onUpdate: (old, endpoints) => {
        if (shouldMirror(old) || shouldMirror(endpoints)) this.#queue.add(keyOf(endpoints));
      },
      onDelete: addEndpoints,
    });
    followSlices(this.#slices, this.#tracker, {
      manager: mirroringControllerName,
      changed: (key) => this.#queue.add(key),
    });
  }

  async #reconcile(key: string): Promise<void> {
    const endpoints = this.#endpoints.store.get(key);
    const service = this.#services.store.get(key);
    const slices = slicesOf(this.#slices, key, mirroringControllerName);
    if (endpoints === undefined || service === undefined || !shouldMirror(endpoints) || hasSelector(service)) {
      return await this.#cleanUp(key, slices);
    }
    if (this.#tracker.isStale(key, service, slices)) return this.#queue.addAfter(key, stalePauseMs);
    const { events, options } = this.#context;
    const max = options.mirroringMaxEndpointsPerSubset;
    const plan = planMirror(endpoints, slices, max);
    this.#metrics.planned(key, plan);
    if (plan.invalid > 0) {
      const message = `Skipped ${plan.invalid} invalid IP addresses when mirroring to EndpointSlices`;
      events.event(endpoints, 'Warning', 'InvalidIPAddress', message);
    }
    if (plan.skipped > plan.invalid) {
      const message = `A max of ${max} addresses can be mirrored to EndpointSlices per Endpoints subset. ${plan.skipped} addresses were skipped`;
      events.event(endpoints, 'Warning', 'TooManyAddressesToMirror', message);
    }
    await this.#apply(endpoints, plan);
  }

  async #cleanUp(key: string, slices: readonly Readonly<EndpointSlice>[]): Promise<void> {
    this.#tracker.forget(key);
    this.#metrics.forget(key);
    const outcomes = await Promise.allSettled(slices.map((slice) => this.#delete(slice)));
    const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
    const [first] = failed;
    if (first === undefined) return;
    const what = `Error(s) deleting ${failed.length}/${slices.length} EndpointSlices for ${key} Endpoints`;
    throw new Error(`${what}, including: ${messageOf(first.reason)}`, { cause: first.reason });
  }

  async #apply(endpoints: Readonly<Endpoints>, plan: MirrorPlan): Promise<void> {
    const { namespace = '', name } = endpoints.metadata;
    const client = this.#context.client.endpointSlices(namespace);
    const failed = (what: string) => (error: unknown) => {
      const text = `failed to ${what} EndpointSlice for Endpoints ${namespace}/${name}: ${messageOf(error)}`;
      throw new Error(text, { cause: error });
    };
    for (const slice of plan.create) {
      const created = await client.create(slice).catch((error: unknown) => {
        // Nothing will ever be made there again.
        if (isNamespaceTerminating(error)) return undefined;
        return failed('create')(error);
      });
      if (created === undefined) return;
      this.#tracker.written(created);
      this.#metrics.changed('create');
    }
    for (const slice of plan.update) {
      this.#tracker.written(await client.update(slice).catch(failed(`update ${slice.metadata.name}`)));
      this.#metrics.changed('update');
    }
    for (const slice of plan.delete) await this.#delete(slice).catch(failed(`delete ${slice.metadata.name}`));
  }

  async #delete(slice: Readonly<EndpointSlice>): Promise<void> {
    if (await deleteSlice(this.#context.client, this.#tracker, slice)) this.#metrics.changed('delete');
  }
}

export const endpointSliceMirroringController: ControllerDescriptor = {
  name: 'endpointslice-mirroring-controller',
  eventSource: 'endpoint-slice-mirroring-controller',
  create: (context) => new EndpointSliceMirroringController(context).controller(),
};
