/**
 * One profile: the plugins of one scheduler name at each extension point, and how they are called
 * (`pkg/scheduler/framework/runtime/framework.go`). Nodes are chosen in `fast/node-selector.ts`.
 */
import { isFastPlugin, type FastHandle, type FastPlugin } from '../fast/kernel.ts';
import type { CycleState } from './cycle-state.ts';
import type { NodeInfo } from './node-info.ts';
import type { PodInfo } from './pod-info.ts';
import { pluginsOf, type PointPlugins, type ProfilePlugins } from './point-plugins.ts';
import { isSuccess, Status } from './status.ts';
import type { AnyPlugin, NodeStatuses, Outcome, PluginFactory, PostFilterResult, PreFilterResult } from './types.ts';

export interface ProfileOptions {
  readonly schedulerName: string;
  /** Undefined: as configured for all profiles. */
  readonly percentageOfNodesToScore?: number | undefined;
  readonly plugins: ProfilePlugins;
  /** Arguments by plugin, defaulted. */
  readonly pluginConfig: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** Makes plugins by name. Those of our own get a handle that lets them at the columns. */
export type Registry = Readonly<Record<string, PluginFactory | FastPluginFactory>>;
export type FastPluginFactory = (args: Readonly<Record<string, unknown>>, handle: FastHandle) => AnyPlugin;

/** What PreFilter found. */
export interface PreFiltered {
  readonly status?: Status;
  /** Only these nodes are looked at. */
  readonly nodeNames?: ReadonlySet<string>;
  /** Who said so. */
  readonly narrowedBy: readonly string[];
}

const noOne: readonly string[] = [];

export class Profile {
  readonly name: string;
  readonly percentageOfNodesToScore: number | undefined;
  readonly points: PointPlugins;
  readonly plugins: ReadonlyMap<string, AnyPlugin>;
  readonly handle: FastHandle;
  /** Those whose PreFilter is put off until somebody asks about a single node: see {@link prepare}. */
  readonly #late: readonly FastPlugin[];

  /** Throws when a plugin is not registered, or does not have the extension point that it is enabled for. */
  constructor(options: ProfileOptions, registry: Registry, handle: FastHandle) {
    this.name = options.schedulerName;
    this.percentageOfNodesToScore = options.percentageOfNodesToScore;
    this.handle = handle;
    const made = ofProfile(this.name, () =>
      pluginsOf(options.plugins, (name) => {
        const factory = Object.hasOwn(registry, name) ? registry[name] : undefined;
        if (factory === undefined) throw new Error(`plugin ${JSON.stringify(name)} does not exist`);
        return factory(options.pluginConfig[name] ?? {}, handle);
      }),
    );
    this.points = made.points;
    this.plugins = made.plugins;
    this.#late = this.points.preFilter.filter(isFastPlugin);
  }

  /**
   * Runs PreFilter. Plugins with kernels judge all nodes without it, so theirs runs only when `all` is set or later, by
   * {@link prepare}.
   */
  runPreFilter(state: CycleState, pod: PodInfo, all: boolean): PreFiltered {
    const skipped = new Set<string>();
    const narrowedBy: string[] = [];
    let nodeNames: ReadonlySet<string> | undefined;
    state.skipFilter = skipped;
    if (all) state.prepared = true;
    for (const plugin of this.points.preFilter) {
      if (!all && isFastPlugin(plugin)) continue;
      const result = this.#preFilter(plugin, state, pod);
      if (result === undefined) continue;
      const { status } = result;
      if (status?.code === 'Skip') skipped.add(plugin.name);
      else if (!isSuccess(status)) return { status: status.by(plugin.name), narrowedBy };
      if (result.nodeNames === undefined) continue;
      narrowedBy.push(plugin.name);
      nodeNames = nodeNames === undefined ? result.nodeNames : nodeNames.intersection(result.nodeNames);
      if (nodeNames.size === 0) return { status: noNodeLeft(narrowedBy), narrowedBy };
    }
    return nodeNames === undefined ? { narrowedBy: noOne } : { nodeNames, narrowedBy };
  }

  /** Runs what PreFilter put off, so that Filter, AddPod and RemovePod may be called. Idempotent. */
  prepare(state: CycleState, pod: PodInfo): void {
    if (state.prepared) return;
    state.prepared = true;
    const skipped = new Set(state.skipFilter);
    for (const plugin of this.#late) {
      const result = this.#preFilter(plugin, state, pod);
      if (result?.status?.code === 'Skip') skipped.add(plugin.name);
    }
    state.skipFilter = skipped;
  }

  /** A copy that Filter may be called with if it may with the original. */
  cloneState(state: CycleState, pod: PodInfo): CycleState {
    this.prepare(state, pod);
    return state.clone();
  }

