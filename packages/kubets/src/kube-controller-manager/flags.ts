/** The flags of `kubets kube-controller-manager`: upstream's names and meanings, as far as they are built. */
import { flag, FlagSet, type ValuesOf } from '../flags/flag-set.ts';
import { bool, certificates, duration, float, integer, list, privateKey } from '../flags/readers.ts';
import { kubeControllerManagerFlags } from '../generated/flags.ts';
import { clientFlags, leaderElectionFlags, securePort, servingFlags } from '../serving/flags.ts';
import { defaultControllerManagerOptions as defaults } from '@kubets/kube-controller-manager/options';

const hpa = defaults.horizontalPodAutoscaler;

/** How many workers each controller has, by flag; 0: as many as it has by default. */
export const concurrencyFlags = {
  'concurrent-deployment-syncs': 'deployment-controller',
  'concurrent-replicaset-syncs': 'replicaset-controller',
  'concurrent-rc-syncs': 'replicationcontroller-controller',
  'concurrent-statefulset-syncs': 'statefulset-controller',
  'concurrent-daemonset-syncs': 'daemonset-controller',
  'concurrent-job-syncs': 'job-controller',
  'concurrent-cron-job-syncs': 'cronjob-controller',
  'concurrent-endpoint-syncs': 'endpoints-controller',
  'concurrent-service-endpoint-syncs': 'endpointslice-controller',
  'mirroring-concurrent-service-endpoint-syncs': 'endpointslice-mirroring-controller',
  'concurrent-ephemeralvolume-syncs': 'ephemeral-volume-controller',
  'concurrent-resourceclaim-syncs': 'resourceclaim-controller',
  'concurrent-gc-syncs': 'garbage-collector-controller',
  'concurrent-namespace-syncs': 'namespace-controller',
  'concurrent-horizontal-pod-autoscaler-syncs': 'horizontal-pod-autoscaler-controller',
  'concurrent-resource-quota-syncs': 'resourcequota-controller',
  'concurrent-serviceaccount-token-syncs': 'serviceaccount-token-controller',
  'concurrent-ttl-after-finished-syncs': 'ttl-after-finished-controller',
  'concurrent-validating-admission-policy-status-syncs': 'validatingadmissionpolicy-status-controller',
  'concurrent-device-taint-eviction-syncs': 'device-taint-eviction-controller',
} as const;

export type ConcurrencyFlag = keyof typeof concurrencyFlags;

const workers = Object.fromEntries(
  Object.entries(concurrencyFlags).map(([name, controller]) => [
    name,
    flag({ read: integer, default: 0, help: `workers of ${controller}; 0: its default` }),
  ]),
) as Readonly<Record<ConcurrencyFlag, ReturnType<typeof flag<number>>>>;

