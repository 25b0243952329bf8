/**
 * Chooses a node for a pod: what `schedulePod` does upstream (`pkg/scheduler/schedule_one.go`), for all nodes at once.
 *
 * Differences: unless `percentageOfNodesToScore` is set, or plugins without kernels take part, all nodes are looked at. Where a
 * node fails several filters, those that look at one node alone give the reason before those that look at others.
 */
import type { Random } from '@kubets/apimachinery/clock';
import type { Cluster } from '../cache/cluster.ts';
import type { CycleState } from '../framework/cycle-state.ts';
import { Diagnosis } from '../framework/diagnosis.ts';
import type { NodeInfo } from '../framework/node-info.ts';
import type { PodInfo } from '../framework/pod-info.ts';
import { called, type PreFiltered, type Profile } from '../framework/profile.ts';
import { isSuccess, Status } from '../framework/status.ts';
import type { NodeScore, PodNominator } from '../framework/types.ts';
import { namesNodes } from '../plugins/nodeaffinity/node-affinity.ts';
import type { Candidates } from './kernel.ts';
import { PodClasses, type PodClass } from './pod-classes.ts';
import type { ShapeView } from './shape-view.ts';

/** A failure of a plugin, not of the pod. */
export class PluginError extends Error {
  readonly status: Status;

  constructor(status: Status) {
    super(status.message, { cause: status.error });
    this.name = 'PluginError';
    this.status = status;
  }
}

export interface SelectorOptions {
  readonly cluster: Cluster;
  readonly profile: Profile;
  /** The queue's, which is made after the profiles. */
  readonly nominator: () => PodNominator & { readonly isEmpty: boolean; readonly nodeNames: Iterable<string> };
  readonly random: Random;
  /** For profiles that do not say; 0: adaptive. */
  readonly percentageOfNodesToScore: number;
  /** What may be kept about kinds of pods; see {@link PodClasses}. */
  readonly keptBytes?: number;
}

/** The feasible nodes are the first `count` of `rows`, until the next attempt. */
export interface Found {
  readonly rows: Int32Array;
  readonly count: number;
  /** Set when there is none. */
  readonly diagnosis: Diagnosis | undefined;
}

const noNodes: readonly NodeInfo[] = [];
const minFeasible = 100;
const minPercentage = 5;

export class NodeSelector implements Candidates {
  rows = new Int32Array(0);
  count = 0;
  readonly #options: SelectorOptions;
  readonly #classes: PodClasses;
  /** By row; of this attempt where the row was rejected by it. */
  #rejected: (Status | undefined)[] = [];
  #feasible = new Int32Array(0);
  #totals = new Float64Array(0);
  #scratch = new Float64Array(0);
  #next = 0;
  #everyRow = new Int32Array(0);

  constructor(options: SelectorOptions) {
    this.#options = options;
    this.#classes = new PodClasses(options.cluster.table, options.profile, options.keptBytes);
  }

  reject(row: number, status: Status): void {
    this.#rejected[row] = status;
  }

