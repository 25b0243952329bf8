/**
 * Topology aware hints (annotation `service.kubernetes.io/topology-mode: Auto`): endpoints are given to zones in proportion to
 * the CPUs of the zones' nodes (upstream `staging/src/k8s.io/endpointslice/topologycache`). Pure.
 */
import { parseQuantity } from '@kubets/apimachinery/quantity';
import type { Node } from '@kubets/api/types/core-v1';
import type { EndpointSlice } from '@kubets/api/types/discovery-v1';
import { endpointReady, zoneLabel } from './endpoint.ts';
import { clearHints, hasHints, withHints } from './traffic-distribution.ts';

/** By how much a zone's endpoints may be busier than if all were shared evenly. */
const overloadThreshold = 0.2;

export const hintMessages = {
  noZone: 'One or more endpoints do not have a zone specified',
  noneAllocated: 'No hints allocated for zones',
  enabled: 'Topology Aware Hints has been enabled',
  disabled: 'Topology Aware Hints has been disabled',
  nodes: 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes',
  tooFew: 'Insufficient number of endpoints',
  overload: 'Unable to allocate minimum required endpoints to each zone without exceeding overload threshold',
} as const;

/** Each zone's share of all CPUs, in the order of the zones' names. */
export type ZoneRatios = ReadonlyMap<string, number>;
/** How many endpoints are for each zone. */
export type ZoneCounts = Map<string, number>;

/** Slices on their way to the server; those in `unchanged` are the cache's. */
export interface SliceChanges {
  readonly create: EndpointSlice[];
  update: EndpointSlice[];
  unchanged: Readonly<EndpointSlice>[];
}

/** Whether the annotation asks for hints; the older one counts more (`hintsEnabled`). */
export function hintsEnabled(annotations: Readonly<Record<string, string>> | undefined): boolean {
  const mode =
    annotations?.['service.kubernetes.io/topology-aware-hints'] ?? annotations?.['service.kubernetes.io/topology-mode'];
  return mode === 'Auto' || mode === 'auto';
}

const controlPlaneLabels = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];

function isUsable(node: Readonly<Node>): boolean {
  const labels = node.metadata.labels ?? {};
  if (controlPlaneLabels.some((label) => label in labels)) return false;
  return node.status?.conditions?.find((condition) => condition.type === 'Ready')?.status === 'True';
}

const milliCpus = (node: Readonly<Node>): number => {
  const cpu = node.status?.allocatable?.['cpu'];
  return cpu === undefined ? 0 : Number(parseQuantity(cpu).milliValue());
};

/**
 * The zones' shares; undefined when there are fewer than two zones, or a node says not enough of itself
 * (`TopologyCache.SetNodes`).
 */
export function zoneRatios(nodes: readonly Readonly<Node>[]): ZoneRatios | undefined {
  const cpus = new Map<string, number>();
  let total = 0;
  for (const node of nodes) {
    if (!isUsable(node)) continue;
    const zone = node.metadata.labels?.[zoneLabel] ?? '';
    const cpu = milliCpus(node);
    if (zone === '' || cpu === 0) return undefined;
    cpus.set(zone, (cpus.get(zone) ?? 0) + cpu);
    total += cpu;
  }
  if (cpus.size < 2) return undefined;
  const zones = [...cpus].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return new Map(zones.map(([zone, cpu]) => [zone, cpu / total]));
}

/** Whether a Service has too few endpoints for any zone (`serviceOverloaded`). */
export function isOverloaded(counts: ReadonlyMap<string, number>, ratios: ZoneRatios | undefined): boolean {
  if (counts.size === 0) return false;
  if (ratios === undefined) return true;
  const total = counts.values().reduce((sum, count) => sum + count, 0);
  return ratios.entries().some(([zone, ratio]) => {
    const count = counts.get(zone);
    return count === undefined || count < Math.ceil(total * ratio * (1 / (1 + overloadThreshold)));
  });
}

interface Allocation {
  readonly minimum: number;
  readonly desired: number;
  readonly maximum: number;
}
type Allocations = ReadonlyMap<string, Allocation>;

/** How many endpoints each zone is to have; a message when that cannot be done (`getAllocations`). */
function allocate(ratios: ZoneRatios | undefined, endpoints: number): Allocations | string {
  if (ratios === undefined) return hintMessages.nodes;
  const detail = `(${endpoints} endpoints, ${ratios.size} zones)`;
  if (ratios.size > endpoints) return `${hintMessages.tooFew} ${detail}`;
  const wanted = [...ratios].map(([zone, ratio]) => {
    const share = ratio * endpoints;
    const minimum = Math.ceil(share * (1 / (1 + overloadThreshold)));
    return { zone, minimum, desired: Math.max(share, minimum) };
  });
  const spare = endpoints - wanted.reduce((sum, { minimum }) => sum + minimum, 0);
  if (spare < 0) return `${hintMessages.overload} ${detail}`;
  return new Map(
    wanted.map(({ zone, minimum, desired }) => [zone, { minimum, desired, maximum: minimum + spare }] as const),
  );
}

const countIn = (counts: ZoneCounts, zone: string, by: number): unknown =>
  counts.set(zone, (counts.get(zone) ?? 0) + by);

