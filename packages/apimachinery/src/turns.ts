/**
 * The event loop goes round although there is much to do at once: when what was begun in one turn has taken its time, the rest
 * waits for the next turn, in order. Timers, sockets and the store get their turn in between. (Upstream has threads for that.)
 */
import type { Clock } from './clock.ts';

/** A turn should not take longer than 10 ms, and some of it is not asked for: what follows commits of the store, the scheduler. */
const defaultBudgetMs = 4;

/** How long steps go on together: less, and long lists would wait behind everybody else for each of their objects. */
const pieceMs = 1;

/** So many that have gone in are forgotten together. */
const compactAt = 1000;

/** Calls back when all promises that are settled by now, and all that they settle, have been dealt with. */
const afterMicrotasks: (callback: () => void) => void =
  typeof process === 'object' && typeof process.nextTick === 'function'
    ? // A tick asked for by a microtask comes after all microtasks.
      (callback) => queueMicrotask(() => process.nextTick(callback))
    : queueMicrotask;

/**
 * `news` is let in before `work`: what is known of the world should not lag behind what is done about it. There is only as much
 * news as work was done.
 */
export type Lane = 'news' | 'work';

class WaitingLine {
  /** Those before `first` have gone in. */
  readonly #waiting: (() => void)[] = [];
  #first = 0;

  get empty(): boolean {
    return this.#first === this.#waiting.length;
  }

  join(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    return promise;
  }

  /** Lets the first one in. Answers whether there was one. */
  release(): boolean {
    const resolve = this.#waiting[this.#first];
    if (resolve === undefined || this.#first === compactAt) {
      this.#waiting.splice(0, this.#first);
      this.#first = 0;
      if (resolve === undefined) return false;
    }
    this.#first++;
    resolve();
    return true;
  }
}

/**
 * Guarantees: who waits in a lane is let in in the order of asking, one after the other, each when the one before has done what
 * it does at once; whoever asks while others wait in the lane waits behind them. With a clock that stands still nobody waits.
 */
export class Turns {
  readonly #clock: Clock;
  readonly #budgetMs: number;
  readonly #news = new WaitingLine();
  readonly #work = new WaitingLine();
  #started = 0;
  #open = false;

  constructor(clock: Clock, budgetMs = defaultBudgetMs) {
    this.#clock = clock;
    this.#budgetMs = budgetMs;
  }

  /** Asked before each piece of work of up to a few milliseconds. Undefined: go on at once. Costs a reading of the clock. */
  enter(lane: Lane = 'work'): Promise<void> | undefined {
    if (!this.#open) this.#begin();
    const others = !this.#news.empty || (lane === 'work' && !this.#work.empty);
    if (!others && this.#inTime()) return undefined;
    return lane === 'news' ? this.#news.join() : this.#work.join();
  }

  /** Until when whoever has been let in just now may go on without asking again, by {@link now}. */
  pieceEnd(): number {
    return this.#clock.monotonic() + pieceMs;
  }

  now(): number {
    return this.#clock.monotonic();
  }

  #begin(): void {
    this.#open = true;
    this.#started = this.#clock.monotonic();
    if (typeof setImmediate === 'function') setImmediate(this.#next);
    else this.#clock.setTimer(0, this.#next);
  }

  #inTime(): boolean {
    return this.#clock.monotonic() - this.#started < this.#budgetMs;
  }

  readonly #next = (): void => {
    this.#open = false;
    if (this.#news.empty && this.#work.empty) return;
    this.#begin();
    this.#release();
  };

  /** One after the other: what one does at once is done before the next one is let in. */
  readonly #release = (): void => {
    if (!this.#inTime()) return;
    if (this.#news.release() || this.#work.release()) afterMicrotasks(this.#release);
  };
}

const shared = new WeakMap<Clock, Turns>();

/** The turns that all who live by this clock share: what several components do in one turn counts together. */
export function turnsOf(clock: Clock): Turns {
  let turns = shared.get(clock);
  if (turns === undefined) shared.set(clock, (turns = new Turns(clock)));
  return turns;
}

/** Takes all steps, in as many turns as they need. Undefined: they are taken already. Fails when a step does. */
export function stepsInTurns(turns: Turns, steps: Iterator<unknown>, lane?: Lane): Promise<void> | undefined {
  for (;;) {
    const turn = turns.enter(lane);
    if (turn !== undefined) return stepsLater(turns, steps, { turn, lane });
    if (takeSteps(turns, steps)) return undefined;
  }
}

/** Visits all items, in as many turns as that needs. Undefined: they have been visited already. Fails when a visit does. */
export function eachInTurns<T>(turns: Turns, items: Iterable<T>, visit: (item: T) => void): Promise<void> | undefined {
  return stepsInTurns(turns, visits(items, visit));
}

function* visits<T>(items: Iterable<T>, visit: (item: T) => void): Generator<void, void> {
  for (const item of items) {
    visit(item);
    yield;
  }
}

async function stepsLater(
  turns: Turns,
  steps: Iterator<unknown>,
  { turn, lane }: { readonly turn: Promise<void>; readonly lane: Lane | undefined },
): Promise<void> {
  await turn;
  while (!takeSteps(turns, steps)) await turns.enter(lane);
}

/** Answers whether that was the last one. */
function takeSteps(turns: Turns, steps: Iterator<unknown>): boolean {
  const end = turns.pieceEnd();
  do {
    if (steps.next().done === true) return true;
  } while (turns.now() < end);
  return false;
}
