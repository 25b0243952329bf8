import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Node, Pod, Service } from '@kubets/api/types/core-v1';
import type { EndpointSlice } from '@kubets/api/types/discovery-v1';
import { portMapKey } from './endpoint.ts';
import { planSlices, type SlicePlan } from './plan.ts';

const max = 5;

const service: Service = {
  metadata: { name: 's', namespace: 'n', uid: 'u' },
  spec: { clusterIP: '10.0.0.1', selector: { a: 'b' }, ports: [{ name: 'http', port: 80, targetPort: 'web' }] },
};
const node: Node = { metadata: { name: 'node', labels: { 'topology.kubernetes.io/zone': 'z' } } };

interface Shape {
  readonly id: number;
  readonly port: number;
  readonly ready: boolean;
  readonly dual: boolean;
}

function podOf({ id, port, ready, dual }: Shape): Pod {
  const ip = `10.1.${id >> 8}.${id & 255}`;
  const podIPs = [{ ip }, ...(dual ? [{ ip: `fd00::${id.toString(16)}` }] : [])];
  return {
    metadata: { name: `p${id}`, namespace: 'n', uid: `uid-${id}`, labels: { a: 'b' } },
    spec: { nodeName: 'node', containers: [{ name: 'c', ports: [{ name: 'web', containerPort: port }] }] },
    status: { podIP: ip, podIPs, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  } as Pod;
}

/** A cluster of slices that does what a plan says. */
class Slices {
  readonly all = new Map<string, EndpointSlice>();
  #made = 0;

  plan(pods: readonly Pod[], addressType: 'IPv4' | 'IPv6'): SlicePlan {
    return planSlices({
      service,
      addressType,
      pods,
      slices: [...this.all.values()].filter((slice) => slice.addressType === addressType),
      node: () => node,
      maxEndpointsPerSlice: max,
      preferSame: true,
      ratios: undefined,
      hinted: false,
      triggerTime: undefined,
    });
  }

  apply(plan: SlicePlan): void {
    for (const slice of plan.create) this.#write(`s-${++this.#made}`, slice);
    for (const slice of plan.update) this.#write(slice.metadata.name!, slice);
    for (const slice of plan.delete) this.all.delete(slice.metadata.name!);
  }

  #write(name: string, slice: EndpointSlice): void {
    this.all.set(name, structuredClone({ ...slice, metadata: { ...slice.metadata, name } }));
  }
}

const shape: fc.Arbitrary<Shape> = fc.record({
  id: fc.integer({ min: 1, max: 40 }),
  port: fc.constantFrom(80, 80, 80, 8080),
  ready: fc.boolean(),
  dual: fc.boolean(),
});
const step = fc.uniqueArray(shape, { selector: (s) => s.id, maxLength: 40 });

function check(slices: Slices, shapes: readonly Shape[]): void {
  for (const family of ['IPv4', 'IPv6'] as const) {
    const wanted = shapes.filter((s) => family === 'IPv4' || s.dual).map((s) => `p${s.id} ${s.port} ${s.ready}`);
    const mine = [...slices.all.values()].filter((slice) => slice.addressType === family);
    const have = mine.flatMap((slice) =>
      slice.endpoints!.map((e) => `${e.targetRef!.name} ${slice.ports![0]?.port} ${e.conditions!.ready}`),
    );
    expect(have.toSorted()).toEqual(wanted.toSorted());
    expect(mine.every((slice) => slice.endpoints!.length <= max)).toBe(true);
    // Without endpoints there is the placeholder, and nothing else is empty.
    const empty = mine.filter((slice) => slice.endpoints!.length === 0).length;
    expect([empty, mine.length]).toEqual(wanted.length === 0 ? [1, 1] : [0, mine.length]);
    expect(mine.length).toBeGreaterThan(0);
  }
}

describe('packing', () => {
  it('puts every pod into one slice of its ports and family, and then writes nothing', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 6 }), (steps) => {
        const slices = new Slices();
        for (const shapes of steps) {
          const pods = shapes.map(podOf);
          for (const family of ['IPv4', 'IPv6'] as const) {
            const plan = slices.plan(pods, family);
            slices.apply(plan);
            const again = slices.plan(pods, family);
            expect([...again.create, ...again.update, ...again.delete]).toEqual([]);
          }
          check(slices, shapes);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('does not write more than it must', () => {
    const sizes = fc.tuple(
      fc.integer({ min: 0, max: 20 }),
      fc.integer({ min: 0, max: 20 }),
      fc.integer({ min: 0, max: 9 }),
    );
    fc.assert(
      fc.property(sizes, ([kept, gone, added]) => {
        const ids = (from: number, count: number): Shape[] =>
          Array.from({ length: count }, (_, i) => ({ id: from + i, port: 80, ready: true, dual: false }));
        const slices = new Slices();
        slices.apply(slices.plan(ids(100, kept + gone).map(podOf), 'IPv4'));
        const before = [...slices.all.values()];
        const left = [...ids(100, kept), ...ids(200, added)];
        const plan = slices.plan(left.map(podOf), 'IPv4');
        const names = new Set(left.map((s) => `p${s.id}`));
        const affected = before.filter((slice) => slice.endpoints!.some((e) => !names.has(e.targetRef!.name!))).length;
        // Each slice that lost an endpoint, and what the new ones need beyond that; the placeholder counts once.
        const writes = plan.create.length + plan.update.length + plan.delete.length;
        const nothing = gone === 0 && added === 0;
        expect(writes).toBeLessThanOrEqual(nothing ? 0 : affected + Math.ceil(added / max) + 1);
      }),
    );
  });

  it('tells port maps apart whatever their order', () => {
    const a = { name: 'a', protocol: 'TCP', port: 1 } as const;
    const b = { name: 'b', protocol: 'TCP', port: 2 } as const;
    expect(portMapKey([a, b])).toBe(portMapKey([b, a]));
    expect(portMapKey([a])).not.toBe(portMapKey([b]));
    expect(portMapKey([{ ...a, appProtocol: 'x' }])).not.toBe(portMapKey([a]));
  });
});
