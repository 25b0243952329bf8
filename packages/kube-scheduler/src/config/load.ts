/** Reads configuration files (`cmd/kube-scheduler/app/options/configfile.go`; `pkg/scheduler/apis/config/v1/defaults.go`). */
import { parseYaml } from '@kubets/apimachinery/codec/yaml';
import { parseDurationMs } from '@kubets/apimachinery/duration';
import { aggregateText } from '@kubets/apimachinery/field';
import type { ExtenderConfig } from '../extender/http-extender.ts';
import type { EnabledPlugin, PluginSet, ProfilePlugins } from '../framework/point-plugins.ts';
import type { ProfileOptions } from '../framework/profile.ts';
import { extensionPoints } from '../framework/types.ts';
import { defaultConfiguration, defaultSchedulerName, type SchedulerConfiguration } from './configuration.ts';
import { ConfigError, decodeConfig } from './decode.ts';
import { defaultProfilePlugins } from './default-plugins.ts';
import type {
  ConfigurationInFile,
  ExtenderInFile,
  PluginsInFile,
  PluginSetInFile,
  ProfileInFile,
} from './file-types.ts';
import { defaultedArgs, defaultPluginConfig, hasKnownArgs } from './plugin-args.ts';
import { validateConfiguration } from './validation.ts';

const group = 'kubescheduler.config.k8s.io';
const points = [...extensionPoints, 'multiPoint'] as const;
const defaultExtenderTimeoutMs = 5000;

/** What the file says instead of the default stands in its place; the rest follows (`mergePluginSet`). */
function merged(standard: PluginSet, custom: PluginSetInFile): PluginSet {
  const disabled = (custom.disabled ?? []).map(({ name }) => name);
  const own = new Map((custom.enabled ?? []).map(({ name, weight = 0 }) => [name, { name, weight }]));
  const enabled: EnabledPlugin[] = [];
  const replaced = new Set<string>();
  if (!disabled.includes('*')) {
    for (const plugin of standard.enabled) {
      if (disabled.includes(plugin.name)) continue;
      const instead = own.get(plugin.name);
      if (instead !== undefined) replaced.add(plugin.name);
      enabled.push(instead ?? plugin);
    }
  }
  for (const plugin of custom.enabled ?? []) {
    if (!replaced.has(plugin.name)) enabled.push({ name: plugin.name, weight: plugin.weight ?? 0 });
  }
  return { enabled, disabled };
}

function pluginsOf(custom: PluginsInFile, featureEnabled: (gate: string) => boolean): ProfilePlugins {
  const standard = defaultProfilePlugins(featureEnabled);
  const sets = points.map((point) => [point, merged(standard[point], custom[point] ?? {})]);
  return Object.fromEntries(sets) as ProfilePlugins;
}

