import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EndpointSubset, Pod, Service } from '@kubets/api/types/core-v1';
import { planEndpoints, type EndpointsObserved } from './plan.ts';
import { maxCapacity, repackSubsets, truncateSubsets, type AddressOfPort } from './subsets.ts';

const service = (spec: object = {}): Service =>
  ({
    metadata: { name: 's', namespace: 'n', labels: { app: 'x' } },
    spec: {
      clusterIP: '10.0.0.1',
      ipFamilies: ['IPv4'],
      selector: { a: 'b' },
      ports: [{ port: 80, targetPort: 8080 }],
      ...spec,
    },
  }) as Service;

function pod(id: number, { ready = true, going = false, port = 1 } = {}): Pod {
  return {
    metadata: {
      name: `p${id}`,
      namespace: 'n',
      uid: `u${id}`,
      ...(going && { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    },
    spec: { nodeName: 'node', containers: [{ name: 'c', ports: [{ name: 'web', containerPort: port }] }] },
    status: {
      podIP: `10.1.0.${id}`,
      podIPs: [{ ip: `10.1.0.${id}` }, { ip: `fd00::${id}` }],
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  } as Pod;
}

const plan = (observed: Partial<EndpointsObserved>) =>
  planEndpoints({ service: service(), pods: [], current: undefined, triggerTime: undefined, ...observed });
const address = (id: number) => ({
  ip: `10.1.0.${id}`,
  nodeName: 'node',
  targetRef: { kind: 'Pod', namespace: 'n', name: `p${id}`, uid: `u${id}` },
});

describe('planEndpoints', () => {
  it('is what upstream writes', () => {
    const pods = [pod(1), pod(2, { ready: false }), pod(3, { going: true })];
    expect(plan({ pods, triggerTime: '2026-01-01T00:00:00Z' })).toEqual({
      kind: 'Endpoints',
      apiVersion: 'v1',
      metadata: {
        name: 's',
        namespace: 'n',
        labels: { app: 'x', 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' },
        annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': '2026-01-01T00:00:00Z' },
      },
      subsets: [{ addresses: [address(1)], notReadyAddresses: [address(2)], ports: [{ port: 8080, protocol: 'TCP' }] }],
    });
  });

  it('is at rest when nothing changes', () => {
    const pods = [pod(2), pod(1)];
    const current = { ...plan({ pods })!, metadata: { ...plan({ pods })!.metadata, resourceVersion: '5', uid: 'u' } };
    expect(plan({ pods: pods.toReversed(), current, triggerTime: '2026-01-01T00:00:09Z' })).toBeUndefined();
    expect(plan({ pods: [pod(1)], current })).toMatchObject({ metadata: { resourceVersion: '5', uid: 'u' } });
    const relabelled = service();
    relabelled.metadata.labels = {};
    expect(plan({ pods, current, service: relabelled })).toBeDefined();
  });

  it('knows headless Services, other families and published addresses', () => {
    const headless = plan({ service: service({ clusterIP: 'None', ports: [] }), pods: [pod(1)] });
    expect(headless?.subsets).toEqual([{ addresses: [address(1)] }]);
    expect(headless?.metadata.labels).toHaveProperty(['service.kubernetes.io/headless'], '');
    const six = plan({ service: service({ ipFamilies: ['IPv6', 'IPv4'] }), pods: [pod(1)] });
    expect(six?.subsets?.[0]?.addresses?.[0]?.ip).toBe('fd00::1');
    const all = plan({
      service: service({ publishNotReadyAddresses: true }),
      pods: [pod(1, { ready: false, going: true })],
    });
    expect(all?.subsets?.[0]?.addresses).toHaveLength(1);
    const none = plan({ pods: [] });
    expect(none?.subsets).toEqual([]);
  });

  it('tells pods with other ports apart', () => {
    const named = service({ ports: [{ port: 80, targetPort: 'web' }] });
    const subsets = plan({
      service: named,
      pods: [pod(1, { port: 1 }), pod(2, { port: 2 }), pod(3, { port: 1 })],
    })?.subsets;
    expect(subsets).toEqual([
      { addresses: [address(1), address(3)], ports: [{ port: 1, protocol: 'TCP' }] },
      { addresses: [address(2)], ports: [{ port: 2, protocol: 'TCP' }] },
    ]);
  });

  it('cuts off what is too much, says so, and rests', () => {
    const pods = Array.from({ length: 1100 }, (_, i) => {
      const one = pod(1);
      const ip = `10.2.${i >> 8}.${i & 255}`;
      return {
        ...one,
        metadata: { ...one.metadata, name: `p${i}`, uid: `u${i}` },
        status: { ...one.status, podIPs: [{ ip }] },
      } as Pod;
    });
    const wanted = plan({ pods });
    expect(wanted?.subsets?.[0]?.addresses).toHaveLength(1000);
    expect(wanted?.metadata.annotations).toEqual({ 'endpoints.kubernetes.io/over-capacity': 'truncated' });
    expect(plan({ pods, current: wanted! })).toBeUndefined();
    const fewer = plan({ pods: pods.slice(0, 10), current: wanted! });
    expect(fewer?.metadata.annotations).toBeUndefined();
  });
});

const total = (subsets: readonly EndpointSubset[], field: 'addresses' | 'notReadyAddresses'): number =>
  subsets.reduce((sum, subset) => sum + (subset[field]?.length ?? 0), 0);

describe('subsets', () => {
  const entry: fc.Arbitrary<AddressOfPort> = fc.record({
    address: fc.integer({ min: 1, max: 8 }).map((i) => ({ ip: `10.0.0.${i}` })),
    ready: fc.boolean(),
    port: fc.option(
      fc.integer({ min: 1, max: 4 }).map((port) => ({ port, protocol: 'TCP' as const })),
      { nil: undefined },
    ),
  });

  it('hold every pair of address and port once, whatever the order', () => {
    const key = (ip: string, port: number | undefined): string => `${ip}:${port ?? ''}`;
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 30 }), (list) => {
        const subsets = repackSubsets(list);
        const pairs = subsets.flatMap(({ addresses = [], notReadyAddresses = [], ports = [] }) => {
          const of = (ip: string): string[] =>
            ports.length === 0 ? [key(ip, undefined)] : ports.map((p) => key(ip, p.port));
          return [...addresses.flatMap((a) => of(a.ip)), ...notReadyAddresses.flatMap((a) => of(a.ip))];
        });
        // A port and no port may share their addresses: then the port stands for both.
        const wanted = new Set(list.map(({ address: a, port }) => key(a.ip, port?.port)));
        expect(new Set(pairs).size).toBe(pairs.length);
        expect([...new Set(pairs)].every((pair) => wanted.has(pair))).toBe(true);
        expect(repackSubsets(list.toReversed())).toEqual(subsets);
      }),
    );
  });

  it('are cut off in proportion, ready ones first', () => {
    const many = (count: number, prefix: string) => Array.from({ length: count }, (_, i) => ({ ip: `${prefix}.${i}` }));
    const size = fc.integer({ min: 0, max: 900 });
    fc.assert(
      fc.property(fc.array(fc.tuple(size, size), { minLength: 1, maxLength: 5 }), (sizes) => {
        const subsets = sizes.map(([up, down], i) => ({
          addresses: many(up, `a${i}`),
          notReadyAddresses: many(down, `b${i}`),
        }));
        const cut = truncateSubsets(subsets);
        const ready = total(subsets, 'addresses');
        const all = ready + total(subsets, 'notReadyAddresses');
        expect(total(cut, 'addresses')).toBe(Math.min(ready, maxCapacity));
        expect(total(cut, 'addresses') + total(cut, 'notReadyAddresses')).toBe(Math.min(all, maxCapacity));
      }),
      { numRuns: 50 },
    );
  });
});
