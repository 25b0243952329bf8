/** What each controller is given, from what the manager has. */
import type { Clock, Random } from '@kubets/apimachinery/clock';
import type { Log } from '@kubets/apimachinery/log';
import { labelText, type MetricsRegistry } from '@kubets/apimachinery/metrics';
import {
  defaultControllerRateLimiter,
  EventRecorder,
  kubeClient,
  WorkQueue,
  workQueueMetricNames,
  type RateLimiter,
  type SharedInformerFactory,
  type Transport,
  type WorkQueueMetrics,
} from '@kubets/client';
import type { ControllerContext } from './controller.ts';
import type { ControllerManagerOptions } from './options.ts';

export interface ContextOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: MetricsRegistry;
  readonly options: ControllerManagerOptions;
  readonly informers: SharedInformerFactory;
  /** Requests of one controller: under the account of that name in kube-system, or all as the manager. */
  transportFor(account: string): Transport;
  serves(resource: { readonly group: string; readonly resource: string }): boolean;
  featureEnabled(gate: string): boolean;
}

const durations = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10];

/** The `workqueue_*` families of one process (component-base `metrics/prometheus/workqueue/metrics.go`). */
export class WorkQueueFamilies {
  readonly #depth;
  readonly #adds;
  readonly #retries;
  readonly #queueDuration;
  readonly #workDuration;
  readonly #queues = new Map<string, WorkQueue<string>>();

  constructor(metrics: MetricsRegistry) {
    const names = workQueueMetricNames;
    this.#depth = metrics.gauge(names.depth, 'Current depth of workqueue');
    this.#adds = metrics.counter(names.adds, 'Total number of adds handled by workqueue');
    this.#retries = metrics.counter(names.retries, 'Total number of retries handled by workqueue');
    this.#queueDuration = metrics.histogram(
      names.queueDuration,
      'How long in seconds an item stays in workqueue before being requested.',
      durations,
    );
    this.#workDuration = metrics.histogram(
      names.workDuration,
      'How long in seconds processing an item from workqueue takes.',
      durations,
    );
    const perQueue = (read: (queue: WorkQueue<string>) => number) => () =>
      Array.from(this.#queues, ([name, queue]) => [labelText({ name }), read(queue)] as const);
    metrics.collected(
      {
        name: names.unfinishedWork,
        help: "How many seconds of work has done that is in progress and hasn't been observed by work_duration. Large values indicate stuck threads. One can deduce the number of stuck threads by observing the rate at which this increases.",
        type: 'gauge',
      },
      perQueue((queue) => queue.unfinishedWorkSeconds),
    );
    metrics.collected(
      {
        name: names.longestRunningProcessor,
        help: 'How many seconds has the longest running processor for workqueue been running.',
        type: 'gauge',
      },
      perQueue((queue) => queue.longestRunningProcessorSeconds),
    );
  }

  /** Where the queue of that name reports to. */
  of(name: string): WorkQueueMetrics {
    const label = labelText({ name });
    const depth = this.#depth.cell(label);
    const adds = this.#adds.cell(label);
    const retries = this.#retries.cell(label);
    const queueDuration = this.#queueDuration.series(label);
    const workDuration = this.#workDuration.series(label);
    return {
      depth: (keys) => void (depth.value = keys),
      add: () => void adds.value++,
      retry: () => void retries.value++,
      queueDuration: (seconds) => queueDuration.observe(seconds),
      workDuration: (seconds) => workDuration.observe(seconds),
    };
  }

  follow(name: string, queue: WorkQueue<string>): void {
    this.#queues.set(name, queue);
  }
}

/** Whose context it is. */
export interface ContextIdentity {
  /** The controller's. */
  readonly name: string;
  /** The service account as which it acts (the first of the facts' `clients`). */
  readonly account: string;
  /** `source.component` of its Events; default: the account. */
  readonly eventSource?: string | undefined;
}

/** The context of one controller. Disposing it sends what Events wait and can be sent at once. */
export function contextFor(
  { name, account, eventSource = account }: ContextIdentity,
  shared: ContextOptions,
  families: WorkQueueFamilies,
): ControllerContext & AsyncDisposable {
  const { clock, random, log, metrics, options, informers } = shared;
  const transport = shared.transportFor(account);
  const client = kubeClient(transport);
  const events = new EventRecorder({
    events: client.events(),
    component: eventSource,
    clock,
    random,
    onDropped: (reason, error) => {
      // Holding back the thousandth event about one object is meant to be; upstream does so without a word.
      if (error === undefined) log.debug({ controller: name }, reason);
      else log.warn({ controller: name, error: String(error) }, reason);
    },
  });
  return {
    name,
    transport,
    client,
    informers,
    clock,
    random,
    log,
    events,
    metrics,
    options,
    queue: (queueName: string, limiter?: RateLimiter<string>) => {
      const queue = new WorkQueue<string>({
        clock,
        rateLimiter: limiter ?? defaultControllerRateLimiter(clock),
        metrics: families.of(queueName),
      });
      families.follow(queueName, queue);
      return queue;
    },
    serves: (resource) => shared.serves(resource),
    featureEnabled: (gate) => shared.featureEnabled(gate),
    [Symbol.asyncDispose]: () => events[Symbol.asyncDispose](),
  };
}
