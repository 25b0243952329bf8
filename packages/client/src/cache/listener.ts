/** One handler of a shared informer, with its own queue (client-go `tools/cache`: `processorListener`). */

import type { Turns } from '@kubets/apimachinery/turns';

export interface EventHandler<T> {
  onAdd?(object: Readonly<T>, isInInitialList: boolean): void | Promise<void>;
  /** Also called with old and new alike at each resync. */
  onUpdate?(old: Readonly<T>, object: Readonly<T>): void | Promise<void>;
  /** `finalStateUnknown`: the deletion was missed, `object` is the last state seen. */
  onDelete?(object: Readonly<T>, finalStateUnknown: boolean): void | Promise<void>;
}

/** Told of what went wrong, and a line of text saying so. */
export type ErrorHandler = (error: unknown, text: string) => void;

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** What a handler is told. */
export type Notification<T> =
  | { readonly type: 'add'; readonly object: Readonly<T>; readonly initial: boolean }
  | { readonly type: 'update'; readonly old: Readonly<T>; readonly object: Readonly<T> }
  | { readonly type: 'delete'; readonly object: Readonly<T>; readonly finalStateUnknown: boolean };

/** A handler with its queue. */
export class Listener<T> {
  readonly #handler: EventHandler<T>;
  readonly #onError: ErrorHandler;
  readonly #turns: Turns;
  #queue: Notification<T>[] = [];
  #running = false;
  /** A call under way is waited for. */
  #calling = false;
  /** Initial notifications not yet handled. */
  #initialLeft = 0;
  #listed: boolean;
  #stopped = false;
  #idle: (() => void)[] = [];
  /** Of those who wait until the first list has been told. */
  #told: (() => void)[] = [];

  /** `listed`: the first list is complete already. */
  constructor(
    handler: EventHandler<T>,
    { onError, turns, listed }: { readonly onError: ErrorHandler; readonly turns: Turns; readonly listed: boolean },
  ) {
    this.#handler = handler;
    this.#onError = onError;
    this.#turns = turns;
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

  /** Nothing more is told, not even what waits; a call under way goes on. */
  stop(): void {
    this.#stopped = true;
    this.#queue = [];
  }

  /** Resolves when everything of the first list has been told, or a call has to be waited for: that may take for ever. */
  async told(): Promise<void> {
    if (this.#initialLeft === 0 || this.#calling || this.#stopped) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#told.push(resolve);
    await promise;
  }

  /** Resolves when no call is under way. */
  async idle(): Promise<void> {
    if (!this.#running) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#idle.push(resolve);
    await promise;
  }

  /** Queues; the handler is called soon, never within this call. */
  notify(notification: Notification<T>): void {
    if (this.#stopped) return;
    if (notification.type === 'add' && notification.initial) this.#initialLeft++;
    this.#queue.push(notification);
    if (this.#running) return;
    this.#running = true;
    queueMicrotask(() => void this.#drain());
  }

  /** In as many turns of the event loop as it needs. */
  async #drain(): Promise<void> {
    let pieceEnd = -Infinity;
    while (this.#queue.length > 0) {
      const batch = this.#queue;
      this.#queue = [];
      for (const notification of batch) {
        if (this.#turns.now() >= pieceEnd) {
          const turn = this.#turns.enter('news');
          if (turn !== undefined) await turn;
          pieceEnd = this.#turns.pieceEnd();
        }
        if (this.#stopped) break;
        const pending = this.#tell(notification);
        if (pending !== undefined) await pending;
        if (notification.type === 'add' && notification.initial && --this.#initialLeft === 0) this.#wakeTold();
      }
    }
    this.#running = false;
    this.#wakeTold();
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #wakeTold(): void {
    if (this.#told.length > 0) for (const resolve of this.#told.splice(0)) resolve();
  }

  #tell(notification: Notification<T>): Promise<void> | undefined {
    try {
      const pending = this.#call(notification);
      return pending === undefined ? undefined : this.#waitFor(pending, notification);
    } catch (error) {
      this.#failed(error, notification);
      return undefined;
    }
  }

  async #waitFor(pending: Promise<void>, notification: Notification<T>): Promise<void> {
    this.#calling = true;
    this.#wakeTold();
    try {
      await pending;
    } catch (error) {
      this.#failed(error, notification);
    } finally {
      this.#calling = false;
    }
  }

  #failed(error: unknown, { type }: Notification<T>): void {
    this.#onError(error, `a handler failed on ${type}: ${textOf(error)}`);
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
