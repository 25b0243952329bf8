/** disruption-controller (upstream `pkg/controller/disruption/disruption.go`). */
import type { Selector } from '@kubets/apimachinery/labels';
import { isConflict } from '@kubets/apimachinery/status';
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import type { Pod } from '@kubets/api/types/core-v1';
import type { PodDisruptionBudget } from '@kubets/api/types/policy-v1';
import { keyOf, namespaceIndex, type SharedInformer, type WorkQueue } from '@kubets/client';
import { podDisruptionBudgets, pods } from '@kubets/client/resources';
import type { Controller, ControllerContext, ControllerDescriptor } from '../controller.ts';
import { messageOf } from '../lib/pod-control.ts';
import { reconciler, workersOf } from '../lib/reconciler.ts';
import { runTogether } from '../lib/run-together.ts';
import { selectorCache } from '../lib/selector-cache.ts';
import { WrittenVersions } from '../lib/written-versions.ts';
import {
  countHealthy,
  disruptedOf,
  expectedOf,
  failSafeStatus,
  needsScale,
  planStatus,
  type Budget,
} from './budget.ts';
import { OwnerScaleFinder } from './owner-scale.ts';
import { selectorText } from './selector-text.ts';
import { untilStale, withoutTarget } from './stale-target.ts';

/** Owners that could not be found may be there after a while, of which nobody tells. */
const retryFailedMs = 30_000;

