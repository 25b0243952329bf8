/** Keeps the status of quotas true (`pkg/controller/resourcequota/resource_quota_controller.go`). */
import type { Amounts } from '@kubets/api/core/helpers/quota/resource-list';
import type { ApiObject, GroupResource } from '@kubets/apimachinery/meta';
import { isNotFound } from '@kubets/apimachinery/status';
import type { ResourceQuota } from '@kubets/api/types/core-v1';
import {
  keyOf,
  namespaceIndex,
  splitKey,
  type EventHandler,
  type SharedInformer,
  type WorkQueue,
} from '@kubets/client';
import { resourceQuotas } from '@kubets/client/resources';
import type { Controller, ControllerContext, ControllerDescriptor } from '../controller.ts';
import { reconciler, workersOf } from '../lib/reconciler.ts';
import { runEvery } from '../lib/run-every.ts';
import { CountedObjects } from './counted-objects.ts';
import { countedResources, plannedStatus } from './plan.ts';
import { UsageCounter } from './usage-counter.ts';

const defaultWorkers = 5;
const refreshMs = 30_000;
/**
 * A quota is counted once more so long after its status was written: objects that admission had charged, and that were not
 * yet there, are by then.
 */
const recountMs = 2_000;

class ResourceQuotaController implements Controller {
  readonly #context: ControllerContext;
  readonly #queue: WorkQueue<string>;
  readonly #quotas: SharedInformer<ResourceQuota>;
  readonly #counter = new UsageCounter();
  readonly #objects: CountedObjects;
  readonly #inner: Controller;
  #signal: AbortSignal = new AbortController().signal;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#queue = context.queue('resource_quota_controller_resource_changes');
    this.#quotas = context.informers.informer(resourceQuotas);
    this.#objects = new CountedObjects(context, (resource) => this.#handler(resource));
    this.#quotas.addEventHandler({
      onAdd: (quota) => this.#queue.add(keyOf(quota)),
      onUpdate: (old, quota) => {
        // Written statuses are our own, or those of admission: both are right.
        if (specText(old) !== specText(quota)) this.#queue.add(keyOf(quota));
      },
    });
    this.#inner = reconciler(context, {
      queue: this.#queue,
      informers: [this.#quotas],
      workers: workersOf(context, defaultWorkers),
      reconcile: (key) => this.#reconcile(key),
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    const { resourceQuotaSyncPeriodMs } = this.#context.options;
    await Promise.all([
      this.#inner.run(signal),
      this.#every(resourceQuotaSyncPeriodMs, () => this.#recountAll()),
      this.#every(refreshMs, () => this.#refresh()),
    ]);
    await this.#objects.ended();
  }

  /** The first time when a period is over. */
  async #every(ms: number, work: () => void | Promise<void>): Promise<void> {
    const { clock, log, name: controller } = this.#context;
    const signal = this.#signal;
    let first = true;
    await runEvery(clock, ms, {
      signal,
      pass: async () => {
        if (!first) await work();
        first = false;
      },
      onError: (error) => log.warn({ controller, error: String(error) }, 'periodic work failed; it is tried again'),
    });
  }

  #recountAll(): void {
    for (const key of this.#quotas.store.keys()) this.#queue.add(key);
  }

  async #refresh(): Promise<void> {
    if (this.#quotas.store.size > 0) await this.#objects.refresh();
  }

  /** What is gone, and what uses something else than before, changes what quotas of its namespace say. */
  #handler(resource: GroupResource): EventHandler<ApiObject> {
    return {
      onUpdate: (old, object) => {
        const quotas = this.#quotasOf(object);
        if (quotas.length > 0 && old !== object && this.#usageChanged(resource, old, object))
          this.#enqueue(quotas, resource);
      },
      onDelete: (object) => this.#enqueue(this.#quotasOf(object), resource),
    };
  }

  #quotasOf(object: Readonly<ApiObject>): readonly Readonly<ResourceQuota>[] {
    return this.#quotas.store.byIndex(namespaceIndex, object.metadata.namespace ?? '');
  }

  #enqueue(quotas: readonly Readonly<ResourceQuota>[], { group, resource }: GroupResource): void {
    for (const quota of quotas)
      if (countedResources(quota).some((one) => one.group === group && one.resource === resource))
        this.#queue.add(keyOf(quota));
  }

  #usageChanged(resource: GroupResource, old: Readonly<ApiObject>, object: Readonly<ApiObject>): boolean {
    const now = this.#context.clock.now();
    const before = this.#counter.of(resource, old, now);
    const after = this.#counter.of(resource, object, now);
    if (before.size !== after.size) return true;
    for (const [name, quantity] of after) if (before.get(name)?.compare(quantity) !== 0) return true;
    return false;
  }

  async #reconcile(key: string): Promise<void> {
    const quota = this.#quotas.store.get(key);
    if (quota === undefined) return;
    const status = plannedStatus(quota, await this.#observe(quota));
    if (status === undefined) return;
    const { namespace } = splitKey(key);
    try {
      await this.#context.client.resourceQuotas(namespace).updateStatus({ ...quota, status });
      this.#queue.addAfter(key, recountMs);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async #observe(quota: Readonly<ResourceQuota>): Promise<Amounts> {
    const observed: Amounts = new Map();
    const now = this.#context.clock.now();
    for (const counted of countedResources(quota)) {
      const informer = await this.#objects.of(counted, this.#signal);
      if (informer === undefined) continue;
      const objects = informer.store.byIndex(namespaceIndex, quota.metadata.namespace ?? '');
      for (const [name, total] of await this.#counter.total(quota, counted, { objects, now }))
        observed.set(name, total);
    }
    return observed;
  }
}

const specText = (quota: Readonly<ResourceQuota>): string => JSON.stringify(quota.spec ?? {});

export const resourceQuotaController: ControllerDescriptor = {
  name: 'resourcequota-controller',
  create: (context) => new ResourceQuotaController(context),
};