/** The hints of a slice that can stay; undefined when they cannot (`getHintsByZone`). */
function usableHints(
  slice: Readonly<EndpointSlice>,
  allocated: ZoneCounts,
  allocations: Allocations,
): ZoneCounts | undefined {
  const counts: ZoneCounts = new Map();
  for (const endpoint of slice.endpoints ?? []) {
    if (!endpointReady(endpoint)) continue;
    const zones = endpoint.hints?.forZones ?? [];
    if (zones.length === 0 || zones.some(({ name }) => !allocations.has(name))) return undefined;
    for (const { name } of zones) countIn(counts, name, 1);
  }
  for (const [zone, count] of counts) {
    if (count + (allocated.get(zone) ?? 0) > (allocations.get(zone)?.maximum ?? 0)) return undefined;
  }
  return counts;
}

/** What is allocated by slices that stay as they are; the others become updates (`getAllocatedHintsByZone`). */
function keepUsable(slices: SliceChanges, allocations: Allocations): ZoneCounts {
  const allocated: ZoneCounts = new Map();
  slices.unchanged = slices.unchanged.filter((slice) => {
    const counts = usableHints(slice, allocated, allocations);
    if (counts === undefined) {
      slices.update.push({ ...slice });
      return false;
    }
    for (const [zone, count] of counts) countIn(allocated, zone, count);
    return true;
  });
  return allocated;
}

function most(zones: ReadonlyMap<string, number>): readonly [zone: string, count: number] {
  let best: readonly [string, number] = ['', 0];
  for (const entry of zones) if (entry[1] > best[1]) best = entry;
  return best;
}

/** How many endpoints zones are to give to, and receive from, others (`getGivingAndReceivingZones`). */
function transfers(
  allocations: Allocations,
  allocated: ZoneCounts,
): { readonly giving: ZoneCounts; readonly receiving: ZoneCounts } {
  const surplus: ZoneCounts = new Map();
  const deficit: ZoneCounts = new Map();
  for (const [zone, { desired }] of allocations) {
    const difference = (allocated.get(zone) ?? 0) - desired;
    if (difference > 0) surplus.set(zone, difference);
    else if (difference < 0) deficit.set(zone, -difference);
  }
  const giving: ZoneCounts = new Map();
  const receiving: ZoneCounts = new Map();
  for (;;) {
    const [giver, give] = most(surplus);
    const [receiver, receive] = most(deficit);
    if (giver === '' || receiver === '' || (give < 1 && receive < 1) || give < 0.5 || receive < 0.5) break;
    countIn(giving, giver, 1);
    countIn(receiving, receiver, 1);
    surplus.set(giver, give - 1);
    deficit.set(receiver, receive - 1);
  }
  return { giving, receiving };
}

function takeOne(counts: ZoneCounts, zone: string): void {
  const left = (counts.get(zone) ?? 0) - 1;
  if (left <= 0) counts.delete(zone);
  else counts.set(zone, left);
}

/** Moves hints from zones that have too many to zones that have too few (`redistributeHints`). */
function redistribute(
  slices: readonly EndpointSlice[],
  { giving, receiving }: ReturnType<typeof transfers>,
  allocated: ZoneCounts,
): void {
  for (const slice of slices) {
    slice.endpoints = (slice.endpoints ?? []).map((endpoint) => {
      const zone = endpoint.zone ?? '';
      const [receiver] = receiving.keys();
      if (!endpointReady(endpoint) || !giving.has(zone) || receiver === undefined) return endpoint;
      takeOne(giving, zone);
      takeOne(receiving, receiver);
      countIn(allocated, zone, -1);
      countIn(allocated, receiver, 1);
      return withHints(endpoint, { forZones: [{ name: receiver }] });
    });
  }
}

/** Takes the hints away from all slices; those that have to change for this only become updates (`RemoveHintsFromSlices`). */
export function removeHints(slices: SliceChanges): void {
  for (const slice of [...slices.create, ...slices.update]) clearHints(slice);
  slices.unchanged = slices.unchanged.filter((slice) => {
    if (!hasHints(slice)) return true;
    const copy = { ...slice };
    clearHints(copy);
    slices.update.push(copy);
    return false;
  });
}

/**
 * Gives the slices hints for zones (`TopologyCache.AddHints`). Returns how many endpoints each zone has got, or why there can
 * be no hints: they are then gone from all slices.
 */
export function addHints(slices: SliceChanges, ratios: ZoneRatios | undefined): ZoneCounts | string {
  const all = [...slices.create, ...slices.update, ...slices.unchanged];
  const ready = all.reduce((sum, slice) => sum + (slice.endpoints ?? []).filter(endpointReady).length, 0);
  const refuse = (why: string): string => {
    removeHints(slices);
    return why;
  };
  const allocations = allocate(ratios, ready);
  if (typeof allocations === 'string') return refuse(allocations);
  const allocated = keepUsable(slices, allocations);
  const open = [...slices.create, ...slices.update];
  // To begin with, every endpoint is for its own zone.
  for (const slice of open) {
    for (const endpoint of slice.endpoints ?? []) {
      if (endpointReady(endpoint) && (endpoint.zone ?? '') === '') return refuse(hintMessages.noZone);
    }
    slice.endpoints = (slice.endpoints ?? []).map((endpoint) => {
      if (!endpointReady(endpoint)) return endpoint;
      countIn(allocated, endpoint.zone ?? '', 1);
      return withHints(endpoint, { forZones: [{ name: endpoint.zone ?? '' }] });
    });
  }
  redistribute(open, transfers(allocations, allocated), allocated);
  return allocated.size === 0 ? refuse(hintMessages.noneAllocated) : allocated;
}