const flags = {
  ...clientFlags,
  ...servingFlags,
  'secure-port': securePort(10_257),
  ...leaderElectionFlags('kube-controller-manager'),
  controllers: flag({ read: list, default: ['*'], help: 'foo: run it; -foo: do not; *: all that are on by default' }),
  'controller-shutdown-timeout': flag({
    read: duration,
    default: 10_000,
    help: 'how long controllers may take to end',
  }),
  'use-service-account-credentials': flag({
    read: bool,
    default: false,
    help: 'each controller acts as its own service account',
  }),
  ...workers,
  'allocate-node-cidrs': flag({ read: bool, default: false, help: 'nodes get ranges of addresses for pods' }),
  'cluster-cidr': flag({ read: list, default: [], help: 'out of which' }),
  'service-cluster-ip-range': flag({ read: list, default: [], help: 'addresses of Services: not given to nodes' }),
  'node-cidr-mask-size': flag({ read: integer, default: 0, help: "prefix length of a node's range" }),
  'node-cidr-mask-size-ipv4': flag({ read: integer, default: 0, help: 'the same in a dual-stack cluster' }),
  'node-cidr-mask-size-ipv6': flag({ read: integer, default: 0, help: 'the same in a dual-stack cluster' }),
  'node-monitor-period': flag({
    read: duration,
    default: defaults.nodeMonitorPeriodMs,
    help: 'between looks at nodes',
  }),
  'node-monitor-grace-period': flag({
    read: duration,
    default: defaults.nodeMonitorGracePeriodMs,
    help: 'how long a node may be silent',
  }),
  'node-startup-grace-period': flag({
    read: duration,
    default: defaults.nodeStartupGracePeriodMs,
    help: 'the same for a new one',
  }),
  'node-eviction-rate': flag({ read: float, default: defaults.nodeEvictionRate, help: 'nodes a second' }),
  'secondary-node-eviction-rate': flag({
    read: float,
    default: defaults.secondaryNodeEvictionRate,
    help: 'in a zone that is ill',
  }),
  'large-cluster-size-threshold': flag({
    read: integer,
    default: defaults.largeClusterSizeThreshold,
    help: 'smaller zones that are ill evict nothing',
  }),
  'unhealthy-zone-threshold': flag({
    read: float,
    default: defaults.unhealthyZoneThreshold,
    help: 'part of the nodes that makes a zone ill',
  }),
  'terminated-pod-gc-threshold': flag({
    read: integer,
    default: defaults.terminatedPodGcThreshold,
    help: 'ended pods that may stay; 0: all',
  }),
  'horizontal-pod-autoscaler-sync-period': flag({ read: duration, default: hpa.syncPeriodMs, help: 'between looks' }),
  'horizontal-pod-autoscaler-downscale-stabilization': flag({
    read: duration,
    default: hpa.downscaleStabilizationMs,
    help: 'how long the highest wish counts',
  }),
  'horizontal-pod-autoscaler-tolerance': flag({
    read: float,
    default: hpa.tolerance,
    help: 'deviation that is let be',
  }),
  'horizontal-pod-autoscaler-cpu-initialization-period': flag({
    read: duration,
    default: hpa.cpuInitializationPeriodMs,
    help: 'after the start of a pod, its CPU may not count',
  }),
  'horizontal-pod-autoscaler-initial-readiness-delay': flag({
    read: duration,
    default: hpa.initialReadinessDelayMs,
    help: 'how long readiness may come and go at the start',
  }),
  'resource-quota-sync-period': flag({ read: duration, default: defaults.resourceQuotaSyncPeriodMs, help: 'of usage' }),
  'namespace-sync-period': flag({ read: duration, default: defaults.namespaceSyncPeriodMs, help: 'of namespaces' }),
  'pvclaimbinder-sync-period': flag({
    read: duration,
    default: defaults.pvClaimBinderSyncPeriodMs,
    help: 'of volumes and claims',
  }),
  'attach-detach-reconcile-sync-period': flag({
    read: duration,
    default: defaults.attachDetachReconcileSyncPeriodMs,
    help: 'of attached volumes',
  }),
  'max-endpoints-per-slice': flag({ read: integer, default: defaults.maxEndpointsPerSlice, help: 'of EndpointSlices' }),
  'mirroring-max-endpoints-per-subset': flag({
    read: integer,
    default: defaults.mirroringMaxEndpointsPerSubset,
    help: 'of mirrored ones',
  }),
  'legacy-service-account-token-clean-up-period': flag({
    read: duration,
    default: defaults.legacyServiceAccountTokenCleanUpPeriodMs,
    help: 'unused for so long, legacy tokens go',
  }),
  'root-ca-file': flag({ read: certificates, default: '', help: 'published as kube-root-ca.crt in every namespace' }),
  'service-account-private-key-file': flag({ read: privateKey, default: '', help: 'signs legacy tokens, PEM' }),
  'cluster-signing-cert-file': flag({ read: certificates, default: '', help: 'CA that signs requests, PEM' }),
  'cluster-signing-key-file': flag({ read: privateKey, default: '', help: 'its key, PEM' }),
  'cluster-signing-duration': flag({
    read: duration,
    default: defaults.clusterSigningDurationMs,
    help: 'longest life of what is signed',
  }),
};

const set = new FlagSet('kube-controller-manager', flags, kubeControllerManagerFlags);

export type ControllerManagerFlags = ValuesOf<typeof flags>;

/** For the test that compares them with upstream's. */
export const controllerManagerFlagNames: readonly string[] = Object.keys(flags);

/** Throws a UserError for unknown flags, flags that are not built, bad values and missing ones. */
export const parseControllerManagerFlags = (args: readonly string[]): ControllerManagerFlags => set.parse(args);

/** One line a flag. */
export const controllerManagerHelp = (): string => set.help();
