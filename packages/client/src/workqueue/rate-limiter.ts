/** How long an item waits before its next try (client-go `util/workqueue/default_rate_limiters.go`). */
import type { Clock } from '@kubets/apimachinery/clock';

export interface RateLimiter<K> {
  /** Milliseconds to wait; counts one more try. */
  when(item: K): number;
  /** The item has succeeded: its next failure is its first again. */
  forget(item: K): void;
  retries(item: K): number;
}

/** `base` doubling with each failure of the item, up to `max`. */
export class ItemBackoff<K> implements RateLimiter<K> {
  readonly #failures = new Map<K, number>();
  readonly #baseMs: number;
  readonly #maxMs: number;

  constructor(baseMs = 5, maxMs = 1_000_000) {
    this.#baseMs = baseMs;
    this.#maxMs = maxMs;
  }

  when(item: K): number {
    const failures = this.#failures.get(item) ?? 0;
    this.#failures.set(item, failures + 1);
    return Math.min(this.#maxMs, this.#baseMs * 2 ** failures);
  }

  forget(item: K): void {
    this.#failures.delete(item);
  }

  retries(item: K): number {
    return this.#failures.get(item) ?? 0;
  }
}

/** All items together: `perSecond` on average, `burst` at once. */
export class TokenBucket<K> implements RateLimiter<K> {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #clock: Clock;
  #tokens: number;
  #at: number;

  constructor(options: { perSecond: number; burst: number; clock: Clock }) {
    this.#perSecond = options.perSecond;
    this.#burst = options.burst;
    this.#clock = options.clock;
    this.#tokens = options.burst;
    this.#at = options.clock.monotonic();
  }

  when(): number {
    this.#refill();
    this.#tokens--;
    return this.#tokens >= 0 ? 0 : (-this.#tokens / this.#perSecond) * 1000;
  }

  /** Takes a token when there is one now. */
  tryTake(): boolean {
    this.#refill();
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  forget(): void {}

  retries(): number {
    return 0;
  }

  #refill(): void {
    const now = this.#clock.monotonic();
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#at) / 1000) * this.#perSecond);
    this.#at = now;
  }
}

/** The longest wait any of several limiters asks for. */
export class MaxOf<K> implements RateLimiter<K> {
  readonly #limiters: readonly RateLimiter<K>[];

  constructor(limiters: readonly RateLimiter<K>[]) {
    this.#limiters = limiters;
  }

  when(item: K): number {
    return Math.max(...this.#limiters.map((limiter) => limiter.when(item)));
  }

  forget(item: K): void {
    for (const limiter of this.#limiters) limiter.forget(item);
  }

  retries(item: K): number {
    return Math.max(...this.#limiters.map((limiter) => limiter.retries(item)));
  }
}

/** Upstream's default for controllers: 5 ms doubling to 1,000 s for each item, 10/s with bursts of 100 overall. */
export function defaultControllerRateLimiter<K>(clock: Clock): RateLimiter<K> {
  return new MaxOf<K>([new ItemBackoff<K>(), new TokenBucket<K>({ perSecond: 10, burst: 100, clock })]);
}
