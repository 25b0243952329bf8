import { describe, expect, it } from 'vitest';
import { reasonOf } from '@kubets/apimachinery/status';
import { isPodActive } from '@kubets/api/core/helpers/pod';
import type { StatefulSet } from '@kubets/api/types/apps-v1';
import type { Pod } from '@kubets/api/types/core-v1';
import type { PodDisruptionBudget, PodDisruptionBudgetSpec } from '@kubets/api/types/policy-v1';
import { failure } from '@kubets/apimachinery/status';
import { statefulSetController } from '../statefulset/controller.ts';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { countingTransport } from '../testing/counting-transport.ts';
import { finishDeleted, makeReady } from '../testing/pod-simulator.ts';
import { disruptionController } from './controller.ts';

const set = (replicas: number): StatefulSet => ({
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas,
    podManagementPolicy: 'Parallel',
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }] },
    },
  },
});

const budget = (spec: PodDisruptionBudgetSpec): PodDisruptionBudget => ({
  metadata: { name: 'web', namespace: 'default' },
  spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
});

const barePod = (name: string): Pod => ({
  metadata: { name, namespace: 'default', labels: { app: 'web' } },
  spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }] },
});

type Status = NonNullable<PodDisruptionBudget['status']>;

async function statusOf(fixture: ControllerFixture): Promise<Status> {
  return (await fixture.client.podDisruptionBudgets('default').get('web')).status ?? {};
}

async function until(fixture: ControllerFixture, wanted: Status): Promise<void> {
  await fixture.until(async () => {
    const status = await statusOf(fixture);
    return Object.entries(wanted).every(([name, value]) => status[name as keyof Status] === value);
  });
}

/** Evicts a pod; resolves to the reason of the refusal, '' when it was granted. */
async function evict(fixture: ControllerFixture, name: string): Promise<string> {
  try {
    await fixture.client.pods('default').createSubresource(name, 'eviction', { metadata: { name } });
    return '';
  } catch (error) {
    return reasonOf(error);
  }
}

async function start(replicas: number, spec: PodDisruptionBudgetSpec): Promise<ControllerFixture> {
  const fixture = await ControllerFixture.start([disruptionController, statefulSetController]);
  await fixture.client.podDisruptionBudgets('default').create(budget(spec));
  await fixture.client.statefulSets('default').create(set(replicas));
  await fixture.until(async () => (await fixture.client.pods('default').list()).items.length === replicas);
  return fixture;
}

const eventsOf = async (fixture: ControllerFixture): Promise<string[]> =>
  (await fixture.client.events('default').list()).items.map(
    ({ type, reason, message }) => `${type} ${reason} ${message}`,
  );

