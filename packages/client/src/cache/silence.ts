/** Notices when nothing has come for too long, at the price of a reading of the clock for what comes. */
import type { Clock, Timer } from '@kubets/apimachinery/clock';

export class SilenceWatch {
  readonly #clock: Clock;
  readonly #onSilence: (ms: number) => void;
  #limitMs: number;
  #last: number;
  #timer: Timer;

  /** `onSilence` is called at most once, after `limitMs` without {@link heard}. */
  constructor(clock: Clock, limitMs: number, onSilence: (ms: number) => void) {
    this.#clock = clock;
    this.#onSilence = onSilence;
    this.#limitMs = limitMs;
    this.#last = clock.monotonic();
    this.#timer = clock.setTimer(limitMs, this.#check);
  }

  heard(): void {
    this.#last = this.#clock.monotonic();
  }

  /** Another limit, counted from now on. */
  limit(limitMs: number): void {
    this.heard();
    if (limitMs === this.#limitMs) return;
    this.#limitMs = limitMs;
    this.#timer.cancel();
    this.#timer = this.#clock.setTimer(limitMs, this.#check);
  }

  stop(): void {
    this.#timer.cancel();
  }

  readonly #check = (): void => {
    const left = this.#last + this.#limitMs - this.#clock.monotonic();
    if (left <= 0) this.#onSilence(this.#limitMs);
    else this.#timer = this.#clock.setTimer(left, this.#check);
  };
}
