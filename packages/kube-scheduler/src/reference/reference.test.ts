import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Node, Pod, PodSpec, TopologySpreadConstraint } from '@kubets/api/types/core-v1';
import { arbitraryCluster, arbitraryPod } from '../testing/arbitraries.ts';
import { defaultReferenceProfile, emptyCluster, type ReferenceCluster, type ReferenceProfile } from './cluster.ts';
import { feasible, scores } from './reference.ts';

type Labels = Record<string, string>;
const zoneKey = 'topology.kubernetes.io/zone';
const hostKey = 'kubernetes.io/hostname';

function node(
  name: string,
  more: { labels?: Labels; allocatable?: Labels; spec?: Node['spec']; images?: [string, number][] } = {},
): Node {
  return {
    kind: 'Node',
    apiVersion: 'v1',
    metadata: { name, labels: { [hostKey]: name, ...more.labels } },
    spec: more.spec ?? {},
    status: {
      allocatable: { cpu: '4', memory: '8Gi', pods: '110', ...more.allocatable },
      images: (more.images ?? []).map(([image, sizeBytes]) => ({ names: [image], sizeBytes })),
    },
  };
}

let count = 0;
function pod(spec: Partial<PodSpec> = {}, labels: Labels = {}, namespace = 'default'): Pod {
  const containers = [{ name: 'c', image: 'i' }];
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { name: `p${count++}`, namespace, labels },
    spec: { containers, ...spec },
  };
}

const asking = (requests: Labels, more: Partial<PodSpec> = {}): Partial<PodSpec> => ({
  containers: [{ name: 'c', image: 'i', resources: { requests } }],
  ...more,
});

const clusterOf = (nodes: Node[], pods: Pod[] = [], more: Partial<ReferenceCluster> = {}): ReferenceCluster => ({
  ...emptyCluster,
  nodes,
  pods,
  namespaces: ['default', 'other'].map((name) => ({ kind: 'Namespace', apiVersion: 'v1', metadata: { name } })),
  ...more,
});

const texts = (p: Pod, c: ReferenceCluster, profile?: ReferenceProfile): Record<string, string> =>
  Object.fromEntries(Array.from(feasible(p, c, profile).reasons, ([name, { reasons }]) => [name, reasons.join(', ')]));
const totals = (p: Pod, c: ReferenceCluster, plugin: string, profile?: ReferenceProfile): Record<string, number> =>
  Object.fromEntries(scores(p, c, profile).plugins.get(plugin) ?? []);

