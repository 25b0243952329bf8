/**
 * The endpoint slice controller: the pods behind each Service with a selector, in slices that proxies watch (upstream
 * `pkg/controller/endpointslice/endpointslice_controller.go`).
 */
import type { Node, Pod, Service } from '@kubets/api/types/core-v1';
import type { EndpointSlice } from '@kubets/api/types/discovery-v1';
import { keyOf, type SharedInformer, type WorkQueue } from '@kubets/client';
import * as resources from '@kubets/client/resources';
import type { Controller, ControllerContext, ControllerDescriptor } from '../controller.ts';
import { isNamespaceTerminating, messageOf } from '../lib/pod-control.ts';
import { reconciler, workersOf } from '../lib/reconciler.ts';
import { addressTypesOf, zoneLabel, type AddressType } from './endpoint.ts';
import { SliceMetrics } from './metrics.ts';
import { planSlices, type SlicePlan } from './plan.ts';
import { followServicesAndPods, podsOf } from './services-of-pods.ts';
import { sliceControllerName } from './slice.ts';
import { deleteSlice, followSlices, slicesOf, slowRateLimiter } from './slice-keeping.ts';
import { SliceTracker } from './slice-tracker.ts';
import { hintsEnabled, isOverloaded, zoneRatios, type ZoneRatios } from './topology-hints.ts';
import { validTrafficDistribution } from './traffic-distribution.ts';
import { TriggerTimes } from './trigger-times.ts';

/** Several slices change together: they are looked at together. */
const sliceChangePauseMs = 1000;
/** A cache that lags is looked at again so soon. */
const stalePauseMs = 100;
const maxRetries = 15;

const isReady = (node: Readonly<Node>): boolean =>
  node.status?.conditions?.find((condition) => condition.type === 'Ready')?.status === 'True';

