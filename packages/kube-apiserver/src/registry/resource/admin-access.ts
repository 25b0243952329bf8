/**
 * Admin access to devices (`pkg/registry/resource/resourceclaim_auth.go`, `AuthorizedForAdmin`).
 *
 * Upstream allows it in namespaces with the label `resource.kubernetes.io/admin-access: "true"`. Strategies
 * cannot look at namespaces here, so it is refused everywhere: the safe one of the two wrong answers.
 */
import { forbidden, Path, type FieldError } from '@kubets/apimachinery/field';
import type { DeviceClaim, DeviceRequestAllocationResult } from '@kubets/api/types/resource-v1';

const detail =
  'admin access to devices requires the `resource.kubernetes.io/admin-access: true` label on the containing namespace';

/** One error for the first request that asks for it. */
export function refuseAdminRequests(claim: DeviceClaim | undefined, path: string): FieldError[] {
  const i = (claim?.requests ?? []).findIndex((request) => request.exactly?.adminAccess === true);
  return i < 0 ? [] : [forbidden(Path.of(`${path}.requests[${i}].exactly.adminAccess`), detail)];
}

/** Results that a claim had before are left alone. */
export function refuseAdminResults(
  results: readonly DeviceRequestAllocationResult[] | undefined,
  old: readonly DeviceRequestAllocationResult[] | undefined,
): FieldError[] {
  if ((old ?? []).some((result) => result.adminAccess === true)) return [];
  const i = (results ?? []).findIndex((result) => result.adminAccess === true);
  return i < 0 ? [] : [forbidden(Path.of(`status.allocation.devices.results[${i}].adminAccess`), detail)];
}
