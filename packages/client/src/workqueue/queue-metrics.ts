/** What a queue tells about itself, in upstream's names (client-go `util/workqueue/metrics.go`, component-base `metrics/prometheus/workqueue`). */
import type { Clock } from '@kubets/apimachinery/clock';

/** The metrics' names; each carries the label `name`, the queue's. Times are seconds. */
export const workQueueMetricNames = {
  /** Gauge. */
  depth: 'workqueue_depth',
  /** Counter. */
  adds: 'workqueue_adds_total',
  /** Histogram: from being added to being taken. Buckets 10⁻⁸ to 10, each ten times the last. */
  queueDuration: 'workqueue_queue_duration_seconds',
  /** Histogram: from being taken to being done. */
  workDuration: 'workqueue_work_duration_seconds',
  /** Gauge: of all keys being worked on together; grows while a worker is stuck. */
  unfinishedWork: 'workqueue_unfinished_work_seconds',
  /** Gauge. */
  longestRunningProcessor: 'workqueue_longest_running_processor_seconds',
  /** Counter. */
  retries: 'workqueue_retries_total',
} as const;

/** Where a queue reports to; called on every step, so be quick. */
export interface WorkQueueMetrics {
  /** Keys ready to be taken, now. */
  depth(keys: number): void;
  add(): void;
  retry(): void;
  queueDuration(seconds: number): void;
  workDuration(seconds: number): void;
}

/** Keeps the times of keys for {@link WorkQueueMetrics}. */
export class QueueTimes<K> {
  readonly #clock: Clock;
  readonly #metrics: WorkQueueMetrics | undefined;
  readonly #added = new Map<K, number>();
  readonly #taken = new Map<K, number>();

  constructor(clock: Clock, metrics: WorkQueueMetrics | undefined) {
    this.#clock = clock;
    this.#metrics = metrics;
  }

  /** A key waits to be worked on: ready, or for its present work to be done. */
  add(key: K): void {
    if (this.#metrics === undefined) return;
    this.#metrics.add();
    if (!this.#added.has(key)) this.#added.set(key, this.#clock.monotonic());
  }

  take(key: K): void {
    const now = this.#clock.monotonic();
    this.#taken.set(key, now);
    const since = this.#added.get(key);
    if (since === undefined) return;
    this.#added.delete(key);
    this.#metrics?.queueDuration((now - since) / 1000);
  }

  done(key: K): void {
    const since = this.#taken.get(key);
    if (since === undefined) return;
    this.#taken.delete(key);
    this.#metrics?.workDuration((this.#clock.monotonic() - since) / 1000);
  }

  /** Seconds since each key being worked on was taken. */
  running(): number[] {
    const now = this.#clock.monotonic();
    return Array.from(this.#taken.values(), (since) => (now - since) / 1000);
  }
}
