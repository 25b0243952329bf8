/** Preemption in a whole scheduler. */
import { describe, expect, it } from 'vitest';
import type { PodDisruptionBudget } from '@kubets/api/types/policy-v1';
import type { PodSpec } from '@kubets/api/types/core-v1';
import { SchedulerFixture } from '../../testing/scheduler-fixture.ts';

const asks = (cpu: string, more: Partial<PodSpec> = {}): Partial<PodSpec> => ({
  containers: [{ name: 'c', image: 'i', resources: { requests: { cpu } } }],
  terminationGracePeriodSeconds: 0,
  ...more,
});

async function start(nodes: readonly string[] = ['n1'], cpu = '1'): Promise<SchedulerFixture> {
  const fixture = await SchedulerFixture.start();
  for (const [name, value] of [
    ['high', 100],
    ['middle', 50],
  ] as const) {
    const metadata = { name };
    await fixture.client
      .priorityClasses()
      .create({ kind: 'PriorityClass', apiVersion: 'scheduling.k8s.io/v1', metadata, value });
  }
  for (const name of nodes) await fixture.node(name, { cpu });
  return fixture;
}

const isBound = (fixture: SchedulerFixture, name: string) => async (): Promise<boolean> =>
  (await fixture.nodeOf(name)) !== '';

const names = async (fixture: SchedulerFixture): Promise<string[]> =>
  (await fixture.client.pods('default').list()).items.map(({ metadata }) => metadata.name ?? '');

