/** What storage classes say about claims (upstream `k8s.io/component-helpers/storage/volume`, `pkg/volume/util/storageclass.go`). */
import { storageClassOf, volumeAnnotations } from '@kubets/api/core/helpers/persistent-volume';
import type { PersistentVolumeClaim } from '@kubets/api/types/core-v1';
import type { StorageClass } from '@kubets/api/types/storage-v1';

const defaultAnnotations = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
];

/** The class of claims that name none: the newest of those marked so, then the first by name (`GetDefaultClass`). */
export function defaultClass(classes: readonly Readonly<StorageClass>[]): Readonly<StorageClass> | undefined {
  const marked = classes.filter(({ metadata }) =>
    defaultAnnotations.some((annotation) => metadata.annotations?.[annotation] === 'true'),
  );
  return marked.toSorted((a, b) => {
    const [x, y] = [a, b].map(({ metadata }) => Date.parse(metadata.creationTimestamp ?? '') || 0);
    if (x !== y) return (y ?? 0) - (x ?? 0);
    return (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1;
  })[0];
}

/** Whether the claim says which class it wants; '' is an answer too: none (`PersistentVolumeClaimHasClass`). */
export function namesClass({ metadata, spec }: Readonly<PersistentVolumeClaim>): boolean {
  return (
    metadata.annotations?.[volumeAnnotations.betaStorageClass] !== undefined || spec?.storageClassName !== undefined
  );
}

/** Whether the claim is bound when a pod needs it, not before (`IsDelayBindingMode`). */
export function waitsForConsumer(
  claim: Readonly<PersistentVolumeClaim>,
  storageClass: (name: string) => Readonly<StorageClass> | undefined,
): boolean {
  const name = storageClassOf(claim);
  return name !== '' && storageClass(name)?.volumeBindingMode === 'WaitForFirstConsumer';
}

/** Provisioners that were part of Kubernetes, and the drivers that do their work now (`k8s.io/csi-translation-lib`). */
const migrated: Readonly<Record<string, string>> = {
  'kubernetes.io/aws-ebs': 'ebs.csi.aws.com',
  'kubernetes.io/azure-disk': 'disk.csi.azure.com',
  'kubernetes.io/azure-file': 'file.csi.azure.com',
  'kubernetes.io/cinder': 'cinder.csi.openstack.org',
  'kubernetes.io/gce-pd': 'pd.csi.storage.gke.io',
  'kubernetes.io/portworx-volume': 'pxd.portworx.com',
  'kubernetes.io/vsphere-volume': 'csi.vsphere.vmware.com',
};

/** The external provisioner of a class; undefined when none of that name can exist. */
export function externalProvisioner({ provisioner }: Readonly<StorageClass>): string | undefined {
  const driver = Object.hasOwn(migrated, provisioner) ? migrated[provisioner] : undefined;
  if (driver !== undefined) return driver;
  return provisioner.startsWith('kubernetes.io/') ? undefined : provisioner;
}