  runFilter(state: CycleState, pod: PodInfo, node: NodeInfo): Outcome {
    for (const plugin of this.points.filter) {
      if (state.skipFilter.has(plugin.name)) continue;
      const status = called(plugin.name, () => plugin.filter?.(state, pod, node));
      if (!isSuccess(status)) return status.by(plugin.name);
    }
    return undefined;
  }

  /** On a node that other pods are nominated to: with them, and, as they may never come, without. */
  runFilterWithNominated(state: CycleState, pod: PodInfo, node: NodeInfo): Outcome {
    this.prepare(state, pod);
    const { nominator } = this.handle;
    const nominated = nominator
      .nominatedPodsFor(node.name)
      .filter((other) => other.uid !== pod.uid && other.priority >= pod.priority);
    if (nominated.length > 0) {
      const copy = node.clone();
      const tried = this.cloneState(state, pod);
      for (const other of nominated) {
        copy.addPod(other);
        const status = this.runAddPod(tried, pod, other, copy);
        if (!isSuccess(status)) return status;
      }
      const status = this.runFilter(tried, pod, copy);
      if (!isSuccess(status)) return status;
    }
    return this.runFilter(state, pod, node);
  }

  runAddPod(state: CycleState, pod: PodInfo, other: PodInfo, node: NodeInfo): Outcome {
    for (const plugin of this.points.preFilter) {
      if (plugin.addPod === undefined || state.skipFilter.has(plugin.name)) continue;
      const status = called(plugin.name, () => plugin.addPod?.(state, pod, other, node));
      if (!isSuccess(status)) return status.by(plugin.name);
    }
    return undefined;
  }

  runRemovePod(state: CycleState, pod: PodInfo, other: PodInfo, node: NodeInfo): Outcome {
    for (const plugin of this.points.preFilter) {
      if (plugin.removePod === undefined || state.skipFilter.has(plugin.name)) continue;
      const status = called(plugin.name, () => plugin.removePod?.(state, pod, other, node));
      if (!isSuccess(status)) return status.by(plugin.name);
    }
    return undefined;
  }

  /** The first success, or everything that the plugins had to say. */
  async runPostFilter(state: CycleState, pod: PodInfo, statuses: NodeStatuses): Promise<PostFilterResult> {
    this.prepare(state, pod);
    const reasons: string[] = [];
    let code: Status['code'] = 'Unschedulable';
    let nominatedNodeName: string | undefined;
    for (const plugin of this.points.postFilter) {
      const result = await settled(plugin.name, async () => plugin.postFilter?.(state, pod, statuses));
      const answer: PostFilterResult = result instanceof Status ? { status: result } : (result ?? {});
      const { status } = answer;
      nominatedNodeName = answer.nominatedNodeName ?? nominatedNodeName;
      if (isSuccess(status) || status.code === 'Error') {
        return { status: status?.by(plugin.name), nominatedNodeName: answer.nominatedNodeName };
      }
      if (status.code === 'Skip') continue;
      if (status.code === 'UnschedulableAndUnresolvable') {
        return { status: new Status(status.code, [...reasons, ...status.reasons]).by(plugin.name), nominatedNodeName };
      }
      code = status.code;
      reasons.push(...status.reasons);
    }
    return { status: new Status(code, reasons), nominatedNodeName };
  }

  #preFilter(plugin: AnyPlugin, state: CycleState, pod: PodInfo): PreFilterResult | undefined {
    try {
      const result = plugin.preFilter?.(state, pod, this.handle.nodes);
      return result instanceof Status ? { status: result } : result;
    } catch (error) {
      return { status: Status.error(error).by(plugin.name) };
    }
  }
}

/** Errors say which of the profiles they are about. */
function ofProfile<T>(schedulerName: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new Error(`creating profile for scheduler name ${schedulerName}: ${text}`, { cause: error });
  }
}

function noNodeLeft(plugins: readonly string[]): Status {
  const [only = ''] = plugins;
  const text =
    plugins.length === 1
      ? `node(s) didn't satisfy plugin ${only}`
      : `node(s) didn't satisfy plugin(s) [${plugins.join(' ')}] simultaneously`;
  return Status.unresolvable(text).by(only);
}

/** What a plugin answers; what it throws becomes an error. */
export function called(plugin: string, call: () => Outcome): Outcome {
  try {
    return call();
  } catch (error) {
    return Status.error(error).by(plugin);
  }
}

/** The same for plugins that take their time. */
export async function settled<T>(plugin: string, call: () => Promise<T> | T): Promise<T | Status> {
  try {
    return await call();
  } catch (error) {
    return Status.error(error).by(plugin);
  }
}
