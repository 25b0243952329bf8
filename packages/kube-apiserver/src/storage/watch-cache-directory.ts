/**
 * All watch caches of the API server, fed by one watch over the whole store.
 *
 * One feed for all resources: they are all complete up to the same revision, an empty cache costs
 * next to nothing, and start-up is one range. Since a store tells its watchers of a write before it
 * acknowledges it, what the caches show includes every write acknowledged before by this process.
 */
import type { Clock, Timer } from '@kubets/apimachinery/clock';
import type { ApiObject, GroupResource } from '@kubets/apimachinery/meta';
import { groupResourceString } from '@kubets/apimachinery/meta';
import { failure, type StatusError } from '@kubets/apimachinery/status';
import type { Storage, StoredRecord, Watch, WatchEvent } from '@kubets/etcd';
import type { CacheDirectory } from './cache.ts';
import type { CacheEntry } from './cache-entry.ts';
import type { HistoryLimits } from './history.ts';
import { ParsedObjects } from './parsed-objects.ts';
import { WatchCache, type CachedResource } from './watch-cache.ts';
import { WriteAttachment } from './write-attachment.ts';

export interface ServedCache extends CachedResource {
  /** Selectable fields besides metadata.name and metadata.namespace; absent: none. */
  readonly selectableFields?: ((object: Readonly<ApiObject>) => Record<string, string>) | undefined;
}

export interface WatchCacheDirectoryOptions {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly resources: readonly ServedCache[];
  /**
   * `local`: this process is the store's only writer, so the caches are always current.
   * `shared`: others write too; consistent reads ask the store for its revision first. Default `local`.
   */
  readonly writers?: 'local' | 'shared';
  /** Deep-freezes all objects. For tests. */
  readonly freeze?: boolean;
  readonly historyLimits?: HistoryLimits;
  /** Told why the feed broke, before it is started anew. */
  readonly onFeedBroken?: (error: Error) => void;
}

const root = '/registry/';
const rootEnd = '/registry0';
/** How long a read waits for a revision that the cache has not seen (`cacher`, `blockTimeout`). */
const freshnessTimeoutMs = 3_000;
const restartDelayMs = 1_000;

interface Waiter {
  readonly revision: number;
  readonly resolve: () => void;
  readonly timer: Timer;
}

/** `Timeout: Too large resource version: 10, current: 7` (`storage.NewTooLargeResourceVersionError`). */
export function tooLargeResourceVersion(asked: number, current: number): StatusError {
  return failure('Timeout', `Timeout: Too large resource version: ${asked}, current: ${current}`, {
    details: {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    },
  });
}

export class WatchCacheDirectory implements CacheDirectory, AsyncDisposable {
  readonly #options: WatchCacheDirectoryOptions;
  readonly #byResource = new Map<string, WatchCache>();
  /** By the first one or two segments of the key. */
  readonly #byPrefix = new Map<string, WatchCache>();
  #revision = 0;
  #watch: Watch | undefined;
  #restart: Timer | undefined;
  #closed = false;
  #waiters: Waiter[] = [];
  readonly #touched = new Set<WatchCache>();

  constructor(options: WatchCacheDirectoryOptions) {
    this.#options = options;
    const parsed = new ParsedObjects();
    for (const resource of options.resources) this.#add(resource, parsed);
  }

  /** The durable revision up to which all caches are complete. */
  get revision(): number {
    return this.#revision;
  }

  of(resource: GroupResource): WatchCache {
    const cache = this.#byResource.get(groupResourceString(resource));
    if (cache === undefined) throw new Error(`no cache for ${groupResourceString(resource)}`);
    return cache;
  }

