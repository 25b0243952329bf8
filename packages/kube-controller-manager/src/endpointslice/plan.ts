/**
 * Which slices of one Service and family are to be written (upstream `staging/src/k8s.io/endpointslice/reconciler.go`,
 * `reconcileByAddressType`). Pure.
 */
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import type { EventType } from '@kubets/client';
import type { Node, Pod, Service } from '@kubets/api/types/core-v1';
import type { Endpoint, EndpointPort, EndpointSlice } from '@kubets/api/types/discovery-v1';
import {
  endpointKey,
  endpointPorts,
  podToEndpoint,
  portMapKey,
  portsAreNumbers,
  shouldPodBeInEndpoints,
  sortedPorts,
  type AddressType,
} from './endpoint.ts';
import { pack } from './packing.ts';
import { labelsDiffer, headlessLabel, isHeadless, newSlice, ownedBy, withTriggerTime } from './slice.ts';
import {
  addHints,
  hintMessages,
  hintsEnabled,
  removeHints,
  type SliceChanges,
  type ZoneRatios,
} from './topology-hints.ts';
import { needsHints, setHints, validTrafficDistribution } from './traffic-distribution.ts';

export interface SlicesObserved {
  readonly service: Readonly<Service>;
  readonly addressType: AddressType;
  /** What the Service's selector matches. */
  readonly pods: readonly Readonly<Pod>[];
  /** Of this family, managed by this controller, not being deleted. */
  readonly slices: readonly Readonly<EndpointSlice>[];
  node(name: string): Readonly<Node> | undefined;
  readonly maxEndpointsPerSlice: number;
  /** `PreferSameZone` and `PreferSameNode` are known. */
  readonly preferSame: boolean;
  /** Zones' shares of CPUs, for hints by the annotation. */
  readonly ratios: ZoneRatios | undefined;
  /** Whether slices of this Service have been given hints by the annotation. */
  readonly hinted: boolean;
  /** The time of the change that leads to this, if it is known. */
  readonly triggerTime: string | undefined;
}

export interface SliceEvent {
  readonly type: EventType;
  readonly reason: string;
  readonly message: string;
}

/** Endpoints and slices of one port map. */
export interface PortCount {
  readonly endpoints: number;
  readonly slices: number;
}

export interface SlicePlan {
  readonly create: readonly EndpointSlice[];
  readonly update: readonly EndpointSlice[];
  readonly delete: readonly Readonly<EndpointSlice>[];
  readonly events: readonly SliceEvent[];
  /** Endpoints for each zone, when hints were given by the annotation; else there are none. */
  readonly zones: ReadonlyMap<string, number> | undefined;
  /** Why pods were left out that are to be looked at again. */
  readonly skipped: readonly string[];
  readonly added: number;
  readonly removed: number;
  readonly counts: ReadonlyMap<string, PortCount>;
}

interface Group {
  readonly ports: readonly EndpointPort[];
  readonly endpoints: Map<string, Endpoint>;
}

/** Finds the group of a pod's ports. Where no port is found by its name all pods are in one group. */
function grouping(service: Readonly<Service>, groups: Map<string, Group>): (pod: Readonly<Pod>) => Group {
  const find = (pod: Readonly<Pod>): Group => {
    const ports = endpointPorts(service, pod);
    const key = portMapKey(ports);
    let group = groups.get(key);
    if (group === undefined) groups.set(key, (group = { ports: sortedPorts(ports), endpoints: new Map() }));
    return group;
  };
  if (!portsAreNumbers(service)) return find;
  let only: Group | undefined;
  return (pod) => (only ??= find(pod));
}

/** Endpoints by port map: pods may have different numbers for a named port. */
function desiredGroups(observed: SlicesObserved, skipped: string[]): Map<string, Group> {
  const { service, pods, addressType } = observed;
  const groups = new Map<string, Group>();
  const groupOf = grouping(service, groups);
  const publishAlways = service.spec?.publishNotReadyAddresses === true;
  for (const pod of pods) {
    if (!shouldPodBeInEndpoints(pod, true)) continue;
    const group = groupOf(pod);
    const nodeName = pod.spec?.nodeName ?? '';
    const node = observed.node(nodeName);
    if (node === undefined && !publishAlways) {
      const { namespace, name } = service.metadata;
      skipped.push(`skipping Pod ${pod.metadata.name} for Service ${namespace}/${name}: Node ${nodeName} Not Found`);
      continue;
    }
    const endpoint = podToEndpoint(pod, node, service, addressType);
    if (endpoint.addresses.length > 0) group.endpoints.set(endpointKey(endpoint), endpoint);
  }
  return groups;
}

function groupBy(slices: readonly Readonly<EndpointSlice>[]): Map<string, Readonly<EndpointSlice>[]> {
  const groups = new Map<string, Readonly<EndpointSlice>[]>();
  for (const slice of slices) {
    const key = portMapKey(slice.ports ?? []);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [slice]);
    else group.push(slice);
  }
  return groups;
}

interface Draft extends SliceChanges {
  doomed: Readonly<EndpointSlice>[];
  added: number;
  removed: number;
  readonly counts: Map<string, PortCount>;
}

