/** Which plugins are called where, and in which order (`framework.go`, `expandMultiPointPlugins`, `updatePluginList`). */
import { extensionPoints, type AnyPlugin, type ExtensionPoint } from './types.ts';

export interface EnabledPlugin {
  readonly name: string;
  /** Of its scores; 0: not said, which means 1. */
  readonly weight: number;
}

/** What is enabled at one point, and what is not although it is enabled for all points. */
export interface PluginSet {
  readonly enabled: readonly EnabledPlugin[];
  /** `*`: nothing of what is enabled for all points. */
  readonly disabled: readonly string[];
}

/** The default plugins are in it already. */
export type ProfilePlugins = Readonly<Record<ExtensionPoint | 'multiPoint', PluginSet>>;

export type PointPlugins = Readonly<Record<ExtensionPoint, readonly AnyPlugin[]>> & {
  readonly weights: ReadonlyMap<string, number>;
};

/** The method by which a plugin takes part. */
const methods: Readonly<Record<ExtensionPoint, readonly string[]>> = {
  preEnqueue: ['preEnqueue'],
  queueSort: ['less'],
  preFilter: ['preFilter'],
  filter: ['filter'],
  postFilter: ['postFilter'],
  preScore: ['preScore'],
  // A plugin with kernels scores by those.
  score: ['score', 'localKernel', 'clusterKernel'],
  reserve: ['reserve'],
  permit: ['permit'],
  preBind: ['preBind'],
  bind: ['bind'],
  postBind: ['postBind'],
};

/** `Filter` for `filter`. */
const interfaceName = (point: ExtensionPoint): string => `${point.charAt(0).toUpperCase()}${point.slice(1)}Plugin`;

const takesPart = (plugin: AnyPlugin, point: ExtensionPoint): boolean => methods[point].some((name) => name in plugin);

/** Specific points override: they come first, then what is enabled for all, then the rest of the specific ones. */
function namesAt(point: ExtensionPoint, plugins: ProfilePlugins, made: ReadonlyMap<string, AnyPlugin>): string[] {
  const { enabled, disabled } = plugins[point];
  const specific = new Set<string>();
  for (const { name } of enabled) {
    const plugin = made.get(name) as AnyPlugin;
    if (!takesPart(plugin, point)) throw new Error(`plugin "${name}" does not extend ${interfaceName(point)} plugin`);
    if (specific.has(name)) throw new Error(`plugin "${name}" already registered as "${interfaceName(point)}"`);
    specific.add(name);
  }
  if (disabled.includes('*')) return [...specific];
  const overriding = new Set<string>();
  const general: string[] = [];
  for (const { name } of plugins.multiPoint.enabled) {
    if (disabled.includes(name) || !takesPart(made.get(name) as AnyPlugin, point)) continue;
    if (specific.has(name)) overriding.add(name);
    else general.push(name);
  }
  const first = [...specific].filter((name) => overriding.has(name));
  const rest = [...specific].filter((name) => !overriding.has(name));
  return [...first, ...general, ...rest];
}

function weightsOf(plugins: ProfilePlugins): ReadonlyMap<string, number> {
  const weights = new Map<string, number>();
  for (const { name, weight } of [...plugins.score.enabled, ...plugins.multiPoint.enabled]) {
    if (!weights.has(name)) weights.set(name, weight === 0 ? 1 : weight);
  }
  return weights;
}

/** Makes each plugin once and puts it where it belongs. */
export function pluginsOf(
  plugins: ProfilePlugins,
  make: (name: string) => AnyPlugin,
): { readonly points: PointPlugins; readonly plugins: ReadonlyMap<string, AnyPlugin> } {
  const made = new Map<string, AnyPlugin>();
  for (const { enabled } of Object.values(plugins)) {
    for (const { name } of enabled) if (!made.has(name)) made.set(name, make(name));
  }
  const at = (point: ExtensionPoint): readonly AnyPlugin[] =>
    namesAt(point, plugins, made).map((name) => made.get(name) as AnyPlugin);
  const points = Object.fromEntries(extensionPoints.map((point) => [point, at(point)]));
  const result = { ...points, weights: weightsOf(plugins) } as unknown as PointPlugins;
  if (result.queueSort.length !== 1) {
    throw new Error(`one queue sort plugin required for profile, got ${result.queueSort.length}`);
  }
  if (result.bind.length === 0) throw new Error('at least one bind plugin is needed for profile');
  return { points: result, plugins: made };
}
