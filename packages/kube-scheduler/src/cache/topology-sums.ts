/** Counts of pods by value of a node label, kept up to date pod by pod. */
import { noValue, type TopologyColumn } from './topology-column.ts';

/** Something that counts pods by row. */
export interface RowCounts {
  forEachRow(visit: (row: number, count: number) => void): void;
}

export class TopologySums {
  readonly column: TopologyColumn;
  readonly #source: RowCounts;
  #values = new Int32Array(0);
  #total = 0;
  /** Of the column, when the sums were built; 0: never. */
  #version = 0;

  constructor(column: TopologyColumn, source: RowCounts) {
    this.column = column;
    this.#source = source;
  }

  /** By value id; longer than there are ids. Valid until the next change of a pod or a node. */
  get values(): Int32Array {
    if (this.#version !== this.column.version) this.#build();
    return this.#values;
  }

  /** Over all values. */
  get total(): number {
    if (this.#version !== this.column.version) this.#build();
    return this.#total;
  }

  changed(row: number, delta: number): void {
    // Stale anyway: it is built anew when somebody asks.
    if (this.#version !== this.column.version) return;
    const value = this.column.of[row] as number;
    if (value === noValue) return;
    this.#values[value] = (this.#values[value] as number) + delta;
    this.#total += delta;
  }

  /** Frees memory; the sums are built anew when somebody asks. */
  forget(): void {
    this.#version = 0;
    this.#values = new Int32Array(0);
  }

  #build(): void {
    const { column } = this;
    const values = new Int32Array(column.idLimit);
    let total = 0;
    this.#source.forEachRow((row, count) => {
      const value = column.of[row] as number;
      if (value === noValue) return;
      values[value] = (values[value] as number) + count;
      total += count;
    });
    this.#values = values;
    this.#total = total;
    this.#version = column.version;
  }
}
