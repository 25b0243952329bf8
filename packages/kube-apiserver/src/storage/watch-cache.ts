/**
 * The watch cache of one resource (`apiserver/pkg/storage/cacher`): its objects as bytes, in key order,
 * with a window of recent events that all watchers share.
 */
import type { Clock } from '@kubets/apimachinery/clock';
import type { GroupResource } from '@kubets/apimachinery/meta';
import type { StatusError } from '@kubets/apimachinery/status';
import type { ResourceCache, CacheEvent } from './cache.ts';
import { AttributeIndexes, type AttributeKind } from './attribute-index.ts';
import { CacheEntry, type EntryContext } from './cache-entry.ts';
import { EventHistory, HistoryEvent, type HistoryLimits } from './history.ts';
import { OrderedIndex } from './ordered-index.ts';
import { filterOf, selectorFilter, type Selection } from './selection.ts';
import { WaitingCursors, type Trigger } from './waiting-cursors.ts';
import { tooOldResourceVersion, WatchCursor, type CursorHost } from './watch-cursor.ts';

export interface CachedResource {
  readonly groupResource: GroupResource;
  /** `/registry/pods/`, with both slashes. */
  readonly prefix: string;
  readonly namespaced: boolean;
}

export interface WatchOptions {
  readonly selection: Selection;
  /** Events after this revision; `undefined`: from now on. */
  readonly fromRevision: number | undefined;
  /** The state comes first, as ADDED events; `fromRevision` is then of no account. */
  readonly initialEvents: boolean;
  readonly bookmarks: boolean;
  readonly initialEventsEnd: boolean;
  readonly timeoutMs: number;
}

export interface WatchCacheOptions {
  readonly resource: CachedResource;
  readonly context: EntryContext;
  readonly clock: Clock;
  /** The revision up to which the directory has seen everything. */
  readonly revision: () => number;
  /** Resolves when the directory has seen this revision; `undefined` when it has. */
  readonly atLeast: (revision: number) => Promise<void> | undefined;
  readonly historyLimits?: HistoryLimits | undefined;
}

export class WatchCache implements ResourceCache, CursorHost {
  readonly resource: CachedResource;
  readonly clock: Clock;
  readonly #context: EntryContext;
  readonly #revision: () => number;
  readonly #atLeast: (revision: number) => Promise<void> | undefined;
  readonly #limits: HistoryLimits | undefined;
  readonly #index = new OrderedIndex();
  readonly #attributes = new AttributeIndexes(() => this.list());
  readonly #listeners = new Set<(event: CacheEvent) => void>();
  readonly #cursors = new Set<WatchCursor>();
  #history: EventHistory;
  readonly #waiting = new WaitingCursors();
  #lastRevision = 0;

  constructor(options: WatchCacheOptions) {
    this.resource = options.resource;
    this.clock = options.clock;
    this.#context = options.context;
    this.#revision = options.revision;
    this.#atLeast = options.atLeast;
    this.#limits = options.historyLimits;
    this.#history = new EventHistory(0, this.#limits);
  }

  get history(): EventHistory {
    return this.#history;
  }

  get revision(): number {
    return this.#revision();
  }

  /** The revision of the newest change of this resource, or of the initial state: since then nothing changed. */
  get changedAt(): number {
    return this.#lastRevision;
  }

  get size(): number {
    return this.#index.size;
  }

  /** Resolves when everything up to this revision is in the cache; `undefined` when it is. */
  whenSeen(revision: number): Promise<void> | undefined {
    return this.#atLeast(revision);
  }

  /** How many watches run. */
  get watchers(): number {
    return this.#cursors.size;
  }

  keyOf(namespace: string, name: string): string {
    const { prefix, namespaced } = this.resource;
    return namespaced ? `${prefix}${namespace}/${name}` : prefix + name;
  }

  get(namespace: string, name: string): CacheEntry | undefined {
    return this.#index.get(this.keyOf(namespace, name));
  }

  byKey(key: string): CacheEntry | undefined {
    return this.#index.get(key);
  }

  list(namespace = ''): CacheEntry[] {
    const [start, end] = this.#rangeOf(namespace);
    return this.#index.range(start, end);
  }

