import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Node, Pod, PodSpec } from '@kubets/api/types/core-v1';
import type { PodDisruptionBudget } from '@kubets/api/types/policy-v1';
import type { Transport } from '@kubets/client';
import { CycleState } from '../../framework/cycle-state.ts';
import type { NodeInfo } from '../../framework/node-info.ts';
import type { PodInfo } from '../../framework/pod-info.ts';
import { Status } from '../../framework/status.ts';
import type { Extender, PostFilterResult } from '../../framework/types.ts';
import { arbitraryCluster, arbitraryPod } from '../../testing/arbitraries.ts';
import { FakeNodes, fitsByReference, PluginFixture, podInfo, statusesOf } from '../../testing/plugin-fixture.ts';
import { defaultPreemption, type DefaultPreemption, preemptionArgs } from './default-preemption.ts';
import { selectVictims } from './dry-run.ts';
import { compileBudgets, pickCandidate, violatesBudgets, type Candidate } from './victims.ts';

type Labels = Record<string, string>;

const nodeObject = (name: string, cpu = '1'): Node => ({
  kind: 'Node',
  apiVersion: 'v1',
  metadata: { name },
  status: { allocatable: { cpu, memory: '4Gi', pods: '10' }, capacity: { cpu, memory: '4Gi', pods: '10' } },
});

interface PodOptions extends Partial<PodSpec> {
  readonly cpu?: string;
  readonly labels?: Labels;
  readonly started?: string;
}

function podObject(name: string, { cpu = '0', labels, started, ...spec }: PodOptions = {}): Pod {
  const containers = [{ name: 'c', image: 'i', resources: { requests: { cpu } } }];
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { name, namespace: 'default', uid: `uid-${name}`, ...(labels && { labels }) },
    spec: { containers, terminationGracePeriodSeconds: 0, schedulerName: 'default-scheduler', ...spec },
    ...(started !== undefined && { status: { startTime: started } }),
  };
}

const budget = (allowed: number, app: string, more: object = {}): PodDisruptionBudget => ({
  kind: 'PodDisruptionBudget',
  apiVersion: 'policy/v1',
  metadata: { name: app, namespace: 'default' },
  spec: { minAvailable: 1, selector: { matchLabels: { app } } },
  status: { disruptionsAllowed: allowed, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1, ...more },
});

const candidate = (
  nodeName: string,
  priorities: number[],
  numPdbViolations = 0,
  started = '2026-01-01T00:00:00Z',
): Candidate => ({
  nodeName,
  victims: {
    pods: priorities.map((priority, i) => podObject(`${nodeName}-${i}`, { priority, started })),
    numPdbViolations,
  },
});

describe('pickCandidate', () => {
  const now = Date.parse('2026-01-02T00:00:00Z');
  it.each([
    ['fewest broken budgets', [candidate('a', [1], 1), candidate('b', [9, 9], 0)], 'b'],
    ['lowest of the highest priorities', [candidate('a', [5]), candidate('b', [4, 4, 4])], 'b'],
    ['smallest sum of priorities', [candidate('a', [5, 3]), candidate('b', [5, 2])], 'b'],
    ['few of negative priority before many', [candidate('a', [-5, -5]), candidate('b', [-5])], 'b'],
    [
      'latest start',
      [candidate('a', [5], 0, '2026-01-01T00:00:00Z'), candidate('b', [5], 0, '2026-01-01T12:00:00Z')],
      'b',
    ],
    ['the first', [candidate('a', [5]), candidate('b', [5])], 'a'],
  ])('%s', (_name, candidates, expected) => {
    expect(pickCandidate(candidates, now).nodeName).toBe(expected);
  });
});

