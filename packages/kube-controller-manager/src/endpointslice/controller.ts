/**
 * The endpoint slice controller: the pods behind each Service with a selector, in slices that proxies watch (upstream
 * `pkg/controller/endpointslice/endpointslice_controller.go`).
 */
import type { Node, Pod, Service } from '@kubets/api/types/core-v1';
import type { EndpointSlice } from '@kubets/api/types/discovery-v1';
import { isNotFound } from '@kubets/apimachinery/status';
import {
  ItemBackoff,
  keyOf,
  MaxOf,
  TokenBucket,
  type RateLimiter,
  type SharedInformer,
  type WorkQueue,
} from '@kubets/client';
import * as resources from '@kubets/client/resources';
import type { Clock } from '@kubets/apimachinery/clock';
import type { Controller, ControllerContext, ControllerDescriptor } from '../controller.ts';
import { ensureIndex } from '../lib/ensure-index.ts';
import { isNamespaceTerminating, messageOf } from '../lib/pod-control.ts';
import { reconciler, workersOf } from '../lib/reconciler.ts';
import { addressTypesOf, zoneLabel, type AddressType } from './endpoint.ts';
import { SliceMetrics } from './metrics.ts';
import { planSlices, type SlicePlan } from './plan.ts';
import { indexServicesAndPods, podsOf, servicesOf, servicesOfChange } from './services-of-pods.ts';
import { managedByLabel, sliceControllerName } from './slice.ts';
import { serviceKeyOf, SliceTracker } from './slice-tracker.ts';
import { hintsEnabled, isOverloaded, zoneRatios, type ZoneRatios } from './topology-hints.ts';
import { validTrafficDistribution } from './traffic-distribution.ts';
import { TriggerTimes } from './trigger-times.ts';

/** Slices by the key of their Service, whoever manages them. */
export const slicesByServiceIndex = 'serviceName';
/** Several slices change together: they are looked at together. */
const sliceChangePauseMs = 1000;
/** A cache that lags is looked at again so soon. */
const stalePauseMs = 100;
const maxRetries = 15;

/** Upstream's, which begins with pauses of a second instead of 5 ms. */
export function slowRateLimiter(clock: Clock): RateLimiter<string> {
  return new MaxOf<string>([
    new ItemBackoff<string>(1000, 1_000_000),
    new TokenBucket<string>({ perSecond: 10, burst: 100, clock }),
  ]);
}

export const bySliceService = (slice: Readonly<EndpointSlice>): readonly string[] => {
  const key = serviceKeyOf(slice);
  return key === undefined ? [] : [key];
};

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
  /** Pods behind large Services: see {@link #pauseFor}. */
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
    indexServicesAndPods(this.#pods, this.#services);
    ensureIndex(this.#slices, slicesByServiceIndex, bySliceService);
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
    const add = (service: Readonly<Service>): void => this.#queue.add(keyOf(service));
    this.#services.addEventHandler({ onAdd: add, onUpdate: (_, service) => add(service), onDelete: add });
    const { store } = this.#services;
    const each = (keys: ReadonlySet<string>): void => {
      for (const key of keys) this.#queue.addAfter(key, this.#pauseFor(key));
    };
    const ofPod = (pod: Readonly<Pod>): void => each(servicesOf(store, pod));
    this.#pods.addEventHandler({
      onAdd: ofPod,
      onUpdate: (old, pod) => each(servicesOfChange(store, old, pod)),
      onDelete: ofPod,
    });
    this.#nodes.addEventHandler({
      onAdd: () => this.#nodesChanged(),
      onUpdate: (old, node) => {
        const moved = old.metadata.labels?.[zoneLabel] !== node.metadata.labels?.[zoneLabel];
        if (moved || isReady(old) !== isReady(node)) this.#nodesChanged();
      },
      onDelete: () => this.#nodesChanged(),
    });
    this.#listenToSlices();
  }

  #listenToSlices(): void {
    const mine = (slice: Readonly<EndpointSlice>): boolean =>
      slice.metadata.labels?.[managedByLabel] === sliceControllerName;
    const queue = (slice: Readonly<EndpointSlice>): void => {
      const key = serviceKeyOf(slice);
      if (key !== undefined) this.#queue.addAfter(key, sliceChangePauseMs);
    };
    this.#slices.addEventHandler({
      onAdd: (slice) => {
        if (mine(slice) && this.#tracker.shouldSync(slice)) queue(slice);
      },
      onUpdate: (old, slice) => {
        if (old === slice) return;
        if (serviceKeyOf(old) !== serviceKeyOf(slice)) {
          queue(slice);
          queue(old);
        } else if (mine(old) !== mine(slice) || (mine(slice) && this.#tracker.shouldSync(slice))) queue(slice);
      },
      onDelete: (slice) => {
        if (mine(slice) && !this.#tracker.deleted(slice)) queue(slice);
      },
    });
  }

  /**
   * Milliseconds for which changes of pods are gathered: none for small Services, up to half a second for such with thousands
   * of pods, for which each look takes milliseconds.
   */
  #pauseFor(key: string): number {
    const pods = this.#sizes.get(key) ?? 0;
    return pods < 100 ? 0 : Math.min(500, pods / 10);
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
    const slices = this.#slices.store
      .byIndex(slicesByServiceIndex, key)
      .filter((slice) => slice.metadata.labels?.[managedByLabel] === sliceControllerName)
      .filter((slice) => slice.metadata.deletionTimestamp === undefined);
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
    const { namespace, name = '' } = slice.metadata;
    try {
      await this.#context.client.endpointSlices(namespace).delete(name);
      this.#tracker.expectDeletion(slice);
      this.#metrics.changed('delete');
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

export const endpointSliceController: ControllerDescriptor = {
  name: 'endpointslice-controller',
  eventSource: 'endpoint-slice-controller',
  create: (context) => new EndpointSliceController(context).controller(),
};