  subscribe(listener: (event: CacheEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** In key order; a fresh array. Uses an index where a selector names one value. */
  select(selection: Selection): CacheEntry[] {
    if (selection.name !== '' && (selection.namespace !== '' || !this.resource.namespaced)) {
      return this.#selectOne(selection);
    }
    const { labels, fields } = selection;
    if (labels?.exact !== undefined) return this.#selectIndexed('label', labels.exact, selection);
    if (fields?.exact !== undefined) return this.#selectIndexed('field', fields.exact, selection);
    const [start, end] = this.#rangeOf(selection.namespace);
    return this.#index.range(start, end, selectorFilter(selection));
  }

  /** The number of objects in a namespace ('' all), selectors aside. */
  count(namespace: string): number {
    const [start, end] = this.#rangeOf(namespace);
    return this.#index.count(start, end);
  }

  /**
   * Starts a watch. A revision older than the window gives a watch whose only event is the 410 error
   * (`cacher.Watch`, `newErrWatcher`).
   */
  watch(options: WatchOptions): WatchCursor {
    const { selection, initialEvents, fromRevision } = options;
    const start = initialEvents || fromRevision === undefined ? this.revision : fromRevision;
    const cursor = new WatchCursor(this, {
      filter: filterOf(selection),
      trigger: triggerOf(selection),
      initial: initialEvents ? this.select(selection) : [],
      startRevision: start,
      bookmarks: options.bookmarks,
      initialEventsEnd: options.initialEventsEnd,
      timeoutMs: options.timeoutMs,
    });
    this.#cursors.add(cursor);
    if (start < this.#history.floor) cursor.fail(tooOldResourceVersion(start, this.#history.floor));
    return cursor;
  }

  await(cursor: WatchCursor): void {
    this.#waiting.add(cursor);
  }

  forget(cursor: WatchCursor): void {
    this.#waiting.remove(cursor);
    if (cursor.ended) this.#cursors.delete(cursor);
  }

  /** Makes an entry for bytes of this resource that are not (or no longer) in the cache. */
  entry(key: string, stored: Uint8Array, revision: number): CacheEntry {
    const rest = key.slice(this.resource.prefix.length);
    const slash = this.resource.namespaced ? rest.indexOf('/') : -1;
    const source = {
      key,
      namespace: slash < 0 ? '' : rest.slice(0, slash),
      name: rest.slice(slash + 1),
      resourceVersion: revision,
    };
    return new CacheEntry(source, stored, this.#context);
  }

  /** Only before events and readers: takes an object of the initial state. */
  fill(entry: CacheEntry): void {
    this.#index.set(entry);
  }

  /** The initial state is complete, as of this revision. */
  filled(revision: number): void {
    this.#history = new EventHistory(revision, this.#limits);
    this.#waiting.reset();
    this.#lastRevision = revision;
  }

  /** A write: the entry is now the current one. Watchers hear of it with {@link wake}. */
  put(entry: CacheEntry): void {
    const previous = this.#index.set(entry);
    this.#attributes.change(previous, entry);
    this.#record(entry.resourceVersion, entry, previous);
  }

  remove(key: string, revision: number): void {
    const previous = this.#index.delete(key);
    if (previous === undefined) return;
    this.#attributes.change(previous, undefined);
    this.#record(revision, undefined, previous);
  }

  /** Tells the watchers that wait about the events recorded since the last call. */
  wake(): void {
    this.#waiting.wake(this.#history);
  }

  /**
   * Replaces the whole state after the feed broke: listeners hear of the differences, watches end with 410.
   */
  rebuild(entries: readonly CacheEntry[], revision: number): void {
    const kept = new Set(entries.map((entry) => entry.key));
    for (const old of this.list()) if (!kept.has(old.key)) this.remove(old.key, revision);
    for (const entry of entries) {
      if (this.#index.get(entry.key)?.resourceVersion !== entry.resourceVersion) this.put(entry);
    }
    this.endWatches(tooOldResourceVersion(this.#lastRevision, revision));
    this.filled(revision);
  }

  /** Ends all watches with an error. */
  endWatches(error: StatusError): void {
    for (const cursor of this.#cursors) cursor.fail(error);
  }

  #record(revision: number, current: CacheEntry | undefined, previous: CacheEntry | undefined): void {
    this.#lastRevision = revision;
    this.#history.append(new HistoryEvent(revision, this.clock.monotonic(), current, previous));
    if (this.#listeners.size > 0) this.#tell(cacheEvent(revision, current, previous));
  }

  #tell(event: CacheEvent | undefined): void {
    if (event === undefined) return;
    for (const listener of this.#listeners) listener(event);
  }

  #rangeOf(namespace: string): readonly [string, string] {
    const { prefix } = this.resource;
    return namespace === '' ? [prefix, endOf(prefix)] : [`${prefix}${namespace}/`, `${prefix}${namespace}0`];
  }

  #selectOne(selection: Selection): CacheEntry[] {
    const entry = this.get(selection.namespace, selection.name);
    if (entry === undefined) return [];
    const filter = selectorFilter(selection);
    return filter === undefined || filter(entry) ? [entry] : [];
  }

  #selectIndexed(kind: AttributeKind, exact: { key: string; value: string }, selection: Selection): CacheEntry[] {
    const found = this.#attributes.of(kind, exact.key).entriesOf(exact.value);
    if (found.size * 4 > this.#index.size && found.size > 64) {
      const [start, end] = this.#rangeOf(selection.namespace);
      return this.#index.range(start, end, selectorFilter(selection));
    }
    const filter = filterOf(selection);
    const out: CacheEntry[] = [];
    for (const entry of found.values()) if (filter === undefined || filter(entry)) out.push(entry);
    return out.sort((a, b) => (a.key < b.key ? -1 : 1));
  }
}

/** The first key behind all keys with this prefix, which ends in a slash. */
export function endOf(prefix: string): string {
  return `${prefix.slice(0, -1)}0`;
}

function triggerOf(selection: Selection): Trigger | undefined {
  const { name, labels, fields } = selection;
  if (name !== '') return { kind: 'field', key: 'metadata.name', value: name };
  if (fields?.exact !== undefined) return { kind: 'field', ...fields.exact };
  return labels?.exact === undefined ? undefined : { kind: 'label', ...labels.exact };
}

function cacheEvent(
  revision: number,
  current: CacheEntry | undefined,
  previous: CacheEntry | undefined,
): CacheEvent | undefined {
  if (current === undefined) return previous && { type: 'deleted', previous, resourceVersion: revision };
  return previous === undefined ? { type: 'added', current } : { type: 'modified', current, previous };
}
