import { describe, expect, it } from 'vitest';
import { StatusError } from '@kubets/apimachinery/status';
import { featureGateLookup } from '@kubets/api/feature-gates';
import type { Pod } from '@kubets/api/types/core-v1';
import type { Transport } from '@kubets/client';
import { TestControlPlane } from '@kubets/kube-apiserver/testing/test-control-plane';
import type { SchedulerConfiguration } from './config/configuration.ts';
import { loadSchedulerConfiguration } from './config/load.ts';
import { Status } from './framework/status.ts';
import type { FilterPlugin, PermitPlugin, PluginFactory, ScorePlugin, WaitingPod } from './framework/types.ts';
import { SchedulerFixture } from './testing/scheduler-fixture.ts';

const head =
  'apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nleaderElection: { leaderElect: false }\n';
const configured = (text: string): SchedulerConfiguration =>
  loadSchedulerConfiguration(head + text, featureGateLookup());

const asks = (cpu: string): Pod['spec'] => ({
  containers: [{ name: 'c', image: 'i', resources: { requests: { cpu } } }],
});

/** Counts requests whose path ends so. */
function counting(suffix: string, counts: string[]): (transport: Transport) => Transport {
  return (transport) => ({
    request: (request) => {
      if (request.path.endsWith(suffix)) counts.push(`${request.method} ${request.path}`);
      return transport.request(request);
    },
    watch: (request) => transport.watch(request),
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  });
}

