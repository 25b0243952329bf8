import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import type { Node } from '@kubets/api/types/core-v1';
import type { Endpoint, EndpointSlice } from '@kubets/api/types/discovery-v1';
import { addHints, zoneRatios, type SliceChanges } from './topology-hints.ts';

const zones = ['a', 'b', 'c'] as const;

const node = (zone: string, cpu: number, i: number): Node =>
  ({
    metadata: { name: `n${i}`, labels: { 'topology.kubernetes.io/zone': zone } },
    status: { allocatable: { cpu: `${cpu}` }, conditions: [{ type: 'Ready', status: 'True' }] },
  }) as Node;

const endpoint = (zone: string, ready: boolean, i: number): Endpoint => ({
  addresses: [`10.0.0.${i}`],
  conditions: { ready },
  zone,
});

function slicesOf(endpoints: readonly Endpoint[], size: number): EndpointSlice[] {
  const slices: EndpointSlice[] = [];
  for (let i = 0; i < endpoints.length; i += size) {
    const part = endpoints.slice(i, i + size);
    slices.push({ metadata: { name: `s${i}` }, addressType: 'IPv4', endpoints: part });
  }
  return slices;
}

const countOf = (slices: readonly EndpointSlice[]): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const slice of slices) {
    for (const { hints } of slice.endpoints ?? []) {
      for (const { name } of hints?.forZones ?? []) counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  return counts;
};

describe('addHints', () => {
  const cpus = fc.tuple(...zones.map(() => fc.integer({ min: 1, max: 8 })));
  const endpoints = fc.array(fc.tuple(fc.constantFrom(...zones), fc.boolean()), { minLength: 1, maxLength: 40 });

  it('gives every ready endpoint to one zone, and then leaves them', () => {
    fc.assert(
      fc.property(cpus, endpoints, (shares, shapes) => {
        const ratios = zoneRatios(zones.map((zone, i) => node(zone, shares[i] ?? 1, i)));
        const list = shapes.map(([zone, ready], i) => endpoint(zone, ready, i));
        const changes: SliceChanges = { create: slicesOf(list, 5), update: [], unchanged: [] };
        const counts = addHints(changes, ratios);
        const given = countOf(changes.create);
        const ready = shapes.filter(([, is]) => is).length;
        const refused = typeof counts === 'string';
        expect([...given.values()].reduce((a, b) => a + b, 0)).toBe(refused ? 0 : ready);
        const positive = refused ? new Map<string, number>() : new Map([...counts].filter(([, count]) => count > 0));
        expect(given).toEqual(positive);
        // Once more, with all as it is now: slices may be looked at again, but say the same in the end.
        const again: SliceChanges = { create: [], update: [], unchanged: changes.create };
        addHints(again, ratios);
        const before = new Map(changes.create.map((slice) => [slice.metadata.name, slice.endpoints]));
        expect(
          again.update.filter((slice) => !semanticEqual(slice.endpoints, before.get(slice.metadata.name))),
        ).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});
