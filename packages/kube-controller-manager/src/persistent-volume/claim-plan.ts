/** What is to be done about a claim (upstream `pkg/controller/volume/persistentvolume/pv_controller.go`, `syncClaim`). */
import {
  findMatchingVolume,
  hasAccessModes,
  isVolumeBoundToClaim,
  requestedStorage,
  storageClassOf,
  volumeAnnotations,
  volumeCapacity,
} from '@kubets/api/core/helpers/persistent-volume';
import { newNotFound } from '@kubets/apimachinery/status';
import type { PersistentVolume, PersistentVolumeClaim } from '@kubets/api/types/core-v1';
import type { StorageClass } from '@kubets/api/types/storage-v1';
import type { EventType } from '@kubets/client';
import { defaultClass, externalProvisioner, namesClass, waitsForConsumer } from './storage-classes.ts';

type Claim = Readonly<PersistentVolumeClaim>;
type Volume = Readonly<PersistentVolume>;

/** What the claim is decided by. */
export interface ClaimView {
  volume(name: string): Volume | undefined;
  /** Volumes that have all of some access modes, in groups: those with the fewest modes first. */
  volumesByModes(modes: readonly string[]): Iterable<readonly Volume[]>;
  storageClass(name: string): Readonly<StorageClass> | undefined;
  storageClasses(): readonly Readonly<StorageClass>[];
  /** Names of pods that use the claim and are on no node yet. */
  unscheduledPods(): readonly string[];
}

export interface Event {
  readonly type: EventType;
  readonly reason: string;
  readonly message: string;
}

export type ClaimAction =
  | { readonly type: 'bind'; readonly volume: Volume }
  | { readonly type: 'assignClass'; readonly name: string }
  /** Leave a note for the external provisioner, and wait. */
  | { readonly type: 'provision'; readonly provisioner: string; readonly event: Event }
  /** With `failure`: it is to be tried again. */
  | { readonly type: 'pending'; readonly event?: Event; readonly failure?: string }
  | { readonly type: 'lost'; readonly event: Event };

const normal = (reason: string, message: string): Event => ({ type: 'Normal', reason, message });
const warning = (reason: string, message: string): Event => ({ type: 'Warning', reason, message });

/** Decides. */
export function planClaim(claim: Claim, view: ClaimView): ClaimAction {
  if (claim.metadata.annotations?.[volumeAnnotations.bindCompleted] !== undefined) return planBound(claim, view);
  const name = claim.spec?.volumeName ?? '';
  return name === '' ? planAny(claim, view) : planRequested(claim, view.volume(name));
}

/** The claim has been bound before. */
function planBound(claim: Claim, view: ClaimView): ClaimAction {
  const lost = (reason: string, message: string): ClaimAction => ({ type: 'lost', event: warning(reason, message) });
  const name = claim.spec?.volumeName ?? '';
  if (name === '') {
    return lost('ClaimLost', 'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!');
  }
  const volume = view.volume(name);
  if (volume === undefined) {
    return lost('ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!');
  }
  const { claimRef } = volume.spec ?? {};
  // No reference may just mean that the cache is behind: binding again does no harm.
  if (claimRef === undefined || claimRef.uid === claim.metadata.uid) return { type: 'bind', volume };
  return lost('ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly');
}

/** Any volume will do. */
function planAny(claim: Claim, view: ClaimView): ClaimAction {
  const delayBinding = waitsForConsumer(claim, (name) => view.storageClass(name));
  const volume = bestMatch(claim, view, delayBinding);
  if (volume !== undefined) return { type: 'bind', volume };
  const assigned = namesClass(claim) ? undefined : defaultClass(view.storageClasses())?.metadata.name;
  if (assigned !== undefined) return { type: 'assignClass', name: assigned };
  const isScheduled = claim.metadata.annotations?.[volumeAnnotations.selectedNode] !== undefined;
  if (delayBinding && !isScheduled) return { type: 'pending', event: waitingForPod(view.unscheduledPods()) };
  if (storageClassOf(claim) !== '') return planProvisioning(claim, view);
  const message = 'no persistent volumes available for this claim and no storage class is set';
  return { type: 'pending', event: normal('FailedBinding', message) };
}