describe('disruption-controller', () => {
  it('allows as many disruptions as there are healthy pods to spare', async () => {
    await using fixture = await start(4, { maxUnavailable: 1 });
    await until(fixture, { expectedPods: 4, desiredHealthy: 3, currentHealthy: 0, disruptionsAllowed: 0 });
    await makeReady(fixture);
    await until(fixture, { currentHealthy: 4, disruptionsAllowed: 1 });
    const status = await statusOf(fixture);
    expect(status).toEqual({
      observedGeneration: 1,
      disruptionsAllowed: 1,
      currentHealthy: 4,
      desiredHealthy: 3,
      expectedPods: 4,
      conditions: [
        {
          type: 'DisruptionAllowed',
          status: 'True',
          observedGeneration: 1,
          lastTransitionTime: expect.any(String),
          reason: 'SufficientPods',
          message: '',
        },
      ],
    });
    expect(fixture.errors).toEqual([]);
  });

  it.each<[PodDisruptionBudgetSpec, Status]>([
    [{ minAvailable: 2 }, { expectedPods: 5, desiredHealthy: 2, disruptionsAllowed: 3 }],
    [{ minAvailable: '50%' }, { expectedPods: 5, desiredHealthy: 3, disruptionsAllowed: 2 }],
    [{ maxUnavailable: '30%' }, { expectedPods: 5, desiredHealthy: 3, disruptionsAllowed: 2 }],
    [{ maxUnavailable: 0 }, { expectedPods: 5, desiredHealthy: 5, disruptionsAllowed: 0 }],
    [{ maxUnavailable: 9 }, { expectedPods: 5, desiredHealthy: 0, disruptionsAllowed: 5 }],
  ])('with %j: %j', async (spec, wanted) => {
    await using fixture = await start(5, spec);
    await makeReady(fixture);
    await until(fixture, { currentHealthy: 5, ...wanted });
    expect((await statusOf(fixture)).conditions?.[0]?.status).toBe(wanted.disruptionsAllowed === 0 ? 'False' : 'True');
  });

  it('grants evictions one after the other', async () => {
    await using fixture = await start(3, { maxUnavailable: 1 });
    // What does not run yet may go whatever the budget says.
    expect(await evict(fixture, 'web-0')).toBe('');
    await finishDeleted(fixture);
    await fixture.until(async () => (await makeReady(fixture), (await statusOf(fixture)).currentHealthy === 3));
    await until(fixture, { disruptionsAllowed: 1 });
    expect(await evict(fixture, 'web-0')).toBe('');
    expect(await evict(fixture, 'web-1')).toBe('TooManyRequests');
    await until(fixture, { currentHealthy: 2, disruptionsAllowed: 0 });
    await fixture.client.pods('default').delete('web-0', { gracePeriodSeconds: 0 });
    await fixture.until(async () => (await makeReady(fixture)) === 1);
    await until(fixture, { currentHealthy: 3, disruptionsAllowed: 1 });
    expect((await statusOf(fixture)).disruptedPods).toBeUndefined();
    expect(await evict(fixture, 'web-1')).toBe('');
    const { items } = await fixture.client.pods('default').list();
    expect(items.filter(isPodActive)).toHaveLength(2);
    expect(fixture.errors).toEqual([]);
  });

  it('counts a pod again that was to be evicted and stayed', async () => {
    await using fixture = await start(3, { minAvailable: 1 });
    await makeReady(fixture);
    await until(fixture, { disruptionsAllowed: 2 });
    const current = await fixture.client.podDisruptionBudgets('default').get('web');
    const disruptedPods = { 'web-0': new Date(fixture.clock.now()).toISOString().replace('.000', '') };
    await fixture.client
      .podDisruptionBudgets('default')
      .updateStatus({ ...current, status: { ...current.status, disruptionsAllowed: 1, disruptedPods } as Status });
    await until(fixture, { currentHealthy: 2, disruptionsAllowed: 1 });
    await fixture.advance(119_000);
    expect((await statusOf(fixture)).disruptedPods).toEqual(disruptedPods);
    await fixture.advance(2000);
    await until(fixture, { currentHealthy: 3, disruptionsAllowed: 2 });
    expect((await statusOf(fixture)).disruptedPods).toBeUndefined();
    await fixture.until(async () =>
      (await eventsOf(fixture)).includes(
        "Warning NotDeleted Pod was expected by PDB default/default to be deleted but it wasn't",
      ),
    );
  });

  it('may do all that it does as its own account', async () => {
    await using fixture = await ControllerFixture.start([disruptionController], { ownAccounts: true });
    const pod = barePod('a');
    const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd', controller: true };
    const deployment = await fixture.client.deployments('default').create({
      metadata: { name: 'd' },
      spec: { replicas: 3, selector: { matchLabels: { app: 'web' } }, template: set(1).spec?.template ?? {} },
    });
    pod.metadata.ownerReferences = [{ ...owner, uid: deployment.metadata.uid ?? '' }];
    const created = await fixture.client.pods('default').create(pod);
    await fixture.client.podDisruptionBudgets('default').create(budget({ maxUnavailable: 1 }));
    await until(fixture, { expectedPods: 3 });
    const condition = { type: 'DisruptionTarget', status: 'True', lastTransitionTime: '2025-12-31T00:00:00Z' };
    await fixture.client.pods('default').updateStatus({ ...created, status: { conditions: [condition] } });
    await fixture.until(async () => {
      const { status } = await fixture.client.pods('default').get('a');
      return status?.conditions?.some(({ type, status: is }) => type === 'DisruptionTarget' && is === 'False') === true;
    });
    expect(fixture.errors).toEqual([]);
  });

  it('takes back a target that was not hit', async () => {
    await using fixture = await ControllerFixture.start([disruptionController]);
    const created = await fixture.client.pods('default').create(barePod('a'));
    const since = new Date(fixture.clock.now()).toISOString().replace('.000', '');
    const condition = { type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler', message: 'm' };
    await fixture.client.pods('default').updateStatus({
      ...created,
      status: { phase: 'Running', conditions: [{ ...condition, lastTransitionTime: since }] },
    });
    await fixture.advance(118_000);
    expect((await fixture.client.pods('default').get('a')).status?.conditions?.[0]?.status).toBe('True');
    await fixture.advance(4000);
    const [reset] = (await fixture.client.pods('default').get('a')).status?.conditions ?? [];
    expect(reset).toMatchObject({ type: 'DisruptionTarget', status: 'False' });
    expect(reset?.reason).toBeUndefined();
  });

  it('tells of pods that nobody manages, and of budgets without pods', async () => {
    await using fixture = await ControllerFixture.start([disruptionController]);
    await fixture.client.podDisruptionBudgets('default').create(budget({ maxUnavailable: 1 }));
    await fixture.until(async () => (await eventsOf(fixture)).includes('Normal NoPods No matching pods found'));
    await fixture.client.pods('default').create(barePod('a'));
    await fixture.until(async () => (await eventsOf(fixture)).some((text) => text.startsWith('Warning UnmanagedPods')));
    expect(await eventsOf(fixture)).toContainEqual(
      expect.stringContaining(
        '(selector: &LabelSelector{MatchLabels:map[string]string{app: web,},MatchExpressions:[]LabelSelectorRequirement{},}) were found to be unmanaged.',
      ),
    );
    await until(fixture, { expectedPods: 0, disruptionsAllowed: 0 });
    const { items } = await fixture.client.events('default').list();
    expect(items[0]?.source?.component).toBe('controllermanager');
  });

  it('allows nothing when the scale cannot be found out', async () => {
    await using fixture = await ControllerFixture.start([disruptionController]);
    const job = await fixture.client.jobs('default').create({
      metadata: { name: 'j' },
      spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } } },
    });
    const pod = barePod('a');
    const { name = '', uid = '' } = job.metadata;
    pod.metadata.ownerReferences = [{ apiVersion: 'batch/v1', kind: 'Job', name, uid, controller: true }];
    await fixture.client.pods('default').create(pod);
    await fixture.client.podDisruptionBudgets('default').create(budget({ maxUnavailable: 1 }));
    const message = 'jobs.batch does not implement the scale subresource';
    await fixture.until(async () => (await statusOf(fixture)).conditions?.[0]?.message === message);
    expect((await statusOf(fixture)).conditions?.[0]).toMatchObject({ status: 'False', reason: 'SyncFailed' });
    expect(await eventsOf(fixture)).toContain(
      `Warning CalculateExpectedPodCountFailed Failed to calculate the number of expected pods: ${message}`,
    );
  });

  it('asks owners that it does not follow for their scale', async () => {
    await using fixture = await ControllerFixture.start([disruptionController]);
    const { template } = set(1).spec ?? {};
    const deployment = await fixture.client.deployments('default').create({
      metadata: { name: 'd' },
      spec: { replicas: 7, selector: { matchLabels: { app: 'web' } }, template: template ?? {} },
    });
    const pod = barePod('a');
    const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd', controller: true };
    pod.metadata.ownerReferences = [{ ...owner, uid: deployment.metadata.uid ?? '' }];
    await fixture.client.pods('default').create(pod);
    await fixture.client.podDisruptionBudgets('default').create(budget({ maxUnavailable: 2 }));
    await until(fixture, { expectedPods: 7, desiredHealthy: 5 });
    expect(fixture.errors).toEqual([]);
    // One that has gone cannot be asked.
    const other = barePod('b');
    other.metadata.ownerReferences = [{ ...owner, name: 'e', uid: 'gone' }];
    await fixture.client.pods('default').create(other);
    await fixture.until(
      async () => (await statusOf(fixture)).conditions?.[0]?.message === 'found no controllers for pod "b"',
    );
  });

  it('writes nothing when all is as it should be, and goes on after conflicts and restarts', async () => {
    let conflicts = 2;
    const { writes, wrap } = countingTransport({
      refuse: ({ path }) =>
        path.includes('poddisruptionbudgets') && conflicts-- > 0 ? failure('Conflict', 'too late') : undefined,
    });
    const first = await ControllerFixture.start([statefulSetController]);
    await first.client.statefulSets('default').create(set(3));
    await first.client.podDisruptionBudgets('default').create(budget({ maxUnavailable: 1 }));
    await first.until(async () => (await makeReady(first)) === 3);
    const { plane } = first;
    {
      await using second = await ControllerFixture.start([disruptionController], { plane, wrap });
      await until(second, { currentHealthy: 3, disruptionsAllowed: 1 });
      await second.advance(2000);
      writes.length = 0;
      const body = { metadata: { annotations: { a: 'b' } } };
      await first.client.pods('default').patch('web-0', { type: 'application/merge-patch+json', body });
      await second.advance(2000);
      expect(writes).toEqual([]);
    }
    await using third = await ControllerFixture.start([disruptionController], { plane, wrap });
    await third.advance(2000);
    expect(writes).toEqual([]);
    await first[Symbol.asyncDispose]();
  });
});
