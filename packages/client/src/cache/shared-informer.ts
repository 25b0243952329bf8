/**
 * One mirror of a resource for many readers (client-go `tools/cache/shared_informer.go`).
 *
 * Guarantees to every handler: each object's changes come in order; `onAdd` first, then `onUpdate`s,
 * then `onDelete`; a handler added late gets an `onAdd` for all that is there. The store is always
 * at least as new as what a handler is told. A slow or failing handler delays no other one.
 */
import type { Clock, Random, Timer } from '@kubets/apimachinery/clock';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { DeltaFifo, type Delta } from './delta-fifo.ts';
import { Indexer, type IndexFunction } from './indexer.ts';
import { Reflector, type ListerWatcher, type ReflectorOptions } from './reflector.ts';

export interface EventHandler<T> {
  onAdd?(object: Readonly<T>, isInInitialList: boolean): void | Promise<void>;
  /** Also called with old and new alike at each resync. */
  onUpdate?(old: Readonly<T>, object: Readonly<T>): void | Promise<void>;
  /** `finalStateUnknown`: the deletion was missed, `object` is the last state seen. */
  onDelete?(object: Readonly<T>, finalStateUnknown: boolean): void | Promise<void>;
}

export interface InformerOptions<T extends ApiObject> extends Pick<
  ReflectorOptions<T>,
  'labelSelector' | 'fieldSelector' | 'watchList' | 'pageSize' | 'minWatchSeconds' | 'stallMs'
> {
  readonly source: ListerWatcher<T>;
  readonly clock: Clock;
  readonly random: Random;
  readonly indexes?: Readonly<Record<string, IndexFunction<T>>>;
  /** Every known object is offered again so often; 0: never. */
  readonly resyncMs?: number;
  /** Told of failures of the connection and of handlers; both are retried or passed over, never silently. */
  readonly onError: (error: unknown) => void;
}

type Notification<T> =
  | { readonly type: 'add'; readonly object: Readonly<T>; readonly initial: boolean }
  | { readonly type: 'update'; readonly old: Readonly<T>; readonly object: Readonly<T> }
  | { readonly type: 'delete'; readonly object: Readonly<T>; readonly finalStateUnknown: boolean };

/** A handler with its queue. */
class Listener<T> {
  readonly #handler: EventHandler<T>;
  readonly #onError: (error: unknown) => void;
  #queue: Notification<T>[] = [];
  #running = false;
  /** Initial notifications not yet handled. */
  #initialLeft = 0;
  #listed: boolean;

  constructor(handler: EventHandler<T>, onError: (error: unknown) => void, listed: boolean) {
    this.#handler = handler;
    this.#onError = onError;
    this.#listed = listed;
  }

  /** Everything of the first list has been handled. */
  get hasSynced(): boolean {
    return this.#listed && this.#initialLeft === 0;
  }

  /** The first list is complete: what is queued by now belongs to it. */
  listed(): void {
    this.#listed = true;
  }

  notify(notification: Notification<T>): void {
    if (notification.type === 'add' && notification.initial) this.#initialLeft++;
    this.#queue.push(notification);
    if (this.#running) return;
    this.#running = true;
    queueMicrotask(() => void this.#drain());
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue;
      this.#queue = [];
      for (const notification of batch) {
        try {
          const pending = this.#call(notification);
          if (pending !== undefined) await pending;
        } catch (error) {
          this.#onError(error);
        }
        if (notification.type === 'add' && notification.initial) this.#initialLeft--;
      }
    }
    this.#running = false;
  }

  #call(notification: Notification<T>): void | Promise<void> {
    switch (notification.type) {
      case 'add':
        return this.#handler.onAdd?.(notification.object, notification.initial);
      case 'update':
        return this.#handler.onUpdate?.(notification.old, notification.object);
      case 'delete':
        return this.#handler.onDelete?.(notification.object, notification.finalStateUnknown);
    }
  }
}

