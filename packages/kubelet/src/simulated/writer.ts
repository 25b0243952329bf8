/** Many small writes, a bounded number of them at a time. */

/**
 * Works through items in the order in which they came, `width` at a time. An item that is added while it waits is worked
 * on once; one that is added while it is being worked on, once more afterwards.
 */
export class Writer<T> {
  readonly #width: number;
  readonly #work: (item: T) => Promise<void>;
  readonly #onError: (item: T, error: unknown) => void;
  #waiting = new Set<T>();
  readonly #active = new Map<T, { again: boolean }>();
  #idle: (() => void)[] = [];
  #stopped = false;

  constructor(options: {
    readonly width: number;
    readonly work: (item: T) => Promise<void>;
    /** Never throws. */
    readonly onError: (item: T, error: unknown) => void;
  }) {
    this.#width = options.width;
    this.#work = options.work;
    this.#onError = options.onError;
  }

  add(item: T): void {
    if (this.#stopped) return;
    const active = this.#active.get(item);
    if (active !== undefined) {
      active.again = true;
      return;
    }
    this.#waiting.add(item);
    if (this.#active.size < this.#width) this.#next();
  }

  /** Whether the item waits or is being worked on. */
  has(item: T): boolean {
    return this.#waiting.has(item) || this.#active.has(item);
  }

  delete(item: T): void {
    this.#waiting.delete(item);
  }

  /** Nothing more is begun. */
  stop(): void {
    this.#stopped = true;
    this.#waiting.clear();
  }

  /** Resolves when nothing waits or is being worked on. */
  async idle(): Promise<void> {
    while (this.#active.size + this.#waiting.size > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#idle.push(resolve);
      await promise;
    }
  }

  #next(): void {
    const first = this.#waiting.values().next();
    if (first.done === true) return;
    this.#waiting.delete(first.value);
    void this.#run(first.value);
  }

  async #run(item: T): Promise<void> {
    const state = { again: false };
    this.#active.set(item, state);
    try {
      await this.#work(item);
    } catch (error) {
      this.#onError(item, error);
    }
    this.#active.delete(item);
    if (state.again) this.add(item);
    if (this.#active.size < this.#width) this.#next();
    if (this.#active.size + this.#waiting.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }
}
