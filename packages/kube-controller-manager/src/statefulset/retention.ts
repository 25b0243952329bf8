/**
 * Who owns the claims of a StatefulSet, as its `persistentVolumeClaimRetentionPolicy` says: what is owned goes with its owner
 * (upstream `pkg/controller/statefulset/stateful_set_utils.go`).
 */
import type { OwnerReference } from '@kubets/apimachinery/meta';
import type { PersistentVolumeClaim, Pod } from '@kubets/api/types/core-v1';
import { pods as podResource, statefulSets } from '@kubets/client/resources';
import { controllerRef } from '../lib/owner-references.ts';
import { isInOrdinalRange, type Stateful } from './identity.ts';

type Claim = Readonly<PersistentVolumeClaim>;

interface Policy {
  /** Claims go with the set. */
  readonly deleted: boolean;
  /** Claims go with pods that are scaled away. */
  readonly scaled: boolean;
}

/** Anything but `Delete` retains. */
function policyOf(set: Stateful): Policy {
  const { whenDeleted, whenScaled } = set.spec.persistentVolumeClaimRetentionPolicy ?? {};
  return { deleted: whenDeleted === 'Delete', scaled: whenScaled === 'Delete' };
}

const namesSet = (reference: Readonly<OwnerReference>, set: Stateful): boolean =>
  reference.kind === 'StatefulSet' && reference.apiVersion === 'apps/v1' && reference.name === set.metadata.name;
const namesPod = (reference: Readonly<OwnerReference>, pod: Readonly<Pod>): boolean =>
  reference.kind === 'Pod' && reference.apiVersion === 'v1' && reference.name === pod.metadata.name;

const ownersOf = (claim: Claim): readonly Readonly<OwnerReference>[] => claim.metadata.ownerReferences ?? [];
const isOwnedBy = (claim: Claim, uid: string | undefined): boolean =>
  uid !== undefined && ownersOf(claim).some((reference) => reference.uid === uid);

/** Whether the claim is owned by an earlier pod of that name: it goes soon, and must not be used (`PodClaimIsStale`). */
export function isStaleFor(set: Stateful, claim: Claim, pod: Readonly<Pod>): boolean {
  return policyOf(set).scaled && hasStalePodOwner(claim, pod);
}

const hasStalePodOwner = (claim: Claim, pod: Readonly<Pod>): boolean =>
  ownersOf(claim).some((reference) => namesPod(reference, pod) && reference.uid !== pod.metadata.uid);
const hasStaleSetOwner = (claim: Claim, set: Stateful): boolean =>
  ownersOf(claim).some((reference) => namesSet(reference, set) && reference.uid !== set.metadata.uid);

/** Whether somebody else manages the claim, so that the policy cannot be followed (`hasUnexpectedController`). */
export function hasUnexpectedController(set: Stateful, claim: Claim, pod: Readonly<Pod>): boolean {
  const { deleted, scaled } = policyOf(set);
  if (!deleted && !scaled) return false;
  return ownersOf(claim).some((reference) => {
    if (namesSet(reference, set)) return reference.uid !== set.metadata.uid;
    if (namesPod(reference, pod)) return reference.uid !== pod.metadata.uid;
    return reference.controller === true;
  });
}

/** Which of the two is to own the claim of a pod; the pod only once it is scaled away. */
function wantedOwner(set: Stateful, pod: Readonly<Pod>): 'set' | 'pod' | undefined {
  const { deleted, scaled } = policyOf(set);
  if (scaled && !isInOrdinalRange(set, pod)) return 'pod';
  return deleted ? 'set' : undefined;
}

/**
 * Whether the owners of the claim need no change (`isClaimOwnerUpToDate`). Claims of an earlier set or pod of the same name are
 * left alone: the garbage collector takes them.
 */
export function isOwnerUpToDate(set: Stateful, claim: Claim, pod: Readonly<Pod>): boolean {
  if (hasStaleSetOwner(claim, set) || hasStalePodOwner(claim, pod)) return true;
  const [bySet, byPod] = [isOwnedBy(claim, set.metadata.uid), isOwnedBy(claim, pod.metadata.uid)];
  if (hasUnexpectedController(set, claim, pod)) return !bySet && !byPod;
  const ours = new Set([set.metadata.uid, pod.metadata.uid]);
  if (ownersOf(claim).some((reference) => ours.has(reference.uid) && reference.controller !== true)) return false;
  const wanted = wantedOwner(set, pod);
  return bySet === (wanted === 'set') && byPod === (wanted === 'pod');
}

/** The claim's owners as the policy wants them; beside an unexpected controller, none of ours (`updateClaimOwnerRefForSetAndPod`). */
export function wantedOwners(set: Stateful, claim: Claim, pod: Readonly<Pod>): OwnerReference[] {
  const others = ownersOf(claim).filter((reference) => !namesSet(reference, set) && !namesPod(reference, pod));
  const wanted = hasUnexpectedController(set, claim, pod) ? undefined : wantedOwner(set, pod);
  if (wanted === undefined) return [...others];
  return [...others, wanted === 'set' ? controllerRef(set, statefulSets) : controllerRef(pod, podResource)];
}