/** How a handler's owner asks about it and takes it away. */
export interface Registration {
  /** Everything of the first list has been handled by this handler. */
  readonly hasSynced: boolean;
  remove(): void;
}

export class SharedInformer<T extends ApiObject> {
  readonly #options: InformerOptions<T>;
  readonly #indexer: Indexer<T>;
  readonly #fifo: DeltaFifo<T>;
  readonly #listeners = new Set<Listener<T>>();
  readonly #waiting: (() => void)[] = [];
  #reflector: Reflector<T> | undefined;
  #resyncTimer: Timer | undefined;

  constructor(options: InformerOptions<T>) {
    this.#options = options;
    this.#indexer = new Indexer(options.indexes);
    this.#fifo = new DeltaFifo(this.#indexer);
  }

  /** Read only. */
  get store(): Pick<Indexer<T>, 'get' | 'list' | 'keys' | 'byIndex' | 'size'> {
    return this.#indexer;
  }

  /** The first complete list is in the store. */
  get hasSynced(): boolean {
    return this.#fifo.hasSynced;
  }

  get lastSyncResourceVersion(): string {
    return this.#reflector?.lastSyncResourceVersion ?? '';
  }

  addEventHandler(handler: EventHandler<T>): Registration {
    const listener = new Listener(handler, this.#options.onError, this.hasSynced);
    for (const object of this.#indexer.list()) listener.notify({ type: 'add', object, initial: true });
    this.#listeners.add(listener);
    return {
      get hasSynced() {
        return listener.hasSynced;
      },
      remove: () => void this.#listeners.delete(listener),
    };
  }

  /** Resolves when {@link hasSynced} is true; rejects when the signal is aborted first. */
  async waitForSync(signal: AbortSignal): Promise<void> {
    if (this.hasSynced) return;
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    this.#waiting.push(resolve);
    await promise.finally(() => signal.removeEventListener('abort', onAbort));
  }

  /** Runs until the signal is aborted. May be called once. */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#reflector !== undefined) throw new Error('an informer runs once: make a new one');
    const apply = (change: () => void): void => {
      change();
      this.#process();
    };
    this.#reflector = new Reflector<T>({
      ...this.#options,
      sink: {
        replace: (objects) => apply(() => this.#fifo.replace(objects)),
        add: (object) => apply(() => this.#fifo.add(object)),
        update: (object) => apply(() => this.#fifo.update(object)),
        delete: (object) => apply(() => this.#fifo.delete(object)),
      },
    });
    this.#scheduleResync();
    try {
      await this.#reflector.run(signal);
    } finally {
      this.#resyncTimer?.cancel();
    }
  }

  #scheduleResync(): void {
    const { clock, resyncMs = 0 } = this.#options;
    if (resyncMs <= 0) return;
    this.#resyncTimer = clock.setTimer(resyncMs, () => {
      this.#fifo.resync();
      this.#process();
      this.#scheduleResync();
    });
  }

  #process(): void {
    for (let next = this.#fifo.pop(); next !== undefined; next = this.#fifo.pop()) {
      for (const delta of next.deltas) this.#apply(next.key, delta, next.isInInitialList);
    }
    if (!this.hasSynced) return;
    for (const listener of this.#listeners) listener.listed();
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #apply(key: string, delta: Delta<T>, initial: boolean): void {
    const old = this.#indexer.get(key);
    if (delta.type === 'Deleted') {
      this.#indexer.delete(key);
      if (old === undefined) return;
      const finalStateUnknown = delta.finalStateUnknown === true;
      this.#distribute({ type: 'delete', object: delta.object, finalStateUnknown });
      return;
    }
    this.#indexer.set(key, delta.object);
    if (old === undefined) this.#distribute({ type: 'add', object: delta.object, initial });
    else this.#distribute({ type: 'update', old, object: delta.object });
  }

  #distribute(notification: Notification<T>): void {
    for (const listener of this.#listeners) listener.notify(notification);
  }
}
