/** Constraints that are preferences (`pkg/scheduler/framework/plugins/podtopologyspread/scoring.go`). */
import type { NodeTable } from '../../cache/node-table.ts';
import { noValue } from '../../cache/topology-column.ts';
import { maxNodeScore } from '../../framework/types.ts';
import type { SpreadSums } from './spread-sums.ts';

const hostname = 'kubernetes.io/hostname';

export class SoftScorer {
  readonly #table: NodeTable;
  readonly #soft: readonly SpreadSums[];
  /** Nodes that lack one of the labels score 0; otherwise they only lack that part of the score. */
  readonly #requireAll: boolean;
  #seen = new Uint8Array(0);
  #ignored = new Uint8Array(0);

  constructor(table: NodeTable, soft: readonly SpreadSums[], requireAll: boolean) {
    this.#table = table;
    this.#soft = soft;
    this.#requireAll = requireAll;
  }

  score(rows: Int32Array, count: number, scores: Float64Array): boolean {
    if (this.#ignored.length < this.#table.capacity) this.#ignored = new Uint8Array(this.#table.capacity);
    const considered = this.#markIgnored(rows, count);
    scores.fill(0, 0, count);
    for (const sums of this.#soft) this.#add(sums, considered, { rows, count, scores });
    return this.#normalize(count, scores);
  }

  /** By position. Answers how many nodes are not ignored. */
  #markIgnored(rows: Int32Array, count: number): number {
    const ignored = this.#ignored;
    ignored.fill(0, 0, count);
    if (!this.#requireAll) return count;
    let left = count;
    for (let i = 0; i < count; i++) {
      for (const { column } of this.#soft) {
        if (column.of[rows[i] as number] !== noValue) continue;
        ignored[i] = 1;
        left--;
        break;
      }
    }
    return left;
  }

  /** Many domains make each pod of a difference count more (`topologyNormalizingWeight`). */
  #add(sums: SpreadSums, considered: number, into: { rows: Int32Array; count: number; scores: Float64Array }): void {
    const { rows, count, scores } = into;
    const { column, constraint, counter } = sums;
    const perNode = constraint.topologyKey === hostname;
    const weight = Math.log((perNode ? considered : this.#distinct(sums, rows, count)) + 2);
    const ignored = this.#ignored;
    const counts = perNode ? counter.rows : sums.sums;
    const base = constraint.maxSkew - 1;
    for (let i = 0; i < count; i++) {
      if (ignored[i] === 1) continue;
      const row = rows[i] as number;
      const value = column.of[row] as number;
      if (value === noValue) continue;
      const at = perNode ? row : value;
      const pods = at < counts.length ? (counts[at] as number) : 0;
      scores[i] = (scores[i] as number) + pods * weight + base;
    }
  }

  /** How many values the nodes that are left have; a missing label is one too, where labels are not required. */
  #distinct({ column }: SpreadSums, rows: Int32Array, count: number): number {
    if (this.#seen.length < column.idLimit) this.#seen = new Uint8Array(column.idLimit * 2);
    const seen = this.#seen;
    seen.fill(0);
    const ignored = this.#ignored;
    let distinct = 0;
    let missing = 0;
    for (let i = 0; i < count; i++) {
      if (ignored[i] === 1) continue;
      const value = column.of[rows[i] as number] as number;
      if (value === noValue) missing = 1;
      else if (seen[value] === 0) {
        seen[value] = 1;
        distinct++;
      }
    }
    return distinct + missing;
  }

  #normalize(count: number, scores: Float64Array): boolean {
    const ignored = this.#ignored;
    let min = Number.POSITIVE_INFINITY;
    let max = 0;
    for (let i = 0; i < count; i++) {
      if (ignored[i] === 1) continue;
      const score = Math.round(scores[i] as number);
      scores[i] = score;
      if (score < min) min = score;
      if (score > max) max = score;
    }
    for (let i = 0; i < count; i++) {
      if (ignored[i] === 1) scores[i] = 0;
      else if (max === 0) scores[i] = maxNodeScore;
      else scores[i] = Math.trunc((maxNodeScore * (max + min - (scores[i] as number))) / max);
    }
    return true;
  }
}