describe('feasible: one node at a time', () => {
  it('words each reason as upstream does', () => {
    const c = clusterOf([
      node('fits'),
      node('cordoned', { spec: { unschedulable: true } }),
      node('tainted', { spec: { taints: [{ key: 'a', value: 'b', effect: 'NoSchedule' }] } }),
      node('soft', { spec: { taints: [{ key: 'a', effect: 'PreferNoSchedule' }] } }),
      node('other', { labels: { disk: 'hdd' } }),
    ]);
    expect(texts(pod({ nodeSelector: {} }), c)).toEqual({
      cordoned: 'node(s) were unschedulable',
      tainted: 'node(s) had untolerated taint {a: b}',
    });
    const picky = pod({ nodeSelector: { disk: 'hdd' }, tolerations: [{ operator: 'Exists' }] });
    expect(feasible(picky, c).nodes).toEqual(['other']);
    expect(texts(picky, c)['fits']).toBe("node(s) didn't match Pod's node affinity/selector");
  });

  it('narrows the nodes down to those that node affinity names', () => {
    const field = (operator: 'In', values: string[]) => ({ matchFields: [{ key: 'metadata.name', operator, values }] });
    const named = pod({
      affinity: {
        nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [field('In', ['b'])] } },
      },
    });
    expect(texts(named, clusterOf([node('a'), node('b')]))).toEqual({
      a: "node(s) didn't satisfy plugin(s) [NodeAffinity]",
    });
  });

  it('enforces the affinity that the profile adds', () => {
    const required = {
      nodeSelectorTerms: [{ matchExpressions: [{ key: 'pool', operator: 'In' as const, values: ['x'] }] }],
    };
    const profile = { ...defaultReferenceProfile, addedAffinity: { required } };
    expect(texts(pod(), clusterOf([node('a')]), profile)).toEqual({
      a: "node(s) didn't match scheduler-enforced node affinity",
    });
  });

  it.each([
    { first: { hostPort: 80 }, second: { hostPort: 80 }, fits: false },
    { first: { hostPort: 80 }, second: { hostPort: 80, protocol: 'UDP' as const }, fits: true },
    { first: { hostPort: 80, hostIP: '10.0.0.1' }, second: { hostPort: 80, hostIP: '10.0.0.2' }, fits: true },
    { first: { hostPort: 80, hostIP: '10.0.0.1' }, second: { hostPort: 80 }, fits: false },
  ])('host ports $first, $second: $fits', ({ first, second, fits }) => {
    const withPort = (port: object, more = {}): Pod =>
      pod({ containers: [{ name: 'c', ports: [{ containerPort: 80, ...port }] }], ...more });
    const c = clusterOf([node('a')], [withPort(first, { nodeName: 'a' })]);
    expect(feasible(withPort(second), c).nodes).toEqual(fits ? ['a'] : []);
  });

  it('names every resource that falls short, and knows when no preemption can help', () => {
    const full = node('full', { allocatable: { cpu: '1', memory: '1Gi', pods: '1' } });
    const c = clusterOf([full], [pod(asking({ cpu: '800m', memory: '900Mi' }, { nodeName: 'full' }))]);
    const result = feasible(pod(asking({ cpu: '500m', memory: '500Mi' })), c).reasons.get('full');
    expect(result).toEqual({
      plugin: 'NodeResourcesFit',
      code: 'Unschedulable',
      reasons: ['Too many pods', 'Insufficient cpu', 'Insufficient memory'],
    });
    expect(feasible(pod(asking({ cpu: '2' })), c).reasons.get('full')?.code).toBe('UnschedulableAndUnresolvable');
  });

  it('counts what has ended no more, and leaves out what the profile ignores', () => {
    const done: Pod = { ...pod(asking({ cpu: '4' }, { nodeName: 'a' })), status: { phase: 'Succeeded' } };
    expect(feasible(pod(asking({ cpu: '4' })), clusterOf([node('a')], [done])).nodes).toEqual(['a']);
    const gpu = pod(asking({ 'example.com/gpu': '1' }));
    expect(texts(gpu, clusterOf([node('a')]))).toEqual({ a: 'Insufficient example.com/gpu' });
    const profile = { ...defaultReferenceProfile, ignoredResourceGroups: ['example.com'] };
    expect(feasible(gpu, clusterOf([node('a')]), profile).nodes).toEqual(['a']);
  });
});

