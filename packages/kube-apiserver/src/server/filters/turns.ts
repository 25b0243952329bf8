/**
 * The event loop goes round although thousands of requests arrive at once, as they do from controllers in the same process:
 * when those begun in one turn have taken their time, the others wait for the next turn, in order. Timers, sockets and the
 * store get their turn in between. (Upstream has threads for that.)
 */
import type { Clock } from '@kubets/apimachinery/clock';
import type { Filter } from '../types.ts';

/** A turn should not take longer than 10 ms. */
const defaultBudgetMs = 6;

/** So many that have gone in are forgotten together. */
const compactAt = 1000;

class Turns {
  readonly #clock: Clock;
  readonly #budgetMs: number;
  /** Those before `first` have gone in. */
  readonly #waiting: (() => void)[] = [];
  #first = 0;
  #started = 0;
  #open = false;

  constructor(clock: Clock, budgetMs: number) {
    this.#clock = clock;
    this.#budgetMs = budgetMs;
  }

  /** Undefined: go on at once. */
  enter(): Promise<void> | undefined {
    if (!this.#open) this.#begin();
    if (this.#first === this.#waiting.length && this.#inTime()) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    return promise;
  }

  #begin(): void {
    this.#open = true;
    this.#started = this.#clock.monotonic();
    setImmediate(this.#next);
  }

  #inTime(): boolean {
    return this.#clock.monotonic() - this.#started < this.#budgetMs;
  }

  readonly #next = (): void => {
    this.#open = false;
    if (this.#first === this.#waiting.length) return;
    this.#begin();
    this.#release();
  };

  /** One after the other: what a request does at once is done before the next one is let in. */
  readonly #release = (): void => {
    if (!this.#inTime()) return;
    const resolve = this.#waiting[this.#first];
    if (resolve === undefined || this.#first === compactAt) {
      this.#waiting.splice(0, this.#first);
      this.#first = 0;
      if (resolve === undefined) return;
    }
    this.#first++;
    resolve();
    queueMicrotask(this.#release);
  };
}

/** Costs a reading of the clock for requests that need not wait. */
export function withTurns(clock: Clock, budgetMs = defaultBudgetMs): Filter {
  const turns = new Turns(clock, budgetMs);
  return (request, next) => {
    const turn = turns.enter();
    return turn === undefined ? next(request) : turn.then(() => next(request));
  };
}
