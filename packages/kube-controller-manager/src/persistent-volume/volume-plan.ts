/** What is to be done about a volume (upstream `pkg/controller/volume/persistentvolume/pv_controller.go`, `syncVolume`, `reclaimVolume`). */
import { volumeAnnotations } from '@kubets/api/core/helpers/persistent-volume';
import type { PersistentVolume, PersistentVolumeClaim } from '@kubets/api/types/core-v1';

type Claim = Readonly<PersistentVolumeClaim>;
type Volume = Readonly<PersistentVolume>;

export type VolumeAction =
  | { readonly type: 'phase'; readonly phase: 'Available' | 'Bound' }
  /** The claim is to be looked at: it finishes the binding. */
  | { readonly type: 'syncClaim' }
  /** The volume and the claim that it was made for do not go together. */
  | { readonly type: 'mismatch' }
  /** Take the binding back. */
  | { readonly type: 'unbind' }
  /** Nobody uses the volume any more. */
  | { readonly type: 'release' };

/** Decides; `claim` is the one of the reference, undefined when it does not exist any more. */
export function planVolume(volume: Volume, claim: Claim | undefined): VolumeAction {
  const { claimRef, persistentVolumeReclaimPolicy: policy } = volume.spec ?? {};
  // Without a uid it is only reserved: the claim decides.
  if (claimRef === undefined || !claimRef.uid) return { type: 'phase', phase: 'Available' };
  if (claim === undefined) return { type: 'release' };
  const name = claim.spec?.volumeName ?? '';
  if (name === '') {
    const mode = (object: Volume | Claim): string => object.spec?.volumeMode ?? 'Filesystem';
    return { type: mode(volume) === mode(claim) ? 'syncClaim' : 'mismatch' };
  }
  if (name === volume.metadata.name) return { type: 'phase', phase: 'Bound' };
  // The claim is bound to another volume. One that was made for it has no other use.
  const isProvisioned = volume.metadata.annotations?.[volumeAnnotations.dynamicallyProvisioned] !== undefined;
  return { type: isProvisioned && policy === 'Delete' ? 'release' : 'unbind' };
}

/** Why a released volume cannot be reclaimed. */
export interface ReclaimFailure {
  readonly reason: string;
  readonly message: string;
}

/**
 * What stands in the way of reclaiming a released volume; undefined when there is nothing to do here: it is retained, or an
 * external provisioner deletes it.
 */
export function reclaimFailure(volume: Volume): ReclaimFailure | undefined {
  const { annotations } = volume.metadata;
  // Whoever has taken over the volumes of a former plugin reclaims them too.
  if (annotations?.[volumeAnnotations.migratedTo]) return undefined;
  switch (volume.spec?.persistentVolumeReclaimPolicy) {
    case 'Retain':
    case undefined:
      return undefined;
    case 'Recycle':
      return { reason: 'VolumeFailedRecycle', message: 'No recycler plugin found for the volume!' };
    case 'Delete':
      return deletionFailure(volume, annotations?.[volumeAnnotations.dynamicallyProvisioned] ?? '');
  }
}

function deletionFailure(volume: Volume, provisioner: string): ReclaimFailure | undefined {
  const reason = 'VolumeFailedDelete';
  if (provisioner.startsWith('kubernetes.io/')) {
    return { reason, message: `no volume plugin matched name: ${provisioner}` };
  }
  if (provisioner !== '') return undefined;
  const path = volume.spec?.hostPath?.path;
  if (path !== undefined && !/\/tmp\/.+/.test(path)) {
    return { reason, message: `host_path deleter only supports /tmp/.+ but received provided ${path}` };
  }
  const name = JSON.stringify(volume.metadata.name);
  return {
    reason,
    message: `error getting deleter volume plugin for volume ${name}: no deletable volume plugin matched`,
  };
}
