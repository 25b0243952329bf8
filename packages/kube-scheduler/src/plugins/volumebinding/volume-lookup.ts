/** What the volume plugins read of the cluster, from informers that all of them share. */
import { podClaims, storageClassOf } from '@kubets/api/core/helpers/persistent-volume';
import type { PersistentVolume, PersistentVolumeClaim } from '@kubets/api/types/core-v1';
import { persistentVolumeClaims, persistentVolumes, storageClasses } from '@kubets/client/resources';
import type { SharedInformer } from '@kubets/client';
import type { StorageClass } from '@kubets/api/types/storage-v1';
import type { ApiObject } from '@kubets/apimachinery/meta';
import type { Handle, QueueingHintFn } from '../../framework/types.ts';

/** The index of volumes by storage class; '' for those without. */
export const classIndex = 'storageclass';

/** A claim that is not there, worded as the API server words it. */
export const claimNotFound = (name: string): string => `persistentvolumeclaim "${name}" not found`;
export const volumeNotFound = (name: string): string => `persistentvolume "${name}" not found`;
export const classNotFound = (name: string): string => `storageclass.storage.k8s.io "${name}" not found`;

export class VolumeLookup {
  readonly claims: SharedInformer<PersistentVolumeClaim>;
  readonly volumes: SharedInformer<PersistentVolume>;
  readonly classes: SharedInformer<StorageClass>;

  constructor({ informers }: Pick<Handle, 'informers'>) {
    this.claims = informers.informer(persistentVolumeClaims);
    this.volumes = informers.informer(persistentVolumes);
    this.classes = informers.informer(storageClasses);
  }

  claim(namespace: string, name: string): Readonly<PersistentVolumeClaim> | undefined {
    return this.claims.store.get(`${namespace}/${name}`);
  }

  volume(name: string): Readonly<PersistentVolume> | undefined {
    return this.volumes.store.get(name);
  }

  storageClass(name: string): Readonly<StorageClass> | undefined {
    return this.classes.store.get(name);
  }

  /** Makes {@link classIndex} available. */
  indexVolumesByClass(): void {
    ensureIndex(this.volumes, classIndex, (volume) => [storageClassOf(volume)]);
  }
}

/** Adds an index to a shared informer, unless somebody has already. */
export function ensureIndex<T extends ApiObject>(
  informer: SharedInformer<T>,
  index: string,
  valuesOf: (object: Readonly<T>) => readonly string[],
): void {
  try {
    informer.store.indexValues(index);
  } catch {
    // An index that is not there yet: asking for it throws.
    informer.addIndexes({ [index]: valuesOf });
  }
}

/** A change of a claim helps the pods that use it. */
export const ownClaimHint: QueueingHintFn = (pod, _old, claim) => {
  if (claim === undefined || claim.metadata.namespace !== pod.metadata.namespace) return 'QueueSkip';
  return podClaims(pod).some(({ name }) => name === claim.metadata.name) ? 'Queue' : 'QueueSkip';
};
