/** Claims of pods to devices (upstream `pkg/controller/resourceclaim/controller.go`, `k8s.io/dynamic-resource-allocation/resourceclaim`). */
import type { Pod, PodResourceClaim } from '@kubets/api/types/core-v1';
import type {
  ResourceClaim,
  ResourceClaimConsumerReference,
  ResourceClaimTemplate,
} from '@kubets/api/types/resource-v1';
import { isPodTerminal } from '@kubets/api/core/helpers/pod';
import { pods as podResource } from '@kubets/client/resources';
import { controllerOf, controllerRef } from '../lib/owner-references.ts';

/** On claims that were made for a pod: which of the pod's claims it is. */
export const podClaimNameAnnotation = 'resource.kubernetes.io/pod-claim-name';
/** Keeps claims that have devices. */
export const deleteProtection = 'resource.kubernetes.io/delete-protection';
/** A generated name's base, without the hyphen before the random part. */
const maxBase = 57;
/** The API allows no more users of one claim. */
const maxReservations = 256;

/** Whether the pod will never use its claims any more. */
export function isPodDone(pod: Readonly<Pod>): boolean {
  if (isPodTerminal(pod)) return true;
  // Deleted before it was on a node: nothing will ever start it.
  return pod.metadata.deletionTimestamp !== undefined && !pod.spec?.nodeName;
}

/** The name of the claim behind an entry; undefined while there is none, null when none is needed (`resourceclaim.Name`). */
export function claimNameOf(pod: Readonly<Pod>, entry: Readonly<PodResourceClaim>): string | null | undefined {
  if (entry.resourceClaimName !== undefined) return entry.resourceClaimName;
  const status = pod.status?.resourceClaimStatuses?.find(({ name }) => name === entry.name);
  return status === undefined ? undefined : (status.resourceClaimName ?? null);
}

/** All claims of a pod that are known, by name. */
export function claimNames(pod: Readonly<Pod>): string[] {
  return (pod.spec?.resourceClaims ?? []).flatMap((entry) => claimNameOf(pod, entry) ?? []);
}

/** Why a claim is not the one that was made for the pod; undefined when it is (`IsForPod`). */
export function notClaimOf(pod: Readonly<Pod>, claim: Readonly<ResourceClaim>): string | undefined {
  if (controllerOf(claim)?.uid === pod.metadata.uid) return undefined;
  const name = (object: Readonly<Pod> | Readonly<ResourceClaim>): string =>
    `${object.metadata.namespace}/${object.metadata.name}`;
  return `ResourceClaim ${name(claim)} was not created for pod ${name(pod)} (pod is not owner)`;
}

function namePrefix(podName: string, entryName: string): string {
  const full = `${podName}-${entryName}`;
  if (full.length <= maxBase) return `${full}-`;
  // Cutting only the end would lose the name of the entry.
  const cut = (text: string): string => text.slice(0, Math.floor((text.length * maxBase) / full.length));
  return `${cut(podName)}-${cut(entryName)}-`;
}

/** The claim of one of a pod's entries, from its template. */
export function newClaim(
  pod: Readonly<Pod>,
  entry: Readonly<PodResourceClaim>,
  template: Readonly<ResourceClaimTemplate>,
): ResourceClaim {
  const { labels, annotations } = template.spec.metadata ?? {};
  return {
    metadata: {
      generateName: namePrefix(pod.metadata.name ?? '', entry.name),
      ...(pod.metadata.namespace !== undefined && { namespace: pod.metadata.namespace }),
      ...(labels && { labels: { ...labels } }),
      annotations: { ...annotations, [podClaimNameAnnotation]: entry.name },
      ownerReferences: [controllerRef(pod, podResource)],
    },
    spec: structuredClone(template.spec.spec),
  };
}

/** Whether the pod is among the claim's users. */
export function isReservedFor(pod: Readonly<Pod>, { status }: Readonly<ResourceClaim>): boolean {
  return status?.reservedFor?.some(({ uid }) => uid === pod.metadata.uid) === true;
}

/** The claim with one more user; undefined when that cannot be, or is so already. */
export function reservedFor(pod: Readonly<Pod>, claim: Readonly<ResourceClaim>): ResourceClaim | undefined {
  const { reservedFor: users = [], allocation, ...rest } = claim.status ?? {};
  if (allocation === undefined || users.length >= maxReservations || isReservedFor(pod, claim)) return undefined;
  const { name = '', uid = '' } = pod.metadata;
  return structuredClone({
    ...claim,
    status: { allocation, reservedFor: [...users, { resource: 'pods', name, uid }], ...rest },
  });
}

/**
 * The claim without users that are gone; when none is left, without its devices too, as far as they were allocated by the
 * scheduler. Undefined: as it is.
 */
export function withUsers(
  claim: Readonly<ResourceClaim>,
  users: readonly ResourceClaimConsumerReference[],
): ResourceClaim | undefined {
  const { reservedFor: before = [], allocation, devices } = claim.status ?? {};
  const isBuiltIn = claim.metadata.finalizers?.includes(deleteProtection) === true;
  const isGoing = claim.metadata.deletionTimestamp !== undefined;
  const left = users.length < before.length;
  const frees = users.length === 0 && isBuiltIn && allocation !== undefined && (left || isGoing);
  if (!left && !frees) return undefined;
  return structuredClone({
    ...claim,
    status: {
      ...(allocation !== undefined && !frees && { allocation }),
      ...(users.length > 0 && { reservedFor: [...users] }),
      // What drivers report about devices ends with the allocation.
      ...(devices !== undefined && !frees && { devices }),
    },
  });
}

/** The claim without the finalizer, once it has no devices; undefined: it has to stay, or has none. */
export function unprotected(claim: Readonly<ResourceClaim>): ResourceClaim | undefined {
  const { finalizers = [], ...metadata } = claim.metadata;
  if (!finalizers.includes(deleteProtection) || claim.status?.allocation !== undefined) return undefined;
  if ((claim.status?.reservedFor?.length ?? 0) > 0) return undefined;
  const others = finalizers.filter((each) => each !== deleteProtection);
  return structuredClone({ ...claim, metadata: { ...metadata, ...(others.length > 0 && { finalizers: others }) } });
}
