/**
 * Which slices mirror an Endpoints object that somebody else keeps (upstream `pkg/controller/endpointslicemirroring/reconciler.go`).
 * Pure: one slice for each family and set of ports.
 */
import { nameIsDNSSubdomain } from '@kubets/apimachinery/names';
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import type { EndpointAddress, Endpoints } from '@kubets/api/types/core-v1';
import type { Endpoint, EndpointPort, EndpointSlice } from '@kubets/api/types/discovery-v1';
import { endpoints as endpointsResource } from '@kubets/client/resources';
import {
  canonicalAddress,
  endpointKey,
  portMapKey,
  sameBeyondKey,
  type AddressType,
} from '../endpointslice/endpoint.ts';
import { lastChangeTriggerTime, managedByLabel, serviceNameLabel } from '../endpointslice/slice.ts';
import { controllerRef } from '../lib/owner-references.ts';

/** The value of `endpointslice.kubernetes.io/managed-by` on mirrored slices. */
export const mirroringControllerName = 'endpointslicemirroring-controller.k8s.io';
const skipMirrorLabel = 'endpointslice.kubernetes.io/skip-mirror';
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader';
const notMirrored: readonly string[] = [lastChangeTriggerTime, 'kubectl.kubernetes.io/last-applied-configuration'];

/** Whether Endpoints are to be mirrored, the Service aside (`shouldMirror`). */
export function shouldMirror({ metadata }: Readonly<Endpoints>): boolean {
  return metadata.labels?.[skipMirrorLabel] !== 'true' && metadata.annotations?.[leaderAnnotation] === undefined;
}

/** What the plan counts of one family and set of ports. */
export interface MirrorCount {
  readonly endpoints: number;
  readonly slices: number;
}

export interface MirrorPlan {
  readonly create: readonly EndpointSlice[];
  readonly update: readonly EndpointSlice[];
  readonly delete: readonly Readonly<EndpointSlice>[];
  /** Addresses that are none. */
  readonly invalid: number;
  /** Addresses that are left out, invalid ones too. */
  readonly skipped: number;
  readonly added: number;
  readonly updated: number;
  readonly removed: number;
  readonly counts: ReadonlyMap<string, MirrorCount>;
}

interface Group {
  readonly type: AddressType;
  readonly ports: readonly EndpointPort[];
  readonly endpoints: Map<string, Endpoint>;
}

function endpointOf(address: Readonly<EndpointAddress>, ip: string, ready: boolean): Endpoint {
  const { hostname = '', targetRef, nodeName } = address;
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname !== '' && { hostname }),
    ...(targetRef && { targetRef }),
    ...(nodeName !== undefined && { nodeName }),
  };
}

interface Desired {
  readonly groups: Map<string, Group>;
  invalid: number;
  skipped: number;
}

const groupKey = (type: string, ports: readonly EndpointPort[] | undefined): string =>
  `${type} ${portMapKey(ports ?? [])}`;

function desiredGroups(endpoints: Readonly<Endpoints>, max: number): Desired {
  const desired: Desired = { groups: new Map(), invalid: 0, skipped: 0 };
  for (const { addresses = [], notReadyAddresses = [], ports: own = [] } of endpoints.subsets ?? []) {
    const ports = own.map(({ name = '', port, protocol = 'TCP', appProtocol }) => ({
      name,
      protocol,
      port,
      ...(appProtocol !== undefined && { appProtocol }),
    }));
    let mirrored = 0;
    const mirror = (address: Readonly<EndpointAddress>, ready: boolean): void => {
      if (mirrored >= max) return;
      const canonical = canonicalAddress(address.ip);
      if (canonical === undefined) {
        desired.invalid++;
        return;
      }
      const { type, text } = canonical;
      const key = groupKey(type, ports);
      let group = desired.groups.get(key);
      if (group === undefined) desired.groups.set(key, (group = { type, ports, endpoints: new Map() }));
      const endpoint = endpointOf(address, text, ready);
      group.endpoints.set(endpointKey(endpoint), endpoint);
      mirrored++;
    };
    for (const address of addresses) mirror(address, true);
    for (const address of notReadyAddresses) mirror(address, false);
    desired.skipped += addresses.length + notReadyAddresses.length - mirrored;
  }
  return desired;
}

const without = (map: Readonly<Record<string, string>> | undefined, keys: readonly string[]): Record<string, string> =>
  Object.fromEntries(Object.entries(map ?? {}).filter(([key]) => !keys.includes(key)));

