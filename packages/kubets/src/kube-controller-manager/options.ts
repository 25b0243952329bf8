/** What the flags mean to the controllers. */
import type { ControllerManagerOptions } from '@kubets/kube-controller-manager';
import { UserError } from '../user-error.ts';
import { concurrencyFlags, type ConcurrencyFlag, type ControllerManagerFlags } from './flags.ts';

function concurrency(flags: ControllerManagerFlags): Record<string, number> {
  const entries = Object.entries(concurrencyFlags) as [ConcurrencyFlag, string][];
  return Object.fromEntries(
    entries.flatMap(([name, controller]) => (flags[name] > 0 ? [[controller, flags[name]]] : [])),
  );
}

/** `--node-cidr-mask-size` is for clusters of one family, the other two for those of both. */
function maskSizes(
  flags: ControllerManagerFlags,
): Pick<ControllerManagerOptions, 'nodeCidrMaskSizeIpv4' | 'nodeCidrMaskSizeIpv6'> {
  const one = flags['node-cidr-mask-size'];
  if (one > 0 && flags['cluster-cidr'].length > 1)
    throw new UserError(
      '--node-cidr-mask-size: a dual-stack cluster has one for each family: --node-cidr-mask-size-ipv4',
    );
  return {
    nodeCidrMaskSizeIpv4: flags['node-cidr-mask-size-ipv4'] || one || 24,
    nodeCidrMaskSizeIpv6: flags['node-cidr-mask-size-ipv6'] || one || 64,
  };
}

function signing(flags: ControllerManagerFlags): Pick<ControllerManagerOptions, 'clusterSigning'> {
  const certificate = flags['cluster-signing-cert-file'];
  const key = flags['cluster-signing-key-file'];
  if ((certificate === '') !== (key === ''))
    throw new UserError('--cluster-signing-cert-file and --cluster-signing-key-file belong together');
  return certificate === '' ? {} : { clusterSigning: { certificate, key } };
}

/** Throws a {@link UserError} for flags that contradict each other. */
export function controllerOptions(flags: ControllerManagerFlags): ControllerManagerOptions {
  const rootCa = flags['root-ca-file'];
  const serviceAccountPrivateKey = flags['service-account-private-key-file'];
  return {
    concurrency: concurrency(flags),
    terminatedPodGcThreshold: flags['terminated-pod-gc-threshold'],
    nodeMonitorPeriodMs: flags['node-monitor-period'],
    nodeMonitorGracePeriodMs: flags['node-monitor-grace-period'],
    nodeStartupGracePeriodMs: flags['node-startup-grace-period'],
    nodeEvictionRate: flags['node-eviction-rate'],
    secondaryNodeEvictionRate: flags['secondary-node-eviction-rate'],
    largeClusterSizeThreshold: flags['large-cluster-size-threshold'],
    unhealthyZoneThreshold: flags['unhealthy-zone-threshold'],
    allocateNodeCidrs: flags['allocate-node-cidrs'],
    clusterCidrs: flags['cluster-cidr'],
    serviceClusterIpRanges: flags['service-cluster-ip-range'],
    ...maskSizes(flags),
    horizontalPodAutoscaler: {
      syncPeriodMs: flags['horizontal-pod-autoscaler-sync-period'],
      downscaleStabilizationMs: flags['horizontal-pod-autoscaler-downscale-stabilization'],
      tolerance: flags['horizontal-pod-autoscaler-tolerance'],
      cpuInitializationPeriodMs: flags['horizontal-pod-autoscaler-cpu-initialization-period'],
      initialReadinessDelayMs: flags['horizontal-pod-autoscaler-initial-readiness-delay'],
    },
    resourceQuotaSyncPeriodMs: flags['resource-quota-sync-period'],
    namespaceSyncPeriodMs: flags['namespace-sync-period'],
    pvClaimBinderSyncPeriodMs: flags['pvclaimbinder-sync-period'],
    attachDetachReconcileSyncPeriodMs: flags['attach-detach-reconcile-sync-period'],
    maxEndpointsPerSlice: flags['max-endpoints-per-slice'],
    mirroringMaxEndpointsPerSubset: flags['mirroring-max-endpoints-per-subset'],
    legacyServiceAccountTokenCleanUpPeriodMs: flags['legacy-service-account-token-clean-up-period'],
    ...(rootCa !== '' && { rootCa }),
    ...(serviceAccountPrivateKey !== '' && { serviceAccountPrivateKey }),
    ...signing(flags),
    clusterSigningDurationMs: flags['cluster-signing-duration'],
  };
}
