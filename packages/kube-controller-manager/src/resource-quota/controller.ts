/** Keeps the status of quotas true (`pkg/controller/resourcequota/resource_quota_controller.go`). */
import type { Amounts } from '@kubets/api/core/helpers/quota/resource-list';
import type { ApiObject, GroupResource } from '@kubets/apimachinery/meta';
import { isNotFound } from '@kubets/apimachinery/status';
import type { ResourceQuota, ResourceQuotaStatus } from '@kubets/api/types/core-v1';
import { keyOf, namespaceIndex, type EventHandler, type SharedInformer, type WorkQueue } from '@kubets/client';
import { resourceQuotas } from '@kubets/client/resources';
import type { Controller, ControllerContext, ControllerDescriptor } from '../controller.ts';
import { reconciler, workersOf } from '../lib/reconciler.ts';
import { runEvery } from '../lib/run-every.ts';
import { runTogether } from '../lib/run-together.ts';
import { CountedObjects } from './counted-objects.ts';
import { countedResources, plannedStatus } from './plan.ts';
import { UsageCounter } from './usage-counter.ts';

const defaultWorkers = 5;
const refreshMs = 30_000;
/**
 * A quota is counted once more so long after its status was last written, by whomever, and after an object was seen to come:
 * what a count has missed, because it was not there yet or a watch was late, is made good. Upstream waits for the next full
 * count.
 */
const recountMs = 2_000;

class ResourceQuotaController implements Controller {
  readonly #context: ControllerContext;
  readonly #queue: WorkQueue<string>;
  readonly #quotas: SharedInformer<ResourceQuota>;
  readonly #counter = new UsageCounter();
  readonly #objects: CountedObjects;
  readonly #inner: Controller;
  /** Quotas of which something may have been given back, by key. */
  readonly #shrinking = new Set<string>();
  /** When statuses were last seen to change, by key, on the monotonic clock. */
  readonly #changedAt = new Map<string, number>();
  #signal: AbortSignal = new AbortController().signal;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#queue = context.queue('resource_quota_controller_resource_changes');
    this.#quotas = context.informers.informer(resourceQuotas);
    this.#objects = new CountedObjects(context, (resource) => this.#handler(resource));
    this.#quotas.addEventHandler({
      onAdd: (quota) => this.#count(keyOf(quota)),
      onUpdate: (old, quota) => {
        if (specText(old) !== specText(quota)) this.#count(keyOf(quota));
        if (old.metadata.resourceVersion !== quota.metadata.resourceVersion) this.#changed(keyOf(quota));
      },
      onDelete: (quota) => {
        this.#shrinking.delete(keyOf(quota));
        this.#changedAt.delete(keyOf(quota));
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
    const over = new AbortController();
    this.#signal = AbortSignal.any([signal, over.signal]);
    const { resourceQuotaSyncPeriodMs } = this.#context.options;
    try {
      await runTogether(signal, [
        (s) => this.#inner.run(s),
        (s) => this.#every(s, resourceQuotaSyncPeriodMs, () => this.#recountAll()),
        (s) => this.#every(s, refreshMs, () => this.#refresh()),
      ]);
    } finally {
      over.abort(new Error('the controller has ended'));
      await this.#objects.ended();
    }
  }

  /** The first time when a period is over. */
  async #every(signal: AbortSignal, ms: number, work: () => void | Promise<void>): Promise<void> {
    const { clock, log, name: controller } = this.#context;
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
    for (const key of this.#quotas.store.keys()) this.#count(key);
  }

  /** Counts all there is, at once. */
  #count(key: string): void {
    this.#shrinking.add(key);
    this.#queue.add(key);
  }

  /** Looks soon whether more is used than is said. */
  #recount(key: string): void {
    this.#queue.addAfter(key, recountMs);
  }

  #changed(key: string): void {
    this.#changedAt.set(key, this.#context.clock.monotonic());
    this.#recount(key);
  }

  /** How long until what was charged last is there, or will never be. */
  #unsettledMs(key: string): number {
    const changedAt = this.#changedAt.get(key);
    return changedAt === undefined ? 0 : Math.max(0, changedAt + recountMs - this.#context.clock.monotonic());
  }

  async #refresh(): Promise<void> {
    if (this.#quotas.store.size > 0) await this.#objects.refresh();
  }

  /** What is gone, and what uses something else than before, changes what quotas of its namespace say. */
  #handler(resource: GroupResource): EventHandler<ApiObject> {
    const count = (key: string): void => this.#count(key);
    const recount = (key: string): void => this.#recount(key);
    return {
      onAdd: (object, isInInitialList) => {
        if (!isInInitialList) this.#concerned(object, resource, recount);
      },
      onUpdate: (old, object) => {
        if (old !== object && this.#quotasOf(object).length > 0 && this.#usageChanged(resource, old, object))
          this.#concerned(object, resource, count);
      },
      onDelete: (object) => this.#concerned(object, resource, count),
    };
  }

  #quotasOf(object: Readonly<ApiObject>): readonly Readonly<ResourceQuota>[] {
    return this.#quotas.store.byIndex(namespaceIndex, object.metadata.namespace ?? '');
  }

  #concerned(object: Readonly<ApiObject>, { group, resource }: GroupResource, tell: (key: string) => void): void {
    for (const quota of this.#quotasOf(object))
      if (countedResources(quota).some((one) => one.group === group && one.resource === resource)) tell(keyOf(quota));
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
    const shrinks = this.#shrinking.delete(key);
    const unsettledMs = this.#unsettledMs(key);
    try {
      const raiseOnly = !shrinks && unsettledMs > 0;
      const status = plannedStatus(quota, await this.#observe(quota), { raiseOnly });
      if (status !== undefined) await this.#write(quota, status);
      else if (raiseOnly) this.#queue.addAfter(key, unsettledMs);
    } catch (error) {
      if (shrinks) this.#shrinking.add(key);
      throw error;
    }
  }

  async #write(quota: Readonly<ResourceQuota>, status: ResourceQuotaStatus): Promise<void> {
    try {
      await this.#context.client.resourceQuotas(quota.metadata.namespace).updateStatus({ ...quota, status });
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
