/** Claims without a class get the default one (`plugin/pkg/admission/storage/storageclass/setdefault/admission.go`). */
import type { PersistentVolumeClaim } from '@kubets/api/types/core-v1';
import type { CacheDirectory } from '../../storage/cache.ts';
import { isResource } from '../common/attributes.ts';
import { defaultClass } from '../common/default-class.ts';
import type { AdmissionPlugin } from '../plugin.ts';

const classAnnotation = 'volume.beta.kubernetes.io/storage-class';
const defaultAnnotations = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
];

/** A claim with an empty class name wants none, and gets none. */
export function defaultStorageClass(deps: { caches: CacheDirectory }): AdmissionPlugin {
  const cache = deps.caches.of({ group: 'storage.k8s.io', resource: 'storageclasses' });
  return {
    name: 'DefaultStorageClass',
    handles: (operation) => operation === 'CREATE',
    admit(attributes) {
      if (!isResource(attributes, '', 'persistentvolumeclaims')) return;
      const claim = attributes.object as unknown as PersistentVolumeClaim;
      if (claim.metadata.annotations?.[classAnnotation] !== undefined || claim.spec?.storageClassName !== undefined)
        return;
      const found = defaultClass(cache, defaultAnnotations);
      if (found !== undefined) claim.spec = { ...claim.spec, storageClassName: found.name };
    },
  };
}
