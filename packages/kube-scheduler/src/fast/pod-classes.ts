/** What is kept about kinds of pods of one profile, between the attempts to schedule pods of that kind. */
import type { NodeTable } from '../cache/node-table.ts';
import type { PodInfo, PodShape } from '../framework/pod-info.ts';
import type { Profile } from '../framework/profile.ts';
import type { AnyPlugin } from '../framework/types.ts';
import { isFastPlugin, type ClusterKernel, type FastPlugin } from './kernel.ts';
import { ShapeView, type ConfiguredKernel } from './shape-view.ts';

/** A plugin's part in filtering, in the configured order; `kernel` undefined: it is asked node by node. */
export type FilterStep =
  | { readonly plugin: AnyPlugin; readonly kernel: undefined }
  | { readonly plugin: AnyPlugin; readonly kernel: ClusterKernel };

/** A plugin that scores all nodes at once. */
export interface ScoreStep {
  readonly kernel: ClusterKernel;
  readonly weight: number;
}

/** Everything compiled for pods of one shape, namespace, labels and class key. */
export interface PodClass {
  readonly filters: readonly FilterStep[];
  readonly scores: readonly ScoreStep[];
  readonly kernels: readonly ClusterKernel[];
}

/**
 * What may be kept in all, in bytes of numbers by row; beyond, what was not used for the longest time goes. A cluster of 5,000
 * nodes thus keeps some 300 shapes and classes, one of 1,000 some 2,500.
 */
const defaultKeptBytes = 128 * 1024 * 1024;
/** About what one shape, or one class, keeps for each row. */
const bytesPerRow = 48;
const minKept = 16;

export class PodClasses {
  readonly #table: NodeTable;
  readonly #profile: Profile;
  readonly #keptBytes: number;
  /** By shape, in the order of their last use. */
  readonly #views = new Map<number, ShapeView>();
  readonly #locals = new WeakMap<PodShape, readonly ConfiguredKernel[]>();
  /** In the order of their last use. */
  readonly #classes = new Map<string, PodClass>();
  readonly #keyed: readonly FastPlugin[];

  constructor(table: NodeTable, profile: Profile, keptBytes: number = defaultKeptBytes) {
    this.#table = table;
    this.#keptBytes = keptBytes;
    this.#profile = profile;
    this.#keyed = [...profile.plugins.values()].filter(isFastPlugin).filter(({ classKey }) => classKey !== undefined);
  }

  /** Not up to date yet. */
  view(pod: PodInfo): ShapeView {
    const { id } = pod.shape;
    let view = this.#views.get(id);
    if (view === undefined) view = new ShapeView(this.#table, this.locals(pod));
    else this.#views.delete(id);
    this.#views.set(id, view);
    if (this.#views.size > this.#limit) {
      const [oldest] = this.#views.keys();
      if (oldest !== undefined) this.#views.delete(oldest);
    }
    return view;
  }

  /** Plugins that judge nodes one by one, in the order in which they filter. */
  locals(pod: PodInfo): readonly ConfiguredKernel[] {
    let locals = this.#locals.get(pod.shape);
    if (locals === undefined) {
      locals = this.#compileLocals(pod);
      this.#locals.set(pod.shape, locals);
    }
    return locals;
  }

  class(pod: PodInfo): PodClass {
    let key = `${pod.shape.id} ${pod.namespace} ${pod.labels === undefined ? '' : JSON.stringify(pod.labels)}`;
    for (const plugin of this.#keyed) key += plugin.classKey?.(pod) ?? '';
    let known = this.#classes.get(key);
    if (known === undefined) known = this.#compile(pod);
    else this.#classes.delete(key);
    this.#classes.set(key, known);
    if (this.#classes.size > this.#limit) this.#evict();
    return known;
  }

  get #limit(): number {
    return Math.max(minKept, Math.trunc(this.#keptBytes / (bytesPerRow * this.#table.capacity)));
  }

  #evict(): void {
    const [oldest] = this.#classes;
    if (oldest === undefined) return;
    this.#classes.delete(oldest[0]);
    for (const kernel of oldest[1].kernels) kernel.release?.();
  }

  #compileLocals(pod: PodInfo): ConfiguredKernel[] {
    const { filter, score, weights } = this.#profile.points;
    const kernels: ConfiguredKernel[] = [];
    for (const plugin of new Set([...filter, ...score])) {
      const kernel = isFastPlugin(plugin) ? plugin.localKernel?.(pod.shape, pod) : undefined;
      if (kernel === undefined) continue;
      const weight = score.includes(plugin) ? (weights.get(plugin.name) ?? 1) : 0;
      kernels.push({ kernel, weight, filters: filter.includes(plugin) });
    }
    return kernels;
  }

  #compile(pod: PodInfo): PodClass {
    const { filter, score, weights } = this.#profile.points;
    const filters: FilterStep[] = [];
    const scores: ScoreStep[] = [];
    const kernels: ClusterKernel[] = [];
    for (const plugin of new Set([...filter, ...score])) {
      if (!isFastPlugin(plugin)) {
        if (filter.includes(plugin)) filters.push({ plugin, kernel: undefined });
        continue;
      }
      const kernel = plugin.clusterKernel?.(pod);
      if (kernel === undefined) continue;
      kernels.push(kernel);
      if (kernel.filter !== undefined && filter.includes(plugin)) filters.push({ plugin, kernel });
      if (kernel.score !== undefined && score.includes(plugin)) {
        scores.push({ kernel, weight: weights.get(plugin.name) ?? 1 });
      }
    }
    return { filters, scores, kernels };
  }
}
