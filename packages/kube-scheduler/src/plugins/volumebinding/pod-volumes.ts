/** What a pod's claims need, and whether a node can give it (upstream `volumebinding/binder.go`, GetPodVolumeClaims and FindPodVolumes). */
import {
  findMatchingVolume,
  isClaimFullyBound,
  matchesTopologyTerms,
  noProvisioner,
  requestedStorage,
  storageClassOf,
  volumeAnnotations,
  volumeFitsNode,
} from '@kubets/api/core/helpers/persistent-volume';
import { compileLabelSelector } from '@kubets/apimachinery/label-selector';
import type { Selector } from '@kubets/apimachinery/labels';
import { parseQuantity } from '@kubets/apimachinery/quantity';
import type { Node, PersistentVolume, PersistentVolumeClaim } from '@kubets/api/types/core-v1';
import type { CSIDriver, CSIStorageCapacity, StorageClass } from '@kubets/api/types/storage-v1';

type Claim = Readonly<PersistentVolumeClaim>;

/** A pod's claims by what is to be done about them. */
export interface PodVolumeClaims {
  readonly bound: readonly Claim[];
  /** To be bound once a node is chosen; by size, the smallest first. */
  readonly delayed: readonly Claim[];
  /** The controller is to bind them, whatever becomes of the pod. */
  readonly immediate: readonly Claim[];
}

/** What is done for a pod on one node. */
export interface PodVolumes {
  /** Volumes that are there, and the claims they are given to. */
  readonly bindings: readonly { readonly claim: Claim; readonly volume: Readonly<PersistentVolume> }[];
  /** Claims whose volumes are to be made. */
  readonly provisions: readonly Claim[];
}

export const noPodVolumes: PodVolumes = { bindings: [], provisions: [] };

/** Why a node is no good, as users read it. */
export const volumeConflicts = {
  nodeAffinity: "node(s) didn't match PersistentVolume's node affinity",
  nothingToBind: "node(s) didn't find available persistent volumes to bind",
  notEnoughSpace: 'node(s) did not have enough free storage',
  missingVolume: 'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)',
} as const;

/** What is looked at, beside the node. */
export interface VolumeView {
  volume(name: string): Readonly<PersistentVolume> | undefined;
  volumesOfClass(name: string): readonly Readonly<PersistentVolume>[];
  storageClass(name: string): Readonly<StorageClass> | undefined;
  driver(name: string): Readonly<CSIDriver> | undefined;
  capacities(): readonly Readonly<CSIStorageCapacity>[];
}

/**
 * Sorts a pod's claims.
 *
 * @throws Error when a class does not say when to bind: the API server fills that in.
 */
export function sortClaims(claims: readonly Claim[], view: Pick<VolumeView, 'storageClass'>): PodVolumeClaims {
  const [bound, delayed, immediate]: [Claim[], Claim[], Claim[]] = [[], [], []];
  for (const claim of claims) {
    if (isClaimFullyBound(claim)) bound.push(claim);
    // Who names the volume does not wait for a node.
    else if (isDelayed(claim, view) && (claim.spec?.volumeName ?? '') === '') delayed.push(claim);
    else immediate.push(claim);
  }
  delayed.sort((a, b) => requestedStorage(a).compare(requestedStorage(b)));
  return { bound, delayed, immediate };
}

/** Whether the claim's class has it wait for the first pod (`IsDelayBindingMode`). */
function isDelayed(claim: Claim, view: Pick<VolumeView, 'storageClass'>): boolean {
  const name = storageClassOf(claim);
  const storageClass = name === '' ? undefined : view.storageClass(name);
  if (storageClass === undefined) return false;
  if (storageClass.volumeBindingMode === undefined) {
    throw new Error(`VolumeBindingMode not set for StorageClass "${name}"`);
  }
  return storageClass.volumeBindingMode === 'WaitForFirstConsumer';
}

/** Either what is to be done on the node, or why nothing can be. */
export type Found = PodVolumes | readonly string[];

export const isConflict = (found: Found): found is readonly string[] => Array.isArray(found);

/**
 * Whether all claims of a pod can be served on the node, and by what.
 *
 * @throws Error when a claim cannot be understood: it names no class, or one that is not there.
 */
