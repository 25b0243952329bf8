/**
 * Which rules hold for a pod or pod template: feature gates, and what the stored object already does
 * (an update must not fail for what an earlier release has let in).
 * Upstream: `pkg/api/pod/util.go`, `GetValidationOptionsFromPodSpecAndMeta`.
 */
import type { ObjectMeta } from '@kubets/apimachinery/meta';
import type { PodSpec } from '../../generated/types/core-v1.ts';
import { isDeletionCostInvalid } from './pod-annotations.ts';
import {
  hasInvalidAffinitySelector,
  hasInvalidNodeAffinityValue,
  hasInvalidSpreadSelector,
  violatesMatchLabelKeys,
} from './pod-legacy.ts';
import {
  hasHostSysctlConflict,
  hasNonLocalTokenPath,
  usesContainerRestartRules,
  usesIndivisibleHugePages,
  usesRestartAllContainers,
  usesRestartContainerForInit,
} from './pod-legacy.ts';

export interface PodValidationOptions {
  /** The object is a Pod, not a template inside another kind. */
  readonly resourceIsPod: boolean;
  readonly allowInvalidPodDeletionCost: boolean;
  readonly allowInvalidLabelValueInSelector: boolean;
  readonly allowInvalidLabelValueInRequiredNodeAffinity: boolean;
  readonly allowIndivisibleHugePages: boolean;
  readonly allowInvalidSpreadSelector: boolean;
  readonly allowNonLocalTokenPath: boolean;
  readonly allowHostSysctls: boolean;
  readonly allowOnlyRecursiveSELinuxChangePolicy: boolean;
  readonly podLevelResources: boolean;
  readonly podLevelResize: boolean;
  readonly initContainerResize: boolean;
  readonly allowRestartRules: boolean;
  readonly allowRestartAllContainers: boolean;
  readonly allowRestartContainerForInit: boolean;
  readonly allowUserNamespacesHostNetwork: boolean;
  readonly allowUserNamespacesVolumeDevices: boolean;
  readonly allowTolerationComparison: boolean;
  readonly allowEnvFiles: boolean;
  readonly spreadMatchLabelKeys: boolean;
  /** Keys of matchLabelKeys have been merged into the selector, so finding them there is fine. */
  readonly spreadSelectorMerge: boolean;
  readonly clearNominatedNodeName: boolean;
  readonly imageVolumeDigest: boolean;
  /** IP addresses without leading zeros and not mapped from IPv4. */
  readonly strictIP: boolean;
}

export type FeatureGates = (gate: string) => boolean;

export interface PodSubject {
  readonly spec?: PodSpec;
  readonly metadata?: ObjectMeta;
}

/** Options for `subject`, which replaces `old` when that is given. */
export function podValidationOptions(
  featureEnabled: FeatureGates,
  old: PodSubject | undefined,
  resourceIsPod: boolean,
): PodValidationOptions {
  const base = gateOptions(featureEnabled, resourceIsPod);
  return old?.spec === undefined ? base : { ...base, ...concessions(base, old.spec, old.metadata) };
}

function gateOptions(on: FeatureGates, resourceIsPod: boolean): PodValidationOptions {
  return {
    resourceIsPod,
    allowInvalidPodDeletionCost: !on('PodDeletionCost'),
    allowInvalidLabelValueInSelector: false,
    allowInvalidLabelValueInRequiredNodeAffinity: false,
    allowIndivisibleHugePages: false,
    allowInvalidSpreadSelector: false,
    allowNonLocalTokenPath: false,
    allowHostSysctls: false,
    allowOnlyRecursiveSELinuxChangePolicy: !on('SELinuxMount'),
    podLevelResources: on('PodLevelResources'),
    podLevelResize: on('InPlacePodLevelResourcesVerticalScaling'),
    initContainerResize: on('InPlacePodVerticalScalingInitContainers'),
    allowRestartRules: on('ContainerRestartRules'),
    allowRestartAllContainers: on('RestartAllContainersOnContainerExits'),
    allowRestartContainerForInit: false,
    allowUserNamespacesHostNetwork: on('UserNamespacesHostNetworkSupport'),
    allowUserNamespacesVolumeDevices: false,
    allowTolerationComparison: on('TaintTolerationComparisonOperators'),
    allowEnvFiles: on('EnvFiles'),
    spreadMatchLabelKeys: on('MatchLabelKeysInPodTopologySpread'),
    spreadSelectorMerge: on('MatchLabelKeysInPodTopologySpreadSelectorMerge'),
    clearNominatedNodeName: on('ClearingNominatedNodeNameAfterBinding'),
    imageVolumeDigest: on('ImageVolumeWithDigest'),
    strictIP: on('StrictIPCIDRValidation'),
  };
}

function concessions(
  base: PodValidationOptions,
  spec: PodSpec,
  metadata: ObjectMeta | undefined,
): Partial<PodValidationOptions> {
  const hostUsers = spec.hostUsers ?? true;
  return {
    allowInvalidPodDeletionCost: base.allowInvalidPodDeletionCost || isDeletionCostInvalid(metadata?.annotations),
    allowInvalidLabelValueInSelector: hasInvalidAffinitySelector(spec),
    allowInvalidLabelValueInRequiredNodeAffinity: hasInvalidNodeAffinityValue(spec),
    allowIndivisibleHugePages: usesIndivisibleHugePages(spec),
    allowInvalidSpreadSelector: hasInvalidSpreadSelector(spec),
    allowNonLocalTokenPath: hasNonLocalTokenPath(spec),
    allowHostSysctls: hasHostSysctlConflict(spec),
    allowOnlyRecursiveSELinuxChangePolicy:
      base.allowOnlyRecursiveSELinuxChangePolicy && spec.securityContext?.seLinuxChangePolicy === undefined,
    podLevelResources: base.podLevelResources || spec.resources !== undefined,
    allowRestartRules: base.allowRestartRules || usesContainerRestartRules(spec),
    allowRestartAllContainers: base.allowRestartAllContainers || usesRestartAllContainers(spec),
    allowRestartContainerForInit: usesRestartContainerForInit(spec),
    allowUserNamespacesHostNetwork: base.allowUserNamespacesHostNetwork || (!hostUsers && spec.hostNetwork === true),
    allowUserNamespacesVolumeDevices:
      !hostUsers && spec.containers.some((container) => (container.volumeDevices?.length ?? 0) > 0),
    allowTolerationComparison:
      base.allowTolerationComparison ||
      (spec.tolerations ?? []).some(({ operator }) => operator === 'Lt' || operator === 'Gt'),
    spreadMatchLabelKeys: base.spreadMatchLabelKeys && !violatesMatchLabelKeys(spec, base.spreadSelectorMerge),
  };
}
