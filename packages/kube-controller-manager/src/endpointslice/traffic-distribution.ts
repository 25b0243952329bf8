/**
 * Hints for `spec.trafficDistribution`: every ready endpoint is for its own zone, or its own node too (upstream
 * `staging/src/k8s.io/endpointslice/trafficdist/trafficdist.go`). Pure.
 */
import type { Endpoint, EndpointHints, EndpointSlice } from '@kubets/api/types/discovery-v1';
import { endpointReady } from './endpoint.ts';

export type TrafficDistribution = 'PreferClose' | 'PreferSameZone' | 'PreferSameNode';

/** The value as this cluster understands it; undefined when it is none, or not known (`validTrafficDistribution`). */
export function validTrafficDistribution(
  value: string | undefined,
  preferSame: boolean,
): TrafficDistribution | undefined {
  if (value === 'PreferClose') return value;
  return preferSame && (value === 'PreferSameZone' || value === 'PreferSameNode') ? value : undefined;
}

/** The hints that an endpoint is to have. */
function hintsFor({ zone, nodeName }: Readonly<Endpoint>, nodes: boolean): EndpointHints | undefined {
  const forNodes = nodes && nodeName !== undefined ? [{ name: nodeName }] : undefined;
  if (zone === undefined && forNodes === undefined) return undefined;
  return { ...(zone !== undefined && { forZones: [{ name: zone }] }), ...(forNodes && { forNodes }) };
}

const isOnly = (list: readonly { name: string }[] | undefined, name: string | undefined): boolean =>
  name === undefined ? (list?.length ?? 0) === 0 : list?.length === 1 && list[0]?.name === name;

/** Whether a ready endpoint of the slice has not the hints it is to have. */
export function needsHints(slice: Readonly<EndpointSlice>, distribution: TrafficDistribution): boolean {
  const nodes = distribution === 'PreferSameNode';
  return (slice.endpoints ?? []).some((endpoint) => {
    if (!endpointReady(endpoint)) return false;
    const { zone, nodeName, hints } = endpoint;
    return !isOnly(hints?.forZones, zone) || !isOnly(hints?.forNodes, nodes ? nodeName : undefined);
  });
}

/** The endpoint with other hints, or without any. */
export function withHints(endpoint: Readonly<Endpoint>, hints: EndpointHints | undefined): Endpoint {
  const { hints: _, ...rest } = endpoint;
  return hints === undefined ? rest : { ...rest, hints };
}

/** Gives every ready endpoint of a slice its hints, in place. */
export function setHints(slice: EndpointSlice, distribution: TrafficDistribution): void {
  const nodes = distribution === 'PreferSameNode';
  slice.endpoints = (slice.endpoints ?? []).map((endpoint) =>
    endpointReady(endpoint) ? withHints(endpoint, hintsFor(endpoint, nodes)) : endpoint,
  );
}

/** Whether any endpoint has hints. */
export const hasHints = (slice: Readonly<EndpointSlice>): boolean =>
  (slice.endpoints ?? []).some((endpoint) => endpoint.hints !== undefined);

/** Takes all hints away, in place. */
export function clearHints(slice: EndpointSlice): void {
  slice.endpoints = (slice.endpoints ?? []).map((endpoint) =>
    endpoint.hints === undefined ? endpoint : withHints(endpoint, undefined),
  );
}
