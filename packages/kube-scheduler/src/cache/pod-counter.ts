/** How many pods that a selector means are on each node. */
import type { Labels } from '@kubets/apimachinery/labels';
import type { LabelSet } from './label-set.ts';
import type { TopologyColumn } from './topology-column.ts';
import { TopologySums, type RowCounts } from './topology-sums.ts';

/** Which pods are meant. */
export interface PodMatcher {
  /** The same text for matchers that mean the same. */
  readonly key: string;
  matches(namespace: string, labels: Labels | undefined, namespaceLabels: Labels | undefined): boolean;
  /** Whether labels of namespaces matter. */
  readonly readsNamespaceLabels: boolean;
  /** Pods being deleted do not count. */
  readonly liveOnly: boolean;
}

/** Told of each change of a count. */
export interface RowListener {
  changed(row: number, delta: number): void;
}

export class PodCounter implements RowCounts {
  readonly matcher: PodMatcher;
  /** How many hold on to it; see `PodCounts.counter`. */
  users = 0;
  readonly #listeners = new Set<RowListener>();
  readonly #sums = new Map<TopologyColumn, TopologySums>();
  #rows: Int32Array = new Int32Array(64);

  constructor(matcher: PodMatcher) {
    this.matcher = matcher;
  }

  at(row: number): number {
    return row < this.#rows.length ? (this.#rows[row] as number) : 0;
  }

  /** By row; rows beyond its end count 0. Valid until the next change. */
  get rows(): Int32Array {
    return this.#rows;
  }

  /** The counts summed up by a label's values. */
  by(column: TopologyColumn): TopologySums {
    let sums = this.#sums.get(column);
    if (sums === undefined) {
      sums = new TopologySums(column, this);
      this.#sums.set(column, sums);
    }
    return sums;
  }

  listen(listener: RowListener): void {
    this.#listeners.add(listener);
  }

  unlisten(listener: RowListener): void {
    this.#listeners.delete(listener);
  }

  add(row: number, delta: number): void {
    if (row >= this.#rows.length) this.#grow(row);
    this.#rows[row] = (this.#rows[row] as number) + delta;
    for (const sums of this.#sums.values()) sums.changed(row, delta);
    for (const listener of this.#listeners) listener.changed(row, delta);
  }

  /** Counts the pods of a label set that are there already (sign 1), or no longer (sign -1). */
  addAll(set: LabelSet, sign: 1 | -1): void {
    for (const [row, count] of set.live) this.add(row, sign * count);
    if (this.matcher.liveOnly) return;
    for (const [row, count] of set.terminating) this.add(row, sign * count);
  }

  forEachRow(visit: (row: number, count: number) => void): void {
    const rows = this.#rows;
    for (let row = 0; row < rows.length; row++) {
      const count = rows[row] as number;
      if (count !== 0) visit(row, count);
    }
  }

  #grow(row: number): void {
    const grown = new Int32Array(Math.max(row + 1, this.#rows.length * 2));
    grown.set(this.#rows);
    this.#rows = grown;
  }
}
