/** One handler of a shared informer, with its own queue (client-go `tools/cache`: `processorListener`). */

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
  #queue: Notification<T>[] = [];
  #running = false;
  /** Initial notifications not yet handled. */
  #initialLeft = 0;
  #listed: boolean;
  #stopped = false;
  #idle: (() => void)[] = [];

  constructor(handler: EventHandler<T>, onError: ErrorHandler, listed: boolean) {
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

  /** Nothing more is told, not even what waits; a call under way goes on. */
  stop(): void {
    this.#stopped = true;
    this.#queue = [];
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

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue;
      this.#queue = [];
      for (const notification of batch) {
        if (this.#stopped) break;
        try {
          const pending = this.#call(notification);
          if (pending !== undefined) await pending;
        } catch (error) {
          this.#onError(error, `a handler failed on ${notification.type}: ${textOf(error)}`);
        }
        if (notification.type === 'add' && notification.initial) this.#initialLeft--;
      }
    }
    this.#running = false;
    for (const resolve of this.#idle.splice(0)) resolve();
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