function newSlice(endpoints: Readonly<Endpoints>, group: Group, name: string | undefined): EndpointSlice {
  const { name: owner = '', namespace = '', labels, annotations } = endpoints.metadata;
  const prefix = `${owner}-`;
  const generateName = nameIsDNSSubdomain(prefix, true).length === 0 ? prefix : owner;
  const mirrored = without(annotations, notMirrored);
  return {
    kind: 'EndpointSlice',
    apiVersion: 'discovery.k8s.io/v1',
    metadata: {
      ...(name === undefined ? { generateName } : { name }),
      namespace,
      labels: { ...labels, [serviceNameLabel]: owner, [managedByLabel]: mirroringControllerName },
      ...(Object.keys(mirrored).length > 0 && { annotations: mirrored }),
      ownerReferences: [controllerRef(endpoints, endpointsResource)],
    },
    addressType: group.type,
    endpoints: [...group.endpoints.values()],
    ports: [...group.ports],
  };
}

/** Whether a slice's labels and annotations are the Endpoints' own. */
function sameMetadata(slice: Readonly<EndpointSlice>, endpoints: Readonly<Endpoints>): boolean {
  const reserved = [serviceNameLabel, managedByLabel];
  return (
    semanticEqual(without(slice.metadata.labels, reserved), without(endpoints.metadata.labels, reserved)) &&
    semanticEqual(slice.metadata.annotations, without(endpoints.metadata.annotations, notMirrored))
  );
}

interface Draft {
  create: EndpointSlice[];
  readonly update: EndpointSlice[];
  doomed: Readonly<EndpointSlice>[];
  added: number;
  updated: number;
  removed: number;
  readonly counts: Map<string, MirrorCount>;
}

/** How a slice differs from what is desired (`totalChanges`). */
function difference(slice: Readonly<EndpointSlice>, desired: ReadonlyMap<string, Endpoint>) {
  let [removed, updated, matching] = [0, 0, 0];
  for (const endpoint of slice.endpoints ?? []) {
    const wanted = desired.get(endpointKey(endpoint));
    if (wanted === undefined) removed++;
    else {
      matching++;
      if (!sameBeyondKey(wanted, endpoint)) updated++;
    }
  }
  return { added: desired.size - matching, updated, removed };
}

function mirrorGroup(
  draft: Draft,
  endpoints: Readonly<Endpoints>,
  group: Group,
  existing: readonly Readonly<EndpointSlice>[],
): void {
  const [first, ...rest] = existing;
  draft.doomed.push(...rest);
  if (first === undefined) {
    draft.added += group.endpoints.size;
    draft.create.push(newSlice(endpoints, group, undefined));
    return;
  }
  const { added, updated, removed } = difference(first, group.endpoints);
  draft.added += added;
  draft.updated += updated;
  draft.removed += removed;
  if (added === 0 && updated === 0 && removed === 0 && sameMetadata(first, endpoints)) return;
  draft.update.push(newSlice(endpoints, group, first.metadata.name ?? ''));
}

/** One write instead of a deletion and a creation (`recycleSlices`). */
function recycle(draft: Draft): void {
  draft.create = draft.create.filter((slice) => {
    const old = draft.doomed.find((candidate) => candidate.addressType === slice.addressType);
    if (old === undefined) return true;
    draft.doomed = draft.doomed.filter((candidate) => candidate !== old);
    const { generateName: _, ...metadata } = slice.metadata;
    draft.update.push({ ...slice, metadata: { name: old.metadata.name ?? '', ...metadata } });
    return false;
  });
}

/** What to write so that the slices say what the Endpoints say; at most `max` addresses of each subset. */
export function planMirror(
  endpoints: Readonly<Endpoints>,
  slices: readonly Readonly<EndpointSlice>[],
  max: number,
): MirrorPlan {
  const { groups, invalid, skipped } = desiredGroups(endpoints, max);
  const draft: Draft = { create: [], update: [], doomed: [], added: 0, updated: 0, removed: 0, counts: new Map() };
  const existing = Map.groupBy(slices, (slice) => groupKey(slice.addressType, slice.ports));
  for (const [key, group] of groups) {
    mirrorGroup(draft, endpoints, group, existing.get(key) ?? []);
    existing.delete(key);
    draft.counts.set(key, { endpoints: group.endpoints.size, slices: 1 });
  }
  for (const rest of existing.values()) {
    draft.doomed.push(...rest);
    draft.removed += rest.reduce((sum, slice) => sum + (slice.endpoints?.length ?? 0), 0);
  }
  recycle(draft);
  const { update, doomed, added, updated, removed, counts } = draft;
  const create = endpoints.metadata.deletionTimestamp === undefined ? draft.create : [];
  return { create, update, delete: doomed, invalid, skipped, added, updated, removed, counts };
}
