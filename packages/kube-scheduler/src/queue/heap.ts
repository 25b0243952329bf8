/** A binary heap whose items know their place, so that any of them can be taken out. */

export interface HeapItem {
  /** Kept by the heap; -1 outside. An item is in one heap at a time. */
  heapIndex: number;
}

export class Heap<T extends HeapItem> {
  readonly #items: T[] = [];
  readonly #less: (a: T, b: T) => boolean;

  constructor(less: (a: T, b: T) => boolean) {
    this.#less = less;
  }

  get size(): number {
    return this.#items.length;
  }

  /** The least, left where it is. */
  peek(): T | undefined {
    return this.#items[0];
  }

  has(item: T): boolean {
    return item.heapIndex >= 0 && this.#items[item.heapIndex] === item;
  }

  /** In no order. */
  values(): readonly T[] {
    return this.#items;
  }

  push(item: T): void {
    this.#place(this.#items.length, item);
    this.#up(item.heapIndex);
  }

  pop(): T | undefined {
    const [first] = this.#items;
    if (first !== undefined) this.delete(first);
    return first;
  }

  /** Answers whether it was there. */
  delete(item: T): boolean {
    if (!this.has(item)) return false;
    const at = item.heapIndex;
    item.heapIndex = -1;
    const last = this.#items.pop() as T;
    if (last === item) return true;
    this.#place(at, last);
    this.fix(last);
    return true;
  }

  /** Puts the item where it belongs after what it is ordered by has changed. */
  fix(item: T): void {
    this.#up(item.heapIndex);
    this.#down(item.heapIndex);
  }

  #place(at: number, item: T): void {
    this.#items[at] = item;
    item.heapIndex = at;
  }

  #up(start: number): void {
    let at = start;
    const item = this.#items[at] as T;
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = this.#items[parentAt] as T;
      if (!this.#less(item, parent)) break;
      this.#place(at, parent);
      at = parentAt;
    }
    this.#place(at, item);
  }

  #down(start: number): void {
    let at = start;
    const items = this.#items;
    const item = items[at] as T;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && this.#less(items[child + 1] as T, items[child] as T)) child++;
      const least = items[child] as T;
      if (!this.#less(least, item)) break;
      this.#place(at, least);
      at = child;
    }
    this.#place(at, item);
  }
}