describe('feasible: topology spread', () => {
  const constraint = (more: Partial<TopologySpreadConstraint> = {}): TopologySpreadConstraint => ({
    maxSkew: 1,
    topologyKey: zoneKey,
    whenUnsatisfiable: 'DoNotSchedule',
    labelSelector: { matchLabels: { app: 'a' } },
    ...more,
  });
  const spread = (more: Partial<TopologySpreadConstraint> = {}, spec: Partial<PodSpec> = {}): Pod =>
    pod({ topologySpreadConstraints: [constraint(more)], ...spec }, { app: 'a' });
  const inZone = (name: string, zone: string): Node => node(name, { labels: { [zoneKey]: zone } });
  const on = (nodeName: string): Pod => pod({ nodeName }, { app: 'a' });
  const nodes = [inZone('a', 'z1'), inZone('b', 'z2'), node('none')];

  it('keeps the skew, and wants the label', () => {
    expect(texts(spread(), clusterOf(nodes, [on('a')]))).toEqual({
      a: "node(s) didn't match pod topology spread constraints",
      none: "node(s) didn't match pod topology spread constraints (missing required label)",
    });
  });

  it('takes the least to be 0 while there are fewer domains than wanted', () => {
    expect(feasible(spread({ minDomains: 3 }), clusterOf(nodes, [on('a'), on('b')])).nodes).toEqual([]);
    expect(feasible(spread({ minDomains: 2 }), clusterOf(nodes, [on('a'), on('b')])).nodes).toEqual(['a', 'b']);
  });

  it('counts nodes that the pod may not use only when told to', () => {
    const c = clusterOf([inZone('a', 'z1'), node('b', { labels: { [zoneKey]: 'z2', disk: 'hdd' } })], [on('a')]);
    const picky = { nodeSelector: { [hostKey]: 'a' } };
    expect(feasible(spread({}, picky), c).nodes).toEqual(['a']);
    expect(feasible(spread({ nodeAffinityPolicy: 'Ignore' }, picky), c).nodes).toEqual([]);
    const tainted = clusterOf(
      [inZone('a', 'z1'), { ...inZone('b', 'z2'), spec: { taints: [{ key: 'x', effect: 'NoSchedule' }] } }],
      [on('a')],
    );
    expect(feasible(spread(), tainted).nodes).toEqual([]);
    expect(feasible(spread({ nodeTaintsPolicy: 'Honor' }), tainted).nodes).toEqual(['a']);
  });

  it('narrows the selector by matchLabelKeys', () => {
    const c = clusterOf(nodes, [pod({ nodeName: 'a' }, { app: 'a', hash: 'old' })]);
    const newer = pod(
      { topologySpreadConstraints: [constraint({ matchLabelKeys: ['hash'] })] },
      { app: 'a', hash: 'new' },
    );
    expect(feasible(newer, c).nodes).toEqual(['a', 'b']);
  });

  it('does not count pods of other namespaces and pods being deleted', () => {
    const leaving = on('a');
    leaving.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
    const c = clusterOf(nodes, [leaving, pod({ nodeName: 'a' }, { app: 'a' }, 'other')]);
    expect(feasible(spread(), c).nodes).toEqual(['a', 'b']);
  });
});

describe('feasible: affinity between pods', () => {
  const term = (app: string, more = {}) => ({ labelSelector: { matchLabels: { app } }, topologyKey: zoneKey, ...more });
  const near = (app: string, more = {}): Partial<PodSpec> => ({
    affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term(app, more)] } },
  });
  const far = (app: string): Partial<PodSpec> => ({
    affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term(app)] } },
  });
  const nodes = [
    node('a', { labels: { [zoneKey]: 'z1' } }),
    node('b', { labels: { [zoneKey]: 'z1' } }),
    node('c', { labels: { [zoneKey]: 'z2' } }),
    node('none'),
  ];

  it('stays with its friends, or is the first of its kind', () => {
    const c = clusterOf(nodes, [pod({ nodeName: 'a' }, { app: 'friend' })]);
    expect(feasible(pod(near('friend')), c).nodes).toEqual(['a', 'b']);
    expect(texts(pod(near('nobody')), c)['a']).toBe("node(s) didn't match pod affinity rules");
    expect(feasible(pod(near('self'), { app: 'self' }), c).nodes).toEqual(['a', 'b', 'c']);
  });

  it('keeps away from its foes, and they from it', () => {
    const c = clusterOf(nodes, [pod({ nodeName: 'a' }, { app: 'foe' })]);
    expect(texts(pod(far('foe')), c)).toEqual({
      a: "node(s) didn't match pod anti-affinity rules",
      b: "node(s) didn't match pod anti-affinity rules",
    });
    const shy = clusterOf(nodes, [pod({ nodeName: 'c', ...far('loud') })]);
    expect(texts(pod({}, { app: 'loud' }), shy)).toEqual({
      c: "node(s) didn't satisfy existing pods anti-affinity rules",
    });
  });

  it('finds namespaces by name and by label', () => {
    const named = (name: string, labels: Labels) => ({
      kind: 'Namespace' as const,
      apiVersion: 'v1' as const,
      metadata: { name, labels },
    });
    const c = clusterOf(nodes, [pod({ nodeName: 'c' }, { app: 'friend' }, 'other')], {
      namespaces: [named('default', {}), named('other', { team: 'x' })],
    });
    expect(feasible(pod(near('friend')), c).nodes).toEqual([]);
    for (const more of [
      { namespaces: ['other'] },
      { namespaceSelector: {} },
      { namespaceSelector: { matchLabels: { team: 'x' } } },
    ]) {
      expect(feasible(pod(near('friend', more)), c).nodes).toEqual(['c']);
    }
    expect(feasible(pod(near('friend', { namespaceSelector: { matchLabels: { team: 'y' } } })), c).nodes).toEqual([]);
  });
});

