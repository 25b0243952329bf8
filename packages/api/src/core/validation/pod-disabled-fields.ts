/**
 * Fields of features that are switched off are dropped, unless the stored object uses them already
 * (`pkg/api/pod/util.go`, `DropDisabledPodFields`, `DropDisabledTemplateFields`).
 */
import type { Container, PodSpec, PodStatus, VolumeProjection } from '../../generated/types/core-v1.ts';
import type { FeatureGates } from './pod-options.ts';

interface Feature<T> {
  readonly gate: string;
  /** Whether the object has such a field. */
  readonly uses: (object: T) => boolean;
  readonly drop: (object: T) => void;
}

function containersOf(spec: PodSpec): Container[] {
  return [
    ...(spec.initContainers ?? []),
    ...(spec.containers ?? []),
    ...((spec.ephemeralContainers ?? []) as Container[]),
  ];
}

function projectionsOf(spec: PodSpec): VolumeProjection[] {
  return (spec.volumes ?? []).flatMap(({ projected }) => projected?.sources ?? []);
}

const projectionFeature = (gate: string, field: 'clusterTrustBundle' | 'podCertificate'): Feature<PodSpec> => ({
  gate,
  uses: (spec) => spec.volumes !== undefined && projectionsOf(spec).some((source) => source[field] !== undefined),
  drop(spec) {
    for (const source of projectionsOf(spec)) delete source[field];
  },
});

const specField = (gate: string, field: 'schedulingGroup' | 'hostnameOverride' | 'resources'): Feature<PodSpec> => ({
  gate,
  uses: (spec) => spec[field] !== undefined,
  drop(spec) {
    delete spec[field];
  },
});

const containerRules: Feature<PodSpec> = {
  gate: 'ContainerRestartRules',
  uses: (spec) =>
    containersOf(spec).some(({ restartPolicyRules }) => restartPolicyRules !== undefined) ||
    (spec.initContainers ?? []).some(
      ({ restartPolicy }) => restartPolicy !== undefined && restartPolicy !== 'Always',
    ) ||
    (spec.containers ?? []).some(({ restartPolicy }) => restartPolicy !== undefined),
  drop(spec) {
    for (const container of containersOf(spec)) delete container.restartPolicyRules;
    for (const container of spec.containers ?? []) delete container.restartPolicy;
    for (const container of spec.initContainers ?? []) {
      if (container.restartPolicy !== 'Always') delete container.restartPolicy;
    }
  },
};

const specFeatures: readonly Feature<PodSpec>[] = [
  {
    gate: 'ContainerStopSignals',
    uses: (spec) => containersOf(spec).some(({ lifecycle }) => lifecycle?.stopSignal !== undefined),
    drop(spec) {
      for (const container of containersOf(spec)) {
        if (container.lifecycle?.stopSignal === undefined) continue;
        delete container.lifecycle.stopSignal;
        if (!container.lifecycle.preStop && !container.lifecycle.postStart) delete container.lifecycle;
      }
    },
  },
  projectionFeature('ClusterTrustBundleProjection', 'clusterTrustBundle'),
  projectionFeature('PodCertificateRequest', 'podCertificate'),
  specField('GenericWorkload', 'schedulingGroup'),
  specField('HostnameOverride', 'hostnameOverride'),
  specField('PodLevelResources', 'resources'),
  containerRules,
  {
    gate: 'EnvFiles',
    uses: (spec) => containersOf(spec).some(({ env }) => env?.some(({ valueFrom }) => valueFrom?.fileKeyRef)),
    drop(spec) {
      for (const { env } of containersOf(spec)) for (const { valueFrom } of env ?? []) delete valueFrom?.fileKeyRef;
    },
  },
  {
    gate: 'MatchLabelKeysInPodTopologySpread',
    uses: (spec) => (spec.topologySpreadConstraints ?? []).some(({ matchLabelKeys }) => matchLabelKeys?.length),
    drop(spec) {
      for (const constraint of spec.topologySpreadConstraints ?? []) delete constraint.matchLabelKeys;
    },
  },
];

const statusLists = ['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses'] as const;

type StatusField =
  | 'extendedResourceClaimStatus'
  | 'nodeAllocatableResourceClaimStatuses'
  | 'allocatedResources'
  | 'resources';

const statusField = (gate: string, field: StatusField): Feature<PodStatus> => ({
  gate,
  uses: (status) => status[field] !== undefined,
  drop(status) {
    delete status[field];
  },
});

const statusFeatures: readonly Feature<PodStatus>[] = [
  statusField('DRAExtendedResource', 'extendedResourceClaimStatus'),
  statusField('DRANodeAllocatableResources', 'nodeAllocatableResourceClaimStatuses'),
  statusField('InPlacePodLevelResourcesVerticalScaling', 'allocatedResources'),
  statusField('InPlacePodLevelResourcesVerticalScaling', 'resources'),
  {
    gate: 'ResourceHealthStatus',
    uses: (status) =>
      statusLists.some((list) => status[list]?.some(({ allocatedResourcesStatus }) => allocatedResourcesStatus)),
    drop(status) {
      for (const list of statusLists) for (const item of status[list] ?? []) delete item.allocatedResourcesStatus;
    },
  },
  {
    gate: 'ImageVolumeWithDigest',
    uses: (status) =>
      statusLists.some((list) => status[list]?.some((item) => item.volumeMounts?.some((mount) => mount.volumeStatus))),
    drop(status) {
      for (const list of statusLists) {
        for (const { volumeMounts } of status[list] ?? [])
          for (const mount of volumeMounts ?? []) delete mount.volumeStatus;
      }
    },
  },
];

function dropDisabled<T>(features: readonly Feature<T>[], [object, old]: [T, T | undefined], on: FeatureGates): void {
  for (const feature of features) {
    if (on(feature.gate) || !feature.uses(object)) continue;
    // What is shared with the old object is in use there, and so never reached.
    if (old === undefined || !feature.uses(old)) feature.drop(object);
  }
}

/** Changes `spec`, unless it is the old one itself. */
export function dropDisabledPodFields(
  spec: PodSpec | undefined,
  old: Readonly<PodSpec> | undefined,
  on: FeatureGates,
): void {
  if (spec !== undefined && spec !== old) dropDisabled(specFeatures, [spec, old], on);
}

export function dropDisabledStatusFields(
  status: PodStatus | undefined,
  old: Readonly<PodStatus> | undefined,
  on: FeatureGates,
): void {
  if (status !== undefined && status !== old) dropDisabled(statusFeatures, [status, old], on);
}