describe('scheduler', () => {
  it('binds a pod, and says so', async () => {
    await using fixture = await SchedulerFixture.start();
    await fixture.node('n1');
    await fixture.pod('a');
    await fixture.until(async () => (await fixture.nodeOf('a')) === 'n1');
    await fixture.settle();
    expect(await fixture.events('a')).toEqual([
      { reason: 'Scheduled', type: 'Normal', note: 'Successfully assigned default/a to n1' },
    ]);
    expect(fixture.metrics.text()).toContain(
      'scheduler_schedule_attempts_total{profile="default-scheduler",result="scheduled"} 1',
    );
    expect(fixture.errors).toEqual([]);
  });

  it('says why a pod fits nowhere, once', async () => {
    const writes: string[] = [];
    await using fixture = await SchedulerFixture.start({ wrap: counting('/status', writes) });
    await fixture.node('n1', { cpu: '100m' });
    await fixture.node('n2', { taints: [{ key: 'a', value: 'b', effect: 'NoSchedule' }] });
    await fixture.node('n3', { taints: [{ key: 'a', value: 'b', effect: 'NoSchedule' }] });
    await fixture.pod('a', asks('1'));
    await fixture.until(async () => (await fixture.message('a')) !== '');
    const message = await fixture.message('a');
    expect(message).toContain('0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint {a: b}. ');
    expect(message).toContain('preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.');
    const [event] = await fixture.events('a');
    expect(event).toEqual({ reason: 'FailedScheduling', type: 'Warning', note: message });
    // Tried again after five minutes, with the same result: nothing to write.
    const before = writes.length;
    await fixture.until(() => fixture.clock.monotonic() > 400_000, { stepMs: 10_000 });
    expect(writes.length).toBe(before);
    expect(fixture.errors).toEqual([]);
  });

  it('waits for nodes', async () => {
    await using fixture = await SchedulerFixture.start();
    await fixture.pod('a');
    await fixture.until(async () => (await fixture.message('a')) === 'no nodes available to schedule pods');
    await fixture.node('n1');
    await fixture.until(async () => (await fixture.nodeOf('a')) === 'n1');
    expect(fixture.errors).toEqual([]);
  });

  it('tries a pod again when another one makes room', async () => {
    await using fixture = await SchedulerFixture.start();
    await fixture.node('n1', { cpu: '1' });
    await fixture.pod('first', asks('800m'));
    await fixture.until(async () => (await fixture.nodeOf('first')) === 'n1');
    await fixture.pod('second', asks('800m'));
    await fixture.until(async () =>
      (await fixture.message('second')).startsWith('0/1 nodes are available: 1 Insufficient cpu.'),
    );
    await fixture.client.pods('default').delete('first', { gracePeriodSeconds: 0 });
    await fixture.until(async () => (await fixture.nodeOf('second')) === 'n1', { steps: 10 });
    expect(fixture.errors).toEqual([]);
  });

  it('leaves gated pods alone until the gates are gone', async () => {
    await using fixture = await SchedulerFixture.start();
    await fixture.node('n1');
    await fixture.pod('a', { schedulingGates: [{ name: 'example.com/g' }] });
    await fixture.settle();
    expect(await fixture.nodeOf('a')).toBe('');
    expect(fixture.metrics.text()).toContain('scheduler_pending_pods{queue="gated"} 1');
    await fixture.client
      .pods('default')
      .patch('a', { type: 'application/merge-patch+json', body: { spec: { schedulingGates: null } } });
    await fixture.until(async () => (await fixture.nodeOf('a')) === 'n1');
  });

  it('counts pods whose node the user has chosen', async () => {
    await using fixture = await SchedulerFixture.start();
    await fixture.node('n1', { cpu: '1' });
    await fixture.pod('chosen', { ...asks('800m'), nodeName: 'n1' });
    await fixture.settle();
    await fixture.pod('a', asks('800m'));
    await fixture.until(async () => (await fixture.message('a')).includes('Insufficient cpu'));
    expect(fixture.errors).toEqual([]);
  });

  it('looks only at the nodes that a pod names', async () => {
    await using fixture = await SchedulerFixture.start();
    await fixture.node('n1');
    await fixture.node('n2', { cpu: '100m' });
    const named = (name: string, cpu: string): Pod['spec'] => ({
      ...asks(cpu),
      containers: asks(cpu)?.containers ?? [],
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [name] }] }],
          },
        },
      },
    });
    await fixture.pod('fits', named('n2', '50m'));
    await fixture.pod('fits-not', named('n2', '1'));
    await fixture.until(async () => (await fixture.nodeOf('fits')) === 'n2');
    await fixture.until(async () =>
      (await fixture.message('fits-not')).startsWith(
        "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't satisfy plugin(s) [NodeAffinity].",
      ),
    );
    expect(fixture.errors).toEqual([]);
  });

  it('takes a pod back whose binding fails, and tries it again', async () => {
    let failures = 2;
    const wrap = (transport: Transport): Transport => ({
      ...counting('', [])(transport),
      request: (request) => {
        if (request.path.endsWith('/binding') && failures-- > 0) {
          const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, code: 500, message: 'no' } as never;
          return Promise.reject(new StatusError(status));
        }
        return transport.request(request);
      },
    });
    await using fixture = await SchedulerFixture.start({ wrap });
    await fixture.node('n1');
    await fixture.pod('a');
    await fixture.until(async () => (await fixture.nodeOf('a')) === 'n1');
    await fixture.settle();
    expect(failures).toBeLessThan(0);
    expect(fixture.scheduler.compare()).toMatchObject({ missedPods: [], redundantPods: [], wrongSums: [] });
  });

  it('schedules the pods of its profiles, each in its own way', async () => {
    const configuration = configured(`
profiles:
- schedulerName: default-scheduler
- schedulerName: packing
  pluginConfig:
  - name: NodeResourcesFit
    args: { scoringStrategy: { type: MostAllocated } }
  plugins: { score: { disabled: [{ name: NodeResourcesBalancedAllocation }] } }
`);
    await using fixture = await SchedulerFixture.start({ configuration });
    await fixture.node('n1');
    await fixture.node('n2');
    await fixture.pod('there', { ...asks('1'), containers: asks('1')?.containers ?? [], nodeName: 'n2' });
    await fixture.settle();
    await fixture.pod('packed', { ...asks('1'), schedulerName: 'packing' });
    await fixture.pod('spread', asks('1'));
    await fixture.pod('alien', { ...asks('1'), schedulerName: 'somebody-else' });
    await fixture.until(async () => (await fixture.nodeOf('packed')) === 'n2');
    await fixture.until(async () => (await fixture.nodeOf('spread')) === 'n1');
    expect(await fixture.nodeOf('alien')).toBe('');
    const [event] = await fixture.client
      .eventsV1('default')
      .list()
      .then(({ items }) => items.filter(({ regarding }) => regarding?.name === 'packed'));
    expect(event?.reportingController).toBe('packing');
  });

  it('asks plugins written in TypeScript', async () => {
    const onlyEven: PluginFactory = () =>
      ({
        name: 'OnlyEven',
        filter: (_state, _pod, node) =>
          Number(node.name.slice(1)) % 2 === 0 ? undefined : Status.unschedulable('node is odd'),
      }) as FilterPlugin;
    const prefersLast: PluginFactory = (args) =>
      ({
        name: 'PrefersLast',
        score: (_state, _pod, node) => (node.name === args['last'] ? 100 : 0),
      }) as ScorePlugin;
    const configuration = configured(`
profiles:
- plugins: { multiPoint: { enabled: [{ name: OnlyEven }, { name: PrefersLast, weight: 100 }] } }
  pluginConfig: [{ name: PrefersLast, args: { last: n6 } }]
`);
    const plugins = { OnlyEven: onlyEven, PrefersLast: prefersLast };
    await using fixture = await SchedulerFixture.start({ configuration, plugins });
    await fixture.node('n1');
    await fixture.pod('a');
    await fixture.until(async () => (await fixture.message('a')).startsWith('0/1 nodes are available: 1 node is odd.'));
    for (let i = 2; i <= 7; i++) await fixture.node(`n${i}`);
    await fixture.until(async () => (await fixture.nodeOf('a')) !== '');
    expect(['n2', 'n4', 'n6']).toContain(await fixture.nodeOf('a'));
    await fixture.pod('b');
    await fixture.until(async () => (await fixture.nodeOf('b')) === 'n6');
  });

  it('waits for Permit plugins', async () => {
    let waiting: Iterable<WaitingPod> = [];
    const permit: PluginFactory = (_args, handle) => {
      waiting = { [Symbol.iterator]: () => handle.waitingPods()[Symbol.iterator]() };
      return { name: 'Ask', permit: () => ({ status: Status.wait(), timeoutMs: 10_000 }) } as PermitPlugin;
    };
    const configuration = configured('profiles: [{ plugins: { permit: { enabled: [{ name: Ask }] } } }]');
    await using fixture = await SchedulerFixture.start({ configuration, plugins: { Ask: permit } });
    await fixture.node('n1');
    await fixture.pod('a');
    await fixture.until(() => [...waiting].length === 1, { stepMs: 1 });
    expect(await fixture.nodeOf('a')).toBe('');
    for (const pod of waiting) pod.allow('Ask');
    await fixture.until(async () => (await fixture.nodeOf('a')) === 'n1', { stepMs: 1 });
    await fixture.pod('late');
    await fixture.until(async () =>
      (await fixture.message('late')).includes('rejected due to timeout after waiting 10s at plugin Ask'),
    );
  });

  it('asks extenders', async () => {
    const asked: string[] = [];
    const configuration = configured(`
extenders:
- { urlPrefix: 'http://x', filterVerb: filter, prioritizeVerb: score, bindVerb: bind, weight: 5, nodeCacheCapable: true }
`);
    let bound: unknown;
    const extenderTransport = () => ({
      post: (url: string, body: object): Promise<unknown> => {
        asked.push(url);
        const { nodenames } = body as { nodenames?: string[] };
        if (url.endsWith('filter')) {
          return Promise.resolve({
            nodenames: nodenames?.filter((name) => name !== 'n1'),
            failedNodes: { n1: 'not this one' },
          });
        }
        if (url.endsWith('score')) return Promise.resolve([{ host: 'n3', score: 10 }]);
        bound = body;
        return Promise.resolve({});
      },
    });
    await using fixture = await SchedulerFixture.start({ configuration, extenderTransport });
    for (const name of ['n1', 'n2', 'n3']) await fixture.node(name);
    await fixture.pod('a');
    await fixture.until(() => bound !== undefined);
    expect(asked).toEqual(['http://x/filter', 'http://x/score', 'http://x/bind']);
    expect(bound).toMatchObject({ podName: 'a', podNamespace: 'default', node: 'n3' });
  });

  it('keeps its cache in step with the API while things come and go', async () => {
    await using fixture = await SchedulerFixture.start();
    for (let i = 0; i < 4; i++) await fixture.node(`n${i}`, { labels: { 'topology.kubernetes.io/zone': `z${i % 2}` } });
    for (let i = 0; i < 20; i++) await fixture.pod(`p${i}`, asks('200m'), { app: `a${i % 3}` });
    await fixture.settle();
    for (let i = 0; i < 20; i += 3) await fixture.client.pods('default').delete(`p${i}`, { gracePeriodSeconds: 0 });
    await fixture.client.nodes().delete('n3');
    const type = 'application/merge-patch+json';
    await fixture.client.nodes().patch('n1', { type, body: { metadata: { labels: { rack: 'r1' } } } });
    await fixture.pod('late', asks('200m'));
    await fixture.until(async () => (await fixture.nodeOf('late')) !== '');
    await fixture.settle();
    expect(Object.values(fixture.scheduler.compare()).flat()).toEqual([]);
    expect(fixture.errors).toEqual([]);
  });

  it('lets one of several schedule', async () => {
    await using plane = await TestControlPlane.start();
    const configuration = configured('');
    const elected = { ...configuration, leaderElection: { ...configuration.leaderElection, leaderElect: true } };
    await using second = await (async () => {
      await using first = await SchedulerFixture.start({ plane, configuration: elected, identity: 'a_1' });
      const other = await SchedulerFixture.start({ plane, configuration: elected, identity: 'b_2' });
      await first.node('n1');
      await first.pod('a');
      await first.until(async () => (await first.nodeOf('a')) === 'n1');
      expect(other.metrics.text()).not.toContain('result="scheduled"');
      return other;
    })();
    await second.pod('b');
    await second.until(async () => (await second.nodeOf('b')) === 'n1');
    const events = (await plane.client.events('kube-system').list()).items;
    expect(events.map(({ source, reason, message }) => [source?.component, reason, message])).toContainEqual([
      'default-scheduler',
      'LeaderElection',
      'b_2 became leader',
    ]);
  });

  it('says which profile asks for what there is not', async () => {
    const text = 'profiles: [{ schedulerName: mine, plugins: { filter: { enabled: [{ name: Absent }] } } }]\n';
    await expect(SchedulerFixture.start({ configuration: configured(text) })).rejects.toThrow(
      'creating profile for scheduler name mine: plugin "Absent" does not exist',
    );
  });

  it('preempts pods of lower priority', async () => {
    await using fixture = await SchedulerFixture.start();
    await fixture.node('n1', { cpu: '1' });
    const classOf = (name: string, value: number) =>
      fixture.client.priorityClasses().create({ metadata: { name }, value } as never);
    await classOf('high', 1000);
    await fixture.pod('low', {
      ...asks('800m'),
      containers: asks('800m')?.containers ?? [],
      terminationGracePeriodSeconds: 0,
    });
    await fixture.until(async () => (await fixture.nodeOf('low')) === 'n1');
    await fixture.pod('high', {
      ...asks('800m'),
      containers: asks('800m')?.containers ?? [],
      priorityClassName: 'high',
    });
    await fixture.until(async () => (await fixture.nodeOf('high')) === 'n1');
    const events = await fixture.events('low');
    expect(events.some(({ reason }) => reason === 'Preempted')).toBe(true);
  });
});
