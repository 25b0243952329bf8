/**
 * Watches over one connection: closes it when its first request does not come, or when it has been
 * idle for long. Costs a request two additions, no timer.
 */
import type { Clock, Timer } from '@kubets/apimachinery/clock';
import type { Limits } from './limits.ts';

export class ConnectionGuard implements Disposable {
  readonly #clock: Clock;
  readonly #limits: Limits;
  readonly #close: () => void;
  #open = 0;
  #served = false;
  #idleSince: number;
  #timer: Timer | undefined;

  /** `close` is called at most once. */
  constructor(options: { readonly clock: Clock; readonly limits: Limits }, close: () => void) {
    this.#clock = options.clock;
    this.#limits = options.limits;
    this.#close = close;
    this.#idleSince = options.clock.monotonic();
    this.#arm(options.limits.headerTimeoutMs);
  }

  get openRequests(): number {
    return this.#open;
  }

  /** The head of a request is complete. */
  started(): void {
    this.#open++;
    this.#served = true;
  }

  finished(): void {
    if (--this.#open === 0) this.#idleSince = this.#clock.monotonic();
  }

  #arm(ms: number): void {
    this.#timer = this.#clock.setTimer(ms, () => this.#check());
  }

  #check(): void {
    const { headerTimeoutMs, idleTimeoutMs } = this.#limits;
    if (this.#open > 0) {
      this.#arm(idleTimeoutMs);
      return;
    }
    const allowed = this.#served ? idleTimeoutMs : headerTimeoutMs;
    const left = this.#idleSince + allowed - this.#clock.monotonic();
    if (left <= 0) this.#close();
    else this.#arm(left);
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel();
  }
}
