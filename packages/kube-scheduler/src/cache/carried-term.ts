/** A term of affinity that pods on nodes carry: where they are, summed up by the term's topology. */
import type { AffinityTerm } from '../framework/affinity-term.ts';
import type { TopologyColumn } from './topology-column.ts';
import { TopologySums, type RowCounts } from './topology-sums.ts';

/** Preferred terms have a weight, negative for anti-affinity. */
export type CarriedKind = 'requiredAffinity' | 'requiredAntiAffinity' | 'preferred';

export class CarriedTerm implements RowCounts {
  readonly term: AffinityTerm;
  readonly kind: CarriedKind;
  readonly weight: number;
  readonly sums: TopologySums;
  readonly #rows = new Map<number, number>();

  constructor(term: AffinityTerm, kind: CarriedKind, { weight, column }: { weight: number; column: TopologyColumn }) {
    this.term = term;
    this.kind = kind;
    this.weight = weight;
    this.sums = new TopologySums(column, this);
  }

  /** No pod carries it any more. */
  get isEmpty(): boolean {
    return this.#rows.size === 0;
  }

  add(row: number, delta: 1 | -1): void {
    const count = (this.#rows.get(row) ?? 0) + delta;
    if (count === 0) this.#rows.delete(row);
    else this.#rows.set(row, count);
    this.sums.changed(row, delta);
  }

  forEachRow(visit: (row: number, count: number) => void): void {
    for (const [row, count] of this.#rows) visit(row, count);
  }
}
