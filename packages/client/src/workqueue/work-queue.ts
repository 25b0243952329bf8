/**
 * A queue of keys for workers (client-go `util/workqueue`: Typed, DelayingQueue and RateLimitingQueue).
 *
 * Guarantees: a key waits at most once; it is never handed to two workers at a time; a key added
 * while it is being worked on is handed out again after `done`. FIFO among keys that are ready, so a key
 * that is added all the time does not keep others waiting.
 */
import type { Clock, Timer } from '@kubets/apimachinery/clock';
import { turnsOf } from '@kubets/apimachinery/turns';
import { QueueTimes, type WorkQueueMetrics } from './queue-metrics.ts';
import type { RateLimiter } from './rate-limiter.ts';

export interface WorkQueueOptions<K> {
  readonly clock: Clock;
  readonly rateLimiter: RateLimiter<K>;
  /** Default: none. See also {@link WorkQueue.unfinishedWorkSeconds}. */
  readonly metrics?: WorkQueueMetrics;
}

interface Waiting {
  readonly readyAt: number;
  readonly timer: Timer;
}

export class WorkQueue<K extends string> {
  readonly #clock: Clock;
  readonly #limiter: RateLimiter<K>;
  readonly #metrics: WorkQueueMetrics | undefined;
  readonly #times: QueueTimes<K>;
  /** Insertion order is the order of work. */
  readonly #ready = new Set<K>();
  readonly #processing = new Set<K>();
  readonly #again = new Set<K>();
  readonly #delayed = new Map<K, Waiting>();
  readonly #takers: ((item: K | undefined) => void)[] = [];
  /** Of those who wait for a key without taking it. */
  readonly #wakers: (() => void)[] = [];
  #drained: (() => void)[] = [];
  #shuttingDown = false;

  constructor(options: WorkQueueOptions<K>) {
    this.#clock = options.clock;
    this.#limiter = options.rateLimiter;
    this.#metrics = options.metrics;
    this.#times = new QueueTimes(options.clock, options.metrics);
  }

  /** What the queue measures time by. */
  get clock(): Clock {
    return this.#clock;
  }

  /** Keys ready to be taken. */
  get length(): number {
    return this.#ready.size;
  }

  get shuttingDown(): boolean {
    return this.#shuttingDown;
  }

  /** Of all keys being worked on together: `workqueue_unfinished_work_seconds`. */
  get unfinishedWorkSeconds(): number {
    return this.#times.running().reduce((sum, seconds) => sum + seconds, 0);
  }

  /** Of the key worked on for longest: `workqueue_longest_running_processor_seconds`. */
  get longestRunningProcessorSeconds(): number {
    return Math.max(0, ...this.#times.running());
  }

  add(item: K): void {
    if (this.#shuttingDown || this.#ready.has(item) || this.#again.has(item)) return;
    this.#times.add(item);
    if (this.#processing.has(item)) this.#again.add(item);
    else this.#makeReady(item);
  }

  #makeReady(item: K): void {
    const taker = this.#takers.shift();
    if (taker === undefined) {
      this.#ready.add(item);
      this.#metrics?.depth(this.#ready.size);
      this.#wakers.shift()?.();
      return;
    }
    this.#begin(item);
    taker(item);
  }

  #begin(item: K): void {
    this.#processing.add(item);
    this.#times.take(item);
  }

  /** Adds after `ms`; of several delays of one key the earliest counts. */
  addAfter(item: K, ms: number): void {
    if (this.#shuttingDown) return;
    if (ms <= 0) return this.add(item);
    const readyAt = this.#clock.monotonic() + ms;
    const waiting = this.#delayed.get(item);
    if (waiting !== undefined && waiting.readyAt <= readyAt) return;
    waiting?.timer.cancel();
    const timer = this.#clock.setTimer(ms, () => {
      this.#delayed.delete(item);
      this.add(item);
    });
    this.#delayed.set(item, { readyAt, timer });
  }

  /** Adds after the pause that the rate limiter asks for. */
  addRateLimited(item: K): void {
    if (this.#shuttingDown) return;
    this.#metrics?.retry();
    this.addAfter(item, this.#limiter.when(item));
  }

  forget(item: K): void {
    this.#limiter.forget(item);
  }

  retries(item: K): number {
    return this.#limiter.retries(item);
  }

  /** Resolves to the next key, which is then the caller's until `done`; to `undefined` after shut-down. */
  take(): Promise<K | undefined> {
    const item = this.takeNow();
    if (item !== undefined || this.#shuttingDown) return Promise.resolve(item);
    const { promise, resolve } = Promise.withResolvers<K | undefined>();
    this.#takers.push(resolve);
    return promise;
  }

  /** The next key, which is then the caller's until `done`; `undefined` when none is ready. */
  takeNow(): K | undefined {
    for (const item of this.#ready) {
      this.#ready.delete(item);
      this.#metrics?.depth(this.#ready.size);
      this.#begin(item);
      return item;
    }
    return undefined;
  }

  /**
   * Resolves when a key may be ready, or the queue shuts down; `undefined` when that is so already. One waiter is woken for each
   * key: it has to look, and somebody may have been faster.
   */
  available(): Promise<void> | undefined {
    if (this.#ready.size > 0 || this.#shuttingDown) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wakers.push(resolve);
    return promise;
  }

  /** The caller has finished with a key it took. */
  done(item: K): void {
    this.#processing.delete(item);
    this.#times.done(item);
    // Also while shutting down: it was added before.
    if (this.#again.delete(item)) this.#makeReady(item);
    if (this.#processing.size === 0) for (const resolve of this.#drained.splice(0)) resolve();
  }

  /** No more keys are accepted; what is ready can still be taken. Resolves when all taken keys are done. */
  async shutDown(): Promise<void> {
    this.#shuttingDown = true;
    for (const { timer } of this.#delayed.values()) timer.cancel();
    this.#delayed.clear();
    for (const taker of this.#takers.splice(0)) taker(undefined);
    for (const wake of this.#wakers.splice(0)) wake();
    if (this.#processing.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#drained.push(resolve);
    await promise;
  }
}

/**
 * Runs `count` workers until the queue shuts down. A key whose work throws is reported, and tried
 * again with a growing pause; one that succeeds is forgotten by the limiter. However many keys there are, and although nothing
 * in their work waits, the event loop gets its turns; keys stay in the queue until it is theirs.
 */
export async function runWorkers<K extends string>(
  queue: WorkQueue<K>,
  count: number,
  work: { readonly reconcile: (item: K) => Promise<void>; readonly onError: (item: K, error: unknown) => void },
): Promise<void> {
  const turns = turnsOf(queue.clock);
  const next = async (): Promise<K | undefined> => {
    for (;;) {
      const available = queue.available();
      if (available !== undefined) await available;
      const turn = turns.enter();
      if (turn !== undefined) await turn;
      const item = queue.takeNow();
      if (item !== undefined || queue.shuttingDown) return item;
    }
  };
  const worker = async (): Promise<void> => {
    for (let item = await next(); item !== undefined; item = await next()) {
      try {
        await work.reconcile(item);
        queue.forget(item);
      } catch (error) {
        work.onError(item, error);
        queue.addRateLimited(item);
      } finally {
        queue.done(item);
      }
    }
  };
  await Promise.all(Array.from({ length: count }, worker));
}
