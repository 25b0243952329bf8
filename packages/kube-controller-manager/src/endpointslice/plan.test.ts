import { describe, expect, it } from 'vitest';
import type { Node, Pod, Service } from '@kubets/api/types/core-v1';
import type { EndpointSlice } from '@kubets/api/types/discovery-v1';
import { addressTypesOf, findPort } from './endpoint.ts';
import { planSlices, type SlicesObserved } from './plan.ts';
import { isOverloaded, zoneRatios } from './topology-hints.ts';

const service = (spec: Partial<Service['spec'] & object> = {}, annotations?: Record<string, string>): Service => ({
  metadata: { name: 's', namespace: 'n', uid: 'u', labels: { app: 'x' }, ...(annotations && { annotations }) },
  spec: { clusterIP: '10.0.0.1', selector: { a: 'b' }, ports: [{ name: '', port: 80, targetPort: 8080 }], ...spec },
});

function node(name: string, zone: string, cpu = '4', ready = true): Node {
  return {
    metadata: { name, labels: { 'topology.kubernetes.io/zone': zone } },
    status: { allocatable: { cpu }, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  } as Node;
}
const nodes = [node('a1', 'a'), node('b1', 'b'), node('c1', 'c')];

interface PodShape {
  readonly node?: string;
  readonly ready?: boolean;
  readonly going?: boolean;
  readonly phase?: 'Running' | 'Failed';
  readonly hostname?: string;
}

function pod(
  id: number,
  { node: nodeName = 'a1', ready = true, going = false, phase = 'Running', hostname }: PodShape = {},
): Pod {
  return {
    metadata: {
      name: `p${id}`,
      namespace: 'n',
      uid: `uid${id}`,
      labels: { a: 'b' },
      ...(going && { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    },
    spec: { nodeName, containers: [], ...(hostname && { hostname, subdomain: 's' }) },
    status: {
      phase,
      podIP: `10.1.0.${id}`,
      podIPs: [{ ip: `10.1.0.${id}` }],
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  } as Pod;
}

function plan(observed: Partial<SlicesObserved>) {
  return planSlices({
    service: service(),
    addressType: 'IPv4',
    pods: [],
    slices: [],
    node: (name) => nodes.find((n) => n.metadata.name === name),
    maxEndpointsPerSlice: 100,
    preferSame: true,
    ratios: zoneRatios(nodes),
    hinted: false,
    triggerTime: undefined,
    ...observed,
  });
}

const named = (slice: EndpointSlice, name = 's-1'): EndpointSlice => ({
  ...slice,
  metadata: { ...slice.metadata, name },
});
const hintsOf = (slice: EndpointSlice | undefined) => slice?.endpoints?.map((e) => e.hints?.forZones?.[0]?.name);

describe('planSlices', () => {
  it('makes a slice as upstream does', () => {
    const { create } = plan({ pods: [pod(1, { hostname: 'web-0' })], triggerTime: '2026-01-01T00:00:00Z' });
    expect(create).toEqual([
      {
        kind: 'EndpointSlice',
        apiVersion: 'discovery.k8s.io/v1',
        metadata: {
          generateName: 's-',
          namespace: 'n',
          labels: {
            app: 'x',
            'kubernetes.io/service-name': 's',
            'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
          },
          annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': '2026-01-01T00:00:00Z' },
          ownerReferences: [
            { apiVersion: 'v1', kind: 'Service', name: 's', uid: 'u', controller: true, blockOwnerDeletion: true },
          ],
        },
        addressType: 'IPv4',
        endpoints: [
          {
            addresses: ['10.1.0.1'],
            conditions: { ready: true, serving: true, terminating: false },
            hostname: 'web-0',
            targetRef: { kind: 'Pod', namespace: 'n', name: 'p1', uid: 'uid1' },
            nodeName: 'a1',
            zone: 'a',
          },
        ],
        ports: [{ name: '', protocol: 'TCP', port: 8080 }],
      },
    ]);
  });

  it.each([
    ['ready', pod(1), false, { ready: true, serving: true, terminating: false }],
    ['not ready', pod(1, { ready: false }), false, { ready: false, serving: false, terminating: false }],
    ['terminating', pod(1, { going: true }), false, { ready: false, serving: true, terminating: true }],
    ['not ready, published', pod(1, { ready: false }), true, { ready: true, serving: false, terminating: false }],
    ['ended', pod(1, { phase: 'Failed' }), true, undefined],
  ])('conditions of a pod that is %s', (_, one, publishNotReadyAddresses, conditions) => {
    const { create } = plan({ service: service({ publishNotReadyAddresses }), pods: [one] });
    expect(create[0]?.endpoints?.[0]?.conditions).toEqual(conditions);
  });

  it('marks slices of headless Services, and keeps a placeholder where there is no endpoint', () => {
    const headless = service({ clusterIP: 'None', ports: [] });
    const { create } = plan({ service: headless });
    expect(create[0]).toMatchObject({ endpoints: [], ports: [] });
    expect(create[0]?.metadata.labels).toHaveProperty(['service.kubernetes.io/headless'], '');
    const again = plan({ service: headless, slices: [named(create[0]!)] });
    expect([...again.create, ...again.update, ...again.delete]).toEqual([]);
  });

  it('writes one slice anew instead of deleting one and making one', () => {
    const [first] = plan({ pods: [pod(1)] }).create;
    const changed = service({ ports: [{ port: 80, targetPort: 9090 }] });
    const result = plan({ service: changed, slices: [named(first!)], pods: [pod(1)] });
    expect(result.create).toEqual([]);
    expect(result.delete).toEqual([]);
    expect(result.update).toHaveLength(1);
    expect(result.update[0]).toMatchObject({ metadata: { name: 's-1' }, ports: [{ port: 9090 }] });
    expect(result.update[0]?.metadata).not.toHaveProperty('resourceVersion');
  });

  it('deletes slices of an earlier Service of the same name', () => {
    const [first] = plan({ pods: [pod(1)] }).create;
    const other = { ...service(), metadata: { ...service().metadata, uid: 'other' } };
    const result = plan({ service: other, slices: [named(first!)], pods: [pod(1)] });
    expect(result.delete.map((s) => s.metadata.name)).toEqual(['s-1']);
    expect(result.create).toHaveLength(1);
  });

  it('makes nothing for a Service that is being deleted', () => {
    const going = service();
    going.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
    expect(plan({ service: going, pods: [pod(1)] }).create).toEqual([]);
  });

  it('leaves out pods of nodes that do not exist, and says so', () => {
    const result = plan({ pods: [pod(1, { node: 'gone' }), pod(2)] });
    expect(result.create[0]?.endpoints).toHaveLength(1);
    expect(result.skipped).toEqual(['skipping Pod p1 for Service n/s: Node gone Not Found']);
  });

  it('follows the labels of the Service', () => {
    const [first] = plan({ pods: [pod(1)] }).create;
    const relabelled = service();
    relabelled.metadata.labels = { app: 'y' };
    const { update } = plan({ service: relabelled, slices: [named(first!)], pods: [pod(1)] });
    expect(update[0]?.metadata.labels).toMatchObject({ app: 'y', 'kubernetes.io/service-name': 's' });
  });
});

describe('trafficDistribution', () => {
  it.each([
    ['PreferClose', { forZones: [{ name: 'a' }] }],
    ['PreferSameZone', { forZones: [{ name: 'a' }] }],
    ['PreferSameNode', { forZones: [{ name: 'a' }], forNodes: [{ name: 'a1' }] }],
    ['Whatever', undefined],
  ])('%s', (trafficDistribution, hints) => {
    const { create } = plan({ service: service({ trafficDistribution }), pods: [pod(1), pod(2, { ready: false })] });
    expect(create[0]?.endpoints?.map((e) => e.hints)).toEqual([hints, undefined]);
    const again = plan({
      service: service({ trafficDistribution }),
      slices: [named(create[0]!)],
      pods: [pod(1), pod(2, { ready: false })],
    });
    expect(again.update).toEqual([]);
    const without = plan({ slices: [named(create[0]!)], pods: [pod(1), pod(2, { ready: false })] });
    expect(without.update).toHaveLength(hints === undefined ? 0 : 1);
    expect(without.update[0]?.endpoints?.some((e) => e.hints !== undefined) ?? false).toBe(false);
  });
});

describe('topology mode Auto', () => {
  const auto = service({}, { 'service.kubernetes.io/topology-mode': 'Auto' });
  const spread = (counts: readonly number[]): Pod[] =>
    counts.flatMap((count, zone) =>
      Array.from({ length: count }, (_, i) => pod(zone * 50 + i + 1, { node: nodes[zone]!.metadata.name! })),
    );

  it('gives endpoints to their own zones', () => {
    const { create, events, zones } = plan({ service: auto, pods: spread([2, 2, 2]) });
    expect(hintsOf(create[0])).toEqual(['a', 'a', 'b', 'b', 'c', 'c']);
    expect(zones).toEqual(
      new Map([
        ['a', 2],
        ['b', 2],
        ['c', 2],
      ]),
    );
    expect(events).toEqual([
      {
        type: 'Normal',
        reason: 'TopologyAwareHintsEnabled',
        message: 'Topology Aware Hints has been enabled, addressType: IPv4',
      },
    ]);
    const again = plan({ service: auto, pods: spread([2, 2, 2]), slices: [named(create[0]!)], hinted: true });
    expect(again.update).toEqual([]);
    expect(again.events).toEqual([]);
  });

  it('moves endpoints to zones that have too few', () => {
    const { create } = plan({ service: auto, pods: spread([4, 1, 1]) });
    expect(hintsOf(create[0])?.toSorted()).toEqual(['a', 'a', 'b', 'b', 'c', 'c']);
  });

  it.each([
    ['too few endpoints', spread([1, 1, 0]), nodes, 'Insufficient number of endpoints (2 endpoints, 3 zones)'],
    [
      'nodes without CPUs',
      spread([2, 2, 2]),
      [...nodes, node('x', 'a', '0')],
      'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes',
    ],
    [
      'shares that cannot be kept',
      spread([2, 1, 1]),
      [...nodes, node('b2', 'b', '20')],
      'Unable to allocate minimum required endpoints to each zone without exceeding overload threshold (4 endpoints, 3 zones)',
    ],
  ])('gives none with %s', (_, pods, all, message) => {
    const { create, events } = plan({ service: auto, pods, ratios: zoneRatios(all) });
    expect(hintsOf(create[0])?.every((hint) => hint === undefined)).toBe(true);
    expect(events).toEqual([
      { type: 'Warning', reason: 'TopologyAwareHintsDisabled', message: `${message}, addressType: IPv4` },
    ]);
  });

  it('takes hints away when the annotation goes', () => {
    const { create } = plan({ service: auto, pods: spread([2, 2, 2]) });
    const { update, events } = plan({ slices: [named(create[0]!)], pods: spread([2, 2, 2]), hinted: true });
    expect(hintsOf(update[0])?.every((hint) => hint === undefined)).toBe(true);
    expect(events[0]?.message).toBe('Topology Aware Hints has been disabled, addressType: IPv4');
  });

  it('knows when a zone has too few endpoints', () => {
    const ratios = zoneRatios(nodes);
    expect(
      isOverloaded(
        new Map([
          ['a', 2],
          ['b', 2],
          ['c', 2],
        ]),
        ratios,
      ),
    ).toBe(false);
    expect(
      isOverloaded(
        new Map([
          ['a', 4],
          ['b', 1],
          ['c', 1],
        ]),
        ratios,
      ),
    ).toBe(true);
    expect(isOverloaded(new Map([['a', 1]]), undefined)).toBe(true);
    expect(isOverloaded(new Map(), undefined)).toBe(false);
  });
});

describe('endpoints of pods', () => {
  it('finds named ports in containers and sidecars, by protocol', () => {
    const one = {
      metadata: {},
      spec: {
        containers: [{ name: 'c', ports: [{ name: 'dns', containerPort: 53, protocol: 'UDP' }] }],
        initContainers: [
          { name: 'init', ports: [{ name: 'admin', containerPort: 1 }] },
          { name: 'side', restartPolicy: 'Always', ports: [{ name: 'admin', containerPort: 2 }] },
        ],
      },
    } as Pod;
    expect(findPort(one, { port: 53, targetPort: 'dns', protocol: 'UDP' })).toBe(53);
    expect(findPort(one, { port: 53, targetPort: 'dns', protocol: 'TCP' })).toBeUndefined();
    expect(findPort(one, { port: 80, targetPort: 'admin' })).toBe(2);
  });

  it('knows the families of Services', () => {
    expect(addressTypesOf(service({ ipFamilies: ['IPv6', 'IPv4'] }))).toEqual(['IPv6', 'IPv4']);
    expect(addressTypesOf(service({ clusterIP: 'fd00::1' }))).toEqual(['IPv6']);
    expect(addressTypesOf(service({ clusterIP: 'None' }))).toEqual(['IPv4', 'IPv6']);
  });
});
