/** Fields of the resource API whose feature gate is off (`dropDisabledFields` of `pkg/registry/resource/<resource>/strategy.go`). */
import type { ApiObject } from '@kubets/apimachinery/meta';
import type { StrategyContext } from '../strategy.ts';

/** By gate: paths with `[]` for list items and `{}` for map values. */
export type GatedFields = Readonly<Record<string, readonly string[]>>;

type Node = Record<string, unknown>;

/** The objects that have, or may have, the last field of the path. */
function* ownersOf(value: unknown, segments: readonly string[]): Generator<Node> {
  if (typeof value !== 'object' || value === null) return;
  const [segment = '', ...rest] = segments;
  if (rest.length === 0) {
    yield value as Node;
    return;
  }
  const many = segment.endsWith('[]') || segment.endsWith('{}');
  const child = (value as Node)[many ? segment.slice(0, -2) : segment];
  if (!many) yield* ownersOf(child, rest);
  else if (typeof child === 'object' && child !== null) {
    for (const item of Object.values(child)) yield* ownersOf(item, rest);
  }
}

function isInUse(object: Readonly<ApiObject> | undefined, segments: readonly string[], field: string): boolean {
  for (const owner of ownersOf(object, segments)) if (owner[field] !== undefined) return true;
  return false;
}

/** Removes the fields, unless the old object uses any that the same gate rules: updates must not lose data. */
export function dropDisabled(
  context: StrategyContext,
  gated: GatedFields,
  object: ApiObject,
  old?: Readonly<ApiObject>,
): void {
  for (const [gate, paths] of Object.entries(gated)) {
    if (context.featureEnabled(gate)) continue;
    const split = paths.map((path) => path.split('.'));
    if (split.some((segments) => isInUse(old, segments, segments.at(-1) ?? ''))) continue;
    for (const segments of split) {
      for (const owner of ownersOf(object, segments)) delete owner[segments.at(-1) ?? ''];
    }
  }
}

/** Fields of a claim's spec that starts at `path`. */
export function claimFields(path: string): GatedFields {
  const requests = `${path}.devices.requests[]`;
  const wanted = [`${requests}.exactly`, `${requests}.firstAvailable[]`];
  return {
    DRAPrioritizedList: [`${requests}.firstAvailable`],
    DRAAdminAccess: [`${requests}.exactly.adminAccess`],
    DRADeviceTaints: wanted.map((at) => `${at}.tolerations`),
    DRAConsumableCapacity: [...wanted.map((at) => `${at}.capacity`), `${path}.devices.constraints[].distinctAttribute`],
  };
}

const results = 'status.allocation.devices.results[]';

export const claimStatusFields: GatedFields = {
  DRAAdminAccess: [`${results}.adminAccess`],
  DRADeviceTaints: [`${results}.tolerations`],
  DRADeviceBindingConditions: [
    `${results}.bindingConditions`,
    `${results}.bindingFailureConditions`,
    'status.allocation.allocationTimestamp',
  ],
  DRAConsumableCapacity: [`${results}.shareID`, `${results}.consumedCapacity`, 'status.devices[].shareID'],
  DRAResourceClaimDeviceStatus: ['status.devices'],
};

const devices = 'spec.devices[]';

export const sliceFields: GatedFields = {
  DRADeviceTaints: [`${devices}.taints`],
  DRAPartitionableDevices: ['spec.sharedCounters', 'spec.perDeviceNodeSelection', `${devices}.consumesCounters`],
  DRADeviceBindingConditions: [
    `${devices}.bindsToNode`,
    `${devices}.bindingConditions`,
    `${devices}.bindingFailureConditions`,
  ],
  DRAConsumableCapacity: [`${devices}.allowMultipleAllocations`, `${devices}.capacity{}.requestPolicy`],
  DRAListTypeAttributes: ['bools', 'ints', 'strings', 'versions'].map((list) => `${devices}.attributes{}.${list}`),
  DRANodeAllocatableResources: [`${devices}.nodeAllocatableResourceMappings`],
};

export const classFields: GatedFields = { DRAExtendedResource: ['spec.extendedResourceName'] };