class EndpointSliceController {
  readonly #context: ControllerContext;
  readonly #queue: WorkQueue<string>;
  readonly #services: SharedInformer<Service>;
  readonly #pods: SharedInformer<Pod>;
  readonly #nodes: SharedInformer<Node>;
  readonly #slices: SharedInformer<EndpointSlice>;
  readonly #tracker: SliceTracker;
  readonly #triggers = new TriggerTimes();
  readonly #metrics: SliceMetrics;
  /** Service → family → endpoints for each zone, where hints were given by the annotation. */
  readonly #hinted = new Map<string, Map<AddressType, ReadonlyMap<string, number>>>();
  /** How many pods are behind each Service. */
  readonly #sizes = new Map<string, number>();
  #ratios: ZoneRatios | undefined;
  /** The nodes have changed since the ratios were reckoned. */
  #ratiosStale = true;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#tracker = new SliceTracker(context.clock);
    this.#queue = context.queue('endpoint_slice', slowRateLimiter(context.clock));
    this.#services = context.informers.informer(resources.services);
    this.#pods = context.informers.informer(resources.pods);
    this.#nodes = context.informers.informer(resources.nodes);
    this.#slices = context.informers.informer(resources.endpointSlices);
    this.#metrics = new SliceMetrics(context.metrics, context.options.maxEndpointsPerSlice);
    this.#listen();
  }

  controller(): Controller {
    return reconciler(this.#context, {
      queue: this.#queue,
      informers: [this.#services, this.#pods, this.#nodes, this.#slices],
      workers: workersOf(this.#context, 5),
      maxRetries,
      reconcile: (key) => this.#reconcile(key),
    });
  }

  #listen(): void {
    followServicesAndPods(this.#services, this.#pods, { queue: this.#queue, sizes: this.#sizes });
    this.#nodes.addEventHandler({
      onAdd: () => this.#nodesChanged(),
      onUpdate: (old, node) => {
        const moved = old.metadata.labels?.[zoneLabel] !== node.metadata.labels?.[zoneLabel];
        if (moved || isReady(old) !== isReady(node)) this.#nodesChanged();
      },
      onDelete: () => this.#nodesChanged(),
    });
    followSlices(this.#slices, this.#tracker, {
      manager: sliceControllerName,
      changed: (key) => this.#queue.addAfter(key, sliceChangePauseMs),
    });
  }

  /** Services whose hints do not fit the nodes any more are looked at (`checkNodeTopologyDistribution`). */
  #nodesChanged(): void {
    this.#ratiosStale = true;
    if (this.#hinted.size === 0) return;
    const ratios = this.#currentRatios();
    for (const [key, families] of this.#hinted) {
      if (families.values().some((zones) => isOverloaded(zones, ratios))) this.#queue.add(key);
    }
  }

  #currentRatios(): ZoneRatios | undefined {
    if (this.#ratiosStale) this.#ratios = zoneRatios(this.#nodes.store.list());
    this.#ratiosStale = false;
    return this.#ratios;
  }

  async #reconcile(key: string): Promise<void> {
    const service = this.#services.store.get(key);
    if (service === undefined) return this.#forget(key);
    const { type, selector } = service.spec ?? {};
    if (type === 'ExternalName' || selector === undefined || Object.keys(selector).length === 0) return;
    const slices = slicesOf(this.#slices, key, sliceControllerName);
    if (this.#tracker.isStale(key, service, slices)) {
      this.#metrics.synced('stale');
      return this.#queue.addAfter(key, stalePauseMs);
    }
    try {
      await this.#sync(key, service, slices);
      this.#metrics.synced('success');
    } catch (error) {
      this.#metrics.synced('error');
      const { namespace, name } = service.metadata;
      const message = `Error updating Endpoint Slices for Service ${namespace}/${name}: ${messageOf(error)}`;
      this.#context.events.event(service, 'Warning', 'FailedToUpdateEndpointSlices', message);
      throw error;
    }
  }

  #forget(key: string): void {
    this.#tracker.forget(key);
    this.#triggers.forget(key);
    this.#metrics.forget(key);
    this.#hinted.delete(key);
    this.#sizes.delete(key);
  }

  async #sync(key: string, service: Readonly<Service>, slices: readonly Readonly<EndpointSlice>[]): Promise<void> {
    const pods = podsOf(this.#pods.store, service);
    this.#sizes.set(key, pods.length);
    const triggerTime = this.#triggers.next(key, service, pods);
    const types = addressTypesOf(service);
    const errors: unknown[] = [];
    for (const addressType of types) {
      const plan = planSlices({
        service,
        addressType,
        pods,
        slices: slices.filter((slice) => slice.addressType === addressType),
        node: (name) => this.#nodes.store.get(name),
        maxEndpointsPerSlice: this.#context.options.maxEndpointsPerSlice,
        preferSame: this.#context.featureEnabled('PreferSameTrafficDistribution'),
        ratios: hintsEnabled(service.metadata.annotations) ? this.#currentRatios() : undefined,
        hinted: this.#hinted.has(key),
        triggerTime,
      });
      this.#remember(key, addressType, plan);
      await this.#apply(service, plan).catch((error: unknown) => errors.push(error));
      errors.push(...plan.skipped.map((text) => new Error(text)));
    }
    // Of families that the Service has no more.
    const foreign = slices.filter((slice) => !types.includes(slice.addressType));
    for (const slice of foreign) {
      this.#remember(key, slice.addressType, undefined);
      await this.#delete(slice).catch((error: unknown) => errors.push(error));
    }
    if (errors.length > 0) throw new Error(errors.map(messageOf).join(', '), { cause: errors[0] });
  }

  #remember(key: string, addressType: AddressType, plan: SlicePlan | undefined): void {
    if (plan !== undefined) this.#metrics.planned(key, addressType, plan);
    let families = this.#hinted.get(key);
    if (plan?.zones !== undefined) {
      if (families === undefined) this.#hinted.set(key, (families = new Map()));
      families.set(addressType, plan.zones);
    } else if (families !== undefined) {
      families.delete(addressType);
      if (families.size === 0) this.#hinted.delete(key);
    }
  }

  async #apply(service: Readonly<Service>, plan: SlicePlan): Promise<void> {
    const { namespace = '', name } = service.metadata;
    const client = this.#context.client.endpointSlices(namespace);
    const failed = (what: string, error: unknown): Error =>
      new Error(`failed to ${what} EndpointSlice for Service ${namespace}/${name}: ${messageOf(error)}`, {
        cause: error,
      });
    try {
      for (const slice of plan.create) {
        this.#tracker.written(await client.create(slice));
        this.#metrics.changed('create');
      }
    } catch (error) {
      // Nothing will ever be made there again.
      if (isNamespaceTerminating(error)) return;
      throw failed('create', error);
    }
    for (const slice of plan.update) {
      const updated = await client.update(slice).catch((error: unknown) => {
        throw failed(`update ${slice.metadata.name}`, error);
      });
      this.#tracker.written(updated);
      this.#metrics.changed('update');
    }
    for (const slice of plan.delete) {
      await this.#delete(slice).catch((error: unknown) => {
        throw failed(`delete ${slice.metadata.name}`, error);
      });
    }
    this.#measure(service, plan);
    for (const { type, reason, message } of plan.events) this.#context.events.event(service, type, reason, message);
  }

  #measure(service: Readonly<Service>, plan: SlicePlan): void {
    const auto = hintsEnabled(service.metadata.annotations);
    const preferSame = this.#context.featureEnabled('PreferSameTrafficDistribution');
    const wanted = auto ? undefined : validTrafficDistribution(service.spec?.trafficDistribution, preferSame);
    this.#metrics.distribution(keyOf(service), wanted ?? '');
    const changes = plan.create.length + plan.update.length + plan.delete.length;
    this.#metrics.written(changes, auto ? 'Auto' : 'Disabled', wanted ?? '');
  }

  async #delete(slice: Readonly<EndpointSlice>): Promise<void> {
    if (await deleteSlice(this.#context.client, this.#tracker, slice)) this.#metrics.changed('delete');
  }
}

export const endpointSliceController: ControllerDescriptor = {
  name: 'endpointslice-controller',
  eventSource: 'endpoint-slice-controller',
  create: (context) => new EndpointSliceController(context).controller(),
};
