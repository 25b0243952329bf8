/** Volumes, claims and classes for tests of the volume plugins. */
import type {
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeClaimSpec,
  PersistentVolumeSpec,
  Pod,
  Volume,
} from '@kubets/api/types/core-v1';
import type { StorageClass } from '@kubets/api/types/storage-v1';
import { volumeAnnotations } from '@kubets/api/core/helpers/persistent-volume';
import type { KubeClient } from '@kubets/client';

/** Whatever has a client. */
interface WithClient {
  readonly client: KubeClient;
}

export const zoneLabel = 'topology.kubernetes.io/zone';

export const nodeIn = (name: string, zone: string): Node => ({
  kind: 'Node',
  apiVersion: 'v1',
  metadata: { name, labels: { [zoneLabel]: zone } },
  status: { allocatable: { cpu: '4', memory: '4Gi', pods: '10' } },
});

export const inZone = (zone: string): PersistentVolumeSpec => ({
  nodeAffinity: {
    required: { nodeSelectorTerms: [{ matchExpressions: [{ key: zoneLabel, operator: 'In', values: [zone] }] }] },
  },
});

export function storageClass(name: string, more: Partial<StorageClass> = {}): StorageClass {
  return {
    kind: 'StorageClass',
    apiVersion: 'storage.k8s.io/v1',
    metadata: { name },
    provisioner: 'driver.example.com',
    volumeBindingMode: 'WaitForFirstConsumer',
    ...more,
  };
}

export function volume(
  name: string,
  spec: PersistentVolumeSpec = {},
  labels?: Record<string, string>,
): PersistentVolume {
  return {
    kind: 'PersistentVolume',
    apiVersion: 'v1',
    metadata: { name, ...(labels && { labels }) },
    spec: {
      capacity: { storage: '2Gi' },
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'late',
      csi: { driver: 'driver.example.com', volumeHandle: name },
      ...spec,
    },
  };
}

export function claim(name: string, spec: PersistentVolumeClaimSpec = {}): PersistentVolumeClaim {
  return {
    kind: 'PersistentVolumeClaim',
    apiVersion: 'v1',
    metadata: { name, namespace: 'default' },
    spec: {
      resources: { requests: { storage: '1Gi' } },
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'late',
      ...spec,
    },
  };
}

/** A pod that uses claims, and perhaps other volumes. */
export function podWith(
  name: string,
  claims: readonly string[],
  volumes: readonly Volume[] = [],
  nodeName?: string,
): Pod {
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { name, namespace: 'default' },
    spec: {
      containers: [{ name: 'c', image: 'i' }],
      volumes: [...claims.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } })), ...volumes],
      ...(nodeName !== undefined && { nodeName }),
    },
  };
}

/** Creates a volume, as available as the volume controller makes it. */
export async function createVolume({ client }: WithClient, object: PersistentVolume): Promise<void> {
  const created = await client.persistentVolumes().create(object);
  const status = { ...created.status, phase: 'Available' as const };
  await client.persistentVolumes().updateStatus({ ...created, status });
}

/** What the volume controller does to bind a claim to a volume. */
export async function completeBinding({ client }: WithClient, claimName: string, volumeName: string): Promise<void> {
  const claims = client.persistentVolumeClaims('default');
  const current = await claims.get(claimName);
  const bound = await claims.update({
    ...current,
    metadata: {
      ...current.metadata,
      annotations: { ...current.metadata.annotations, [volumeAnnotations.bindCompleted]: 'yes' },
    },
    spec: { ...current.spec, volumeName },
  });
  await claims.updateStatus({ ...bound, status: { ...bound.status, phase: 'Bound' } });
}
