/** Growing pauses between tries. */
import type { Clock, Random } from '@kubets/apimachinery/clock';

export interface BackoffOptions {
  readonly baseMs: number;
  readonly maxMs: number;
  /** Without a failure for so long, the next pause is `baseMs` again. */
  readonly resetMs: number;
  /** A pause is stretched by up to this part of itself, at random. */
  readonly jitter: number;
  readonly clock: Clock;
  readonly random: Random;
}

export class Backoff {
  readonly #options: BackoffOptions;
  #pause: number;
  #last = Number.NEGATIVE_INFINITY;

  constructor(options: BackoffOptions) {
    this.#options = options;
    this.#pause = options.baseMs;
  }

  /** Milliseconds to wait now; the next one is twice as long, up to the limit. */
  next(): number {
    const { baseMs, maxMs, resetMs, jitter, clock, random } = this.#options;
    const now = clock.monotonic();
    if (now - this.#last > resetMs) this.#pause = baseMs;
    this.#last = now;
    const pause = this.#pause * (1 + jitter * random.float());
    this.#pause = Math.min(maxMs, this.#pause * 2);
    return pause;
  }
}
