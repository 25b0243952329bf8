/**
 * Mirrors one resource of an API server into a sink: list, watch, and again whenever that breaks
 * (client-go `tools/cache/reflector.go`, as a machine of states).
 *
 * Guarantees: it never ends silently. It runs until its signal is aborted; every failure is reported
 * and followed by a retry with growing pauses. After 410 Gone it starts over with a full list.
 * A connection on which nothing arrives, not even a bookmark, is given up after `stallMs`.
 */
import type { Clock, Random } from '@kubets/apimachinery/clock';
import { sleep } from '@kubets/apimachinery/clock';
import type { ApiObject } from '@kubets/apimachinery/meta';
import {
  isExpired,
  isBadRequest,
  isInvalid,
  isTooManyRequests,
  StatusError,
  type Status,
} from '@kubets/apimachinery/status';
import type { ListOptions, ObjectList, WatchOptions } from '../rest/resource-client.ts';
import type { WatchStream, WatchStreamEvent } from '../transport.ts';
import { Backoff } from '../workqueue/backoff.ts';

/** Where objects come from: a ResourceClient is one. */
export interface ListerWatcher<T extends ApiObject> {
  list(options: ListOptions): Promise<ObjectList<Readonly<T>>>;
  watch(options: WatchOptions): Promise<WatchStream>;
}

/** Where they go: a DeltaFifo is one. Calls come one at a time, in order. */
export interface ReflectorSink<T extends ApiObject> {
  replace(objects: readonly Readonly<T>[]): void;
  add(object: Readonly<T>): void;
  update(object: Readonly<T>): void;
  delete(object: Readonly<T>): void;
}

export interface ReflectorOptions<T extends ApiObject> {
  readonly source: ListerWatcher<T>;
  readonly sink: ReflectorSink<T>;
  readonly clock: Clock;
  readonly random: Random;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Stream the first list as watch events (KEP-3157); falls back to plain lists where the server refuses. Default true. */
  readonly watchList?: boolean;
  /** Objects per page of a list that has to be consistent. */
  readonly pageSize?: number;
  /** The server ends a watch between this and twice this. Default 5 min. */
  readonly minWatchSeconds?: number;
  /** Longest silence of a watch; bookmarks come about every minute. Default 3 min; at most the watch's own time plus some. */
  readonly stallMs?: number;
  /** Told of every failure, with what is done about it. */
  readonly onError?: (error: unknown, next: ReflectorState['type']) => void;
}

export type ReflectorState =
  /** Nothing is known; `consistent` after a 410: the server's cache may be behind, so ask for the newest. */
  | { readonly type: 'listing'; readonly consistent: boolean }
  /** The same by a watch that begins with all objects. */
  | { readonly type: 'streaming-list' }
  /** Following changes from a version on. */
  | { readonly type: 'watching'; readonly resourceVersion: string };

export class Reflector<T extends ApiObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #backoff: Backoff;
  #watchList: boolean;
  #lastSyncResourceVersion = '';

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
    let state: ReflectorState = this.#fresh(false);
    while (!signal.aborted) {
      try {
        state = await this.#step(state, signal);
      } catch (error) {
        if (signal.aborted) return;
        state = this.#after(error, state);
        this.#options.onError?.(error, state.type);
        await sleep(this.#options.clock, this.#backoff.next(), signal).catch(() => undefined);
      }
    }
  }

  #fresh(consistent: boolean): ReflectorState {
    return this.#watchList ? { type: 'streaming-list' } : { type: 'listing', consistent };
  }

  /** Where a failure leads. */
  #after(error: unknown, state: ReflectorState): ReflectorState {
    if (isExpired(error)) return this.#fresh(true);
    switch (state.type) {
      case 'streaming-list':
        // A server without watch-list says 400 or 422; any other failure is worth trying again.
        if (isInvalid(error) || isBadRequest(error)) this.#watchList = false;
        return this.#fresh(false);
      case 'watching':
        // A refused watch may be the resourceVersion's fault: but for overload, begin anew.
        if (error instanceof StatusError && !isTooManyRequests(error)) return this.#fresh(true);
        // What has been seen is kept: its version may have moved on while watching.
        return { type: 'watching', resourceVersion: this.#lastSyncResourceVersion };
      case 'listing':
        return state;
    }
  }

  async #step(state: ReflectorState, signal: AbortSignal): Promise<ReflectorState> {
    switch (state.type) {
      case 'listing':
        return await this.#list(state.consistent, signal);
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

  async #list(consistent: boolean, signal: AbortSignal): Promise<ReflectorState> {
    const { source, sink, pageSize = 500 } = this.#options;
    const items: Readonly<T>[] = [];
    let page: ListOptions = consistent ? { limit: pageSize, resourceVersion: '' } : { resourceVersion: '0' };
    for (;;) {
      const list = await source.list({ ...this.#selectors, ...page, signal });
      for (const item of list.items) items.push(item);
      const token = list.metadata.continue;
      if (token === undefined || token === '') {
        sink.replace(items);
        return this.#synced(list.metadata.resourceVersion ?? '');
      }
      page = { limit: pageSize, continue: token };
    }
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
          this.#options.sink.replace([...initial.values()]);
          initial.clear();
          this.#lastSyncResourceVersion = object.metadata.resourceVersion ?? '';
        }
      },
    );
    return synced ? { type: 'watching', resourceVersion: this.#lastSyncResourceVersion } : this.#fresh(false);
  }

  async #watch(resourceVersion: string, signal: AbortSignal): Promise<ReflectorState> {
    await this.#follow({ resourceVersion, allowWatchBookmarks: true }, signal, (event) => this.#apply(event));
    return { type: 'watching', resourceVersion: this.#lastSyncResourceVersion };
  }

  /** Reads one watch to its end. Throws what the server says in an ERROR event, and on a stall. */
  async #follow(options: WatchOptions, signal: AbortSignal, onEvent: (event: WatchStreamEvent) => void): Promise<void> {
    const { source, clock, random, minWatchSeconds = 300, stallMs = 180_000 } = this.#options;
    const timeoutSeconds = Math.floor(minWatchSeconds * (1 + random.float()));
    const stalled = new AbortController();
    const both = AbortSignal.any([signal, stalled.signal]);
    const giveUp = (): void => stalled.abort(new Error(`nothing was heard of the watch for ${stallMs / 1000} s`));
    let timer = clock.setTimer(stallMs, giveUp);
    const started = clock.monotonic();
    let count = 0;
    try {
      await using stream = await source.watch({ ...this.#selectors, ...options, timeoutSeconds, signal: both });
      for await (const event of stream) {
        timer.cancel();
        timer = clock.setTimer(stallMs, giveUp);
        count++;
        if (event.type === 'ERROR') throw new StatusError(event.object as unknown as Status);
        onEvent(event);
      }
      // Aborting may end the iteration without an error.
      stalled.signal.throwIfAborted();
    } catch (error) {
      throw stalled.signal.aborted ? stalled.signal.reason : error;
    } finally {
      timer.cancel();
    }
    // As client-go: a watch that ends at once and empty must not be asked for again in a tight loop.
    if (count === 0 && clock.monotonic() - started < 1000 && !signal.aborted) {
      throw new Error('very short watch: it ended within a second without an event');
    }
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
    this.#lastSyncResourceVersion = object.metadata.resourceVersion ?? this.#lastSyncResourceVersion;
  }
}
