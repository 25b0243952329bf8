/** Who uses a claim (upstream `pkg/controller/volume/pvcprotection/pvc_protection_controller.go`, `podUsesPVC`). */
import { notEphemeralClaimOf, podClaims } from '@kubets/api/core/helpers/persistent-volume';
import type { PersistentVolumeClaim, Pod } from '@kubets/api/types/core-v1';

/**
 * Whether the pod keeps the claim from going. Pods that are on no node do not: kubelets do not start pods whose claim is being
 * deleted. Pods that have ended do.
 */
export function usesClaim(pod: Readonly<Pod>, claim: Readonly<PersistentVolumeClaim>): boolean {
  if (!pod.spec?.nodeName || pod.metadata.namespace !== claim.metadata.namespace) return false;
  return podClaims(pod).some(
    ({ name, ephemeral }) =>
      name === claim.metadata.name && (!ephemeral || notEphemeralClaimOf(pod, claim) === undefined),
  );
}
