/** What is written into a claim's status once devices are chosen (upstream `structured/allocator.go`, the end of Allocate). */
import type { NodeSelector, NodeSelectorRequirement } from '@kubets/api/types/core-v1';
import type {
  AllocationResult,
  DeviceAllocationConfiguration,
  DeviceRequestAllocationResult,
} from '@kubets/api/types/resource-v1';
import type { Chosen } from './allocator.ts';
import type { PlannedClaim } from './claim-requests.ts';

export function allocationResult(claim: PlannedClaim, chosen: readonly Chosen[]): AllocationResult {
  const results = chosen.map(resultOf);
  const config = configurations(claim, chosen);
  const nodeSelector = nodeSelectorOf(chosen);
  return {
    devices: { results, ...(config.length > 0 && { config }) },
    ...(nodeSelector !== undefined && { nodeSelector }),
  };
}

function resultOf({ device: { pool, device }, alternative }: Chosen): DeviceRequestAllocationResult {
  const { name, adminAccess, tolerations } = alternative;
  return {
    request: name,
    driver: pool.driver,
    pool: pool.name,
    device: device.name,
    ...(adminAccess && { adminAccess }),
    ...(tolerations.length > 0 && { tolerations: structuredClone([...tolerations]) }),
  };
}

/** The classes' configuration first, then the claim's: later ones have the last word. */
function configurations({ claim, requests }: PlannedClaim, chosen: readonly Chosen[]): DeviceAllocationConfiguration[] {
  const used = new Map(chosen.map(({ alternative }) => [alternative.name, alternative.deviceClass]));
  const served = new Set([...used.keys(), ...requests.map(({ name }) => name)]);
  const fromClasses = Array.from(used, ([name, { spec }]) =>
    (spec.config ?? []).map(({ opaque }) => ({ source: 'FromClass' as const, requests: [name], opaque })),
  ).flat();
  const fromClaim = (claim.spec.devices?.config ?? [])
    // Of requests with several ways, only the way taken is configured.
    .filter((config) => (config.requests ?? []).length === 0 || config.requests?.some((name) => served.has(name)))
    .map(({ requests: names, opaque }) => ({
      source: 'FromClaim' as const,
      ...(names !== undefined && names.length > 0 && { requests: [...names] }),
      opaque,
    }));
  return structuredClone([...fromClasses, ...fromClaim]);
}

/** The nodes from which all devices can be reached; undefined: from all. */
function nodeSelectorOf(chosen: readonly Chosen[]): NodeSelector | undefined {
  const local = chosen.find(({ device }) => device.nodeName !== undefined)?.device.nodeName;
  if (local !== undefined) {
    const matchFields: NodeSelectorRequirement[] = [{ key: 'metadata.name', operator: 'In', values: [local] }];
    return { nodeSelectorTerms: [{ matchFields }] };
  }
  // Validation allows one term per selector: together they are one term too.
  const terms = new Map<string, NodeSelectorRequirement>();
  const fields = new Map<string, NodeSelectorRequirement>();
  for (const { device } of chosen) {
    for (const term of device.nodeSelector?.nodeSelectorTerms ?? []) {
      for (const requirement of term.matchExpressions ?? []) terms.set(JSON.stringify(requirement), requirement);
      for (const requirement of term.matchFields ?? []) fields.set(JSON.stringify(requirement), requirement);
    }
  }
  if (terms.size === 0 && fields.size === 0) return undefined;
  return structuredClone({
    nodeSelectorTerms: [
      {
        ...(terms.size > 0 && { matchExpressions: [...terms.values()] }),
        ...(fields.size > 0 && { matchFields: [...fields.values()] }),
      },
    ],
  });
}
