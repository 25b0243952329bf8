/**
 * Watches: history out of the log first, then live events, without a gap or a duplicate.
 *
 * A watch starts `behind`: it reads the log in steps. When a step has reached the durable revision the
 * watch goes live within the same turn of the event loop, so nothing can come between.
 */
import { StorageError, type Watch, type WatchEvent, type WatchSink } from '../storage.ts';
import type { Database, LogEntry } from './database.ts';
import type { Pin, Pins } from './pins.ts';
import { compactedError, nextTurn } from './reader.ts';

const stepEntries = 512;
const stepBytes = 2 << 20;

interface WatchRange {
  readonly start: string;
  /** Exclusive, never empty. */
  readonly end: string;
}

/** All live watches of one range: they get the same array of events. */
interface Group extends WatchRange {
  readonly watchers: Set<Watcher>;
  /** What the current commit has for the range. */
  events: WatchEvent[];
}

interface Watcher {
  readonly sink: WatchSink;
  /** Live watches get nothing below it. */
  readonly fromRevision: number;
  group: Group | undefined;
  ended: boolean;
}

export interface HubParts {
  readonly database: Database;
  readonly pins: Pins;
  readonly durableRevision: () => number;
  readonly compactedRevision: () => number;
  /** Told of what a sink throws: a sink's error is its owner's, and never the store's end. */
  readonly onSinkError: (error: unknown) => void;
}

export class WatchHub {
  readonly #parts: HubParts;
  /** Sorted by start, then end. */
  #groups: Group[] = [];
  /** The greatest end of the groups up to the same position, so that the search for a key's groups can stop. */
  #reach: string[] = [];
  readonly #watchers = new Set<Watcher>();

  constructor(parts: HubParts) {
    this.#parts = parts;
  }

  /** See Storage.watch; the range's end may be empty. */
  watch(range: { start: string; end: string; fromRevision: number }, sink: WatchSink): Watch {
    const watcher: Watcher = { sink, fromRevision: range.fromRevision, group: undefined, ended: false };
    this.#watchers.add(watcher);
    const { start } = range;
    const end = range.end === '' ? `${start}\0` : range.end;
    void this.#catchUp(watcher, { start, end });
    return { cancel: () => this.#drop(watcher) };
  }

  #drop(watcher: Watcher): void {
    watcher.ended = true;
    this.#watchers.delete(watcher);
    const { group } = watcher;
    watcher.group = undefined;
    if (group === undefined) return;
    group.watchers.delete(watcher);
    if (group.watchers.size === 0) this.#setGroups(this.#groups.filter((other) => other !== group));
  }

