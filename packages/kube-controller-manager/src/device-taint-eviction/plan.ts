/** When pods have to leave tainted devices (upstream `pkg/controller/devicetainteviction/device_taint_eviction.go`). */
import type {
  Device,
  DeviceRequestAllocationResult,
  DeviceTaint,
  DeviceToleration,
  ResourceClaim,
  ResourceSlice,
} from '@kubets/api/types/resource-v1';

/** `driver/pool`: where a device is. */
export const poolOf = ({ driver, pool }: { readonly driver: string; readonly pool: string }): string =>
  `${driver}/${pool}`;

/** The pools that a claim's devices are of. */
export function poolsOfClaim({ status }: Readonly<ResourceClaim>): string[] {
  return [...new Set((status?.allocation?.devices?.results ?? []).map(poolOf))];
}

/** The device of that name as the newest slices of its pool describe it. */
export function findDevice(slices: readonly Readonly<ResourceSlice>[], name: string): Readonly<Device> | undefined {
  const newest = Math.max(...slices.map(({ spec }) => spec.pool.generation));
  for (const { spec } of slices) {
    if (spec.pool.generation !== newest) continue;
    const device = spec.devices?.find((each) => each.name === name);
    if (device !== undefined) return device;
  }
  return undefined;
}

/** `resourceclaim.ToleratesTaint`. */
function tolerates(toleration: Readonly<DeviceToleration>, taint: Readonly<DeviceTaint>): boolean {
  if (toleration.effect !== undefined && toleration.effect !== taint.effect) return false;
  if ((toleration.key ?? '') !== '' && toleration.key !== taint.key) return false;
  return toleration.operator === 'Exists' || (toleration.value ?? '') === (taint.value ?? '');
}

/** When the taint drives users of the device away; undefined: it does not. */
function taintEvicts(
  taint: Readonly<DeviceTaint>,
  tolerations: readonly DeviceToleration[],
  now: number,
): number | undefined {
  if (taint.effect !== 'NoExecute') return undefined;
  const since = taint.timeAdded ? Date.parse(taint.timeAdded) : now;
  const seconds = tolerations
    .filter((toleration) => tolerates(toleration, taint))
    .map(({ tolerationSeconds = Infinity }) => Math.max(0, tolerationSeconds));
  if (seconds.includes(Infinity)) return undefined;
  return seconds.length === 0 ? since : since + Math.min(...seconds) * 1000;
}

/**
 * When the claim's users have to go, in milliseconds since 1970; undefined: as things are, never. `device` finds what an
 * allocated device looks like now.
 */
export function evictionTime(
  claim: Readonly<ResourceClaim>,
  device: (result: Readonly<DeviceRequestAllocationResult>) => Readonly<Device> | undefined,
  now: number,
): number | undefined {
  const times = (claim.status?.allocation?.devices?.results ?? []).flatMap((result) =>
    (device(result)?.taints ?? []).flatMap((taint) => taintEvicts(taint, result.tolerations ?? [], now) ?? []),
  );
  return times.length === 0 ? undefined : Math.min(...times);
}
