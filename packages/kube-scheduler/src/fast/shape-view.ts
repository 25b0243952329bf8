/**
 * Which nodes suit pods of one shape, as far as each node by itself decides it, and how well: kept by row, and worked out again
 * only for rows that have changed since.
 */
import type { NodeTable } from '../cache/node-table.ts';
import type { Status } from '../framework/status.ts';
import type { LocalKernel } from './kernel.ts';

export interface ConfiguredKernel {
  readonly kernel: LocalKernel;
  readonly filters: boolean;
  /** Of its scores; 0: they do not count. */
  readonly weight: number;
}

/** Scores that count only in proportion to those of the other feasible nodes. */
export interface RawScores {
  readonly kernel: LocalKernel;
  readonly weight: number;
  scores: Float64Array;
}

/** The code of rows without a node. */
export const absent = -1;

export class ShapeView {
  /** 0: feasible; {@link absent}; otherwise see {@link status}. */
  codes = new Int32Array(0);
  /** Weighted sums of the scores that need no normalisation. */
  scores = new Float64Array(0);
  readonly raw: readonly RawScores[];
  readonly #table: NodeTable;
  readonly #nodeFilters: readonly LocalKernel[];
  readonly #podFilters: readonly LocalKernel[];
  readonly #nodeScores: readonly ConfiguredKernel[];
  readonly #podScores: readonly ConfiguredKernel[];
  readonly #versioned: readonly LocalKernel[];
  readonly #ids = new Map<Status, number>();
  readonly #statuses: Status[] = [];
  /** Of scope `node`, with the version of the row they are of. */
  #nodeCodes = new Int32Array(0);
  #nodeSums = new Float64Array(0);
  #rowVersions = new Float64Array(0);
  /** Of the table, when this was up to date. */
  #sequence = -1;
  #version = 0;

  /** `kernels` in the order in which they filter. */
  constructor(table: NodeTable, kernels: readonly ConfiguredKernel[]) {
    this.#table = table;
    const filters = kernels.filter((one) => one.filters).map((one) => one.kernel);
    this.#nodeFilters = filters.filter(({ filterScope }) => filterScope === 'node');
    this.#podFilters = filters.filter(({ filterScope }) => filterScope === 'pods');
    const plain = kernels.filter(({ kernel, weight }) => weight > 0 && kernel.normalize === undefined);
    this.#nodeScores = plain.filter(({ kernel }) => kernel.scoreScope === 'node');
    this.#podScores = plain.filter(({ kernel }) => kernel.scoreScope === 'pods');
    this.raw = kernels
      .filter(({ kernel, weight }) => weight > 0 && kernel.normalize !== undefined && kernel.scoreScope !== 'none')
      .map(({ kernel, weight }) => ({ kernel, weight, scores: new Float64Array(0) }));
    this.#versioned = kernels.map(({ kernel }) => kernel).filter(({ version }) => version !== undefined);
  }

  /** The status behind a code above 0. */
  status(code: number): Status {
    return this.#statuses[code - 1] as Status;
  }

  /** Brings everything up to date. */
  refresh(): void {
    const table = this.#table;
    let version = 0;
    for (const kernel of this.#versioned) version += kernel.version?.() ?? 0;
    const sized = this.codes.length === table.capacity;
    if (!sized) this.#resize(table.capacity);
    const known = sized && version === this.#version && this.#sequence >= 0;
    if (version !== this.#version) this.#rowVersions.fill(-1);
    if (!known || !table.changedSince(this.#sequence, this.#evaluate)) {
      for (let row = 0; row < table.limit; row++) this.#evaluate(row);
    }
    this.#version = version;
    this.#sequence = table.sequence;
  }

  #resize(capacity: number): void {
    this.codes = new Int32Array(capacity).fill(absent);
    this.scores = new Float64Array(capacity);
    this.#nodeCodes = new Int32Array(capacity);
    this.#nodeSums = new Float64Array(capacity);
    this.#rowVersions = new Float64Array(capacity).fill(-1);
    for (const raw of this.raw) raw.scores = new Float64Array(capacity);
  }

  readonly #evaluate = (row: number): void => {
    const table = this.#table;
    if (table.present[row] !== 1) {
      this.codes[row] = absent;
      return;
    }
    if (this.#rowVersions[row] !== table.rowVersion[row]) this.#evaluateNode(row);
    let code = this.#nodeCodes[row] as number;
    if (code === 0) {
      for (const kernel of this.#podFilters) {
        const status = kernel.filter(row);
        if (status === undefined) continue;
        code = this.#id(status);
        break;
      }
    }
    this.codes[row] = code;
    if (code !== 0) return;
    let sum = this.#nodeSums[row] as number;
    for (const { kernel, weight } of this.#podScores) sum += weight * kernel.score(row);
    this.scores[row] = sum;
    for (const { kernel, scores } of this.raw) if (kernel.scoreScope === 'pods') scores[row] = kernel.score(row);
  };

  #evaluateNode(row: number): void {
    let code = 0;
    for (const kernel of this.#nodeFilters) {
      const status = kernel.filter(row);
      if (status === undefined) continue;
      code = this.#id(status);
      break;
    }
    this.#nodeCodes[row] = code;
    this.#rowVersions[row] = this.#table.rowVersion[row] as number;
    if (code !== 0) return;
    let sum = 0;
    for (const { kernel, weight } of this.#nodeScores) sum += weight * kernel.score(row);
    this.#nodeSums[row] = sum;
    for (const { kernel, scores } of this.raw) if (kernel.scoreScope === 'node') scores[row] = kernel.score(row);
  }

  #id(status: Status): number {
    let id = this.#ids.get(status);
    if (id === undefined) {
      id = this.#statuses.push(status);
      this.#ids.set(status, id);
    }
    return id;
  }
}
