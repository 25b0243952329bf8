/** One node label as a column of small numbers: what spreading and affinity group nodes by. */

/** For rows whose node does not have the label. */
export const noValue = -1;

export class TopologyColumn {
  readonly key: string;
  /** Value of each row, or {@link noValue}. */
  of: Int32Array;
  /** Grows when a row's value changes: sums by value have to be built anew then. */
  version = 1;
  readonly #ids = new Map<string, number>();
  readonly #names: string[] = [];
  /** How many rows have each value; ids of values without rows are given out again. */
  readonly #rows: number[] = [];
  readonly #free: number[] = [];

  constructor(key: string, capacity: number) {
    this.key = key;
    this.of = new Int32Array(capacity).fill(noValue);
  }

  /** All ids are below. */
  get idLimit(): number {
    return this.#names.length;
  }

  /** How many values there are. */
  get size(): number {
    return this.#ids.size;
  }

  grow(capacity: number): void {
    const grown = new Int32Array(capacity).fill(noValue);
    grown.set(this.of);
    this.of = grown;
  }

  id(value: string): number {
    return this.#ids.get(value) ?? noValue;
  }

  name(id: number): string | undefined {
    return this.#names[id];
  }

  set(row: number, value: string | undefined): void {
    const before = this.of[row] as number;
    if (value === undefined ? before === noValue : before !== noValue && this.#names[before] === value) return;
    if (before !== noValue) this.#release(before);
    this.of[row] = value === undefined ? noValue : this.#take(value);
    this.version++;
  }

  #take(value: string): number {
    let id = this.#ids.get(value);
    if (id === undefined) {
      id = this.#free.pop() ?? this.#names.length;
      this.#ids.set(value, id);
      this.#names[id] = value;
      this.#rows[id] = 0;
    }
    this.#rows[id] = (this.#rows[id] as number) + 1;
    return id;
  }

  #release(id: number): void {
    const left = (this.#rows[id] as number) - 1;
    this.#rows[id] = left;
    if (left > 0) return;
    this.#ids.delete(this.#names[id] as string);
    this.#free.push(id);
  }
}