describe('scores', () => {
  const half = (nodeName: string): Pod => pod(asking({ cpu: '2', memory: '4Gi' }, { nodeName }));

  it('prefers empty nodes, full ones, or a ratio', () => {
    const c = clusterOf([node('empty'), node('half')], [half('half')]);
    const small = pod(asking({ cpu: '1', memory: '2Gi' }));
    expect(totals(small, c, 'NodeResourcesFit')).toEqual({ empty: 75, half: 25 });
    const { resources } = defaultReferenceProfile.scoringStrategy;
    const most = { ...defaultReferenceProfile, scoringStrategy: { type: 'MostAllocated' as const, resources } };
    expect(totals(small, c, 'NodeResourcesFit', most)).toEqual({ empty: 25, half: 75 });
    const shape = [
      { utilization: 0, score: 0 },
      { utilization: 50, score: 10 },
      { utilization: 100, score: 0 },
    ];
    const ratio = {
      ...defaultReferenceProfile,
      scoringStrategy: { type: 'RequestedToCapacityRatio' as const, resources, shape },
    };
    expect(totals(small, c, 'NodeResourcesFit', ratio)).toEqual({ empty: 50, half: 50 });
  });

  it('takes pods that do not say to use a tenth of a core and 200 MiB', () => {
    const c = clusterOf([node('a', { allocatable: { cpu: '1', memory: '1000Mi' } })], [pod({ nodeName: 'a' })]);
    expect(totals(pod(), c, 'NodeResourcesFit')).toEqual({ a: 70 });
  });

  it('gives 75 for an unchanged balance, and looks at no balance for pods that ask for nothing', () => {
    const c = clusterOf([node('a'), node('b')], [pod(asking({ cpu: '4' }, { nodeName: 'b' }))]);
    expect(totals(pod(asking({ cpu: '1', memory: '2Gi' })), c, 'NodeResourcesBalancedAllocation')).toEqual({ a: 75 });
    expect(totals(pod(asking({ memory: '8Gi' })), c, 'NodeResourcesBalancedAllocation')).toEqual({ a: 50, b: 100 });
    expect(totals(pod(), c, 'NodeResourcesBalancedAllocation')).toEqual({});
  });

  it('spreads pods of one service by default', () => {
    const nodes = [node('a', { labels: { [zoneKey]: 'z1' } }), node('b', { labels: { [zoneKey]: 'z2' } })];
    const service = {
      kind: 'Service' as const,
      apiVersion: 'v1' as const,
      metadata: { name: 's', namespace: 'default' },
      spec: { selector: { app: 'a' } },
    };
    const c = clusterOf(nodes, [pod({ nodeName: 'a' }, { app: 'a' })], { services: [service] });
    // a: 1 * ln 4 + 2 (hostname) + 1 * ln 4 + 4 (zone) = 8.77; b: 6.
    expect(totals(pod({}, { app: 'a' }), c, 'PodTopologySpread')).toEqual({ a: 66, b: 100 });
    expect(totals(pod({}, { app: 'b' }), c, 'PodTopologySpread')).toEqual({});
  });

  it('weighs preferences of the pod and of those that are there', () => {
    const nodes = [node('a', { labels: { [zoneKey]: 'z1' } }), node('b', { labels: { [zoneKey]: 'z2' } })];
    const shy: Partial<PodSpec> = {
      affinity: {
        podAntiAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            { weight: 10, podAffinityTerm: { topologyKey: zoneKey, labelSelector: { matchLabels: { app: 'a' } } } },
          ],
        },
      },
    };
    const other = pod({ nodeName: 'a' }, { app: 'a' });
    expect(totals(pod(shy), clusterOf(nodes, [other]), 'InterPodAffinity')).toEqual({ a: 0, b: 100 });
    expect(
      totals(pod({}, { app: 'a' }), clusterOf(nodes, [pod({ nodeName: 'b', ...shy })]), 'InterPodAffinity'),
    ).toEqual({ a: 100, b: 0 });
    expect(totals(pod(), clusterOf(nodes, [other]), 'InterPodAffinity')).toEqual({});
  });

  it('likes nodes that have the image, the more so the more nodes have it', () => {
    const large: [string, number] = ['large:v1', 1000 * 1024 * 1024];
    const wanting = pod({ containers: [{ name: 'c', image: 'large:v1' }] });
    expect(
      totals(wanting, clusterOf([node('a', { images: [large] }), node('b', { images: [large] })]), 'ImageLocality'),
    ).toEqual({ a: 100, b: 100 });
    expect(totals(wanting, clusterOf([node('a', { images: [large] }), node('b')]), 'ImageLocality')).toEqual({
      a: 48,
      b: 0,
    });
  });

  it('likes tolerable nodes and preferred ones', () => {
    const nodes = [
      node('a', { spec: { taints: [{ key: 'x', effect: 'PreferNoSchedule' }] } }),
      node('b', { labels: { disk: 'ssd' } }),
    ];
    const preference = { matchExpressions: [{ key: 'disk', operator: 'In' as const, values: ['ssd'] }] };
    const picky = pod({
      affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 5, preference }] } },
    });
    expect(totals(picky, clusterOf(nodes), 'TaintToleration')).toEqual({ a: 0, b: 100 });
    expect(totals(picky, clusterOf(nodes), 'NodeAffinity')).toEqual({ a: 0, b: 100 });
  });
});

