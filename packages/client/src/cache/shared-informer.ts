/**
 * One mirror of a resource for many readers (client-go `tools/cache/shared_informer.go`).
 *
 * Guarantees to every handler: each object's changes come in order; `onAdd` first, then `onUpdate`s,
 * then `onDelete`; a handler added late gets an `onAdd` for all that is there. The store is always
 * at least as new as what a handler is told. A slow or failing handler delays no other one.
 */
import type { Clock, Random, Timer } from '@kubets/apimachinery/clock';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { stepsInTurns, turnsOf, type Turns } from '@kubets/apimachinery/turns';
import { DeltaFifo, type Delta } from './delta-fifo.ts';
import { Indexer, keyOf, type IndexFunction } from './indexer.ts';
import { Listener, type ErrorHandler, type EventHandler, type Notification } from './listener.ts';
import { Reflector, type ListerWatcher, type ReflectorOptions } from './reflector.ts';

export interface InformerOptions<T extends ApiObject> extends Pick<
  ReflectorOptions<T>,
  'name' | 'labelSelector' | 'fieldSelector' | 'watchList' | 'pageSize' | 'minWatchSeconds' | 'stallMs'
> {
  readonly source: ListerWatcher<T>;
  readonly clock: Clock;
  readonly random: Random;
  readonly indexes?: Readonly<Record<string, IndexFunction<T>>>;
  /** Every known object is offered again so often; 0: never. */
  readonly resyncMs?: number;
  /**
   * Makes what is stored of an object, e.g. without its managed fields, to save memory (client-go
   * `SetTransform`). It must return a new object where it changes something: what it is given may be
   * shared. When it throws, that is reported and the object kept as it came.
   */
  readonly transform?: (object: Readonly<T>) => Readonly<T>;
  /** Told of every handler that is added, so that whoever owns several can take them away together. */
  readonly onRegistered?: (registration: Registration) => void;
  /** Told of failures of the connection and of handlers; both are retried or passed over, never silently. */
  readonly onError: ErrorHandler;
}

/** How a handler's owner asks about it and takes it away. */
export interface Registration {
  /** Everything of the first list has been handled by this handler. */
  readonly hasSynced: boolean;
  /** The handler is called no more, not even for what waits already. Idempotent. */
  remove(): void;
}

export class SharedInformer<T extends ApiObject> {
  readonly #options: InformerOptions<T>;
  readonly #indexer: Indexer<T>;
  readonly #fifo: DeltaFifo<T>;
  readonly #listeners = new Set<Listener<T>>();
  readonly #waiting = new Set<PromiseWithResolvers<void>>();
  readonly #turns: Turns;
  /** What is queued is being applied, in several turns. */
  #applying = false;
  #ended = false;
  #reflector: Reflector<T> | undefined;
  #resyncTimer: Timer | undefined;

  constructor(options: InformerOptions<T>) {
    this.#options = options;
    this.#indexer = new Indexer(options.indexes);
    this.#fifo = new DeltaFifo(this.#indexer);
    this.#turns = turnsOf(options.clock);
  }

  /** Adds indexes, also while running; what is stored is indexed at once. Throws for a name that is taken. */
  addIndexes(indexes: Readonly<Record<string, IndexFunction<T>>>): void {
    this.#indexer.addIndexes(indexes);
  }

  /** Read only. */
  get store(): Pick<Indexer<T>, 'get' | 'list' | 'keys' | 'byIndex' | 'keysByIndex' | 'indexValues' | 'size'> {
    return this.#indexer;
  }

  /** The first complete list is in the store. */
  get hasSynced(): boolean {
    return this.#fifo.hasSynced;
  }

  get lastSyncResourceVersion(): string {
    return this.#reflector?.lastSyncResourceVersion ?? '';
  }

