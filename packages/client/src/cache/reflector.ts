/**
 * Mirrors one resource of an API server into a sink: list, watch, and again whenever that breaks
 * (client-go `tools/cache/reflector.go`, as a machine of states).
 *
 * Guarantees: it never ends silently. It runs until its signal is aborted; every failure is reported
 * and followed by a retry with growing pauses. After 410 Gone it starts over with a full list.
 * A connection on which nothing arrives, not even a bookmark, is given up after `stallMs`.
 *
 * Differences from upstream, on purpose: a broken connection resumes the watch where it was (upstream
 * lists again); the initial stream of a watch-list always asks for the newest state, never a past one.
 */
import { sleep, type Clock, type Random } from '@kubets/apimachinery/clock';
import type { ApiObject } from '@kubets/apimachinery/meta';
import {
  isBadRequest,
  isExpired,
  isInvalid,
  isTooManyRequests,
  StatusError,
  type Status,
} from '@kubets/apimachinery/status';
import { turnsOf } from '@kubets/apimachinery/turns';
import type { ListOptions, ObjectList, WatchOptions } from '../rest/resource-client.ts';
import { TransportError, type WatchStream, type WatchStreamEvent } from '../transport.ts';
import { Backoff } from '../workqueue/backoff.ts';
import { SilenceWatch } from './silence.ts';
import { isTooLargeResourceVersion, reflectorErrorText } from './reflector-errors.ts';

/** Where objects come from: a ResourceClient is one. */
export interface ListerWatcher<T extends ApiObject> {
  list(options: ListOptions): Promise<ObjectList<Readonly<T>>>;
  watch(options: WatchOptions): Promise<WatchStream>;
}

/** Where they go: a DeltaFifo is one. Calls come one at a time, in order. */
export interface ReflectorSink<T extends ApiObject> {
  /** May take several turns of the event loop: nothing else is called before it has resolved. */
  replace(objects: readonly Readonly<T>[]): void | Promise<void>;
  add(object: Readonly<T>): void;
  update(object: Readonly<T>): void;
  delete(object: Readonly<T>): void;
}

export interface ReflectorOptions<T extends ApiObject> {
  readonly source: ListerWatcher<T>;
  readonly sink: ReflectorSink<T>;
  readonly clock: Clock;
  readonly random: Random;
  /** What is mirrored, for the texts of errors, e.g. `pods`. */
  readonly name?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Stream the first list as watch events (KEP-3157); falls back to plain lists where the server refuses. Default true. */
  readonly watchList?: boolean;
  /** Objects per page of a list that has to be the newest. Default 500. */
  readonly pageSize?: number;
  /** The server ends a watch between this and twice this. Default 5 min. */
  readonly minWatchSeconds?: number;
  /**
   * Longest silence of a watch. Default: 3 min from servers that have sent bookmarks (they come about
   * every minute), else the time the watch was asked to last, and 30 s.
   */
  readonly stallMs?: number;
  /** Told of every failure: what is done about it next, and a line of text saying both. */
  readonly onError?: (error: unknown, next: ReflectorState['type'], text: string) => void;
}

export type ReflectorState =
  /**
   * A list at least as new as the version: '0' is anything the server has cached, '' the newest.
   */
  | { readonly type: 'listing'; readonly resourceVersion: string }
  /** The same by a watch that begins with all objects. */
  | { readonly type: 'streaming-list' }
  /** Following changes from a version on. */
  | { readonly type: 'watching'; readonly resourceVersion: string };

/** What to do after a failure, and whether at once. */
interface Recovery {
  readonly state: ReflectorState;
  readonly atOnce: boolean;
}

const bookmarkedStallMs = 180_000;
const graceMs = 30_000;

