/** Evicts pods from devices with NoExecute taints (upstream `pkg/controller/devicetainteviction`). */
import { isPodTerminal } from '@kubets/api/core/helpers/pod';
import { isConflict, isNotFound } from '@kubets/apimachinery/status';
import { formatTime } from '@kubets/apimachinery/time';
import type { Pod } from '@kubets/api/types/core-v1';
import type { Device, ResourceClaim, ResourceSlice } from '@kubets/api/types/resource-v1';
import { keyOf, type SharedInformer, type WorkQueue } from '@kubets/client';
import {
  pods as podResource,
  resourceClaims as claimResource,
  resourceSlices as sliceResource,
} from '@kubets/client/resources';
import type { Controller, ControllerContext, ControllerDescriptor } from '../controller.ts';
import { ensureIndex } from '../lib/ensure-index.ts';
import { reconciler, workersOf } from '../lib/reconciler.ts';
import { claimNames, isReservedFor } from '../resource-claim/plan.ts';
import { evictionTime, findDevice, poolOf, poolsOfClaim } from './plan.ts';

const poolIndex = 'driverAndPool';
const durationBuckets = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 30, 60, 120, 180, 240];
const reason = 'DeviceTaintManagerEviction';

class DeviceTaintEviction implements Controller {
  readonly #context: ControllerContext;
  readonly #queue: WorkQueue<string>;
  readonly #pods: SharedInformer<Pod>;
  readonly #claims: SharedInformer<ResourceClaim>;
  readonly #slices: SharedInformer<ResourceSlice>;
  readonly #evicted;
  readonly #delay;
  /** Uids of pods that will have to go at some time, by key. */
  readonly #scheduled = new Map<string, string>();

  constructor(context: ControllerContext) {
    const { informers, metrics } = context;
    this.#context = context;
    this.#queue = context.queue('device_taint_eviction');
    this.#pods = informers.informer(podResource);
    this.#claims = informers.informer(claimResource);
    this.#slices = informers.informer(sliceResource);
    const prefix = 'device_taint_eviction_controller_pod_deletion';
    this.#evicted = metrics.counter(
      `${prefix}s_total`,
      'Total number of Pods deleted by DeviceTaintEvictionController since its start.',
    );
    this.#delay = metrics.histogram(
      `${prefix}_duration_seconds`,
      'Latency, in seconds, between the time when a device taint effect has been activated and a Pod delete call.',
      durationBuckets,
    );
    ensureIndex(this.#claims, poolIndex, poolsOfClaim);
    ensureIndex(this.#slices, poolIndex, ({ spec }) => [poolOf({ driver: spec.driver, pool: spec.pool.name })]);
    this.#watch();
  }

  async run(signal: AbortSignal): Promise<void> {
    const loop = reconciler(this.#context, {
      queue: this.#queue,
      informers: [this.#pods, this.#claims, this.#slices],
      workers: workersOf(this.#context, 8),
      reconcile: (key) => this.#sync(key),
    });
    await loop.run(signal);
  }

  #watch(): void {
    const wakePod = (pod: Readonly<Pod>): void => {
      if ((pod.spec?.resourceClaims?.length ?? 0) > 0) this.#queue.add(keyOf(pod));
    };
    this.#pods.addEventHandler({
      onAdd: wakePod,
      onUpdate: (_, pod) => wakePod(pod),
      onDelete: (pod) => void this.#scheduled.delete(keyOf(pod)),
    });
    const wakeUsers = ({ metadata, status }: Readonly<ResourceClaim>): void => {
      for (const { name } of status?.reservedFor ?? []) this.#queue.add(`${metadata.namespace}/${name}`);
    };
    this.#claims.addEventHandler({
      onAdd: wakeUsers,
      onUpdate: (old, claim) => {
        wakeUsers(old);
        wakeUsers(claim);
      },
      onDelete: wakeUsers,
    });
    const wakePool = ({ spec }: Readonly<ResourceSlice>): void => {
      const pool = poolOf({ driver: spec.driver, pool: spec.pool.name });
      this.#claims.store.byIndex(poolIndex, pool).forEach(wakeUsers);
    };
    this.#slices.addEventHandler({ onAdd: wakePool, onUpdate: (_, slice) => wakePool(slice), onDelete: wakePool });
  }

  async #sync(key: string): Promise<void> {
    const pod = this.#pods.store.get(key);
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined || isPodTerminal(pod)) return;
    const { uid = '' } = pod.metadata;
    const now = this.#context.clock.now();
    const at = this.#evictionTimeOf(pod, now);
    if (at === undefined) {
      // Taints come and go: what was announced is taken back.
      if (this.#scheduled.get(key) === uid) this.#context.events.event(pod, 'Normal', reason, 'Cancelling deletion');
      this.#scheduled.delete(key);
      return;
    }
    this.#scheduled.set(key, uid);
    if (at > now) return this.#queue.addAfter(key, at - now);
    await this.#evict(pod);
    this.#scheduled.delete(key);
    this.#evicted.add(1);
    this.#delay.observe((this.#context.clock.now() - at) / 1000);
  }

  #evictionTimeOf(pod: Readonly<Pod>, now: number): number | undefined {
    const device = (result: Parameters<typeof poolOf>[0] & { readonly device: string }): Readonly<Device> | undefined =>
      findDevice(this.#slices.store.byIndex(poolIndex, poolOf(result)), result.device);
    const times = claimNames(pod).flatMap((name) => {
      const claim = this.#claims.store.get(`${pod.metadata.namespace}/${name}`);
      if (claim === undefined || !isReservedFor(pod, claim)) return [];
      return evictionTime(claim, device, now) ?? [];
    });
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Marks the pod, so that its owner knows that it was not to blame, and deletes it. */
  async #evict(pod: Readonly<Pod>): Promise<void> {
    const { events, clock } = this.#context;
    const { namespace, name = '', uid, generation } = pod.metadata;
    const pods = this.#context.client.pods(namespace);
    events.event(pod, 'Normal', reason, 'Marking for deletion');
    const condition = {
      type: 'DisruptionTarget',
      ...(generation !== undefined && { observedGeneration: generation }),
      status: 'True',
      lastTransitionTime: formatTime(clock.now()),
      reason: 'DeletionByDeviceTaintManager',
      message: 'Device Taint manager: deleting due to NoExecute taint',
    };
    const body = { metadata: { uid }, status: { conditions: [condition] } };
    try {
      await pods.patch(name, { type: 'application/strategic-merge-patch+json', body, subresource: 'status' });
      await pods.delete(name, uid === undefined ? {} : { preconditions: { uid } });
    } catch (error) {
      // Gone, or another pod of that name by now.
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }
}

/** The device taint eviction controller. */
export const deviceTaintEvictionController: ControllerDescriptor = {
  name: 'device-taint-eviction-controller',
  create: (context) =>
    context.serves({ group: 'resource.k8s.io', resource: 'resourceslices' })
      ? new DeviceTaintEviction(context)
      : undefined,
};
