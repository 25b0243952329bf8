/** What a scheduler is made from: a configuration file, read and defaulted. */
import type { ExtenderConfig } from '../extender/http-extender.ts';
import type { ProfileOptions } from '../framework/profile.ts';
import { defaultProfilePlugins } from './default-plugins.ts';
import { defaultPluginConfig } from './plugin-args.ts';

export interface LeaderElectionSettings {
  readonly leaderElect: boolean;
  readonly leaseDurationMs: number;
  readonly renewDeadlineMs: number;
  readonly retryPeriodMs: number;
  readonly resourceName: string;
  readonly resourceNamespace: string;
}

export interface ClientConnection {
  /** A file; '' when the flags say. */
  readonly kubeconfig: string;
  readonly qps: number;
  readonly burst: number;
}

export interface SchedulerConfiguration {
  readonly profiles: readonly ProfileOptions[];
  readonly extenders: readonly ExtenderConfig[];
  /** 0: adaptive. */
  readonly percentageOfNodesToScore: number;
  readonly podInitialBackoffMs: number;
  readonly podMaxBackoffMs: number;
  readonly leaderElection: LeaderElectionSettings;
  readonly clientConnection: ClientConnection;
  readonly enableProfiling: boolean;
  readonly enableContentionProfiling: boolean;
  /** Upstream's number of threads; there is one here, so it changes nothing. */
  readonly parallelism: number;
  /** Informers start only when this scheduler leads. */
  readonly delayCacheUntilActive: boolean;
}

export const defaultSchedulerName = 'default-scheduler';

/** What applies without a file. */
export function defaultConfiguration(featureEnabled: (gate: string) => boolean): SchedulerConfiguration {
  return {
    profiles: [
      {
        schedulerName: defaultSchedulerName,
        plugins: defaultProfilePlugins(featureEnabled),
        pluginConfig: defaultPluginConfig(),
      },
    ],
    extenders: [],
    percentageOfNodesToScore: 0,
    podInitialBackoffMs: 1000,
    podMaxBackoffMs: 10_000,
    leaderElection: {
      leaderElect: true,
      leaseDurationMs: 15_000,
      renewDeadlineMs: 10_000,
      retryPeriodMs: 2000,
      resourceName: 'kube-scheduler',
      resourceNamespace: 'kube-system',
    },
    clientConnection: { kubeconfig: '', qps: 50, burst: 100 },
    enableProfiling: true,
    enableContentionProfiling: true,
    parallelism: 16,
    delayCacheUntilActive: false,
  };
}