  #end(watcher: Watcher, error: Error): void {
    if (watcher.ended) return;
    this.#drop(watcher);
    this.#tell(() => watcher.sink.onEnd(error));
  }

  #tell(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#parts.onSinkError(error);
    }
  }

  async #catchUp(watcher: Watcher, range: WatchRange): Promise<void> {
    const next = Math.max(1, watcher.fromRevision);
    const compacted = this.#parts.compactedRevision();
    using pin = this.#parts.pins.hold(next - 1);
    // The owner gets its handle before the first call.
    await Promise.resolve();
    if (watcher.fromRevision <= compacted && compacted > 0) return this.#end(watcher, compactedError(compacted));
    try {
      await this.#readHistory(watcher, range, pin);
    } catch (error) {
      this.#end(watcher, new StorageError('unavailable', 'the history cannot be read', { cause: error }));
    }
  }

  async #readHistory(watcher: Watcher, range: WatchRange, pin: Pin): Promise<void> {
    let next = Math.max(1, watcher.fromRevision);
    while (!watcher.ended) {
      if (!this.#parts.database.isOpen) await this.#parts.database.whenOpen();
      const durable = this.#parts.durableRevision();
      if (next > durable) return this.#goLive(watcher, range);
      const step = this.#readStep(range, next, durable);
      next = step.next;
      pin.move(next - 1);
      if (step.events.length > 0) this.#tell(() => watcher.sink.onEvents(step.events, next - 1));
      if (watcher.ended) return;
      if (next > this.#parts.durableRevision()) return this.#goLive(watcher, range);
      await nextTurn();
    }
  }

  #readStep(range: WatchRange, from: number, durable: number): { events: WatchEvent[]; next: number } {
    const events: WatchEvent[] = [];
    const entries = this.#parts.database.logEntries(from, stepEntries);
    let bytes = 0;
    for (const entry of entries) {
      // A commit in flight may be visible in the file already.
      if (entry.revision > durable) break;
      if (entry.key < range.start || entry.key >= range.end) continue;
      if (bytes > stepBytes) return { events, next: entry.revision };
      const event = this.#eventOf(entry);
      bytes += event.type === 'put' ? event.record.value.length : 0;
      events.push(event);
    }
    const last = entries.at(-1);
    const complete = entries.length < stepEntries || last === undefined || last.revision >= durable;
    return { events, next: complete ? durable + 1 : last.revision + 1 };
  }

  #eventOf(entry: LogEntry): WatchEvent {
    const { key, revision } = entry;
    if (entry.deletion) return { type: 'delete', key, revision };
    const value = this.#parts.database.value(revision);
    if (value === undefined) throw new Error(`the value of ${key} at ${revision} is missing`);
    const { createRevision, lease } = entry;
    return { type: 'put', record: { key, value, createRevision, modRevision: revision, lease } };
  }

  #goLive(watcher: Watcher, { start, end }: WatchRange): void {
    let group = this.#groups.find((other) => other.start === start && other.end === end);
    if (group === undefined) {
      group = { start, end, watchers: new Set(), events: [] };
      this.#setGroups([...this.#groups, group].toSorted(compareGroups));
    }
    group.watchers.add(watcher);
    watcher.group = group;
    const durable = this.#parts.durableRevision();
    if (durable >= watcher.fromRevision - 1) this.#tell(() => watcher.sink.onProgress(durable));
  }

  #setGroups(groups: Group[]): void {
    this.#groups = groups;
    let reach = '';
    this.#reach = groups.map((group) => (reach = group.end > reach ? group.end : reach));
  }

  /** Hands the events of one commit to every live watch; to those it does not concern, the progress. */
  publish(events: readonly WatchEvent[], revision: number): void {
    for (const event of events) this.#sort(event);
    // A sink may start or cancel watches: groups made meanwhile are not of this list.
    for (const group of this.#groups) {
      const mine = group.events;
      if (mine.length > 0) group.events = [];
      for (const watcher of group.watchers) this.#deliver(watcher, mine, revision);
    }
  }

  #sort(event: WatchEvent): void {
    const key = event.type === 'put' ? event.record.key : event.key;
    for (let i = this.#lastStartingAtOrBelow(key); i >= 0; i--) {
      const group = this.#groups[i];
      const reach = this.#reach[i];
      if (group === undefined || reach === undefined || reach <= key) return;
      if (key < group.end) group.events.push(event);
    }
  }

  #lastStartingAtOrBelow(key: string): number {
    let low = 0;
    let high = this.#groups.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const group = this.#groups[middle];
      if (group !== undefined && group.start <= key) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #deliver(watcher: Watcher, events: readonly WatchEvent[], revision: number): void {
    if (watcher.ended) return;
    // A watch may ask for a revision that is still to come.
    const due = revision < watcher.fromRevision ? [] : fromRevision(events, watcher.fromRevision);
    if (due.length > 0) this.#tell(() => watcher.sink.onEvents(due, revision));
    else if (revision >= watcher.fromRevision) this.#tell(() => watcher.sink.onProgress(revision));
  }

  /** Ends every watch with `closed`. */
  close(): void {
    for (const watcher of this.#watchers) this.#end(watcher, new StorageError('closed', 'the store is closed'));
  }
}

function compareGroups(a: WatchRange, b: WatchRange): number {
  if (a.start !== b.start) return a.start < b.start ? -1 : 1;
  return a.end < b.end ? -1 : 1;
}

export function revisionOf(event: WatchEvent): number {
  return event.type === 'put' ? event.record.modRevision : event.revision;
}

/** The events at `from` and later; the list itself in the usual case, where that is all. */
function fromRevision(events: readonly WatchEvent[], from: number): readonly WatchEvent[] {
  const first = events[0];
  if (first === undefined || revisionOf(first) >= from) return events;
  return events.filter((event) => revisionOf(event) >= from);
}