describe('violatesBudgets', () => {
  it('counts down each budget, and leaves out pods whose eviction was granted', () => {
    const budgets = compileBudgets([budget(1, 'a', { disruptedPods: { granted: '2026-01-01T00:00:00Z' } })]);
    const pods = ['one', 'granted', 'two', 'three'].map((name) => podObject(name, { labels: { app: 'a' } }));
    expect(violatesBudgets(pods, budgets)).toEqual([false, false, true, true]);
  });

  it('protects nothing without a selector', () => {
    const open = { ...budget(0, 'a'), spec: { selector: {} } };
    expect(violatesBudgets([podObject('p', { labels: { app: 'a' } })], compileBudgets([open]))).toEqual([false]);
    expect(violatesBudgets([podObject('p')], compileBudgets([budget(0, 'a')]))).toEqual([false]);
  });
});

describe('preemptionArgs', () => {
  it.each([
    [{ minCandidateNodesPercentage: 101 }, /not in valid range \[0, 100\]/],
    [{ minCandidateNodesPercentage: 0, minCandidateNodesAbsolute: 0 }, /cannot both be zero/],
  ])('refuses %j', (args, message) => {
    expect(() => preemptionArgs(args)).toThrow(message);
  });
});

/** Puts objects on the server; pods with a node name are put on it. */
async function fill(fixture: PluginFixture, nodes: Node[], pods: Pod[]): Promise<void> {
  for (const node of nodes) await fixture.addNode(node);
  const classes = new Set(pods.map((pod) => pod.spec?.priority ?? 0).filter((value) => value !== 0));
  for (const value of classes) {
    const metadata = { name: `p${value}` };
    await fixture.client
      .priorityClasses()
      .create({ kind: 'PriorityClass', apiVersion: 'scheduling.k8s.io/v1', metadata, value });
  }
  for (const { metadata, spec } of pods) {
    const { priority = 0, ...rest } = spec!;
    const body = {
      metadata: { ...metadata, uid: undefined },
      spec: { ...rest, ...(priority !== 0 && { priorityClassName: `p${priority}` }) },
    };
    await fixture.client.pods('default').create(body as Pod);
  }
  await fixture.sync();
}

interface World {
  readonly nodes?: Node[];
  readonly pods?: Pod[];
  readonly preemptor: Pod;
  readonly extenders?: Extender[];
  readonly featureGates?: Record<string, boolean>;
  readonly wrap?: (transport: Transport) => Transport;
  readonly arrange?: (fixture: PluginFixture) => Promise<void>;
}

async function world({ nodes = [nodeObject('n1')], pods = [], preemptor, arrange, ...options }: World) {
  const fixture = await PluginFixture.start(options);
  const plugin = defaultPreemption({}, fixture.handle) as DefaultPreemption;
  await fill(fixture, nodes, [...pods, preemptor]);
  await arrange?.(fixture);
  await fixture.sync();
  const pod = podInfo(await fixture.client.pods('default').get(preemptor.metadata.name!));
  const run = (): Promise<PostFilterResult> =>
    plugin.postFilter(
      new CycleState(),
      pod,
      statusesOf(fixture.nodes, (node) => fixture.filter(pod, node)),
    );
  return { fixture, plugin, pod, run, [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose]() };
}

const names = async (fixture: PluginFixture): Promise<string[]> =>
  (await fixture.client.pods('default').list()).items.map((pod) => pod.metadata.name!);

