/** The resource claims of a pod (upstream `k8s.io/dynamic-resource-allocation/resourceclaim/claim.go`). */
import type { Pod, PodResourceClaim } from '@kubets/api/types/core-v1';
import type { ResourceClaim } from '@kubets/api/types/resource-v1';

/** How many pods may use one claim at a time (`ResourceClaimReservedForMaxSize`). */
const maxReservations = 256;

export const canBeReserved = ({ status }: Readonly<ResourceClaim>): boolean =>
  (status?.reservedFor?.length ?? 0) < maxReservations;

export const isReservedFor = (uid: string, { status }: Readonly<ResourceClaim>): boolean =>
  status?.reservedFor?.some((consumer) => consumer.uid === uid) === true;

interface Named {
  readonly name: string;
  /** Made from a template for this pod alone. */
  readonly generated: boolean;
}

/** The name of the claim; undefined when none is needed. Throws while it is not made yet. */
function nameOf({ metadata, status }: Readonly<Pod>, claim: Readonly<PodResourceClaim>): Named | undefined {
  if (claim.resourceClaimName !== undefined) return { name: claim.resourceClaimName, generated: false };
  const pod = `pod "${metadata.namespace}/${metadata.name}"`;
  if (claim.resourceClaimTemplateName === undefined) {
    throw new Error(`${pod}, spec.resourceClaim "${claim.name}": none of the supported fields are set`);
  }
  const made = status?.resourceClaimStatuses?.find(({ name }) => name === claim.name);
  if (made === undefined) throw new Error(`${pod}: ResourceClaim not created yet`);
  return made.resourceClaimName === undefined ? undefined : { name: made.resourceClaimName, generated: true };
}

/**
 * The claims of a pod, as they are now.
 *
 * @throws Error with what the pod has to wait for.
 */
export function resourceClaimsOf(
  pod: Readonly<Pod>,
  lookup: (namespace: string, name: string) => Readonly<ResourceClaim> | undefined,
): readonly Readonly<ResourceClaim>[] {
  const { namespace = '', uid } = pod.metadata;
  const claims: Readonly<ResourceClaim>[] = [];
  for (const wanted of pod.spec?.resourceClaims ?? []) {
    const named = nameOf(pod, wanted);
    if (named === undefined) continue;
    const claim = lookup(namespace, named.name);
    if (claim === undefined) throw new Error(`resourceclaim.resource.k8s.io "${named.name}" not found`);
    if (claim.metadata.deletionTimestamp !== undefined) {
      throw new Error(`resourceclaim "${named.name}" is being deleted`);
    }
    const owned = claim.metadata.ownerReferences?.some((owner) => owner.controller === true && owner.uid === uid);
    if (named.generated && owned !== true) {
      throw new Error(
        `ResourceClaim ${namespace}/${named.name} was not created for Pod ${namespace}/${pod.metadata.name} (Pod is not owner)`,
      );
    }
    if (!claims.includes(claim)) claims.push(claim);
  }
  return claims;
}