  /** Fills all caches and starts to follow the store. Single use. */
  async start(): Promise<void> {
    const { records, revision } = await this.#options.storage.range(root, rootEnd);
    for (const record of records) this.#fill(record);
    for (const cache of new Set(this.#byResource.values())) cache.filled(revision);
    this.#revision = revision;
    this.#follow();
  }

  /**
   * Returns at once (`undefined`) when the caches show everything acknowledged so far; otherwise
   * resolves when they do.
   */
  consistent(): Promise<void> | undefined {
    if (this.#options.writers !== 'shared') return undefined;
    return this.#options.storage.currentRevision().then((revision) => this.atLeast(revision));
  }

  /** As {@link consistent}, for a given revision. Rejects with 504 when it does not come within 3 s. */
  atLeast(revision: number): Promise<void> | undefined {
    if (revision <= this.#revision) return undefined;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = this.#options.clock.setTimer(freshnessTimeoutMs, () => {
      this.#waiters = this.#waiters.filter((w) => w.timer !== timer);
      reject(tooLargeResourceVersion(revision, this.#revision));
    });
    this.#waiters.push({ revision, resolve, timer });
    return promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#watch?.cancel();
    this.#restart?.cancel();
    for (const waiter of this.#waiters) waiter.timer.cancel();
    const gone = failure('ServiceUnavailable', 'the server is shutting down');
    for (const cache of new Set(this.#byResource.values())) cache.endWatches(gone);
  }

  #add(resource: ServedCache, parsed: ParsedObjects): void {
    const { clock, freeze = false, historyLimits } = this.#options;
    const selectableFields = resource.selectableFields ?? ((): Record<string, string> => ({}));
    const cache =
      this.#byPrefix.get(resource.prefix) ??
      new WatchCache({
        resource,
        clock,
        historyLimits,
        revision: () => this.#revision,
        atLeast: (revision) => this.atLeast(revision),
        context: { parsed, freeze, selectableFields },
      });
    this.#byPrefix.set(resource.prefix, cache);
    this.#byResource.set(groupResourceString(resource.groupResource), cache);
  }

  /** The cache that a key belongs to; `undefined` for keys of resources that are not served. */
  #route(key: string): WatchCache | undefined {
    const first = key.indexOf('/', root.length) + 1;
    const cache = this.#byPrefix.get(key.slice(0, first));
    if (cache !== undefined || first === 0) return cache;
    return this.#byPrefix.get(key.slice(0, key.indexOf('/', first) + 1));
  }

  #fill(record: StoredRecord): void {
    const cache = this.#route(record.key);
    cache?.fill(cache.entry(record.key, record.value, record.modRevision));
  }

  #follow(): void {
    this.#watch = this.#options.storage.watch(
      { start: root, end: rootEnd, fromRevision: this.#revision + 1 },
      {
        onEvents: (events, revision) => this.#onEvents(events, revision),
        onProgress: (revision) => this.#moveTo(revision),
        onEnd: (error) => this.#onEnd(error),
      },
    );
  }

  #onEvents(events: readonly WatchEvent[], revision: number): void {
    for (const event of events) this.#apply(event);
    this.#moveTo(revision);
    for (const cache of this.#touched) {
      this.#touched.delete(cache);
      cache.wake();
    }
  }

  #apply(event: WatchEvent): void {
    const cache = this.#route(event.type === 'put' ? event.record.key : event.key);
    if (cache === undefined) return;
    this.#touched.add(cache);
    if (event.type === 'delete') {
      cache.remove(event.key, event.revision);
      return;
    }
    const { record, attachment } = event;
    const entry = cache.entry(record.key, record.value, record.modRevision);
    if (attachment instanceof WriteAttachment) attachment.written(entry);
    cache.put(entry);
  }

  #moveTo(revision: number): void {
    if (revision <= this.#revision) return;
    this.#revision = revision;
    if (this.#waiters.length === 0) return;
    const due = this.#waiters.filter((w) => w.revision <= revision);
    this.#waiters = this.#waiters.filter((w) => w.revision > revision);
    for (const waiter of due) {
      waiter.timer.cancel();
      waiter.resolve();
    }
  }

  #onEnd(error: Error): void {
    if (this.#closed) return;
    this.#options.onFeedBroken?.(error);
    this.#scheduleRestart();
  }

  #scheduleRestart(): void {
    this.#restart = this.#options.clock.setTimer(restartDelayMs, () => {
      this.#refill().catch((error: unknown) => {
        if (this.#closed) return;
        this.#options.onFeedBroken?.(error instanceof Error ? error : new Error(String(error)));
        this.#scheduleRestart();
      });
    });
  }

  /** The feed broke, so events may be missing: takes the whole state anew. */
  async #refill(): Promise<void> {
    const { records, revision } = await this.#options.storage.range(root, rootEnd);
    if (this.#closed) return;
    const entries = new Map<WatchCache, CacheEntry[]>();
    for (const cache of new Set(this.#byResource.values())) entries.set(cache, []);
    for (const record of records) {
      const cache = this.#route(record.key);
      if (cache !== undefined) entries.get(cache)?.push(cache.entry(record.key, record.value, record.modRevision));
    }
    for (const [cache, list] of entries) cache.rebuild(list, revision);
    this.#moveTo(revision);
    this.#follow();
  }
}
