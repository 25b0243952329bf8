/** The plugins of the default profile (`pkg/scheduler/apis/config/v1/default_plugins.go`). */
import { featureGatedDefaults, multiPointDefaults } from '../generated/plugin-facts.ts';
import type { PluginSet, ProfilePlugins } from '../framework/point-plugins.ts';
import { extensionPoints } from '../framework/types.ts';
import { pluginRegistry } from '../plugins/registry.ts';

export interface DefaultPlugin {
  readonly name: string;
  /** 0: not said. */
  readonly weight: number;
  readonly featureGate?: string;
  /** The plugin it stands in front of; at the end otherwise. */
  readonly before?: string;
}

/** In their order, with those whose feature gates are on. Of those behind gates some are not built (yet): they are left out. */
export function defaultPlugins(featureEnabled: (gate: string) => boolean): readonly DefaultPlugin[] {
  const plugins = [...multiPointDefaults];
  for (const plugin of featureGatedDefaults) {
    if (plugin.featureGate === undefined || !featureEnabled(plugin.featureGate)) continue;
    if (!Object.hasOwn(pluginRegistry, plugin.name)) continue;
    const at = plugins.findIndex(({ name }) => name === plugin.before);
    plugins.splice(at < 0 ? plugins.length : at, 0, plugin);
  }
  return plugins;
}

const nothing: PluginSet = { enabled: [], disabled: [] };

/** What a profile starts from: everything at `multiPoint`. */
export function defaultProfilePlugins(featureEnabled: (gate: string) => boolean): ProfilePlugins {
  const enabled = defaultPlugins(featureEnabled).map(({ name, weight }) => ({ name, weight }));
  const points = Object.fromEntries(extensionPoints.map((point) => [point, nothing]));
  return { ...points, multiPoint: { enabled, disabled: [] } } as unknown as ProfilePlugins;
}