function argsOf(plugin: string, given: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  if (!hasKnownArgs(plugin)) return given;
  const type = `${plugin}Args`;
  const { apiVersion = `${group}/v1`, kind = type } = given;
  if (apiVersion !== `${group}/v1` || kind !== type) {
    throw new ConfigError(
      `decoding .profiles[].pluginConfig: args for plugin ${plugin} were not of type ${type}.${group}, got ${String(kind)}.${String(apiVersion).split('/')[0]}`,
    );
  }
  try {
    return defaultedArgs(plugin, decodeConfig(given, type));
  } catch (error) {
    throw new ConfigError(
      `decoding args for plugin ${JSON.stringify(plugin)}: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

function profileOf(profile: ProfileInFile, only: boolean, featureEnabled: (gate: string) => boolean): ProfileOptions {
  const pluginConfig: Record<string, Readonly<Record<string, unknown>>> = {};
  for (const { name, args = {} } of profile.pluginConfig ?? []) {
    if (Object.hasOwn(pluginConfig, name)) throw new ConfigError(`repeated config for plugin ${name}`);
    pluginConfig[name] = argsOf(name, args);
  }
  return {
    schedulerName: profile.schedulerName ?? (only ? defaultSchedulerName : ''),
    percentageOfNodesToScore: profile.percentageOfNodesToScore,
    plugins: pluginsOf(profile.plugins ?? {}, featureEnabled),
    pluginConfig: { ...defaultPluginConfig(), ...pluginConfig },
  };
}

function extenderOf({ httpTimeout, ...rest }: ExtenderInFile): ExtenderConfig {
  const ms = httpTimeout === undefined ? 0 : parseDurationMs(httpTimeout);
  return { ...rest, httpTimeoutMs: ms === 0 ? defaultExtenderTimeoutMs : ms };
}

function defaulted(file: ConfigurationInFile, featureEnabled: (gate: string) => boolean): SchedulerConfiguration {
  const standard = defaultConfiguration(featureEnabled);
  const { leaderElection: election = {}, clientConnection: connection = {} } = file;
  const profiles = file.profiles === undefined || file.profiles.length === 0 ? [{}] : file.profiles;
  const duration = (text: string | undefined, otherwise: number): number =>
    text === undefined || parseDurationMs(text) === 0 ? otherwise : parseDurationMs(text);
  const enableProfiling = file.enableProfiling ?? true;
  return {
    profiles: profiles.map((profile) => profileOf(profile, profiles.length === 1, featureEnabled)),
    extenders: (file.extenders ?? []).map(extenderOf),
    percentageOfNodesToScore: file.percentageOfNodesToScore ?? standard.percentageOfNodesToScore,
    podInitialBackoffMs: (file.podInitialBackoffSeconds ?? 1) * 1000,
    podMaxBackoffMs: (file.podMaxBackoffSeconds ?? 10) * 1000,
    leaderElection: {
      leaderElect: election.leaderElect ?? true,
      leaseDurationMs: duration(election.leaseDuration, standard.leaderElection.leaseDurationMs),
      renewDeadlineMs: duration(election.renewDeadline, standard.leaderElection.renewDeadlineMs),
      retryPeriodMs: duration(election.retryPeriod, standard.leaderElection.retryPeriodMs),
      resourceName: election.resourceName || standard.leaderElection.resourceName,
      resourceNamespace: election.resourceNamespace || standard.leaderElection.resourceNamespace,
    },
    clientConnection: {
      kubeconfig: connection.kubeconfig ?? '',
      qps: connection.qps || standard.clientConnection.qps,
      burst: connection.burst || standard.clientConnection.burst,
    },
    enableProfiling,
    enableContentionProfiling: file.enableContentionProfiling ?? enableProfiling,
    parallelism: file.parallelism ?? standard.parallelism,
    delayCacheUntilActive: file.delayCacheUntilActive ?? false,
  };
}

/**
 * The configuration in a file's text, YAML or JSON: decoded strictly, defaulted, validated.
 *
 * @throws ConfigError worded as upstream words it.
 */
export function loadSchedulerConfiguration(
  text: string,
  featureEnabled: (gate: string) => boolean,
): SchedulerConfiguration {
  const { value, duplicates } = parseYaml(text);
  const { apiVersion = '', kind = '' } = (value ?? {}) as { apiVersion?: string; kind?: string };
  if (kind === '') throw new ConfigError("Object 'Kind' is missing");
  if (apiVersion !== `${group}/v1` || kind !== 'KubeSchedulerConfiguration') {
    throw new ConfigError(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`);
  }
  const file = decodeConfig<ConfigurationInFile>(value, kind, duplicates);
  const { resourceLock = 'leases' } = file.leaderElection ?? {};
  if (resourceLock !== 'leases') {
    throw new ConfigError(
      `leaderElection.resourceLock: Invalid value: ${JSON.stringify(resourceLock)}: resourceLock value must be "leases"`,
    );
  }
  const configuration = defaulted(file, featureEnabled);
  const errors = validateConfiguration(configuration);
  if (errors.length > 0) throw new ConfigError(aggregateText(errors));
  return configuration;
}
