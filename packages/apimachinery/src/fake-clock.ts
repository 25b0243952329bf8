/** A clock for tests: stands still until told to advance. */
import type { Clock, Timer } from './clock.ts';

interface Pending {
  at: number;
  order: number;
  callback: () => void;
}

export class FakeClock implements Clock {
  #now: number;
  readonly #start: number;
  #order = 0;
  #pending: Pending[] = [];

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#now = startMs;
    this.#start = startMs;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now - this.#start;
  }

  /** How many timers are set; a test waits on this before it advances. */
  get timers(): number {
    return this.#pending.length;
  }

  setTimer(ms: number, callback: () => void): Timer {
    const entry = { at: this.#now + Math.max(0, ms), order: this.#order++, callback };
    this.#pending.push(entry);
    return {
      cancel: () => {
        this.#pending = this.#pending.filter((p) => p !== entry);
      },
    };
  }

  /** Moves time on and runs what falls due, in order, each at its own instant. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = this.#pending.filter((p) => p.at <= end).toSorted((a, b) => a.at - b.at || a.order - b.order)[0];
      if (due === undefined) break;
      this.#pending = this.#pending.filter((p) => p !== due);
      this.#now = due.at;
      due.callback();
    }
    this.#now = end;
  }
}
