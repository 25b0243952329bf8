/** One running watch: a position in a resource's shared history, and a filter. */
import { newResourceExpired, type StatusError } from '@kubets/apimachinery/status';
import type { Clock, Timer } from '@kubets/apimachinery/clock';
import type { WatchResultEvent, WatchSource } from '../server/types.ts';
import type { CacheEntry } from './cache-entry.ts';
import type { EventHistory } from './history.ts';
import type { Trigger, WaitingCursor } from './waiting-cursors.ts';
import { WatchDelivery } from './watch-delivery.ts';

/** `too old resource version: 5 (17)`: the asked one, and the oldest that would have done. */
export function tooOldResourceVersion(asked: number, oldest: number): StatusError {
  return newResourceExpired(`too old resource version: ${asked} (${oldest})`);
}

export interface CursorOptions {
  readonly filter: ((entry: CacheEntry) => boolean) | undefined;
  readonly trigger: Trigger | undefined;
  /** State to send first, as ADDED; already filtered by namespace and name, not by selectors. */
  readonly initial: readonly CacheEntry[];
  /** Events up to this revision are in the initial state, or not wanted. */
  readonly startRevision: number;
  readonly bookmarks: boolean;
  /** Send the bookmark that ends the initial state (watch-list). */
  readonly initialEventsEnd: boolean;
  /** The watch ends by itself after so long; 0: never. */
  readonly timeoutMs: number;
}

/** What a cursor needs of its cache. */
export interface CursorHost {
  readonly history: EventHistory;
  readonly clock: Clock;
  /** The durable revision up to which the history is complete. */
  readonly revision: number;
  /** Calls the cursor's `wake` after the next events. */
  await(cursor: WatchCursor): void;
  forget(cursor: WatchCursor): void;
}

/** A bookmark about every minute, and one shortly before the end, as upstream's `bookmarkFrequency`. */
const bookmarkIntervalMs = 60_000;
const bookmarkBeforeEndMs = 2_000;

export class WatchCursor implements WatchSource, WaitingCursor {
  readonly trigger: Trigger | undefined;
  readonly #host: CursorHost;
  readonly #history: EventHistory;
  readonly #filter: ((entry: CacheEntry) => boolean) | undefined;
  readonly #startRevision: number;
  #initial: readonly CacheEntry[];
  #initialAt = 0;
  #initialEndDue: boolean;
  #next: number;
  /** The revision of the newest event looked at, for the message when we fall behind. */
  #seen: number;
  #bookmarkDue = false;
  #failure: StatusError | undefined;
  #over = false;
  #ended = false;
  #callback: (() => void) | undefined;
  readonly #timers: Timer[] = [];

  constructor(host: CursorHost, options: CursorOptions) {
    this.#host = host;
    this.trigger = options.trigger;
    this.#history = host.history;
    this.#filter = options.filter;
    this.#startRevision = options.startRevision;
    this.#initial = options.initial;
    this.#initialEndDue = options.initialEventsEnd;
    this.#next = host.history.after(options.startRevision);
    this.#seen = options.startRevision;
    if (options.timeoutMs > 0) this.#timers.push(host.clock.setTimer(options.timeoutMs, () => this.#finish()));
    if (options.bookmarks) this.#scheduleBookmarks(options.timeoutMs);
  }

  get ended(): boolean {
    return this.#ended;
  }