  /** Tells the handler of all that is there, then of every change. */
  addEventHandler(handler: EventHandler<T>): Registration {
    const listener = new Listener(handler, {
      onError: this.#options.onError,
      turns: this.#turns,
      listed: this.hasSynced,
    });
    for (const object of this.#indexer.list()) listener.notify({ type: 'add', object, initial: true });
    this.#listeners.add(listener);
    const registration: Registration = {
      get hasSynced() {
        return listener.hasSynced;
      },
      remove: () => {
        listener.stop();
        this.#listeners.delete(listener);
      },
    };
    this.#options.onRegistered?.(registration);
    return registration;
  }

  /**
   * Resolves when {@link hasSynced} is true and all handlers have been called with what was in the store then; only a call
   * that itself waits for something is not waited for. Rejects when the signal is aborted first, or the informer ends.
   */
  async waitForSync(signal: AbortSignal): Promise<void> {
    if (!this.hasSynced) await this.#waitForStore(signal);
    await Promise.all(Array.from(this.#listeners, (listener) => listener.told()));
  }

  async #waitForStore(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#ended) throw new Error('the informer has ended before its first list was complete');
    const waiting = Promise.withResolvers<void>();
    const onAbort = (): void => waiting.reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    this.#waiting.add(waiting);
    await waiting.promise.finally(() => {
      this.#waiting.delete(waiting);
      signal.removeEventListener('abort', onAbort);
    });
  }

  /** Runs until the signal is aborted, and then until the handlers' calls under way have ended. Single use. */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#reflector !== undefined) throw new Error('an informer runs once: make a new one');
    const apply = (change: () => void): void => {
      change();
      this.#process();
    };
    this.#reflector = new Reflector<T>({
      ...this.#options,
      onError: (error, _next, text) => this.#options.onError(error, text),
      sink: {
        replace: (objects) => this.#replace(objects),
        add: (object) => apply(() => this.#fifo.add(this.#transformed(object))),
        update: (object) => apply(() => this.#fifo.update(this.#transformed(object))),
        delete: (object) => apply(() => this.#fifo.delete(this.#transformed(object))),
      },
    });
    this.#scheduleResync();
    try {
      await this.#reflector.run(signal);
    } finally {
      this.#ended = true;
      this.#resyncTimer?.cancel();
      const why = new Error('the informer has ended before its first list was complete');
      for (const waiting of this.#waiting) waiting.reject(why);
      for (const listener of this.#listeners) listener.stop();
      await Promise.all([...this.#listeners].map((listener) => listener.idle()));
    }
  }

  readonly #transformed = (object: Readonly<T>): Readonly<T> => {
    const { transform, onError } = this.#options;
    if (transform === undefined) return object;
    try {
      return transform(object);
    } catch (error) {
      onError(
        error,
        `the transform failed on ${keyOf(object)}: ${error instanceof Error ? error.message : String(error)}`,
      );
      return object;
    }
  };

  #scheduleResync(): void {
    const { clock, resyncMs = 0 } = this.#options;
    if (resyncMs <= 0) return;
    this.#resyncTimer = clock.setTimer(resyncMs, () => {
      this.#fifo.resync();
      this.#process();
      this.#scheduleResync();
    });
  }

  async #replace(objects: readonly Readonly<T>[]): Promise<void> {
    await stepsInTurns(this.#turns, this.#fifo.replacing(mapped(objects, this.#transformed)), 'news');
    if (!this.#applying) await stepsInTurns(this.#turns, this.#applyAll(), 'news');
  }

  /** Applies what is queued: at once when it is one change, as usual, and nothing else is being applied. */
  #process(): void {
    if (this.#applying) return;
    if (this.#fifo.size === 1) this.#applyNext();
    if (this.#fifo.size === 0) return this.#applied();
    const { onError } = this.#options;
    stepsInTurns(this.#turns, this.#applyAll(), 'news')?.catch((error: unknown) =>
      onError(error, `a change could not be applied: ${error instanceof Error ? error.message : String(error)}`),
    );
  }

  /** In steps, also what comes meanwhile. */
  *#applyAll(): Generator<void, void> {
    this.#applying = true;
    try {
      while (this.#applyNext()) yield;
    } finally {
      this.#applying = false;
    }
    this.#applied();
  }

  #applyNext(): boolean {
    const next = this.#fifo.pop();
    if (next === undefined) return false;
    for (const delta of next.deltas) this.#apply(next.key, delta, next.isInInitialList);
    return true;
  }

  #applied(): void {
    if (!this.hasSynced) return;
    for (const listener of this.#listeners) listener.listed();
    for (const waiting of this.#waiting) waiting.resolve();
    this.#waiting.clear();
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

function* mapped<A, B>(values: readonly A[], change: (value: A) => B): Generator<B, void> {
  for (const value of values) yield change(value);
}

/**
 * Resolves when all informers have their first complete list; rejects with the signal's reason when it
 * is aborted first (client-go `cache.WaitForCacheSync`).
 */
export async function waitForCacheSync(
  signal: AbortSignal,
  ...informers: readonly Pick<SharedInformer<ApiObject>, 'waitForSync'>[]
): Promise<void> {
  await Promise.all(informers.map((informer) => informer.waitForSync(signal)));
}
