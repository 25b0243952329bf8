/** Only some claims may grow (`plugin/pkg/admission/storage/persistentvolume/resize/admission.go`). */
import type { PersistentVolumeClaim } from '@kubets/api/types/core-v1';
import type { StorageClass } from '@kubets/api/types/storage-v1';
import { parseQuantity, zeroQuantity, type Quantity } from '@kubets/apimachinery/quantity';
import type { CacheDirectory } from '../../storage/cache.ts';
import { forbid, isResource } from '../common/attributes.ts';
import type { AdmissionPlugin } from '../plugin.ts';

const requestedSize = (claim: Readonly<PersistentVolumeClaim>): Quantity => {
  const text = claim.spec?.resources?.requests?.['storage'];
  return text === undefined ? zeroQuantity : parseQuantity(text);
};

export function persistentVolumeClaimResize(deps: { caches: CacheDirectory }): AdmissionPlugin {
  const classes = deps.caches.of({ group: 'storage.k8s.io', resource: 'storageclasses' });
  const classAllows = (claim: Readonly<PersistentVolumeClaim>): boolean => {
    const name =
      claim.metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? claim.spec?.storageClassName ?? '';
    const entry = name === '' ? undefined : classes.get('', name);
    return (entry?.object as unknown as StorageClass | undefined)?.allowVolumeExpansion === true;
  };
  return {
    name: 'PersistentVolumeClaimResize',
    handles: (operation) => operation === 'UPDATE',
    validate(attributes) {
      if (!isResource(attributes, '', 'persistentvolumeclaims')) return;
      const claim = attributes.object as unknown as PersistentVolumeClaim;
      const old = attributes.oldObject as unknown as PersistentVolumeClaim;
      if (requestedSize(old).compare(requestedSize(claim)) >= 0) return;
      if (old.status?.phase !== 'Bound')
        throw forbid(attributes, 'Only bound persistent volume claims can be expanded');
      if (classAllows(claim) || classAllows(old)) return;
      throw forbid(
        attributes,
        'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
      );
    },
  };
}