describe('what holds in every cluster', () => {
  it('every node is feasible or has reasons; scores are whole numbers within bounds', () => {
    fc.assert(
      fc.property(arbitraryCluster(), arbitraryPod(), (c, p) => {
        const { nodes, reasons } = feasible(p, c);
        expect(new Set([...nodes, ...reasons.keys()])).toEqual(new Set(c.nodes.map((n) => n.metadata.name)));
        expect(nodes.length + reasons.size).toBe(c.nodes.length);
        const { plugins, total } = scores(p, c);
        expect([...total.keys()]).toEqual(nodes);
        for (const byNode of plugins.values()) {
          for (const score of byNode.values()) {
            expect(Number.isInteger(score) && score >= 0 && score <= 100).toBe(true);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it('removing a pod that has no say leaves fewer reasons, never more', () => {
    fc.assert(
      fc.property(arbitraryCluster(), arbitraryPod(), (c, p) => {
        const plain: Pod = { ...p, spec: { ...p.spec!, affinity: undefined, topologySpreadConstraints: undefined } };
        const before = new Set(feasible(plain, c).nodes);
        const after = new Set(feasible(plain, { ...c, pods: c.pods.slice(1) }).nodes);
        expect(before.isSubsetOf(after)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  it('the generator finds feasible and infeasible pods, and every plugin rejects and scores some', () => {
    const rejecting = new Set<string>();
    const scoring = new Set<string>();
    let placed = 0;
    for (const [c, p] of fc.sample(fc.tuple(arbitraryCluster(), arbitraryPod()), { numRuns: 400, seed: 7 })) {
      const { nodes, reasons } = feasible(p, c);
      if (nodes.length > 0) placed++;
      for (const { plugin } of reasons.values()) rejecting.add(plugin);
      for (const plugin of scores(p, c).plugins.keys()) scoring.add(plugin);
    }
    expect(placed).toBeGreaterThan(100);
    expect([...rejecting].filter((name) => name !== '').toSorted()).toEqual([
      'InterPodAffinity',
      'NodeAffinity',
      'NodeDeclaredFeatures',
      'NodePorts',
      'NodeResourcesFit',
      'NodeUnschedulable',
      'PodTopologySpread',
      'TaintToleration',
    ]);
    expect(scoring.size).toBe(7);
  });
});
