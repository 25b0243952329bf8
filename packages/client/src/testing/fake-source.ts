/** A ListerWatcher with a state and a history of its own, and faults on demand. */
import type { ApiObject } from '@kubets/apimachinery/meta';
import { newResourceExpired } from '@kubets/apimachinery/status';
import type { ListOptions, ObjectList, WatchOptions } from '../rest/resource-client.ts';
import { TransportError, type WatchStream, type WatchStreamEvent } from '../transport.ts';

/** A queue with one reader. */
class Channel<T> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  #wake: (() => void) | undefined;
  #ended = false;
  #error: Error | undefined;

  push(item: T): void {
    this.#items.push(item);
    this.#wake?.();
  }

  end(error?: Error): void {
    this.#ended = true;
    this.#error = error;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) yield item;
      else if (this.#ended) {
        if (this.#error !== undefined) throw this.#error;
        return;
      } else {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        await promise;
      }
    }
  }
}

class FakeStream extends Channel<WatchStreamEvent> implements WatchStream {
  async [Symbol.asyncDispose](): Promise<void> {
    this.end();
    await Promise.resolve();
  }
}

export type Change = { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: ApiObject };

export class FakeSource {
  readonly objects = new Map<string, ApiObject>();
  readonly #history: { revision: number; change: Change }[] = [];
  readonly #streams = new Set<FakeStream>();
  #revision = 1;
  #compacted = 0;
  /** Thrown by the next calls, one each. */
  readonly listFaults: Error[] = [];
  readonly watchFaults: Error[] = [];
  readonly calls: string[] = [];
  /** Refuses watch-list as servers before 1.27 do. */
  supportsWatchList = true;

  get watchers(): number {
    return this.#streams.size;
  }

  put(name: string, value: string): void {
    const type = this.objects.has(name) ? 'MODIFIED' : 'ADDED';
    const object = {
      kind: 'ConfigMap',
      apiVersion: 'v1',
      metadata: { name, namespace: 'ns', resourceVersion: `${++this.#revision}` },
      data: { value },
    };
    this.objects.set(name, object);
    this.#emit({ type, object });
  }

  remove(name: string): void {
    const old = this.objects.get(name);
    if (old === undefined) return;
    this.objects.delete(name);
    this.#emit({
      type: 'DELETED',
      object: { ...old, metadata: { ...old.metadata, resourceVersion: `${++this.#revision}` } },
    });
  }

  bookmark(): void {
    for (const stream of this.#streams) stream.push(this.#bookmark(false));
  }

  /** Forgets history: watches from older versions get 410. */
  compact(): void {
    this.#compacted = this.#revision;
  }

  /** Sends every watcher the last event once more. */
  duplicateLast(): void {
    const last = this.#history.at(-1);
    if (last !== undefined) for (const stream of this.#streams) stream.push(last.change);
  }

  /** Ends all watches: cleanly, or as a broken connection. */
  cut(broken: boolean): void {
    for (const stream of this.#streams) stream.end(broken ? new TransportError('connection reset') : undefined);
    this.#streams.clear();
  }

  async list(options: ListOptions): Promise<ObjectList<ApiObject>> {
    await Promise.resolve();
    const page = options.continue === undefined ? '' : ` from ${options.continue}`;
    this.calls.push(`list ${options.resourceVersion ?? ''}${page}`);
    const fault = this.listFaults.shift();
    if (fault !== undefined) throw fault;
    return this.#page(options);
  }

  /** A page as from a store: the token is the page's start; lists at a version come whole. */
  #page({ limit = 0, continue: token }: ListOptions): ObjectList<ApiObject> {
    const all = [...this.objects.values()];
    const start = Number(token ?? 0);
    const end = limit === 0 ? all.length : Math.min(all.length, start + limit);
    const more = end < all.length ? { continue: `${end}` } : {};
    return { metadata: { resourceVersion: `${this.#revision}`, ...more }, items: all.slice(start, end) };
  }

  async watch(options: WatchOptions): Promise<WatchStream> {
    await Promise.resolve();
    this.calls.push(options.sendInitialEvents === true ? 'watch-list' : `watch ${options.resourceVersion ?? ''}`);
    const fault = this.watchFaults.shift();
    if (fault !== undefined) throw fault;
    const stream = new FakeStream();
    if (options.sendInitialEvents === true) this.#sendInitial(stream);
    else this.#sendHistory(stream, Number(options.resourceVersion));
    this.#streams.add(stream);
    options.signal?.addEventListener('abort', () => {
      this.#streams.delete(stream);
      stream.end(options.signal?.reason as Error);
    });
    return stream;
  }

  #sendInitial(stream: FakeStream): void {
    for (const object of this.objects.values()) stream.push({ type: 'ADDED', object });
    stream.push(this.#bookmark(true));
  }

  #sendHistory(stream: FakeStream, from: number): void {
    if (from < this.#compacted) {
      stream.push({
        type: 'ERROR',
        object: newResourceExpired('too old resource version').status as unknown as ApiObject,
      });
      return;
    }
    for (const { revision, change } of this.#history) if (revision > from) stream.push(change);
  }

  #bookmark(initialEnd: boolean): WatchStreamEvent {
    const annotations = initialEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {};
    return {
      type: 'BOOKMARK',
      object: {
        kind: 'ConfigMap',
        apiVersion: 'v1',
        metadata: { resourceVersion: `${this.#revision}`, ...annotations },
      },
    };
  }

  #emit(change: Change): void {
    this.#history.push({ revision: this.#revision, change });
    for (const stream of this.#streams) stream.push(change);
  }
}
