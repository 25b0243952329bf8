/** kubescheduler.config.k8s.io/v1 as files have it (`staging/src/k8s.io/kube-scheduler/config/v1/types.go`). */
import type { ExtensionPoint } from '../framework/types.ts';

export interface PluginInFile {
  readonly name: string;
  readonly weight?: number;
}

export interface PluginSetInFile {
  readonly enabled?: readonly PluginInFile[];
  readonly disabled?: readonly PluginInFile[];
}

export type PluginsInFile = Readonly<Partial<Record<ExtensionPoint | 'multiPoint', PluginSetInFile>>>;

export interface ProfileInFile {
  readonly schedulerName?: string;
  readonly percentageOfNodesToScore?: number;
  readonly plugins?: PluginsInFile;
  readonly pluginConfig?: readonly { readonly name: string; readonly args?: Readonly<Record<string, unknown>> }[];
}

export interface ExtenderInFile {
  readonly urlPrefix: string;
  readonly filterVerb?: string;
  readonly preemptVerb?: string;
  readonly prioritizeVerb?: string;
  readonly weight?: number;
  readonly bindVerb?: string;
  readonly enableHTTPS?: boolean;
  readonly tlsConfig?: Readonly<Record<string, unknown>>;
  readonly httpTimeout?: string;
  readonly nodeCacheCapable?: boolean;
  readonly managedResources?: readonly { readonly name: string; readonly ignoredByScheduler?: boolean }[];
  readonly ignorable?: boolean;
}

export interface ConfigurationInFile {
  readonly parallelism?: number;
  readonly leaderElection?: {
    readonly leaderElect?: boolean;
    readonly leaseDuration?: string;
    readonly renewDeadline?: string;
    readonly retryPeriod?: string;
    readonly resourceLock?: string;
    readonly resourceName?: string;
    readonly resourceNamespace?: string;
  };
  readonly clientConnection?: {
    readonly kubeconfig?: string;
    readonly acceptContentTypes?: string;
    readonly contentType?: string;
    readonly qps?: number;
    readonly burst?: number;
  };
  readonly enableProfiling?: boolean;
  readonly enableContentionProfiling?: boolean;
  readonly percentageOfNodesToScore?: number;
  readonly podInitialBackoffSeconds?: number;
  readonly podMaxBackoffSeconds?: number;
  readonly profiles?: readonly ProfileInFile[];
  readonly extenders?: readonly ExtenderInFile[];
  readonly delayCacheUntilActive?: boolean;
}