export class Reflector<T extends ApiObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #backoff: Backoff;
  #watchList: boolean;
  #lastSyncResourceVersion = '';
  #bookmarksSeen = false;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#watchList = options.watchList ?? true;
    // client-go: 800 ms doubling to 30 s, reset after 2 minutes without failure, full jitter.
    this.#backoff = new Backoff({
      baseMs: 800,
      maxMs: 30_000,
      resetMs: 120_000,
      jitter: 1,
      clock: options.clock,
      random: options.random,
    });
  }

  /** The version of the newest state seen. */
  get lastSyncResourceVersion(): string {
    return this.#lastSyncResourceVersion;
  }

  /** Runs until the signal is aborted; resolves then. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    let state: ReflectorState = this.#fresh();
    while (!signal.aborted) {
      try {
        state = await this.#step(state, signal);
      } catch (error) {
        if (signal.aborted) return;
        const { state: next, atOnce } = this.#after(error, state);
        const { onError, name = 'objects', clock } = this.#options;
        onError?.(error, next.type, reflectorErrorText(name, error, { failed: state.type, next: next.type }));
        state = next;
        if (!atOnce) await sleep(clock, this.#backoff.next(), signal).catch(() => undefined);
      }
    }
  }

  #fresh(): ReflectorState {
    return this.#watchList ? { type: 'streaming-list' } : this.#relist();
  }

  /** Never a list older than what has been told already (upstream's `relistResourceVersion`). */
  #relist(): ReflectorState {
    return { type: 'listing', resourceVersion: this.#lastSyncResourceVersion || '0' };
  }

  /** Where a failure leads. */
  #after(error: unknown, state: ReflectorState): Recovery {
    const badVersion = isExpired(error) || isTooLargeResourceVersion(error);
    switch (state.type) {
      case 'streaming-list':
        return { state: this.#afterStreamingList(error, badVersion), atOnce: false };
      case 'watching':
        if (badVersion) return { state: this.#fresh(), atOnce: false };
        // A refused watch may be the resourceVersion's fault: but for overload, begin anew.
        if (error instanceof StatusError && !isTooManyRequests(error)) return { state: this.#fresh(), atOnce: false };
        // What has been seen is kept: its version may have moved on while watching.
        return { state: { type: 'watching', resourceVersion: this.#lastSyncResourceVersion }, atOnce: false };
      case 'listing':
        // The server knows no state that new, or that old any more: take its newest, at once the first time.
        if (!badVersion) return { state, atOnce: false };
        return { state: { type: 'listing', resourceVersion: '' }, atOnce: state.resourceVersion !== '' };
    }
  }

  #afterStreamingList(error: unknown, badVersion: boolean): ReflectorState {
    // A server without watch-list says 400 or 422: it need not be asked again.
    if (isInvalid(error) || isBadRequest(error)) this.#watchList = false;
    const passing = !(error instanceof StatusError) || isTooManyRequests(error) || badVersion;
    // As upstream: whatever else is wrong with streaming, a list may make progress.
    return passing ? this.#fresh() : this.#relist();
  }

  async #step(state: ReflectorState, signal: AbortSignal): Promise<ReflectorState> {
    switch (state.type) {
      case 'listing':
        return await this.#list(state.resourceVersion, signal);
      case 'streaming-list':
        return await this.#streamList(signal);
      case 'watching':
        return await this.#watch(state.resourceVersion, signal);
    }
  }

  get #selectors(): { labelSelector?: string; fieldSelector?: string } {
    const { labelSelector, fieldSelector } = this.#options;
    return {
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    };
  }

  /**
   * All pages of a list. When the version of its pages expires between two of them, the rest comes as
   * one list without pages (`pager.ListPager` with FullListIfExpired).
   */
  async #list(resourceVersion: string, signal: AbortSignal): Promise<ReflectorState> {
    const { source, sink, pageSize = 500 } = this.#options;
    let items: Readonly<T>[] = [];
    // Lists at a version come from the server's cache, which sends no pages.
    const first: ListOptions = resourceVersion === '' ? { limit: pageSize, resourceVersion } : { resourceVersion };
    let page = first;
    for (;;) {
      const list = await source.list({ ...this.#selectors, ...page, signal }).catch((error: unknown) => {
        if (page.continue === undefined || !isExpired(error)) throw error;
        return undefined;
      });
      if (list === undefined) {
        items = [];
        page = { resourceVersion };
        continue;
      }
      for (const item of list.items) items.push(item);
      const token = list.metadata.continue;
      if (token === undefined || token === '') {
        await sink.replace(items);
        return this.#synced(list.metadata.resourceVersion ?? '');
      }
      page = { limit: pageSize, continue: token };
    }
  }

  async #replace(objects: readonly Readonly<T>[], resourceVersion: string): Promise<void> {
    await this.#options.sink.replace(objects);
    this.#lastSyncResourceVersion = resourceVersion;
  }

  #synced(resourceVersion: string): ReflectorState {
    this.#lastSyncResourceVersion = resourceVersion;
    return { type: 'watching', resourceVersion };
  }

  /** Collects the initial events up to their end mark, hands them over as one list, and goes on with the same watch. */
  async #streamList(signal: AbortSignal): Promise<ReflectorState> {
    const initial = new Map<string, Readonly<T>>();
    let synced = false;
    await this.#follow(
      { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan', resourceVersion: '', allowWatchBookmarks: true },
      signal,
      (event) => {
        if (synced) return this.#apply(event);
        const object = event.object as Readonly<T>;
        const key = `${object.metadata.namespace ?? ''}/${object.metadata.name ?? ''}`;
        if (event.type === 'DELETED') initial.delete(key);
        else if (event.type !== 'BOOKMARK') initial.set(key, object);
        else if (object.metadata.annotations?.['k8s.io/initial-events-end'] === 'true') {
          synced = true;
          const objects = [...initial.values()];
          initial.clear();
          return this.#replace(objects, object.metadata.resourceVersion ?? '');
        }
        return undefined;
      },
    );
    return synced ? { type: 'watching', resourceVersion: this.#lastSyncResourceVersion } : this.#fresh();
  }

  async #watch(resourceVersion: string, signal: AbortSignal): Promise<ReflectorState> {
    await this.#follow({ resourceVersion, allowWatchBookmarks: true }, signal, (event) => this.#apply(event));
    return { type: 'watching', resourceVersion: this.#lastSyncResourceVersion };
  }

  /** Reads one watch to its end. Throws what the server says in an ERROR event, and on a stall. */
  async #follow(
    options: WatchOptions,
    signal: AbortSignal,
    onEvent: (event: WatchStreamEvent) => void | Promise<void>,
  ): Promise<void> {
    const { source, clock, random, minWatchSeconds = 300 } = this.#options;
    const timeoutSeconds = Math.floor(minWatchSeconds * (1 + random.float()));
    const stalled = new AbortController();
    const both = AbortSignal.any([signal, stalled.signal]);
    const stallMs = (): number => this.#stallMs(timeoutSeconds * 1000);
    const silence = new SilenceWatch(clock, stallMs(), (ms) =>
      stalled.abort(new TransportError(`nothing came for ${ms / 1000} s`)),
    );
    const turns = turnsOf(clock);
    let pieceEnd = -Infinity;
    const started = clock.monotonic();
    let count = 0;
    try {
      await using stream = await source.watch({ ...this.#selectors, ...options, timeoutSeconds, signal: both });
      for await (const event of stream) {
        count++;
        if (event.type === 'ERROR') throw new StatusError(event.object as unknown as Status);
        if (turns.now() >= pieceEnd) {
          await turns.enter('news');
          pieceEnd = turns.pieceEnd();
        }
        if (event.type === 'BOOKMARK') this.#bookmarksSeen = true;
        const pending = onEvent(event);
        if (pending !== undefined) await pending;
        if (event.type === 'BOOKMARK') silence.limit(stallMs());
        else silence.heard();
      }
      // Aborting may end the iteration without an error.
      if (signal.aborted) return;
      stalled.signal.throwIfAborted();
    } catch (error) {
      throw stalled.signal.aborted ? stalled.signal.reason : error;
    } finally {
      silence.stop();
    }
    // As client-go: a watch that ends at once and empty must not be asked for again in a tight loop.
    if (count === 0 && clock.monotonic() - started < 1000 && !signal.aborted) {
      throw new Error('very short watch: it ended within a second without an event');
    }
  }

  #stallMs(watchMs: number): number {
    const { stallMs } = this.#options;
    if (stallMs !== undefined) return stallMs;
    return this.#bookmarksSeen ? Math.min(bookmarkedStallMs, watchMs + graceMs) : watchMs + graceMs;
  }

  #apply(event: WatchStreamEvent): void {
    const { sink } = this.#options;
    const object = event.object as Readonly<T>;
    switch (event.type) {
      case 'ADDED':
        sink.add(object);
        break;
      case 'MODIFIED':
        sink.update(object);
        break;
      case 'DELETED':
        sink.delete(object);
        break;
      case 'BOOKMARK':
        break;
      default:
        throw new Error(`a watch event of an unknown type ${JSON.stringify(event.type)}`);
    }
    const { resourceVersion = '' } = object.metadata;
    if (resourceVersion !== '') this.#lastSyncResourceVersion = resourceVersion;
  }
}