/** The placeholder of a Service without endpoints: it tells a Service of which nothing is known from one that has none. */
function isPlaceholder(slice: Readonly<EndpointSlice>, service: Readonly<Service>): boolean {
  return (
    ownedBy(slice, service) &&
    (slice.endpoints ?? []).length === 0 &&
    (slice.ports ?? []).length === 0 &&
    slice.metadata.labels?.[headlessLabel] === (isHeadless(service) ? '' : undefined) &&
    !labelsDiffer(slice, service)
  );
}

function draft(observed: SlicesObserved, skipped: string[]): Draft {
  const { service, slices, addressType, maxEndpointsPerSlice } = observed;
  const doomed = slices.filter((slice) => !ownedBy(slice, service));
  const result: Draft = { create: [], update: [], unchanged: [], doomed, added: 0, removed: 0, counts: new Map() };
  const existing = groupBy(slices.filter((slice) => ownedBy(slice, service)));
  for (const [key, { ports, endpoints }] of desiredGroups(observed, skipped)) {
    const have = existing.get(key) ?? [];
    existing.delete(key);
    const packing = pack({ service, addressType, ports, existing: have, desired: endpoints, maxEndpointsPerSlice });
    result.create.push(...packing.create);
    result.update.push(...packing.update);
    result.doomed.push(...packing.delete);
    result.added += packing.added;
    result.removed += packing.removed;
    const count = have.length + packing.create.length - packing.delete.length;
    result.counts.set(key, { endpoints: endpoints.size, slices: count });
  }
  // Ports that no pod has any more.
  for (const rest of existing.values()) result.doomed.push(...rest);
  if (slices.length === result.doomed.length && result.create.length === 0) keepPlaceholder(result, observed);
  return result;
}

function keepPlaceholder(result: Draft, { service, addressType }: SlicesObserved): void {
  const [only, more] = result.doomed;
  if (only !== undefined && more === undefined && isPlaceholder(only, service)) result.doomed = [];
  else result.create.push(newSlice(service, addressType, []));
  result.counts.set('', { endpoints: 0, slices: 1 });
}

/** Slices that are to be made take the place of such as are to be deleted: one write instead of two (`finalize`). */
function reuse(result: Draft, service: Readonly<Service>): void {
  result.doomed = result.doomed.filter((slice) => {
    const replacement = result.create.at(-1);
    if (replacement?.addressType !== slice.addressType || !ownedBy(slice, service)) return true;
    result.create.pop();
    const { name = '' } = slice.metadata;
    const { generateName: _, ...metadata } = replacement.metadata;
    result.update.push({ ...replacement, metadata: { name, ...metadata } });
    return false;
  });
}

interface Hinting {
  readonly events: readonly SliceEvent[];
  readonly zones: ReadonlyMap<string, number> | undefined;
}

function disabled(message: string): SliceEvent {
  return { type: 'Warning', reason: 'TopologyAwareHintsDisabled', message };
}

function hint(result: Draft, observed: SlicesObserved): Hinting {
  const { service, hinted, addressType, preferSame } = observed;
  const about = (message: string): string => `${message}, addressType: ${addressType}`;
  if (hintsEnabled(service.metadata.annotations)) {
    const zones = addHints(result, observed.ratios);
    if (typeof zones === 'string') return { events: [disabled(about(zones))], zones: undefined };
    const message = about(hintMessages.enabled);
    return { events: hinted ? [] : [{ type: 'Normal', reason: 'TopologyAwareHintsEnabled', message }], zones };
  }
  const distribution = validTrafficDistribution(service.spec?.trafficDistribution, preferSame);
  if (distribution === undefined) removeHints(result);
  else {
    result.unchanged = result.unchanged.filter((slice) => {
      if (!needsHints(slice, distribution)) return true;
      result.update.push({ ...slice });
      return false;
    });
    for (const slice of [...result.create, ...result.update]) setHints(slice, distribution);
  }
  return { events: hinted ? [disabled(about(hintMessages.disabled))] : [], zones: undefined };
}

/** What to write for one Service and family; nothing when all is as it should be. */
export function planSlices(observed: SlicesObserved): SlicePlan {
  const { service, slices, triggerTime } = observed;
  const skipped: string[] = [];
  const result = draft(observed, skipped);
  const touched = new Set([...result.update, ...result.doomed].map((slice) => slice.metadata.name));
  result.unchanged = slices.filter((slice) => !touched.has(slice.metadata.name));
  const { events, zones } = hint(result, observed);
  // Hints are given anew where they cannot be kept in part, and may turn out to be the same. (Upstream writes them again.)
  const before = new Map(slices.map((slice) => [slice.metadata.name, slice]));
  result.update = result.update.filter(({ metadata: { name }, endpoints }) => {
    return touched.has(name) || !semanticEqual(endpoints, before.get(name)?.endpoints);
  });
  reuse(result, service);
  const { doomed, added, removed, counts } = result;
  // A Service that is being deleted gets no new slices: the garbage collector would have to take them away again.
  const create = service.metadata.deletionTimestamp === undefined ? result.create : [];
  return {
    create: create.map((slice) => withTriggerTime(slice, triggerTime)),
    update: result.update.map((slice) => withTriggerTime(slice, triggerTime)),
    delete: doomed,
    events,
    zones,
    skipped,
    added,
    removed,
    counts,
  };
}