export function findPodVolumes(claims: PodVolumeClaims, node: Readonly<Node>, view: VolumeView): Found {
  const reasons: string[] = [];
  const boundConflict = checkBound(claims.bound, node, view);
  if (boundConflict !== undefined) reasons.push(boundConflict);
  const found = claims.delayed.length === 0 ? noPodVolumes : findDelayed(claims.delayed, node, view);
  if (typeof found === 'string') {
    reasons.push(found);
    return reasons.toSorted(inOrder);
  }
  return reasons.length > 0 ? reasons : found;
}

const order: readonly string[] = Object.values(volumeConflicts);
const inOrder = (a: string, b: string): number => order.indexOf(a) - order.indexOf(b);

function checkBound(claims: readonly Claim[], node: Readonly<Node>, view: VolumeView): string | undefined {
  for (const claim of claims) {
    const volume = view.volume(claim.spec?.volumeName ?? '');
    if (volume === undefined) return volumeConflicts.missingVolume;
    if (!volumeFitsNode(volume, node.metadata.labels)) return volumeConflicts.nodeAffinity;
  }
  return undefined;
}

/** Volumes for claims that waited for this moment; what is not there is to be made. Or why that cannot be. */
function findDelayed(claims: readonly Claim[], node: Readonly<Node>, view: VolumeView): PodVolumes | string {
  const bindings: { claim: Claim; volume: Readonly<PersistentVolume> }[] = [];
  const provisions: Claim[] = [];
  const chosen = new Set<string>();
  for (const claim of claims) {
    const selected = claim.metadata.annotations?.[volumeAnnotations.selectedNode];
    if (selected !== undefined && selected !== node.metadata.name) return volumeConflicts.nothingToBind;
    const volume = selected === undefined ? match(claim, node, chosen, view) : undefined;
    if (volume === undefined) {
      provisions.push(claim);
      continue;
    }
    chosen.add(volume.metadata.name ?? '');
    bindings.push({ claim, volume });
  }
  for (const claim of provisions) {
    const conflict = checkProvision(claim, node, view);
    if (conflict !== undefined) return conflict;
  }
  return { bindings, provisions };
}

function match(
  claim: Claim,
  node: Readonly<Node>,
  excluded: ReadonlySet<string>,
  view: VolumeView,
): Readonly<PersistentVolume> | undefined {
  const volumes = view.volumesOfClass(storageClassOf(claim));
  return findMatchingVolume(claim, volumes, { nodeLabels: node.metadata.labels ?? {}, excluded, delayBinding: true });
}

/** Why no volume can be made for the claim on this node (`checkVolumeProvisions`). */
function checkProvision(claim: Claim, node: Readonly<Node>, view: VolumeView): string | undefined {
  const name = storageClassOf(claim);
  if (name === '') throw new Error(`no class for claim "${claim.metadata.namespace}/${claim.metadata.name}"`);
  const storageClass = view.storageClass(name);
  if (storageClass === undefined) throw new Error(`failed to find storage class "${name}"`);
  const { provisioner, allowedTopologies } = storageClass;
  if (provisioner === '' || provisioner === noProvisioner) return volumeConflicts.nothingToBind;
  if (!matchesTopologyTerms(allowedTopologies, node.metadata.labels)) return volumeConflicts.nothingToBind;
  return hasEnoughCapacity(claim, storageClass, node, view) ? undefined : volumeConflicts.notEnoughSpace;
}

/** Only drivers that say how much room they have are held to it (`hasEnoughCapacity`). */
function hasEnoughCapacity(
  claim: Claim,
  { metadata, provisioner }: Readonly<StorageClass>,
  node: Readonly<Node>,
  view: VolumeView,
): boolean {
  if (claim.spec?.resources?.requests?.['storage'] === undefined) return true;
  if (view.driver(provisioner)?.spec?.storageCapacity !== true) return true;
  const size = requestedStorage(claim);
  return view.capacities().some((capacity) => {
    if (capacity.storageClassName !== metadata.name) return false;
    const limit = capacity.maximumVolumeSize ?? capacity.capacity;
    return limit !== undefined && parseQuantity(limit).compare(size) >= 0 && reaches(capacity, node);
  });
}

const topologies = new WeakMap<object, Selector>();

/** Whether the pool of storage can be reached from the node; without topology, from none (`nodeHasAccess`). */
function reaches({ nodeTopology }: Readonly<CSIStorageCapacity>, node: Readonly<Node>): boolean {
  if (nodeTopology === undefined) return false;
  let selector = topologies.get(nodeTopology);
  if (selector === undefined) topologies.set(nodeTopology, (selector = compileLabelSelector(nodeTopology)));
  return selector.matches(node.metadata.labels);
}
