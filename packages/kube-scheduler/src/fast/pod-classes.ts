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

/** Classes kept; beyond, the one not used for the longest time goes. */
const maxClasses = 1024;

export class PodClasses {
  readonly #table: NodeTable;
  readonly #profile: Profile;
  readonly #views = new WeakMap<PodShape, ShapeView>();
  readonly #locals = new WeakMap<PodShape, readonly ConfiguredKernel[]>();
  /** In the order of their last use. */
  readonly #classes = new Map<string, PodClass>();
  readonly #keyed: readonly FastPlugin[];

  constructor(table: NodeTable, profile: Profile) {
    this.#table = table;
    this.#profile = profile;
    this.#keyed = [...profile.plugins.values()].filter(isFastPlugin).filter(({ classKey }) => classKey !== undefined);
  }

  /** Not up to date yet. */
  view(pod: PodInfo): ShapeView {
    let view = this.#views.get(pod.shape);
    if (view === undefined) {
      view = new ShapeView(this.#table, this.locals(pod));
      this.#views.set(pod.shape, view);
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
    if (this.#classes.size > maxClasses) this.#evict();
    return known;
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
