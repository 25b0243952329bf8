/**
 * What the flags of kube-controller-manager set, in upstream's terms and with upstream's defaults
 * (`pkg/controller/apis/config/v1alpha1/defaults.go` of each controller). Durations are milliseconds.
 */

export interface ControllerManagerOptions {
  /** `--concurrent-deployment-syncs` and so on, by controller name: how many workers; the controller's own default where absent. */
  readonly concurrency: Readonly<Record<string, number>>;
  /** `--terminated-pod-gc-threshold`: how many ended pods may stay; 0 or less: all. */
  readonly terminatedPodGcThreshold: number;
  /** `--pod-eviction-timeout` is gone; `--node-monitor-period`, `--node-monitor-grace-period`, `--node-startup-grace-period`. */
  readonly nodeMonitorPeriodMs: number;
  readonly nodeMonitorGracePeriodMs: number;
  readonly nodeStartupGracePeriodMs: number;
  /** `--node-eviction-rate`, `--secondary-node-eviction-rate` (nodes a second), `--large-cluster-size-threshold`, `--unhealthy-zone-threshold`. */
  readonly nodeEvictionRate: number;
  readonly secondaryNodeEvictionRate: number;
  readonly largeClusterSizeThreshold: number;
  readonly unhealthyZoneThreshold: number;
  /** `--allocate-node-cidrs`, `--cluster-cidr`, `--service-cluster-ip-range`, `--node-cidr-mask-size-ipv4`, `--node-cidr-mask-size-ipv6`. */
  readonly allocateNodeCidrs: boolean;
  readonly clusterCidrs: readonly string[];
  readonly serviceClusterIpRanges: readonly string[];
  readonly nodeCidrMaskSizeIpv4: number;
  readonly nodeCidrMaskSizeIpv6: number;
  /** `--horizontal-pod-autoscaler-*`. */
  readonly horizontalPodAutoscaler: {
    readonly syncPeriodMs: number;
    readonly downscaleStabilizationMs: number;
    readonly tolerance: number;
    readonly cpuInitializationPeriodMs: number;
    readonly initialReadinessDelayMs: number;
  };
  /** `--resource-quota-sync-period`. */
  readonly resourceQuotaSyncPeriodMs: number;
  /** `--namespace-sync-period`. */
  readonly namespaceSyncPeriodMs: number;
  /** `--pvclaimbinder-sync-period`. */
  readonly pvClaimBinderSyncPeriodMs: number;
  /** `--attach-detach-reconcile-sync-period`. */
  readonly attachDetachReconcileSyncPeriodMs: number;
  /** `--max-endpoints-per-slice`, `--mirroring-max-endpoints-per-subset`. */
  readonly maxEndpointsPerSlice: number;
  readonly mirroringMaxEndpointsPerSubset: number;
  /** `--legacy-service-account-token-clean-up-period`. */
  readonly legacyServiceAccountTokenCleanUpPeriodMs: number;
  /** `--root-ca-file`, PEM; absent: no `kube-root-ca.crt`. */
  readonly rootCa?: string;
  /** `--service-account-private-key-file`, PEM; absent: no secrets of type service-account-token are filled. */
  readonly serviceAccountPrivateKey?: string;
  /** `--service-account-issuer` of the API server is not needed: legacy tokens have the issuer `kubernetes/serviceaccount`. */
  /** `--cluster-signing-cert-file`, `--cluster-signing-key-file`, PEM; absent: no CSR is signed. */
  readonly clusterSigning?: { readonly certificate: string; readonly key: string };
  /** `--cluster-signing-duration`. */
  readonly clusterSigningDurationMs: number;
}

const second = 1000;
const minute = 60 * second;

/** Upstream's defaults. */
export const defaultControllerManagerOptions: ControllerManagerOptions = {
  concurrency: {},
  terminatedPodGcThreshold: 12_500,
  nodeMonitorPeriodMs: 5 * second,
  nodeMonitorGracePeriodMs: 50 * second,
  nodeStartupGracePeriodMs: minute,
  nodeEvictionRate: 0.1,
  secondaryNodeEvictionRate: 0.01,
  largeClusterSizeThreshold: 50,
  unhealthyZoneThreshold: 0.55,
  allocateNodeCidrs: false,
  clusterCidrs: [],
  serviceClusterIpRanges: [],
  nodeCidrMaskSizeIpv4: 24,
  nodeCidrMaskSizeIpv6: 64,
  horizontalPodAutoscaler: {
    syncPeriodMs: 15 * second,
    downscaleStabilizationMs: 5 * minute,
    tolerance: 0.1,
    cpuInitializationPeriodMs: 5 * minute,
    initialReadinessDelayMs: 30 * second,
  },
  resourceQuotaSyncPeriodMs: 5 * minute,
  namespaceSyncPeriodMs: 5 * minute,
  pvClaimBinderSyncPeriodMs: 15 * second,
  attachDetachReconcileSyncPeriodMs: minute,
  maxEndpointsPerSlice: 100,
  mirroringMaxEndpointsPerSubset: 1000,
  legacyServiceAccountTokenCleanUpPeriodMs: 365 * 24 * 60 * minute,
  clusterSigningDurationMs: 365 * 24 * 60 * minute,
};
