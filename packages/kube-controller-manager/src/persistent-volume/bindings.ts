/** Claims and volumes as they are after a step of binding. Nothing is changed in place; undefined: they are so already. */
import { volumeAnnotations } from '@kubets/api/core/helpers/persistent-volume';
import { parseQuantity } from '@kubets/apimachinery/quantity';
import type { PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimStatus } from '@kubets/api/types/core-v1';

type Claim = Readonly<PersistentVolumeClaim>;
type Volume = Readonly<PersistentVolume>;

/** The claim with the volume's name, marked as bound (`GetBindClaimToVolume`). */
export function boundClaim(claim: Claim, volume: Volume): Claim | undefined {
  const { annotations } = claim.metadata;
  const { boundByController, bindCompleted } = volumeAnnotations;
  const isNamed = claim.spec?.volumeName === volume.metadata.name;
  const added = {
    ...(!isNamed && annotations?.[boundByController] === undefined && { [boundByController]: 'yes' }),
    ...(annotations?.[bindCompleted] === undefined && { [bindCompleted]: 'yes' }),
  };
  if (isNamed && Object.keys(added).length === 0) return undefined;
  return {
    ...claim,
    metadata: { ...claim.metadata, annotations: { ...annotations, ...added } },
    spec: { ...claim.spec, volumeName: volume.metadata.name ?? '' },
  };
}

/** The volume without its claim; one that a user reserved stays reserved (`unbindVolume`). */
export function unboundVolume(volume: Volume): Volume {
  const { claimRef, ...rest } = volume.spec ?? {};
  const { annotations = {}, ...metadata } = volume.metadata;
  const { [volumeAnnotations.boundByController]: byController, ...others } = annotations;
  if (byController === undefined) {
    const { uid: _uid, ...reserved } = claimRef ?? {};
    return { ...volume, spec: { ...rest, claimRef: reserved } };
  }
  const left = Object.keys(others).length > 0 ? { annotations: others } : {};
  return { ...volume, metadata: { ...metadata, ...left }, spec: rest };
}

/** Who is to provision the claim's volume; both names of the annotation are read out there (`setClaimProvisioner`). */
export function withProvisioner(claim: Claim, provisioner: string): Claim | undefined {
  const { annotations } = claim.metadata;
  const { storageProvisioner, betaStorageProvisioner } = volumeAnnotations;
  if (annotations?.[storageProvisioner] === provisioner && annotations[betaStorageProvisioner] === provisioner) {
    return undefined;
  }
  const added = { [betaStorageProvisioner]: provisioner, [storageProvisioner]: provisioner };
  return { ...claim, metadata: { ...claim.metadata, annotations: { ...annotations, ...added } } };
}

type Phase = NonNullable<PersistentVolumeClaimStatus['phase']>;

/** The claim's status in a phase; with the volume, what it offers (`updateClaimStatus`). @throws Error for volumes without a size. */
export function claimStatus(claim: Claim, phase: Phase, volume?: Volume): PersistentVolumeClaimStatus | undefined {
  const { phase: before, accessModes, capacity, ...rest } = claim.status ?? {};
  const offered = volume === undefined ? {} : offer(claim, volume);
  const kept = volume === undefined ? {} : { accessModes, capacity, ...offered };
  const entries = Object.entries({ phase, ...kept }).filter(([, value]) => value !== undefined);
  const status: PersistentVolumeClaimStatus = {
    ...Object.fromEntries(entries),
    ...rest,
    ...attributesClass(claim, volume),
  };
  const isSame =
    JSON.stringify(sorted(status)) === JSON.stringify(sorted({ ...claim.status, phase: before ?? 'Pending' }));
  return isSame && before !== undefined ? undefined : status;
}

const sorted = (status: object): unknown[] => Object.entries(status).toSorted(([a], [b]) => (a < b ? -1 : 1));

function offer(claim: Claim, volume: Volume): Pick<PersistentVolumeClaimStatus, 'accessModes' | 'capacity'> {
  const { accessModes, capacity } = volume.spec ?? {};
  // A claim that is bound already may rightly differ: its file system may not have grown yet.
  if (claim.status?.phase === 'Bound') return { ...(accessModes && { accessModes }) };
  const size = capacity?.['storage'];
  if (size === undefined) {
    throw new Error(`PersistentVolume ${JSON.stringify(volume.metadata.name)} is without a storage capacity`);
  }
  const known = claim.status?.capacity?.['storage'];
  const isKnown = known !== undefined && parseQuantity(known).equals(parseQuantity(size));
  return { ...(accessModes && { accessModes }), ...(!isKnown && capacity && { capacity }) };
}

function attributesClass(
  claim: Claim,
  volume: Volume | undefined,
): Pick<PersistentVolumeClaimStatus, 'currentVolumeAttributesClassName'> {
  const name = volume?.spec?.volumeAttributesClassName;
  if (name === undefined || claim.status?.phase === 'Bound') return {};
  return { currentVolumeAttributesClassName: name };
}
