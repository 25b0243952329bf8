/** HorizontalPodAutoscalers (upstream `pkg/controller/podautoscaler`). */
import type { Selector } from '@kubets/apimachinery/labels';
import type { HorizontalPodAutoscaler } from '@kubets/api/types/autoscaling-v2';
import type { Pod } from '@kubets/api/types/core-v1';
import { keyOf, namespaceIndex, splitKey, type RateLimiter, type SharedInformer, type WorkQueue } from '@kubets/client';
import { horizontalPodAutoscalers, pods } from '@kubets/client/resources';
import type { Controller, ControllerContext, ControllerDescriptor } from '../controller.ts';
import { reconciler, workersOf } from '../lib/reconciler.ts';
import { Autoscaler } from './autoscaler.ts';
import { History } from './history.ts';
import { hpaMetrics, type HpaMetrics } from './hpa-metrics.ts';
import { MetricEvaluator } from './metric-proposal.ts';
import { MetricsClient } from './metrics-client.ts';
import { ReportedFailure } from './reported-failure.ts';
import { ServedResources } from './scale-target.ts';
import { AutoscalerSelectors } from './selectors.ts';

const workers = 5;

/** Always the same pause, however often a key failed (`rate_limiters.go`, `FixedItemIntervalRateLimiter`). */
function fixedInterval(ms: number): RateLimiter<string> {
  return { when: () => ms, forget: () => undefined, retries: () => 0 };
}

class HorizontalController {
  readonly #context: ControllerContext;
  readonly #queue: WorkQueue<string>;
  readonly #autoscalers: SharedInformer<HorizontalPodAutoscaler>;
  readonly #pods: SharedInformer<Pod>;
  readonly #served: ServedResources;
  readonly #evaluator: MetricEvaluator;
  readonly #selectors = new AutoscalerSelectors();
  readonly #histories = new Map<string, History>();
  readonly #metrics: HpaMetrics;

  constructor(context: ControllerContext) {
    this.#context = context;
    const { syncPeriodMs } = context.options.horizontalPodAutoscaler;
    this.#queue = context.queue('horizontalpodautoscaler', fixedInterval(syncPeriodMs));
    this.#autoscalers = context.informers.informer(horizontalPodAutoscalers);
    this.#pods = context.informers.informer(pods);
    this.#served = new ServedResources(context.transport, context.clock);
    this.#evaluator = new MetricEvaluator(new MetricsClient(context.transport, this.#served));
    this.#metrics = hpaMetrics(context.metrics);
  }

  controller(): Controller {
    // A change waits for the next turn like everything else: metrics are no newer before.
    const enqueue = (hpa: Readonly<HorizontalPodAutoscaler>): void => {
      this.#queue.addRateLimited(keyOf(hpa));
      this.#metrics.count(this.#autoscalers.store.size);
    };
    this.#autoscalers.addEventHandler({
      onAdd: enqueue,
      onUpdate: (_old, hpa) => enqueue(hpa),
      onDelete: (hpa) => this.#forget(keyOf(hpa)),
    });
    return reconciler(this.#context, {
      queue: this.#queue,
      informers: [this.#autoscalers, this.#pods],
      workers: workersOf(this.#context, workers),
      reconcile: (key) => this.#reconcile(key),
      isExpected: (error) => error instanceof ReportedFailure,
    });
  }

  #forget(key: string): void {
    this.#histories.delete(key);
    this.#selectors.delete(key);
    this.#metrics.forget(splitKey(key));
    this.#metrics.count(this.#autoscalers.store.size);
  }

  async #reconcile(key: string): Promise<void> {
    const hpa = this.#autoscalers.store.get(key);
    if (hpa === undefined) return this.#forget(key);
    let history = this.#histories.get(key);
    if (history === undefined) this.#histories.set(key, (history = new History()));
    const autoscaler = new Autoscaler({
      context: this.#context,
      hpa,
      key,
      history,
      served: this.#served,
      evaluator: this.#evaluator,
      selectors: this.#selectors,
      metrics: this.#metrics,
      podsOf: (namespace, selector) => this.#podsOf(namespace, selector),
    });
    await autoscaler.run();
    // After a failure the queue does this by itself.
    this.#queue.addRateLimited(key);
  }

  #podsOf(namespace: string, selector: Selector): readonly Readonly<Pod>[] {
    return this.#pods.store
      .byIndex(namespaceIndex, namespace)
      .filter(({ metadata }) => selector.matches(metadata.labels));
  }
}

/** `horizontal-pod-autoscaler-controller`. */
export const horizontalPodAutoscalerController: ControllerDescriptor = {
  name: 'horizontal-pod-autoscaler-controller',
  create: (context) => new HorizontalController(context).controller(),
};
