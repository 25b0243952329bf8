/** The scheduler's metrics, by upstream's names (`pkg/scheduler/metrics/metrics.go`). */
import { labelText, type HistogramSeries, type MetricsRegistry } from '@kubets/apimachinery/metrics';
import type { QueueName } from './queue/queued-pod.ts';

/** `count` bounds, each `factor` times the one before. */
const exponential = (start: number, factor: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => start * factor ** i);

const attemptBuckets = exponential(0.001, 2, 15);

/** How an attempt ended. */
export type AttemptResult = 'scheduled' | 'unschedulable' | 'error';

export interface MetricSources {
  queueSizes(): Readonly<Record<QueueName, number>>;
  cacheSizes(): Readonly<Record<string, number>>;
  /** Pods that wait because of a plugin: `[plugin, profile, count]`. */
  unschedulablePods(): Iterable<readonly [string, string, number]>;
  bindingsInFlight(): number;
}

export class SchedulerMetrics {
  readonly #attempts;
  readonly #attemptDuration;
  readonly #algorithm;
  readonly #sli;
  readonly #podAttempts;
  readonly #extensionPoint;
  readonly #incoming;
  readonly #permitWait;
  readonly #points = new Map<string, HistogramSeries>();

  constructor(registry: MetricsRegistry, sources: MetricSources) {
    this.#attempts = registry.counter(
      'scheduler_schedule_attempts_total',
      "Number of attempts to schedule pods, by the result. 'unschedulable' means a pod could not be scheduled, while 'error' means an internal scheduler problem.",
    );
    this.#attemptDuration = registry.histogram(
      'scheduler_scheduling_attempt_duration_seconds',
      'Scheduling attempt latency in seconds (scheduling algorithm + binding)',
      attemptBuckets,
    );
    this.#algorithm = registry.histogram(
      'scheduler_scheduling_algorithm_duration_seconds',
      'Scheduling algorithm latency in seconds',
      attemptBuckets,
    );
    this.#sli = registry.histogram(
      'scheduler_pod_scheduling_sli_duration_seconds',
      'E2e latency for a pod being scheduled, from the time the pod enters the scheduling queue and might involve multiple scheduling attempts.',
      exponential(0.01, 2, 20),
    );
    this.#podAttempts = registry.histogram(
      'scheduler_pod_scheduling_attempts',
      'Number of attempts to successfully schedule a pod.',
      exponential(1, 2, 5),
    );
    this.#extensionPoint = registry.histogram(
      'scheduler_framework_extension_point_duration_seconds',
      'Latency for running all plugins of a specific extension point.',
      exponential(0.0001, 2, 12),
    );
    this.#incoming = registry.counter(
      'scheduler_queue_incoming_pods_total',
      'Number of pods added to scheduling queues by event and queue type.',
    );
    this.#permitWait = registry.histogram(
      'scheduler_permit_wait_duration_seconds',
      'Duration of waiting on permit.',
      attemptBuckets,
    );
    this.#collect(registry, sources);
  }

  attempt(profile: string, result: AttemptResult, seconds: number): void {
    const labels = labelText({ profile, result });
    this.#attempts.add(1, labels);
    this.#attemptDuration.observe(seconds, labels);
  }

  algorithm(seconds: number): void {
    this.#algorithm.observe(seconds);
  }

  /** A pod is bound: after so many attempts, so long after the first one. */
  scheduled(attempts: number, seconds: number): void {
    this.#podAttempts.observe(attempts);
    this.#sli.observe(seconds, labelText({ attempts: attempts >= 15 ? '15+' : String(attempts) }));
  }

  /** How long all plugins of an extension point took; `status` as `Status` has it. */
  extensionPoint(point: string, profile: string, { status, seconds }: { status: string; seconds: number }): void {
    const key = `${point} ${status} ${profile}`;
    let series = this.#points.get(key);
    if (series === undefined) {
      series = this.#extensionPoint.series(labelText({ extension_point: point, profile, status }));
      this.#points.set(key, series);
    }
    series.observe(seconds);
  }

  incoming(queue: QueueName, event: string): void {
    this.#incoming.add(1, labelText({ event, queue }));
  }

  permitWait(result: string, seconds: number): void {
    this.#permitWait.observe(seconds, labelText({ result }));
  }

  #collect(registry: MetricsRegistry, sources: MetricSources): void {
    const gauge = (name: string, help: string, read: () => Iterable<readonly [string, number]>): void =>
      void registry.collected({ name, help, type: 'gauge' }, read);
    gauge(
      'scheduler_pending_pods',
      "Number of pending pods, by the queue type. 'active' means number of pods in activeQ; 'backoff' means number of pods in backoffQ; 'unschedulable' means number of pods in unschedulablePods that the scheduler attempted to schedule and failed; 'gated' is the number of unschedulable pods that the scheduler never attempted to schedule because they are gated.",
      () => Object.entries(sources.queueSizes()).map(([queue, count]) => [labelText({ queue }), count] as const),
    );
    gauge('scheduler_cache_size', 'Number of nodes, pods, and assumed (bound) pods in the scheduler cache.', () =>
      Object.entries(sources.cacheSizes()).map(([type, count]) => [labelText({ type }), count] as const),
    );
    gauge(
      'scheduler_unschedulable_pods',
      'The number of unschedulable pods broken down by plugin name. A pod will increment the gauge for all plugins that caused it to not schedule and so this metric have meaning only when broken down by plugin.',
      () =>
        Array.from(sources.unschedulablePods(), ([plugin, profile, n]) => [labelText({ plugin, profile }), n] as const),
    );
    gauge('scheduler_goroutines', 'Number of running goroutines split by the work they do such as binding.', () => [
      [labelText({ operation: 'binding' }), sources.bindingsInFlight()] as const,
    ]);
  }
}
