/**
 * What a pod or a persistent volume makes its node need
 * (`pkg/api/v1/pod/util.go` VisitPodSecretNames and VisitPodConfigmapNames, `pkg/api/v1/persistentvolume/util.go`).
 */
import type { ApiObject } from '@kubets/apimachinery/meta';

interface NameRef {
  name?: string;
}

interface SecretRef extends NameRef {
  namespace?: string;
}

interface Container {
  env?: { valueFrom?: { secretKeyRef?: NameRef; configMapKeyRef?: NameRef } }[];
  envFrom?: { secretRef?: NameRef; configMapRef?: NameRef }[];
}

interface Volume {
  name: string;
  secret?: { secretName?: string };
  configMap?: NameRef;
  projected?: { sources?: { secret?: NameRef; configMap?: NameRef }[] };
  persistentVolumeClaim?: { claimName: string };
  ephemeral?: object;
  azureFile?: { secretName?: string };
  csi?: { nodePublishSecretRef?: NameRef };
  cephfs?: { secretRef?: NameRef };
  cinder?: { secretRef?: NameRef };
  flexVolume?: { secretRef?: NameRef };
  rbd?: { secretRef?: NameRef };
  scaleIO?: { secretRef?: NameRef };
  iscsi?: { secretRef?: NameRef };
  storageos?: { secretRef?: NameRef };
}

export interface PodObject extends ApiObject {
  spec?: {
    nodeName?: string;
    serviceAccountName?: string;
    imagePullSecrets?: NameRef[];
    containers?: Container[];
    initContainers?: Container[];
    ephemeralContainers?: Container[];
    volumes?: Volume[];
    resourceClaims?: { name: string; resourceClaimName?: string; resourceClaimTemplateName?: string }[];
  };
  status?: {
    resourceClaimStatuses?: { name: string; resourceClaimName?: string }[];
    extendedResourceClaimStatus?: { resourceClaimName?: string };
  };
}

/** Names per resource, all in the pod's namespace; repeats are left in. */
export interface PodReferences {
  readonly serviceaccounts: readonly string[];
  readonly secrets: readonly string[];
  readonly configmaps: readonly string[];
  readonly persistentvolumeclaims: readonly string[];
  readonly resourceclaims: readonly string[];
}

const secretVolumes = ['cephfs', 'cinder', 'flexVolume', 'rbd', 'scaleIO', 'iscsi', 'storageos'] as const;

const named = (names: readonly (string | undefined)[]): string[] =>
  names.filter((n) => n !== undefined && n !== '') as string[];

/** Everything the pod mentions by name. */
export function podReferences(pod: Readonly<PodObject>): PodReferences {
  const spec = pod.spec ?? {};
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])];
  const volumes = spec.volumes ?? [];
  const env = containers.flatMap((c) => c.env ?? []);
  const envFrom = containers.flatMap((c) => c.envFrom ?? []);
  const sources = volumes.flatMap((v) => v.projected?.sources ?? []);
  return {
    serviceaccounts: named([spec.serviceAccountName]),
    secrets: named([
      ...(spec.imagePullSecrets ?? []).map((ref) => ref.name),
      ...env.map((e) => e.valueFrom?.secretKeyRef?.name),
      ...envFrom.map((e) => e.secretRef?.name),
      ...sources.map((s) => s.secret?.name),
      ...volumes.flatMap(secretsOfVolume),
    ]),
    configmaps: named([
      ...env.map((e) => e.valueFrom?.configMapKeyRef?.name),
      ...envFrom.map((e) => e.configMapRef?.name),
      ...sources.map((s) => s.configMap?.name),
      ...volumes.map((v) => v.configMap?.name),
    ]),
    persistentvolumeclaims: named(volumes.map((v) => claimOfVolume(pod, v))),
    resourceclaims: named(resourceClaims(pod)),
  };
}

function secretsOfVolume(volume: Volume): (string | undefined)[] {
  return [
    volume.secret?.secretName,
    volume.azureFile?.secretName,
    volume.csi?.nodePublishSecretRef?.name,
    ...secretVolumes.map((kind) => volume[kind]?.secretRef?.name),
  ];
}

function claimOfVolume(pod: Readonly<PodObject>, volume: Volume): string | undefined {
  if (volume.persistentVolumeClaim !== undefined) return volume.persistentVolumeClaim.claimName;
  return volume.ephemeral === undefined ? undefined : `${pod.metadata.name ?? ''}-${volume.name}`;
}

function resourceClaims(pod: Readonly<PodObject>): (string | undefined)[] {
  const made = pod.status?.resourceClaimStatuses ?? [];
  const claims = (pod.spec?.resourceClaims ?? []).map(
    (claim) => claim.resourceClaimName ?? made.find((status) => status.name === claim.name)?.resourceClaimName,
  );
  return [...claims, pod.status?.extendedResourceClaimStatus?.resourceClaimName];
}

export interface PersistentVolumeObject extends ApiObject {
  spec?: {
    claimRef?: { namespace?: string; name?: string };
    azureFile?: { secretName?: string; secretNamespace?: string };
    csi?: Partial<Record<'nodePublishSecretRef' | 'nodeStageSecretRef' | 'nodeExpandSecretRef', SecretRef>>;
  } & Partial<Record<(typeof secretVolumes)[number], { secretRef?: SecretRef }>>;
}

/** `namespace/name` of each secret that a kubelet needs to mount the volume; without a claim none. */
export function volumeSecrets(volume: Readonly<PersistentVolumeObject>): string[] {
  const { spec } = volume;
  const claimNamespace = spec?.claimRef?.namespace ?? '';
  if (spec?.claimRef === undefined) return [];
  const refs: (SecretRef | undefined)[] = [
    spec.azureFile && { name: spec.azureFile.secretName, namespace: spec.azureFile.secretNamespace },
    spec.csi?.nodePublishSecretRef,
    spec.csi?.nodeStageSecretRef,
    spec.csi?.nodeExpandSecretRef,
    ...secretVolumes.map((kind) => spec[kind]?.secretRef),
  ];
  return refs.flatMap((ref) => (ref?.name ? [`${ref.namespace || claimNamespace}/${ref.name}`] : []));
}