describe('preemption in a scheduler', () => {
  it('makes room, says so to the victim, and binds the preemptor there', async () => {
    await using fixture = await start();
    await fixture.pod('low', asks('1'));
    await fixture.until(isBound(fixture, 'low'));
    const low = await fixture.client.pods('default').get('low');
    await fixture.pod('high', asks('1', { priorityClassName: 'high' }));
    await fixture.until(isBound(fixture, 'high'));
    expect(await names(fixture)).toEqual(['high']);
    const { uid } = (await fixture.client.pods('default').get('high')).metadata;
    expect(await fixture.events('low')).toContainEqual({
      type: 'Normal',
      reason: 'Preempted',
      note: `Preempted by pod ${uid} on node n1`,
    });
    expect(low.spec?.nodeName).toBe('n1');
    expect(fixture.errors).toEqual([]);
  });

  it('waits on the node it was promised while the victim ends, and keeps lesser pods off it', async () => {
    await using fixture = await start();
    await fixture.pod('low', asks('1', { terminationGracePeriodSeconds: 30 }));
    await fixture.until(isBound(fixture, 'low'));
    await fixture.pod('high', asks('1', { priorityClassName: 'high' }));
    const pods = fixture.client.pods('default');
    await fixture.until(async () => (await pods.get('high')).status?.nominatedNodeName === 'n1');
    const low = await pods.get('low');
    expect(low.metadata.deletionTimestamp).toBeDefined();
    expect(low.status?.conditions?.find(({ type }) => type === 'DisruptionTarget')).toMatchObject({
      status: 'True',
      reason: 'PreemptionByScheduler',
      message: 'default-scheduler: preempting to accommodate a higher priority pod',
    });
    await fixture.pod('newcomer', asks('1'));
    await fixture.until(async () => (await fixture.message('newcomer')) !== '');
    await pods.delete('low', { gracePeriodSeconds: 0 });
    await fixture.until(isBound(fixture, 'high'));
    expect(await fixture.nodeOf('newcomer')).toBe('');
    expect((await fixture.client.pods('default').get('high')).spec?.nodeName).toBe('n1');
  });

  it('says what preemption could not do, as users know it', async () => {
    await using fixture = await start(['n1', 'n2', 'n3']);
    await fixture.node('tainted', { cpu: '1', taints: [{ key: 'a', value: 'b', effect: 'NoSchedule' }] });
    for (const i of [1, 2, 3]) await fixture.pod(`full-${i}`, asks('1', { priorityClassName: 'high' }));
    for (const i of [1, 2, 3]) await fixture.until(isBound(fixture, `full-${i}`));
    await fixture.pod('late', asks('1', { priorityClassName: 'high' }));
    await fixture.until(async () => (await fixture.message('late')) !== '');
    expect(await fixture.message('late')).toMatch(
      /^0\/4 nodes are available: 1 node\(s\) had untolerated taint.*, 3 Insufficient cpu\. no new claims to deallocate, preemption: 0\/4 nodes are available: 1 Preemption is not helpful for scheduling, 3 No preemption victims found for incoming pod\.$/,
    );
  });

  it('never preempts for pods whose policy is Never', async () => {
    await using fixture = await start();
    await fixture.pod('low', asks('1'));
    await fixture.until(isBound(fixture, 'low'));
    const metadata = { name: 'patient' };
    const preemptionPolicy = 'Never';
    await fixture.client
      .priorityClasses()
      .create({ kind: 'PriorityClass', apiVersion: 'scheduling.k8s.io/v1', metadata, value: 1000, preemptionPolicy });
    await fixture.pod('polite', asks('1', { priorityClassName: 'patient' }));
    await fixture.until(async () => (await fixture.message('polite')) !== '');
    expect(await fixture.message('polite')).toBe(
      '0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never.',
    );
    expect(await names(fixture)).toEqual(['low', 'polite']);
  });

  it('spares what a budget protects', async () => {
    await using fixture = await start(['n1', 'n2']);
    await fixture.pod('guarded', asks('1', { priorityClassName: 'middle' }), { app: 'guarded' });
    await fixture.until(isBound(fixture, 'guarded'));
    await fixture.pod('plain', asks('1', { priorityClassName: 'middle' }));
    await fixture.until(isBound(fixture, 'plain'));
    const budgets = fixture.client.podDisruptionBudgets('default');
    const made = await budgets.create({
      kind: 'PodDisruptionBudget',
      apiVersion: 'policy/v1',
      metadata: { name: 'guard', namespace: 'default' },
      spec: { maxUnavailable: 0, selector: { matchLabels: { app: 'guarded' } } },
    } as PodDisruptionBudget);
    await budgets.updateStatus({
      ...made,
      status: { disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 },
    });
    await fixture.settle();
    await fixture.pod('high', asks('1', { priorityClassName: 'high' }));
    await fixture.until(isBound(fixture, 'high'));
    expect(await names(fixture)).toEqual(['guarded', 'high']);
  });

  it('takes several victims for one pod, and none too many', async () => {
    await using fixture = await start(['n1'], '3');
    for (const i of [1, 2, 3, 4, 5]) await fixture.pod(`low-${i}`, asks('500m'));
    for (const i of [1, 2, 3, 4, 5]) await fixture.until(isBound(fixture, `low-${i}`));
    await fixture.pod('high', asks('1500m', { priorityClassName: 'high' }));
    await fixture.until(isBound(fixture, 'high'));
    expect(await names(fixture)).toHaveLength(4);
  });

  it('frees host ports and anti-affinity too', async () => {
    await using fixture = await start();
    const ports = [{ containerPort: 80, hostPort: 80 }];
    await fixture.pod('low', { ...asks('0'), containers: [{ name: 'c', image: 'i', ports }] });
    await fixture.until(isBound(fixture, 'low'));
    await fixture.pod('high', {
      ...asks('0', { priorityClassName: 'high' }),
      containers: [{ name: 'c', image: 'i', ports }],
    });
    await fixture.until(isBound(fixture, 'high'));
    const affinity: PodSpec['affinity'] = {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'a' } } },
        ],
      },
    };
    await fixture.pod('foe', asks('0'), { app: 'a' });
    await fixture.until(isBound(fixture, 'foe'));
    await fixture.pod('shy', asks('0', { affinity, priorityClassName: 'high' }));
    await fixture.until(isBound(fixture, 'shy'));
    expect(await names(fixture)).toEqual(['high', 'shy']);
  });
});
