/**
 * Volumes and the claims to them: what the volume controllers and the scheduler have to agree on (upstream
 * `k8s.io/component-helpers/storage/volume/{pv_helpers,helpers}.go`, `storage/ephemeral/ephemeral.go`).
 */
import { compileLabelSelector } from '@kubets/apimachinery/label-selector';
import { parseQuantity, zeroQuantity, type Quantity } from '@kubets/apimachinery/quantity';
import type { Labels, Selector } from '@kubets/apimachinery/labels';
import type {
  NodeSelector,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  TopologySelectorTerm,
  Volume,
} from '../../generated/types/core-v1.ts';
import { CompiledNodeSelector } from './node-affinity.ts';

/** Annotations by which controllers, provisioners and the scheduler talk about claims and volumes. */
export const volumeAnnotations = {
  /** On claims: the first binding is complete. */
  bindCompleted: 'pv.kubernetes.io/bind-completed',
  /** On both: bound by a controller, not by a user. */
  boundByController: 'pv.kubernetes.io/bound-by-controller',
  /** On claims: the node that the scheduler has chosen; provisioning may begin. Taken away when provisioning fails. */
  selectedNode: 'volume.kubernetes.io/selected-node',
  /** On volumes: who has made it. */
  dynamicallyProvisioned: 'pv.kubernetes.io/provisioned-by',
  migratedTo: 'pv.kubernetes.io/migrated-to',
  /** On claims: who is to make the volume. */
  storageProvisioner: 'volume.kubernetes.io/storage-provisioner',
  betaStorageProvisioner: 'volume.beta.kubernetes.io/storage-provisioner',
  /** On both: the class, before there was a field for it. */
  betaStorageClass: 'volume.beta.kubernetes.io/storage-class',
} as const;

/** The provisioner of classes whose volumes somebody makes by hand. */
export const noProvisioner = 'kubernetes.io/no-provisioner';

/** The class of a claim or a volume; '' when it has none (`GetPersistentVolumeClaimClass`, `GetPersistentVolumeClass`). */
export function storageClassOf({
  metadata,
  spec,
}: Readonly<PersistentVolumeClaim> | Readonly<PersistentVolume>): string {
  return metadata.annotations?.[volumeAnnotations.betaStorageClass] ?? spec?.storageClassName ?? '';
}

/** Whether the claim has its volume and all bookkeeping is done. */
export function isClaimFullyBound({ metadata, spec }: Readonly<PersistentVolumeClaim>): boolean {
  return (spec?.volumeName ?? '') !== '' && metadata.annotations?.[volumeAnnotations.bindCompleted] !== undefined;
}

/** Whether the volume is meant for the claim, or bound to it. A user may leave out the uid (`IsVolumeBoundToClaim`). */
export function isVolumeBoundToClaim(
  volume: Readonly<PersistentVolume>,
  { metadata }: Readonly<PersistentVolumeClaim>,
): boolean {
  const reference = volume.spec?.claimRef;
  if (reference === undefined) return false;
  if (reference.name !== metadata.name || reference.namespace !== metadata.namespace) return false;
  return reference.uid === undefined || reference.uid === '' || reference.uid === metadata.uid;
}

/** The volume as it is when it is bound to the claim, and whether that is a change (`GetBindVolumeToClaim`). Shares unchanged parts. */
export function bindVolumeToClaim(
  volume: Readonly<PersistentVolume>,
  claim: Readonly<PersistentVolumeClaim>,
): { readonly volume: Readonly<PersistentVolume>; readonly changed: boolean } {
  const { name, namespace, uid, resourceVersion } = claim.metadata;
  const before = volume.spec?.claimRef;
  const refers = before?.name === name && before?.namespace === namespace && before?.uid === uid;
  const annotations = volume.metadata.annotations;
  const marks =
    !isVolumeBoundToClaim(volume, claim) && annotations?.[volumeAnnotations.boundByController] === undefined;
  if (refers && !marks) return { volume, changed: false };
  const claimRef = refers
    ? before
    : { kind: 'PersistentVolumeClaim', namespace, name, uid, apiVersion: 'v1', resourceVersion };
  const bound = {
    ...volume,
    metadata: {
      ...volume.metadata,
      ...(marks && { annotations: { ...annotations, [volumeAnnotations.boundByController]: 'yes' } }),
    },
    spec: { ...volume.spec, claimRef },
  };
  return { volume: bound, changed: true };
}

