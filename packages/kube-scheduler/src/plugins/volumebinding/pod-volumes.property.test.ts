import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  findMatchingVolume,
  hasAccessModes,
  requestedStorage,
  volumeCapacity,
  volumeFitsNode,
} from '@kubets/api/core/helpers/persistent-volume';
import type { PersistentVolume, PersistentVolumeClaim } from '@kubets/api/types/core-v1';
import { claim, inZone, nodeIn, storageClass, volume } from '../../testing/volume-objects.ts';
import { findPodVolumes, isConflict, sortClaims, type Found, type VolumeView } from './pod-volumes.ts';

const sizes = fc.constantFrom('1Gi', '2Gi', '3Gi', '4Gi');
const zones = fc.constantFrom('z1', 'z2', undefined);
const modes = fc.constantFrom('ReadWriteOnce' as const, 'ReadOnlyMany' as const);

const volumes = fc.array(
  fc.record({
    size: sizes,
    zone: zones,
    mode: modes,
    manual: fc.boolean(),
    phase: fc.constantFrom('Available' as const, 'Bound' as const),
  }),
  { maxLength: 5 },
);
const claims = fc.array(fc.record({ size: sizes, mode: modes, manual: fc.boolean() }), { minLength: 1, maxLength: 3 });

const className = (manual: boolean): string => (manual ? 'manual' : 'late');

interface World {
  readonly volumes: readonly PersistentVolume[];
  readonly claims: readonly PersistentVolumeClaim[];
}

const world = fc.record({ volumes, claims }).map((shape): World => ({
  volumes: shape.volumes.map(({ size, zone, mode, manual, phase }, i) => ({
    ...volume(`v${i}`, {
      ...(zone !== undefined && inZone(zone)),
      capacity: { storage: size },
      accessModes: [mode],
      storageClassName: className(manual),
    }),
    status: { phase },
  })),
  claims: shape.claims.map(({ size, mode, manual }, i) =>
    claim(`c${i}`, {
      resources: { requests: { storage: size } },
      accessModes: [mode],
      storageClassName: className(manual),
    }),
  ),
}));

const classes = new Map(
  [storageClass('late'), storageClass('manual', { provisioner: 'kubernetes.io/no-provisioner' })].map((c) => [
    c.metadata.name,
    c,
  ]),
);
const node = nodeIn('n1', 'z1');

const viewOf = ({ volumes: all }: World): VolumeView => ({
  volume: (name) => all.find((v) => v.metadata.name === name),
  volumesOfClass: (name) => all.filter((v) => v.spec?.storageClassName === name),
  storageClass: (name) => classes.get(name),
  driver: () => undefined,
  capacities: () => [],
});

const find = (w: World): Found => findPodVolumes(sortClaims(w.claims, viewOf(w)), node, viewOf(w));

const isManual = (c: PersistentVolumeClaim): boolean => c.spec?.storageClassName === 'manual';

describe('findPodVolumes', () => {
  it('serves every claim once, by a volume that suits it and no other claim has, or by a provisioner', () => {
    let served = 0;
    fc.assert(
      fc.property(world, (w) => {
        const found = find(w);
        if (isConflict(found)) return;
        served++;
        const names = [
          ...found.bindings.map((b) => b.claim.metadata.name),
          ...found.provisions.map((c) => c.metadata.name),
        ];
        expect(new Set(names)).toEqual(new Set(w.claims.map((c) => c.metadata.name)));
        expect(names.length).toBe(w.claims.length);
        expect(new Set(found.bindings.map((b) => b.volume.metadata.name)).size).toBe(found.bindings.length);
        for (const { claim: c, volume: v } of found.bindings) {
          expect(volumeCapacity(v).compare(requestedStorage(c))).toBeGreaterThanOrEqual(0);
          expect(v.spec?.storageClassName).toBe(c.spec?.storageClassName);
          expect(v.status?.phase).toBe('Available');
          expect(volumeFitsNode(v, node.metadata.labels) && hasAccessModes(v, c)).toBe(true);
        }
        expect(found.provisions.some(isManual)).toBe(false);
      }),
    );
    expect(served).toBeGreaterThan(20);
  });

  it('turns a node down only for a claim that nobody can provision and no volume suits any more', () => {
    let rejected = 0;
    fc.assert(
      fc.property(world, (w) => {
        const found = find(w);
        if (!isConflict(found)) return;
        rejected++;
        // Smallest claims first, each with the smallest volume left: somebody by hand comes out short, too.
        const left = [...w.volumes];
        const short = w.claims
          .filter(isManual)
          .toSorted((a, b) => requestedStorage(a).compare(requestedStorage(b)))
          .filter((c) => {
            const best = findMatchingVolume(c, left, { nodeLabels: node.metadata.labels });
            if (best !== undefined) left.splice(left.indexOf(best as PersistentVolume), 1);
            return best === undefined;
          });
        expect(short.length).toBeGreaterThan(0);
      }),
    );
    expect(rejected).toBeGreaterThan(5);
  });

  it('looks at the same objects and finds the same again', () => {
    fc.assert(
      fc.property(world, (w) => {
        const before = structuredClone(w);
        expect(find(w)).toEqual(find(w));
        expect(w).toEqual(before);
      }),
    );
  });
});