  take(max: number): readonly WatchResultEvent[] {
    const out: WatchResultEvent[] = [];
    if (this.#ended) return out;
    if (this.#callback !== undefined) this.#stopWaiting();
    if (this.#initialAt < this.#initial.length) this.#takeInitial(out, max);
    if (out.length < max && this.#initialEndDue) this.#takeInitialEnd(out);
    while (out.length < max && this.#advance()) out.push(this.#takeEvent());
    if (out.length < max) this.#takeLast(out);
    return out;
  }

  onReady(callback: () => void): void {
    const waits = this.#callback !== undefined;
    this.#callback = callback;
    if (waits) return;
    if (this.#ready()) this.#notify();
    else this.#host.await(this);
  }

  close(): void {
    this.#ended = true;
    this.#callback = undefined;
    this.#initial = [];
    for (const timer of this.#timers) timer.cancel();
    this.#host.forget(this);
  }

  /** The host has new events. False: none for this watch, keep it waiting. */
  wake(): boolean {
    if (!this.#ready()) return false;
    this.#notify();
    return true;
  }

  skipTo(number: number): void {
    if (number > this.#next) this.#next = number;
  }

  /** Ends the watch with an error after what is pending is lost (the cache was rebuilt). */
  fail(error: StatusError): void {
    this.#failure ??= error;
    this.#interrupt();
  }

  #ready(): boolean {
    return (
      this.#ended ||
      this.#over ||
      this.#bookmarkDue ||
      this.#initialEndDue ||
      this.#initialAt < this.#initial.length ||
      this.#advance() ||
      // Last, as advancing finds out that events have been lost.
      this.#failure !== undefined
    );
  }

  #notify(): void {
    const callback = this.#callback;
    this.#callback = undefined;
    callback?.();
  }

  #interrupt(): void {
    if (this.#callback === undefined) return;
    this.#host.forget(this);
    this.#notify();
  }

  /** Reading without being told: what was told to others meanwhile is of no concern here. */
  #stopWaiting(): void {
    this.#callback = undefined;
    this.#host.forget(this);
  }

  #takeInitial(out: WatchResultEvent[], max: number): void {
    while (out.length < max && this.#initialAt < this.#initial.length) {
      const entry = this.#initial[this.#initialAt++] as CacheEntry;
      if (this.#filter === undefined || this.#filter(entry))
        out.push(new WatchDelivery('ADDED', entry, entry.resourceVersion));
    }
    if (this.#initialAt === this.#initial.length) {
      this.#initial = [];
      this.#initialAt = 0;
    }
  }

  #takeInitialEnd(out: WatchResultEvent[]): void {
    this.#initialEndDue = false;
    out.push({ type: 'BOOKMARK', resourceVersion: this.#startRevision, initialEventsEnd: true });
  }

  /** Moves to the next event this watch sees; false when there is none (or it has been lost). */
  #advance(): boolean {
    if (this.#failure !== undefined) return false;
    if (this.#next < this.#history.first) {
      this.#failure = tooOldResourceVersion(this.#seen, this.#history.floor);
      return false;
    }
    for (; this.#next < this.#history.end; this.#next++) {
      const event = this.#history.at(this.#next);
      this.#seen = event.revision;
      // A watch may start in the future: until then it sees nothing.
      if (event.revision > this.#startRevision && event.deliveryFor(this.#filter) !== undefined) return true;
    }
    return false;
  }

  #takeEvent(): WatchDelivery {
    const delivery = this.#history.at(this.#next++).deliveryFor(this.#filter);
    if (delivery === undefined) throw new Error('the cursor does not stand on an event of this watch');
    return delivery;
  }

  /** After all events: what ends the watch, or a bookmark. */
  #takeLast(out: WatchResultEvent[]): void {
    if (this.#failure !== undefined) {
      out.push({ type: 'ERROR', status: this.#failure.status });
      this.close();
    } else if (this.#bookmarkDue) {
      this.#bookmarkDue = false;
      const revision = this.#host.revision;
      if (revision >= this.#startRevision)
        out.push({ type: 'BOOKMARK', resourceVersion: revision, initialEventsEnd: false });
    }
    if (this.#over) this.close();
  }

  #finish(): void {
    this.#over = true;
    this.#interrupt();
  }

  #scheduleBookmarks(timeoutMs: number): void {
    const { clock } = this.#host;
    const due = (): void => {
      this.#bookmarkDue = true;
      this.#interrupt();
    };
    if (timeoutMs > bookmarkBeforeEndMs) this.#timers.push(clock.setTimer(timeoutMs - bookmarkBeforeEndMs, due));
    const again = (): void => {
      if (this.#ended) return;
      due();
      this.#timers[slot] = clock.setTimer(bookmarkIntervalMs, again);
    };
    const slot = this.#timers.length;
    this.#timers.push(clock.setTimer(bookmarkIntervalMs, again));
  }
}
