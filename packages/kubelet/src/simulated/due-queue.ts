/** Things that fall due, and one timer for all of them. */
import type { Clock, Timer } from '@kubets/apimachinery/clock';

interface Entry<T> {
  readonly at: number;
  readonly order: number;
  readonly item: T;
}

/**
 * A heap by time. An item has at most one time: setting another one replaces it. `onDue` is called with everything that
 * is due by then, in order of time, then of setting.
 */
export class DueQueue<T> {
  readonly #clock: Clock;
  readonly #onDue: (items: readonly T[]) => void;
  readonly #current = new Map<T, Entry<T>>();
  #heap: Entry<T>[] = [];
  #order = 0;
  #timer: Timer | undefined;
  #timerAt = Infinity;
  #stopped = false;

  constructor(clock: Clock, onDue: (items: readonly T[]) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** How many items have a time. */
  get size(): number {
    return this.#current.size;
  }

  /** `at` is by the clock's `now()`; `Infinity`: never. */
  set(item: T, at: number): void {
    if (this.#stopped) return;
    if (at === Infinity) {
      this.#current.delete(item);
      return;
    }
    const entry = { at, order: this.#order++, item };
    this.#current.set(item, entry);
    this.#push(entry);
    this.#arm();
  }

  delete(item: T): void {
    this.#current.delete(item);
  }

  /** Nothing falls due any more. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#current.clear();
    this.#heap = [];
  }

  #arm(): void {
    const first = this.#heap[0]?.at ?? Infinity;
    if (first >= this.#timerAt) return;
    this.#timer?.cancel();
    this.#timerAt = first;
    // Node's longest timer is 2^31 ms; a timer that comes too early only arms the next one.
    const ms = Math.min(Math.max(0, first - this.#clock.now()), 2 ** 31 - 1);
    this.#timer = this.#clock.setTimer(ms, () => this.#fire());
  }

  #fire(): void {
    this.#timerAt = Infinity;
    const now = this.#clock.now();
    const due: T[] = [];
    for (let first = this.#heap[0]; first !== undefined && first.at <= now; first = this.#heap[0]) {
      this.#pop();
      if (this.#current.get(first.item) !== first) continue;
      this.#current.delete(first.item);
      due.push(first.item);
    }
    if (due.length > 0) this.#onDue(due);
    if (!this.#stopped) this.#arm();
  }

  #push(entry: Entry<T>): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !earlier(entry, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const right = heap[child + 1];
      const left = heap[child];
      if (left === undefined) break;
      let next = left;
      if (right !== undefined && earlier(right, left)) {
        child++;
        next = right;
      }
      if (!earlier(next, last)) break;
      heap[at] = next;
      at = child;
    }
    heap[at] = last;
  }
}

function earlier<T>(a: Entry<T>, b: Entry<T>): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