class DisruptionController {
  readonly #context: ControllerContext;
  readonly #queue: WorkQueue<string>;
  readonly #staleQueue: WorkQueue<string>;
  readonly #budgets: SharedInformer<PodDisruptionBudget>;
  readonly #pods: SharedInformer<Pod>;
  readonly #scales: OwnerScaleFinder;
  readonly #written = new WrittenVersions();
  readonly #compile = selectorCache();

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#queue = context.queue('disruption');
    this.#staleQueue = context.queue('stale_pod_disruption');
    this.#budgets = context.informers.informer(podDisruptionBudgets);
    this.#pods = context.informers.informer(pods);
    this.#scales = new OwnerScaleFinder(context);
  }

  controller(): Controller {
    const enqueue = (budget: Budget): void => this.#queue.add(keyOf(budget));
    this.#budgets.addEventHandler({ onAdd: enqueue, onUpdate: (_, budget) => enqueue(budget), onDelete: enqueue });
    this.#pods.addEventHandler({
      onAdd: (pod) => this.#changed(pod),
      onUpdate: (old, pod) => {
        // It may have left a budget's selection.
        if (!semanticEqual(old.metadata.labels, pod.metadata.labels)) this.#enqueueBudgets(old);
        this.#changed(pod);
      },
      onDelete: (pod) => void this.#enqueueBudgets(pod),
    });
    const informers = [this.#budgets, this.#pods, ...this.#scales.informers];
    const budgets = reconciler(this.#context, {
      queue: this.#queue,
      informers,
      workers: workersOf(this.#context, 1),
      reconcile: (key) => this.#reconcile(key),
    });
    const stale = reconciler(this.#context, {
      queue: this.#staleQueue,
      informers: [this.#pods],
      workers: 1,
      reconcile: (key) => this.#resetStale(key),
    });
    return { run: (signal) => runTogether(signal, [(s) => budgets.run(s), (s) => stale.run(s)]) };
  }

  #changed(pod: Readonly<Pod>): void {
    const matching = this.#enqueueBudgets(pod);
    if (matching.length > 1) {
      const { namespace, name } = pod.metadata;
      const chosen = JSON.stringify(matching[0]?.metadata.name);
      const message = `Pod ${JSON.stringify(namespace)}/${JSON.stringify(name)} matches multiple PodDisruptionBudgets.  Chose ${chosen} arbitrarily.`;
      this.#context.events.event(pod, 'Warning', 'MultiplePodDisruptionBudgets', message);
    }
    const wait = untilStale(pod, this.#context.clock.now());
    if (wait !== undefined) this.#staleQueue.addAfter(keyOf(pod), wait);
  }

  #enqueueBudgets(pod: Readonly<Pod>): Budget[] {
    const { namespace = '', labels } = pod.metadata;
    const matching = this.#budgets.store
      .byIndex(namespaceIndex, namespace)
      .filter((budget) => this.#selectorOf(budget)?.matches(labels) === true);
    for (const budget of matching) this.#queue.add(keyOf(budget));
    return matching;
  }

  /** Undefined when it is invalid. */
  #selectorOf(budget: Budget): Selector | undefined {
    try {
      return this.#compile(budget.spec?.selector);
    } catch {
      // Its own turn tells of it; here it only matches nothing.
      return undefined;
    }
  }

  async #reconcile(key: string): Promise<void> {
    const budget = this.#budgets.store.get(key);
    if (budget === undefined) return this.#written.forget(key);
    // What was written here comes back soon, and with it another turn.
    if (!this.#written.seen(budget)) return;
    try {
      await this.#sync(key, budget);
    } catch (error) {
      // Somebody, the eviction of a pod most likely, was faster: it is tried again on what they wrote.
      if (isConflict(error)) throw error;
      const fields = { controller: this.#context.name, key, error: messageOf(error) };
      this.#context.log.error(fields, 'the budget could not be computed: nothing may be disrupted');
      await this.#write(budget, failSafeStatus(budget, messageOf(error), this.#context.clock.now()));
      this.#queue.addAfter(key, retryFailedMs);
    }
  }

  #podsOf(budget: Budget): readonly Readonly<Pod>[] {
    let selector: Selector;
    try {
      selector = this.#compile(budget.spec?.selector);
    } catch (error) {
      const message = `Failed to get pods: ${messageOf(error)}`;
      this.#context.events.event(budget, 'Warning', 'NoPods', message);
      throw error;
    }
    const there = this.#pods.store.byIndex(namespaceIndex, budget.metadata.namespace ?? '');
    return there.filter((pod) => selector.matches(pod.metadata.labels));
  }

  async #sync(key: string, budget: Budget): Promise<void> {
    const { events, clock } = this.#context;
    const covered = this.#podsOf(budget);
    if (covered.length === 0) events.event(budget, 'Normal', 'NoPods', 'No matching pods found');
    const expected = await this.#expected(budget, covered);
    const now = clock.now();
    const disrupted = disruptedOf(budget, covered, now);
    for (const pod of disrupted.late) {
      // The budget's name is missing from upstream's message; its namespace is there twice.
      const { namespace } = budget.metadata;
      const message = `Pod was expected by PDB ${namespace}/${namespace} to be deleted but it wasn't`;
      events.event(pod, 'Warning', 'NotDeleted', message);
    }
    const currentHealthy = countHealthy(covered, disrupted.pods, now);
    const counted = { ...expected, currentHealthy, disruptedPods: disrupted.pods };
    await this.#write(budget, planStatus(budget, counted, now));
    if (disrupted.recheckMs !== undefined) this.#queue.addAfter(key, disrupted.recheckMs);
  }

  async #expected(budget: Budget, covered: readonly Readonly<Pod>[]): Promise<ReturnType<typeof expectedOf>> {
    const { events } = this.#context;
    try {
      if (!needsScale(budget)) return expectedOf(budget, covered.length, 0);
      const { scale, unmanaged } = await this.#scales.of(covered);
      const expected = expectedOf(budget, covered.length, scale);
      if (unmanaged.length > 0) {
        const message = `Pods selected by this PodDisruptionBudget (selector: ${selectorText(budget.spec?.selector)}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.`;
        events.event(budget, 'Warning', 'UnmanagedPods', message);
      }
      return expected;
    } catch (error) {
      const message = `Failed to calculate the number of expected pods: ${messageOf(error)}`;
      events.event(budget, 'Warning', 'CalculateExpectedPodCountFailed', message);
      throw error;
    }
  }

  async #write(budget: Budget, status: PodDisruptionBudget['status'] | undefined): Promise<void> {
    if (status === undefined) return;
    const client = this.#context.client.podDisruptionBudgets(budget.metadata.namespace);
    this.#written.wrote(await client.updateStatus({ ...budget, status }));
  }

  async #resetStale(key: string): Promise<void> {
    const pod = this.#pods.store.get(key);
    const now = this.#context.clock.now();
    const wait = pod === undefined ? undefined : untilStale(pod, now);
    if (pod === undefined || wait === undefined) return;
    if (wait > 0) return this.#staleQueue.addAfter(key, wait);
    await this.#context.client.pods(pod.metadata.namespace).updateStatus(withoutTarget(pod, now));
  }
}

export const disruptionController: ControllerDescriptor = {
  name: 'disruption-controller',
  eventSource: 'controllermanager',
  create: (context) => new DisruptionController(context).controller(),
};