function bestMatch(claim: Claim, view: ClaimView, delayBinding: boolean): Volume | undefined {
  for (const volumes of view.volumesByModes(claim.spec?.accessModes ?? [])) {
    const volume = findMatchingVolume(claim, volumes, { delayBinding });
    if (volume !== undefined) return volume;
  }
  return undefined;
}

/** `emitEventForUnboundDelayBindingClaim`. */
function waitingForPod(pods: readonly string[]): Event {
  if (pods.length === 0) {
    return normal('WaitForFirstConsumer', 'waiting for first consumer to be created before binding');
  }
  const which = pods.length === 1 ? `pod ${pods[0]}` : `pods ${pods.join(',')}`;
  return normal('WaitForPodScheduled', `waiting for ${which} to be scheduled`);
}

/** `provisionClaim`: nothing is provisioned here; whoever does reads the annotation. */
function planProvisioning(claim: Claim, view: ClaimView): ClaimAction {
  const name = storageClassOf(claim);
  const storageClass = view.storageClass(name);
  if (storageClass === undefined) {
    return unprovisionable(newNotFound({ group: 'storage.k8s.io', resource: 'storageclass' }, name).message);
  }
  const provisioner = externalProvisioner(storageClass);
  if (provisioner === undefined) return unprovisionable(`no volume plugin matched name: ${storageClass.provisioner}`);
  const message = `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`;
  return { type: 'provision', provisioner, event: normal('ExternalProvisioning', message) };
}

const unprovisionable = (message: string): ClaimAction => ({
  type: 'pending',
  event: warning('ProvisioningFailed', message),
});

/** A certain volume is asked for. */
function planRequested(claim: Claim, volume: Volume | undefined): ClaimAction {
  if (volume === undefined) return { type: 'pending' };
  const name = volume.metadata.name ?? '';
  if (volume.spec?.claimRef === undefined) {
    const problem = unsatisfied(volume, claim);
    if (problem === undefined) return { type: 'bind', volume };
    const message = `Cannot bind to requested volume ${JSON.stringify(name)}: ${problem}`;
    return { type: 'pending', event: warning('VolumeMismatch', message) };
  }
  if (isVolumeBoundToClaim(volume, claim)) return { type: 'bind', volume };
  const event = warning('FailedBinding', `volume ${JSON.stringify(name)} already bound to a different claim.`);
  if (claim.metadata.annotations?.[volumeAnnotations.boundByController] === undefined)
    return { type: 'pending', event };
  // Somebody took the annotation of a completed binding away.
  const { namespace, name: other } = volume.spec.claimRef;
  const failure = `invalid binding of claim "${claim.metadata.namespace}/${claim.metadata.name}" to volume ${JSON.stringify(name)}: volume already claimed by "${namespace}/${other}"`;
  return { type: 'pending', event, failure };
}

/** Why the volume cannot be the claim's (`checkVolumeSatisfyClaim`). */
function unsatisfied(volume: Volume, claim: Claim): string | undefined {
  const vac = (object: Volume | Claim): string => object.spec?.volumeAttributesClassName ?? '';
  const mode = (object: Volume | Claim): string => object.spec?.volumeMode ?? 'Filesystem';
  if (volume.metadata.deletionTimestamp !== undefined) {
    return `the volume is marked for deletion ${JSON.stringify(volume.metadata.name)}`;
  }
  if (volumeCapacity(volume).compare(requestedStorage(claim)) < 0) return 'requested PV is too small';
  if (storageClassOf(volume) !== storageClassOf(claim)) return 'storageClassName does not match';
  if (vac(volume) !== vac(claim)) return 'volumeAttributesClassName does not match';
  if (mode(volume) !== mode(claim)) return 'incompatible volumeMode';
  return hasAccessModes(volume, claim) ? undefined : 'incompatible accessMode';
}