  /** Throws a {@link PluginError} when a plugin failed. */
  filter(state: CycleState, pod: PodInfo): Found {
    const { profile } = this.#options;
    this.#resize();
    const narrow = namesNodes(pod);
    const preFiltered = profile.runPreFilter(state, pod, narrow);
    const { status } = preFiltered;
    if (status !== undefined) return this.#turnedDown(status);
    const nominated = pod.pod.status?.nominatedNodeName ?? '';
    if (nominated !== '' && this.#tryNominated(state, pod, nominated)) return this.#found();
    if (preFiltered.nodeNames !== undefined) return this.#filterNamed(state, pod, preFiltered);
    const view = this.#classes.view(pod);
    view.refresh();
    this.#filterAll(state, pod, view);
    return this.count > 0 ? this.#found() : this.#unfit(view);
  }

  /** The row of one of the best nodes among those that {@link filter} found; at random among equals. */
  choose(state: CycleState, pod: PodInfo, extra?: (totals: Float64Array) => void): number {
    if (this.count === 1 && extra === undefined) return this.rows[0] as number;
    this.score(state, pod);
    extra?.(this.#totals);
    return this.#best();
  }

  /** The total scores of the nodes found, in their order. Throws a {@link PluginError} when a plugin failed. */
  score(state: CycleState, pod: PodInfo): Float64Array {
    const view = this.#classes.view(pod);
    view.refresh();
    const { rows, count } = this;
    const totals = this.#totals;
    for (let i = 0; i < count; i++) totals[i] = view.scores[rows[i] as number] as number;
    this.#addRaw(view);
    for (const { kernel, weight } of this.#classes.class(pod).scores) {
      if (kernel.score?.(pod, rows, count, this.#scratch) === true) this.#add(weight);
    }
    this.#addPlugins(state, pod);
    return totals;
  }

  /** After extenders have taken some away. */
  keep(names: ReadonlySet<string>): void {
    const { infos } = this.#options.cluster.table;
    let left = 0;
    for (let i = 0; i < this.count; i++) {
      const row = this.rows[i] as number;
      const info = infos[row];
      if (info?.node !== undefined && names.has(info.name)) this.rows[left++] = row;
    }
    this.count = left;
  }

  nodesFound(): NodeInfo[] {
    const { infos } = this.#options.cluster.table;
    const nodes: NodeInfo[] = [];
    for (let i = 0; i < this.count; i++) nodes.push(infos[this.rows[i] as number] as NodeInfo);
    return nodes;
  }

  /** Statuses of the last attempt; nodes without one are feasible, or were not looked at. */
  diagnosis(pod: PodInfo): Diagnosis {
    return this.#explain(this.#classes.view(pod));
  }

  #resize(): void {
    const { capacity } = this.#options.cluster.table;
    if (this.#feasible.length >= capacity) return;
    this.rows = new Int32Array(capacity);
    this.#feasible = new Int32Array(capacity);
    this.#everyRow = new Int32Array(capacity);
    this.#totals = new Float64Array(capacity);
    this.#scratch = new Float64Array(capacity);
  }

  #found(): Found {
    return { rows: this.rows, count: this.count, diagnosis: undefined };
  }

  #turnedDown(status: Status): Found {
    if (!status.rejected) throw new PluginError(status);
    const diagnosis = new Diagnosis(this.#options.cluster.list());
    diagnosis.absent = status;
    diagnosis.preFilterMessage = status.message;
    diagnosis.blame(status);
    this.count = 0;
    return { rows: this.rows, count: 0, diagnosis };
  }

  #unfit(view: ShapeView): Found {
    return { rows: this.rows, count: 0, diagnosis: this.#explain(view) };
  }

  #explain(view: ShapeView): Diagnosis {
    const nodes = this.#options.cluster.list();
    const statuses: (Status | undefined)[] = [];
    for (const { row } of nodes) {
      const code = view.codes[row] as number;
      statuses.push(code > 0 ? view.status(code) : this.#rejected[row]);
    }
    return new Diagnosis(nodes, statuses);
  }

  /** The node that preemption made room on is tried first, by itself. */
  #tryNominated(state: CycleState, pod: PodInfo, name: string): boolean {
    const { cluster, profile } = this.#options;
    const node = cluster.get(name);
    if (node === undefined) return false;
    if (!isSuccess(profile.runFilterWithNominated(state, pod, node))) return false;
    this.rows[0] = node.row;
    this.count = 1;
    return true;
  }

  /** A pod that names its nodes: those are looked at one by one. */
  #filterNamed(state: CycleState, pod: PodInfo, { nodeNames, narrowedBy }: PreFiltered): Found {
    const { cluster, profile } = this.#options;
    const diagnosis = new Diagnosis(cluster.list());
    diagnosis.absent = Status.unresolvable(`node(s) didn't satisfy plugin(s) [${narrowedBy.join(' ')}]`);
    for (const plugin of narrowedBy) diagnosis.unschedulablePlugins.add(plugin);
    this.count = 0;
    for (const name of nodeNames ?? []) {
      const node = cluster.get(name);
      if (node === undefined) continue;
      const status = profile.runFilterWithNominated(state, pod, node);
      if (isSuccess(status)) this.rows[this.count++] = node.row;
      else if (status.rejected) diagnosis.set(name, status);
      else throw new PluginError(status);
    }
    return this.count > 0 ? this.#found() : { rows: this.rows, count: 0, diagnosis };
  }

  #filterAll(state: CycleState, pod: PodInfo, view: ShapeView): void {
    const podClass = this.#classes.class(pod);
    const active = podClass.filters.filter(
      ({ plugin, kernel }) => kernel !== undefined || !state.skipFilter.has(plugin.name),
    );
    const wanted = this.#wanted(active.some(({ kernel }) => kernel === undefined));
    const locally = this.#locallyFeasible(view, wanted);
    if (wanted === undefined) {
      this.rows.set(this.#feasible.subarray(0, locally));
      this.count = locally;
      this.#runSteps(state, pod, active);
      return;
    }
    this.#filterInChunks(state, pod, { steps: active, locally, wanted });
  }

  /** How many feasible nodes are enough; undefined: all are looked at (`numFeasibleNodesToFind`). */
  #wanted(nodeByNode: boolean): number | undefined {
    const { cluster, profile, percentageOfNodesToScore } = this.#options;
    const all = cluster.size;
    let percentage = profile.percentageOfNodesToScore ?? percentageOfNodesToScore;
    if (all < minFeasible || percentage >= 100) return undefined;
    if (percentage === 0) {
      if (!nodeByNode) return undefined;
      percentage = Math.max(minPercentage, 50 - Math.trunc(all / 125));
    }
    return Math.max(minFeasible, Math.trunc((all * percentage) / 100));
  }

