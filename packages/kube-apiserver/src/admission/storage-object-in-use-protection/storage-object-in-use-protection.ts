/** Volumes and claims in use are not deleted (`plugin/pkg/admission/storage/storageobjectinuseprotection/admission.go`). */
import type { AdmissionPlugin } from '../plugin.ts';

/** By `group/resource`. */
const finalizers: ReadonlyMap<string, string> = new Map([
  ['/persistentvolumeclaims', 'kubernetes.io/pvc-protection'],
  ['/persistentvolumes', 'kubernetes.io/pv-protection'],
  ['storage.k8s.io/volumeattributesclasses', 'kubernetes.io/vac-protection'],
]);

/** Adds the finalizer that a controller takes off when the object is no longer used. */
export function storageObjectInUseProtection(): AdmissionPlugin {
  return {
    name: 'StorageObjectInUseProtection',
    handles: (operation) => operation === 'CREATE',
    admit(attributes) {
      const { resource, subresource, object } = attributes;
      if (subresource !== '' || object === undefined) return;
      const finalizer = finalizers.get(`${resource.group}/${resource.resource}`);
      if (finalizer === undefined || object.metadata.finalizers?.includes(finalizer)) return;
      object.metadata.finalizers = [...(object.metadata.finalizers ?? []), finalizer];
    },
  };
}
