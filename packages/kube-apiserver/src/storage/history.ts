/**
 * The recent events of one resource, shared by all its watchers: each event is kept, converted and
 * encoded once. A watcher holds only its position.
 */
import type { CacheEntry } from './cache-entry.ts';
import { WatchDelivery } from './watch-delivery.ts';

/** One change, with the deliveries made of it. */
export class HistoryEvent {
  readonly revision: number;
  /** Milliseconds, monotonic. */
  readonly at: number;
  readonly current: CacheEntry | undefined;
  readonly previous: CacheEntry | undefined;
  #added: WatchDelivery | undefined;
  #modified: WatchDelivery | undefined;
  #deleted: WatchDelivery | undefined;

  constructor(revision: number, at: number, current: CacheEntry | undefined, previous: CacheEntry | undefined) {
    this.revision = revision;
    this.at = at;
    this.current = current;
    this.previous = previous;
    this.#added = undefined;
    this.#modified = undefined;
    this.#deleted = undefined;
  }

  /**
   * What a watcher with this filter sees of the change; `undefined`: nothing. An object that stops
   * matching is deleted for this watcher, with its last matching state at the revision of the change
   * (`cacher/cache_watcher.go`, `convertToWatchEvent`).
   */
  deliveryFor(filter: ((entry: CacheEntry) => boolean) | undefined): WatchDelivery | undefined {
    const { current, previous } = this;
    const now = current !== undefined && (filter === undefined || filter(current));
    const before = previous !== undefined && (filter === undefined || filter(previous));
    if (now) return before ? this.#asModified(current) : this.#asAdded(current);
    return before ? this.#asDeleted(previous) : undefined;
  }

  #asAdded(current: CacheEntry): WatchDelivery {
    return (this.#added ??= new WatchDelivery('ADDED', current, this.revision));
  }

  #asModified(current: CacheEntry): WatchDelivery {
    return (this.#modified ??= new WatchDelivery('MODIFIED', current, this.revision));
  }

  #asDeleted(previous: CacheEntry): WatchDelivery {
    return (this.#deleted ??= new WatchDelivery('DELETED', previous.atRevision(this.revision), this.revision));
  }
}

export interface HistoryLimits {
  /** Never more events than this. */
  readonly maxEvents: number;
  /** Never more bytes of JSON than this (new and previous states), but for the newest event. */
  readonly maxBytes: number;
  /** Older events go, but for the newest {@link minEvents}. */
  readonly maxAgeMs: number;
  readonly minEvents: number;
}

/** 75 s as upstream's `eventFreshDuration`; bytes bound what a burst of writes holds in memory. */
export const defaultHistoryLimits: HistoryLimits = {
  maxEvents: 16_384,
  maxBytes: 48 * 1024 * 1024,
  maxAgeMs: 75_000,
  minEvents: 100,
};

/**
 * A window over an endless sequence. Events are addressed by their number in it: `first` is the oldest
 * still there, `end` the number the next one gets.
 */
export class EventHistory {
  readonly #limits: HistoryLimits;
  #events: HistoryEvent[] = [];
  /** Index in `#events` of the oldest live event; the slack before it is cut off now and then. */
  #head = 0;
  #base = 0;
  #bytes = 0;
  #floor: number;

  /** `floor`: watches may start from this revision on; everything up to it is in the initial state. */
  constructor(floor: number, limits: HistoryLimits = defaultHistoryLimits) {
    this.#floor = floor;
    this.#limits = limits;
  }

  get first(): number {
    return this.#base + this.#head;
  }

  get end(): number {
    return this.#base + this.#events.length;
  }

  /** The oldest revision from which nothing is missing. */
  get floor(): number {
    return this.#floor;
  }

  /** The revision of the newest event; the floor when there is none. */
  get lastRevision(): number {
    return this.#events.at(-1)?.revision ?? this.#floor;
  }

  at(number: number): HistoryEvent {
    const event = this.#events[number - this.#base];
    if (event === undefined || number < this.first) throw new RangeError(`event ${number} is not in the window`);
    return event;
  }

  append(event: HistoryEvent): void {
    this.#events.push(event);
    this.#bytes += sizeOf(event);
    this.#trim(event.at);
  }

  /** The number of the first event after `revision`, which must not be below the floor. */
  after(revision: number): number {
    let low = this.#head;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#events[middle] as HistoryEvent).revision <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#base + low;
  }

  #trim(now: number): void {
    for (;;) {
      const count = this.#events.length - this.#head;
      const oldest = this.#events[this.#head];
      if (oldest === undefined || !this.#mustGo(oldest, count, now)) break;
      this.#bytes -= sizeOf(oldest);
      this.#floor = oldest.revision;
      this.#events[this.#head++] = gone;
    }
    if (this.#head > 1024 && this.#head * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#head);
      this.#base += this.#head;
      this.#head = 0;
    }
  }

  #mustGo(oldest: HistoryEvent, count: number, now: number): boolean {
    const { maxEvents, maxBytes, maxAgeMs, minEvents } = this.#limits;
    if (count > maxEvents || (this.#bytes > maxBytes && count > 1)) return true;
    return count > minEvents && now - oldest.at > maxAgeMs;
  }
}

const gone = new HistoryEvent(0, 0, undefined, undefined);

function sizeOf(event: HistoryEvent): number {
  return (event.current?.size ?? 0) + (event.previous?.size ?? 0);
}
