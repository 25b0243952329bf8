/** Watches (`apiserver/pkg/storage/cacher/cacher.go`, `Watch`; `endpoints/handlers/get.go`). */
import type { ApiRequest, ApiResult, WatchResultEvent, WatchSource } from '../../server/types.ts';
import type { WatchOptions } from '../../storage/watch-cache.ts';
import { parseListOptions, type ListOptions } from './list-options.ts';
import { servedEntry } from './results.ts';
import type { ResourceScope } from './scope.ts';

/**
 * - No resourceVersion, or `0`: the state as ADDED events, then what changes.
 * - A resourceVersion: what changes after it; a 410 event when that is too long ago.
 * - `sendInitialEvents=true`: the state, at least as new as the resourceVersion, then (with bookmarks)
 *   the bookmark that ends it; `false`: no state.
 *
 * Throws 504 when the state asked for is in the future.
 */
export function watchResource(scope: ResourceScope, request: ApiRequest): ApiResult | Promise<ApiResult> {
  const options = parseListOptions(scope, request);
  const ready = freshness(scope, options);
  return ready === undefined ? start(scope, options) : ready.then(() => start(scope, options));
}

function freshness(scope: ResourceScope, options: ListOptions): Promise<void> | undefined {
  const { directory } = scope.environment;
  if (options.resourceVersion === '') return directory.consistent();
  return options.sendInitialEvents === true ? directory.atLeast(options.revision) : undefined;
}

function start(scope: ResourceScope, options: ListOptions): ApiResult {
  const source = scope.store.cache.watch(watchOptionsOf(options));
  const { gvk, fromStorage } = scope;
  return { type: 'watch', gvk, source: fromStorage === undefined ? source : new ConvertedWatch(scope, source) };
}

function watchOptionsOf(options: ListOptions): WatchOptions {
  const { selection, revision, sendInitialEvents, allowWatchBookmarks, timeoutSeconds } = options;
  const initialEvents = sendInitialEvents ?? revision === 0;
  return {
    selection,
    fromRevision: revision === 0 ? undefined : revision,
    initialEvents,
    bookmarks: allowWatchBookmarks,
    initialEventsEnd: sendInitialEvents === true && allowWatchBookmarks,
    timeoutMs: timeoutSeconds * 1000,
  };
}

/** A watch whose objects are in another version than the stored one. */
class ConvertedWatch implements WatchSource {
  readonly #scope: ResourceScope;
  readonly #source: WatchSource;

  constructor(scope: ResourceScope, source: WatchSource) {
    this.#scope = scope;
    this.#source = source;
  }

  get ended(): boolean {
    return this.#source.ended;
  }

  take(max: number): readonly WatchResultEvent[] {
    return this.#source.take(max).map((event) => this.#convert(event));
  }

  onReady(callback: () => void): void {
    this.#source.onReady(callback);
  }

  close(): void {
    this.#source.close();
  }

  #convert(event: WatchResultEvent): WatchResultEvent {
    if (event.type === 'BOOKMARK' || event.type === 'ERROR') return event;
    const { type, entry, eventRevision } = event;
    return { type, entry: servedEntry(this.#scope, entry), eventRevision };
  }
}
