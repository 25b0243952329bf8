/**
 * Endpoints of one port map and family into slices, with as few changes as possible (upstream
 * `staging/src/k8s.io/endpointslice/reconciler.go`, `reconcileByPortMapping`). Pure.
 *
 * Slices are not repacked: a write of a slice goes to every node of the cluster, half-full slices cost nothing.
 */
import type { Service } from '@kubets/api/types/core-v1';
import type { Endpoint, EndpointPort, EndpointSlice } from '@kubets/api/types/discovery-v1';
import { endpointKey, sameBeyondKey, type AddressType } from './endpoint.ts';
import { labelsDiffer, newSlice, sliceLabels, withEndpoints, withLabels } from './slice.ts';

export interface PackingInput {
  readonly service: Readonly<Service>;
  readonly addressType: AddressType;
  readonly ports: readonly EndpointPort[];
  /** Of this port map and family, owned by the Service. */
  readonly existing: readonly Readonly<EndpointSlice>[];
  /** By {@link endpointKey}. */
  readonly desired: ReadonlyMap<string, Endpoint>;
  readonly maxEndpointsPerSlice: number;
}

/** Slices in these lists that are to be written may be changed by the caller: they are not the cache's. */
export interface Packing {
  readonly create: readonly EndpointSlice[];
  readonly update: readonly EndpointSlice[];
  readonly delete: readonly Readonly<EndpointSlice>[];
  readonly added: number;
  readonly removed: number;
}

interface Kept {
  readonly update: EndpointSlice[];
  readonly unchanged: Readonly<EndpointSlice>[];
  readonly delete: Readonly<EndpointSlice>[];
  removed: number;
}

/** What becomes of the slices that are there; endpoints that have their place are taken out of `left`. */
function keepExisting({ service, existing }: PackingInput, left: Map<string, Endpoint>): Kept {
  const kept: Kept = { update: [], unchanged: [], delete: [], removed: 0 };
  for (const slice of existing) {
    const before = slice.endpoints ?? [];
    const endpoints: Endpoint[] = [];
    let changed = false;
    for (const endpoint of before) {
      const key = endpointKey(endpoint);
      const wanted = left.get(key);
      if (wanted === undefined) continue;
      endpoints.push(wanted);
      changed ||= !sameBeyondKey(wanted, endpoint);
      left.delete(key);
    }
    kept.removed += before.length - endpoints.length;
    if (changed || endpoints.length !== before.length) {
      if (endpoints.length === 0) kept.delete.push(slice);
      else kept.update.push(withLabels(withEndpoints(slice, endpoints), sliceLabels(service)));
    } else if (labelsDiffer(slice, service)) {
      kept.update.push(withLabels(withEndpoints(slice, slice.endpoints), sliceLabels(service)));
    } else kept.unchanged.push(slice);
  }
  return kept;
}

/** Moves endpoints into the slice until it is full. */
function fill(slice: EndpointSlice, left: Map<string, Endpoint>, max: number): void {
  const endpoints = (slice.endpoints ??= []);
  for (const [key, endpoint] of left) {
    if (endpoints.length >= max) return;
    endpoints.push(endpoint);
    left.delete(key);
  }
}

/** The slice that is closest to full when so many endpoints are added, if any can take them all (`getSliceToFill`). */
function bestFit(
  slices: readonly Readonly<EndpointSlice>[],
  endpoints: number,
  max: number,
): Readonly<EndpointSlice> | undefined {
  let best: Readonly<EndpointSlice> | undefined;
  let bestFree = max;
  for (const slice of slices) {
    const free = max - endpoints - (slice.endpoints?.length ?? 0);
    if (free < 0 || free >= bestFree) continue;
    best = slice;
    bestFree = free;
  }
  return best;
}

/** Which slices to write so that every desired endpoint is in exactly one. */
export function pack(input: PackingInput): Packing {
  const { service, addressType, ports, desired, maxEndpointsPerSlice: max } = input;
  const left = new Map(desired);
  const { update, unchanged, delete: doomed, removed } = keepExisting(input, left);
  const added = left.size;
  // Slices that are written anyway are filled up, the fullest first.
  for (const slice of update.toSorted((a, b) => (b.endpoints?.length ?? 0) - (a.endpoints?.length ?? 0))) {
    if (left.size === 0) break;
    fill(slice, left, max);
  }
  const create: EndpointSlice[] = [];
  while (left.size > 0) {
    const target = left.size < max ? bestFit(unchanged, left.size, max) : undefined;
    if (target === undefined) {
      const slice = newSlice(service, addressType, ports);
      fill(slice, left, max);
      create.push(slice);
    } else {
      const slice = withEndpoints(target, target.endpoints);
      fill(slice, left, max);
      update.push(slice);
      unchanged.splice(unchanged.indexOf(target), 1);
    }
  }
  return { create, update, delete: doomed, added, removed };
}