/** One volume is matched against many nodes; what a volume demands does not change. */
const compiled = new WeakMap<Readonly<NodeSelector>, CompiledNodeSelector>();

/** Whether the volume can be reached from a node of these labels (`CheckNodeAffinity`). */
export function volumeFitsNode(volume: Readonly<PersistentVolume>, labels: Labels | undefined): boolean {
  const required = volume.spec?.nodeAffinity?.required;
  if (required === undefined) return true;
  let selector = compiled.get(required);
  if (selector === undefined) compiled.set(required, (selector = new CompiledNodeSelector(required)));
  return selector.matches({ metadata: { labels: labels as Record<string, string> | undefined } });
}

/** Whether one of the terms allows a node of these labels; no terms allow all (`MatchTopologySelectorTerms`). */
export function matchesTopologyTerms(
  terms: readonly Readonly<TopologySelectorTerm>[] | undefined,
  labels: Labels | undefined,
): boolean {
  if (terms === undefined || terms.length === 0) return true;
  return terms.some(({ matchLabelExpressions = [] }) => {
    if (matchLabelExpressions.length === 0) return false;
    return matchLabelExpressions.every(({ key, values }) => {
      const value = labels?.[key];
      return value !== undefined && (values ?? []).includes(value);
    });
  });
}

const storageOf = (list: Readonly<Record<string, string>> | undefined): Quantity => {
  const text = list?.['storage'];
  return text === undefined ? zeroQuantity : parseQuantity(text);
};

/** How much the claim asks for. */
export const requestedStorage = ({ spec }: Readonly<PersistentVolumeClaim>): Quantity =>
  storageOf(spec?.resources?.requests);

/** How large the volume is. */
export const volumeCapacity = ({ spec }: Readonly<PersistentVolume>): Quantity => storageOf(spec?.capacity);

export interface MatchOptions {
  /** The scheduler's question: only volumes that a node of these labels can reach, with all access modes of the claim. */
  readonly nodeLabels?: Labels;
  /** Volumes promised to other claims of the same pod, by name. */
  readonly excluded?: ReadonlySet<string>;
  /** The controller's question about claims that wait for a pod: only volumes that are meant for the claim already. */
  readonly delayBinding?: boolean;
}

/** What does not depend on the volume. */
interface Wanted {
  readonly claim: Readonly<PersistentVolumeClaim>;
  readonly size: Quantity;
  readonly storageClass: string;
  readonly selector: Selector | undefined;
  readonly options: MatchOptions;
}

/** Whether the volume may be considered at all, even when it was meant for the claim. */
function isConsidered(volume: Readonly<PersistentVolume>, { claim, size, options }: Wanted): boolean {
  if (options.excluded?.has(volume.metadata.name ?? '') === true) return false;
  if (volume.spec?.claimRef !== undefined && !isVolumeBoundToClaim(volume, claim)) return false;
  if (volumeCapacity(volume).compare(size) < 0) return false;
  if ((claim.spec?.volumeMode ?? 'Filesystem') !== (volume.spec?.volumeMode ?? 'Filesystem')) return false;
  return volume.metadata.deletionTimestamp === undefined;
}

/** Whether a volume that was meant for nobody suits. */
function suits(volume: Readonly<PersistentVolume>, { claim, storageClass, selector, options }: Wanted): boolean {
  if (volume.status?.phase !== 'Available') return false;
  if (selector !== undefined && !selector.matches(volume.metadata.labels)) return false;
  if (storageClassOf(volume) !== storageClass) return false;
  if ((claim.spec?.volumeAttributesClassName ?? '') !== (volume.spec?.volumeAttributesClassName ?? '')) return false;
  if (options.nodeLabels === undefined) return true;
  return volumeFitsNode(volume, options.nodeLabels) && hasAccessModes(volume, claim);
}