  /** Writes the rows that the view finds feasible; from where the last attempt ended, when not all are wanted. */
  #locallyFeasible({ codes }: ShapeView, wanted: number | undefined): number {
    const { limit } = this.#options.cluster.table;
    const start = wanted === undefined || this.#next >= limit ? 0 : this.#next;
    const feasible = this.#feasible;
    let count = 0;
    for (let row = start; row < limit; row++) if (codes[row] === 0) feasible[count++] = row;
    for (let row = 0; row < start; row++) if (codes[row] === 0) feasible[count++] = row;
    for (let row = 0; row < limit; row++) if (codes[row] === 0) this.#rejected[row] = undefined;
    return count;
  }

  #filterInChunks(
    state: CycleState,
    pod: PodInfo,
    { steps, locally, wanted }: { steps: PodClass['filters']; locally: number; wanted: number },
  ): void {
    const found = this.#everyRow;
    let count = 0;
    for (let at = 0; at < locally && count < wanted;) {
      const end = Math.min(locally, at + wanted - count);
      this.rows.set(this.#feasible.subarray(at, end));
      this.count = end - at;
      this.#runSteps(state, pod, steps);
      found.set(this.rows.subarray(0, this.count), count);
      count += this.count;
      at = end;
      this.#next = (this.#feasible[at - 1] as number) + 1;
    }
    this.rows.set(found.subarray(0, count));
    this.count = count;
  }

  #runSteps(state: CycleState, pod: PodInfo, steps: PodClass['filters']): void {
    for (const { plugin, kernel } of steps) {
      if (this.count === 0) return;
      if (kernel === undefined) this.#filterOneByOne(plugin.name, (node) => plugin.filter?.(state, pod, node));
      else kernel.filter?.(pod, this);
    }
    if (!this.#options.nominator().isEmpty) this.#filterNominated(state, pod);
  }

  #filterOneByOne(plugin: string, filter: (node: NodeInfo) => Status | undefined): void {
    const { infos } = this.#options.cluster.table;
    const { rows } = this;
    let left = 0;
    for (let i = 0; i < this.count; i++) {
      const row = rows[i] as number;
      const status = called(plugin, () => filter(infos[row] as NodeInfo));
      if (isSuccess(status)) rows[left++] = row;
      else if (status.rejected) this.reject(row, status.by(plugin));
      else throw new PluginError(status.by(plugin));
    }
    this.count = left;
  }

  /** Nodes that other pods are nominated to must have room for those too. */
  #filterNominated(state: CycleState, pod: PodInfo): void {
    const { cluster, nominator, profile } = this.#options;
    for (const name of nominator().nodeNames) {
      const node = cluster.get(name);
      if (node === undefined) continue;
      const at = this.rows.subarray(0, this.count).indexOf(node.row);
      if (at < 0) continue;
      const status = profile.runFilterWithNominated(state, pod, node);
      if (isSuccess(status)) continue;
      if (!status.rejected) throw new PluginError(status);
      this.reject(node.row, status);
      this.rows.copyWithin(at, at + 1, this.count);
      this.count--;
    }
  }

  #addRaw(view: ShapeView): void {
    const { rows, count } = this;
    const scratch = this.#scratch;
    for (const { kernel, weight, scores } of view.raw) {
      for (let i = 0; i < count; i++) scratch[i] = scores[rows[i] as number] as number;
      if (kernel.normalize?.(scratch, count) === true) this.#add(weight);
    }
  }

  #add(weight: number): void {
    const totals = this.#totals;
    const scratch = this.#scratch;
    for (let i = 0; i < this.count; i++) totals[i] = (totals[i] as number) + weight * (scratch[i] as number);
  }

  /** Plugins without kernels. */
  #addPlugins(state: CycleState, pod: PodInfo): void {
    const { score, preScore, weights } = this.#options.profile.points;
    const plugins = score.filter((plugin) => plugin.score !== undefined);
    if (plugins.length === 0) return;
    const skipped = new Set<string>();
    let nodes: readonly NodeInfo[] | undefined;
    for (const plugin of preScore) {
      // Thousands of nodes are not collected for nobody.
      if ((plugin.preScore?.length ?? 0) > 2) nodes ??= this.nodesFound();
      const given = nodes ?? noNodes;
      const status = called(plugin.name, () => plugin.preScore?.(state, pod, given));
      if (status?.code === 'Skip') skipped.add(plugin.name);
      else if (!isSuccess(status)) throw new PluginError(status.by(plugin.name));
    }
    state.skipScore = skipped;
    for (const plugin of plugins) {
      if (skipped.has(plugin.name)) continue;
      nodes ??= this.nodesFound();
      const scores: NodeScore[] = nodes.map((node) => ({ node, score: plugin.score?.(state, pod, node) ?? 0 }));
      const status = called(plugin.name, () => plugin.normalizeScore?.(state, pod, scores));
      if (!isSuccess(status)) throw new PluginError(status.by(plugin.name));
      scores.forEach(({ score: value, node }, i) => {
        if (value < 0 || value > 100) {
          const text = `plugin ${JSON.stringify(plugin.name)} returns an invalid score ${value}, it should in the range of [0, 100] after normalizing`;
          throw new PluginError(Status.error(new Error(`${text} (${node.name})`)).by(plugin.name));
        }
        this.#scratch[i] = value;
      });
      this.#add(weights.get(plugin.name) ?? 1);
    }
  }

  #best(): number {
    const totals = this.#totals;
    const ties = this.#everyRow;
    let best = Number.NEGATIVE_INFINITY;
    let count = 0;
    for (let i = 0; i < this.count; i++) {
      const total = totals[i] as number;
      if (total < best) continue;
      if (total > best) {
        best = total;
        count = 0;
      }
      ties[count++] = i;
    }
    const at = count === 1 ? 0 : Math.floor(this.#options.random.float() * count);
    return this.rows[ties[at] as number] as number;
  }
}