describe('DefaultPreemption', () => {
  const low = (name: string, more: PodOptions = {}): Pod => podObject(name, { cpu: '500m', nodeName: 'n1', ...more });
  const high = podObject('high', { cpu: '1', priority: 100 });

  it('evicts the lesser pods, tells why, and nominates', async () => {
    await using w = await world({ pods: [low('a'), low('b')], preemptor: high });
    expect(await w.run()).toEqual({ nominatedNodeName: 'n1' });
    expect(w.plugin.preEnqueue(w.pod.pod)?.message).toBe('waiting for the preemption for this pod to be finished');
    await w.fixture.idle();
    expect(w.plugin.preEnqueue(w.pod.pod)).toBeUndefined();
    expect(await names(w.fixture)).toEqual(['high']);
    const note = `Preempted by pod ${w.pod.uid} on node n1`;
    expect(w.fixture.events).toMatchObject([
      { about: 'default/a', type: 'Normal', reason: 'Preempted', action: 'Preempting', note },
      { about: 'default/b', note },
    ]);
    expect(w.fixture.handle.metrics.text()).toContain('scheduler_preemption_attempts_total 1');
  });

  it('marks victims that take their time', async () => {
    await using w = await world({ pods: [low('a', { terminationGracePeriodSeconds: 30, cpu: '1' })], preemptor: high });
    await w.run();
    await w.fixture.idle();
    const victim = await w.fixture.client.pods('default').get('a');
    expect(victim.metadata.deletionTimestamp).toBeDefined();
    expect(victim.status?.conditions?.find(({ type }) => type === 'DisruptionTarget')).toMatchObject({
      status: 'True',
      reason: 'PreemptionByScheduler',
      message: 'default-scheduler: preempting to accommodate a higher priority pod',
    });
  });

  it('takes as few as it needs, the unimportant ones', async () => {
    const pods = [low('old'), low('middle', { priority: 10 }), low('young')];
    await using w = await world({
      nodes: [nodeObject('n1', '1500m')],
      pods,
      preemptor: podObject('high', { cpu: '500m', priority: 100 }),
    });
    await w.run();
    await w.fixture.idle();
    expect(await names(w.fixture)).toHaveLength(3);
    expect(await names(w.fixture)).toContain('middle');
  });

  it.each([
    {
      name: 'nobody is lesser',
      pods: [low('a', { priority: 100 }), low('b', { priority: 200 })],
      message: '1 No preemption victims found for incoming pod',
    },
    {
      name: 'it would not fit on the empty node',
      cpu: '2',
      pods: [low('a')],
      message: '1 Preemption is not helpful for scheduling',
    },
  ])('says why it does not help when $name', async ({ pods, message, cpu = '1' }) => {
    await using w = await world({ pods, preemptor: podObject('high', { cpu, priority: 100 }) });
    const { status, nominatedNodeName } = await w.run();
    expect(status?.code).toBe('Unschedulable');
    expect(status?.message).toBe(`preemption: 0/1 nodes are available: ${message}.`);
    expect(nominatedNodeName).toBe('');
  });

  it('counts reasons over all nodes', async () => {
    const nodes = [nodeObject('n1'), nodeObject('n2'), nodeObject('n3', '100m')];
    const pods = [low('a', { cpu: '1', priority: 100 }), podObject('b', { cpu: '1', priority: 100, nodeName: 'n2' })];
    await using w = await world({ nodes, pods, preemptor: high });
    const { status } = await w.run();
    expect(status?.message).toBe(
      'preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, 2 No preemption victims found for incoming pod.',
    );
  });

  it('never preempts where the policy says so', async () => {
    await using w = await world({
      pods: [low('a', { cpu: '1' })],
      preemptor: podObject('high', { cpu: '1', priority: 100 }),
    });
    const never = podInfo({ ...w.pod.pod, spec: { ...w.pod.pod.spec!, preemptionPolicy: 'Never' } });
    const result = await w.plugin.postFilter(
      new CycleState(),
      never,
      statusesOf(w.fixture.nodes, () => Status.unschedulable('x')),
    );
    expect(result.status?.message).toBe('preemption: not eligible due to preemptionPolicy=Never.');
    expect(result.nominatedNodeName).toBeUndefined();
  });

  it('waits for victims on their way out instead of taking more', async () => {
    await using w = await world({ pods: [low('a', { cpu: '1', terminationGracePeriodSeconds: 30 })], preemptor: high });
    await w.run();
    await w.fixture.idle();
    await w.fixture.sync();
    const again = podInfo({ ...w.pod.pod, status: { nominatedNodeName: 'n1' } });
    const filter = (): Status => Status.unschedulable('Insufficient cpu');
    const { status } = await w.plugin.postFilter(new CycleState(), again, statusesOf(w.fixture.nodes, filter));
    expect(status?.message).toBe('preemption: not eligible due to a terminating pod on the nominated node.');
    const hopeless = await w.plugin.postFilter(
      new CycleState(),
      again,
      statusesOf(w.fixture.nodes, () => Status.unresolvable('gone')),
    );
    expect(hopeless.status?.message).toContain('1 Preemption is not helpful for scheduling');
  });

  it('spares pods that budgets protect, as long as there are others', async () => {
    const nodes = [nodeObject('n1'), nodeObject('n2')];
    const guarded = podObject('guarded', { cpu: '1', nodeName: 'n1', labels: { app: 'a' } });
    const plain = podObject('plain', { cpu: '1', nodeName: 'n2', priority: 50 });
    await using w = await world({
      nodes,
      pods: [guarded, plain],
      preemptor: high,
      arrange: async (fixture) => {
        const { status, ...body } = budget(0, 'a');
        const made = await fixture.client.podDisruptionBudgets('default').create(body as PodDisruptionBudget);
        await fixture.client.podDisruptionBudgets('default').updateStatus({ ...made, status });
      },
    });
    expect((await w.run()).nominatedNodeName).toBe('n2');
    await w.fixture.idle();
    expect(await names(w.fixture)).toEqual(['guarded', 'high']);
  });

  it('turns back victims that wait for permission', async () => {
    await using w = await world({ pods: [low('a', { cpu: '1' })], preemptor: high });
    const victim = await w.fixture.client.pods('default').get('a');
    const told: string[] = [];
    w.fixture.waiting.set(victim.metadata.uid!, {
      pod: victim,
      pendingPlugins: () => [],
      allow: () => {},
      reject: () => false,
      preempt: (plugin, message) => told.push(`${plugin}: ${message}`) > 0,
    });
    await w.run();
    await w.fixture.idle();
    expect(told).toEqual(['DefaultPreemption: preempted']);
    expect(await names(w.fixture)).toEqual(['a', 'high']);
  });

  it('takes back nominations of lesser pods', async () => {
    await using w = await world({
      pods: [low('a', { cpu: '1' }), podObject('hopeful', { priority: 1 })],
      preemptor: high,
    });
    const pods = w.fixture.client.pods('default');
    const hopeful = await pods.get('hopeful');
    await pods.updateStatus({ ...hopeful, status: { ...hopeful.status, nominatedNodeName: 'n1' } });
    w.fixture.nominated.set('n1', [podInfo(await pods.get('hopeful'))]);
    await w.run();
    await w.fixture.idle();
    expect((await pods.get('hopeful')).status?.nominatedNodeName).toBeUndefined();
    expect(w.fixture.activated).toEqual([]);
  });

  it('does not touch a new pod of a victim’s name', async () => {
    await using w = await world({ pods: [low('a', { cpu: '1' })], preemptor: high });
    const { run, fixture } = w;
    const pods = fixture.client.pods('default');
    await pods.delete('a');
    await pods.create({ ...low('a', { cpu: '1' }), metadata: { name: 'a', namespace: 'default' } });
    expect((await run()).nominatedNodeName).toBe('n1');
    await fixture.idle();
    expect(await names(fixture)).toEqual(['a', 'high']);
    expect(fixture.events).toEqual([]);
  });

  it('tries the pod again at once when an eviction fails', async () => {
    const wrap = (transport: Transport): Transport => ({
      watch: (request) => transport.watch(request),
      [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
      request: (request) =>
        request.method === 'DELETE' ? Promise.reject(new Error('no')) : transport.request(request),
    });
    await using w = await world({ pods: [low('a', { cpu: '1' })], preemptor: high, wrap });
    expect((await w.run()).nominatedNodeName).toBe('n1');
    await w.fixture.idle();
    expect(w.fixture.activated).toEqual(['high']);
    expect(w.plugin.preEnqueue(w.pod.pod)).toBeUndefined();
  });

  it('waits for the evictions when it may not do them in the background', async () => {
    await using w = await world({
      pods: [low('a', { cpu: '1' })],
      preemptor: high,
      featureGates: { SchedulerAsyncPreemption: false },
    });
    expect(await w.run()).toEqual({ nominatedNodeName: 'n1' });
    expect(await names(w.fixture)).toEqual(['high']);
    expect(w.plugin.eventsToRegister()).toEqual([]);
  });

  it('lets extenders choose among the candidates', async () => {
    const extender = (answer: Extender['processPreemption'], ignorable = false): Extender => ({
      name: 'e',
      ignorable,
      supportsPreemption: true,
      isInterested: () => true,
      processPreemption: answer,
    });
    const only = extender((_pod, candidates) => Promise.resolve(new Map([['n2', candidates.get('n2')!]])));
    const nodes = [nodeObject('n1'), nodeObject('n2')];
    const pods = [low('a', { cpu: '1' }), podObject('b', { cpu: '1', nodeName: 'n2', priority: 50 })];
    {
      await using w = await world({ nodes, pods, preemptor: high, extenders: [only] });
      expect((await w.run()).nominatedNodeName).toBe('n2');
    }
    const broken = (ignorable: boolean) => extender(() => Promise.reject(new Error('down')), ignorable);
    {
      await using w = await world({ nodes, pods, preemptor: high, extenders: [broken(true)] });
      expect((await w.run()).nominatedNodeName).toBe('n1');
    }
    await using w = await world({ nodes, pods, preemptor: high, extenders: [broken(false)] });
    expect((await w.run()).status).toMatchObject({ code: 'Error', reasons: ['preemption: down'] });
  });
});

describe('victims of random clusters', () => {
  /** What only pods on the same node can be in the way of. */
  const plain = (pod: Pod): Pod => ({
    ...pod,
    spec: { ...pod.spec!, affinity: undefined, topologySpreadConstraints: undefined, nodeSelector: undefined },
  });
  const mayPreempt = (victim: PodInfo, preemptor: PodInfo): boolean => victim.priority < preemptor.priority;

  it('the pod fits without them, not with any one of them, and they are lesser pods', () => {
    let preempted = 0;
    const handle = {
      clock: { now: () => 0 },
      runFilterPluginsWithNominatedPods: (_state: CycleState, pod: PodInfo, node: NodeInfo) =>
        fitsByReference(pod, node),
      runAddPod: () => undefined,
      runRemovePod: () => undefined,
    } as never;
    fc.assert(
      fc.property(arbitraryCluster({ maxNodes: 2, maxPods: 12 }), arbitraryPod(), (cluster, incoming) => {
        const raised = plain({ ...incoming, spec: { ...incoming.spec!, priority: 50 } });
        const pod = podInfo(raised);
        const nodes = new FakeNodes({ nodes: cluster.nodes, pods: cluster.pods.map(plain) });
        for (const node of nodes.list()) {
          if (fitsByReference(pod, node) === undefined) continue;
          const before = node.pods.map((p) => p.uid);
          const found = selectVictims({ handle, budgets: [], mayPreempt }, new CycleState(), pod, node);
          expect(node.pods.map((p) => p.uid)).toEqual(before);
          if (found instanceof Status) continue;
          preempted++;
          const victims = new Set(found.victims.pods.map((p) => p.metadata.uid));
          const without = (spared?: string): NodeInfo => {
            const copy = node.clone();
            for (const other of node.pods) if (victims.has(other.uid) && other.uid !== spared) copy.removePod(other);
            return copy;
          };
          expect(fitsByReference(pod, without())).toBeUndefined();
          for (const victim of found.victims.pods) {
            expect(victim.spec?.priority ?? 0).toBeLessThan(50);
            expect(fitsByReference(pod, without(victim.metadata.uid))).toBeDefined();
          }
        }
      }),
      { numRuns: 250, seed: 3 },
    );
    expect(preempted).toBeGreaterThan(10);
  });
});