/** Whether the volume can be used in all the ways that the claim names (`CheckAccessModes`). */
export function hasAccessModes(volume: Readonly<PersistentVolume>, claim: Readonly<PersistentVolumeClaim>): boolean {
  const modes = volume.spec?.accessModes ?? [];
  return (claim.spec?.accessModes ?? []).every((mode) => modes.includes(mode));
}

/**
 * The volume for a claim: the one meant for it, else the smallest that suits; undefined when there is none, or when the one
 * meant for it cannot be reached from the node (`FindMatchingVolume`).
 *
 * @throws Error when the claim's selector is invalid.
 */
export function findMatchingVolume(
  claim: Readonly<PersistentVolumeClaim>,
  volumes: Iterable<Readonly<PersistentVolume>>,
  options: MatchOptions = {},
): Readonly<PersistentVolume> | undefined {
  const selector = claim.spec?.selector;
  const wanted: Wanted = {
    claim,
    size: requestedStorage(claim),
    storageClass: storageClassOf(claim),
    selector: selector === undefined ? undefined : compileLabelSelector(selector),
    options,
  };
  const { nodeLabels, delayBinding } = options;
  let smallest: Readonly<PersistentVolume> | undefined;
  for (const volume of volumes) {
    if (!isConsidered(volume, wanted)) continue;
    if (isVolumeBoundToClaim(volume, claim)) {
      return nodeLabels === undefined || volumeFitsNode(volume, nodeLabels) ? volume : undefined;
    }
    if ((nodeLabels === undefined && delayBinding === true) || !suits(volume, wanted)) continue;
    if (smallest === undefined || volumeCapacity(smallest).compare(volumeCapacity(volume)) > 0) smallest = volume;
  }
  return smallest;
}

/** The name of the claim that is made for a generic ephemeral volume (`ephemeral.VolumeClaimName`). */
export function ephemeralClaimName(pod: Readonly<Pod>, volume: Readonly<Volume>): string {
  return `${pod.metadata.name}-${volume.name}`;
}

/** Why a claim is not the one of the pod's ephemeral volume; undefined when it is (`ephemeral.VolumeIsForPod`). */
export function notEphemeralClaimOf(pod: Readonly<Pod>, claim: Readonly<PersistentVolumeClaim>): string | undefined {
  const owned = claim.metadata.ownerReferences?.some((o) => o.controller === true && o.uid === pod.metadata.uid);
  if (claim.metadata.namespace === pod.metadata.namespace && owned === true) return undefined;
  const name = (object: Readonly<Pod> | Readonly<PersistentVolumeClaim>): string =>
    `${object.metadata.namespace}/${object.metadata.name}`;
  return `PVC ${name(claim)} was not created for pod ${name(pod)} (pod is not owner)`;
}

/** A claim that a pod uses, by name. */
export interface PodClaim {
  readonly name: string;
  /** Made for this pod's generic ephemeral volume. */
  readonly ephemeral: boolean;
}

const none: readonly PodClaim[] = [];

/** The claims that a pod's volumes use, in their order. */
export function podClaims(pod: Readonly<Pod>): readonly PodClaim[] {
  const { volumes } = pod.spec ?? {};
  if (volumes === undefined) return none;
  const claims: PodClaim[] = [];
  for (const volume of volumes) {
    const { persistentVolumeClaim, ephemeral } = volume;
    if (persistentVolumeClaim !== undefined) claims.push({ name: persistentVolumeClaim.claimName, ephemeral: false });
    else if (ephemeral !== undefined) claims.push({ name: ephemeralClaimName(pod, volume), ephemeral: true });
  }
  return claims;
}
