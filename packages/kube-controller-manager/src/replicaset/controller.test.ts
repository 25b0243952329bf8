import { describe, expect, it } from 'vitest';
import type { Pod } from '@kubets/api/types/core-v1';
import type { ReplicaSet } from '@kubets/api/types/apps-v1';
import { failure, newResourceExpired } from '@kubets/apimachinery/status';
import type { Transport } from '@kubets/client';
import { FaultyTransport } from '@kubets/client/testing';
import { replicationControllerController } from '../replication-controller/controller.ts';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { countingTransport } from '../testing/counting-transport.ts';
import { makeReady, runningStatus } from '../testing/pod-simulator.ts';
import { replicaSetController } from './controller.ts';

const spec = { containers: [{ name: 'c', image: 'i' }] };

const replicaSet = (replicas: number, more: Partial<NonNullable<ReplicaSet['spec']>> = {}): ReplicaSet => ({
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec },
    ...more,
  },
});

async function podsOf(fixture: ControllerFixture): Promise<readonly Pod[]> {
  return (await fixture.client.pods('default').list()).items;
}

async function scale(fixture: ControllerFixture, replicas: number): Promise<void> {
  const client = fixture.client.replicaSets('default');
  await client.patch('web', { type: 'application/merge-patch+json', body: { spec: { replicas } } });
}

const statusOf = async (fixture: ControllerFixture): Promise<ReplicaSet['status']> =>
  (await fixture.client.replicaSets('default').get('web')).status;

describe('replicaset-controller', () => {
  it('creates pods, follows them in the status, and replaces a deleted one', async () => {
    await using fixture = await ControllerFixture.start([replicaSetController]);
    await fixture.client.replicaSets('default').create(replicaSet(3));
    await fixture.until(async () => (await statusOf(fixture))?.replicas === 3);
    await makeReady(fixture);
    await fixture.until(async () => (await statusOf(fixture))?.availableReplicas === 3);
    const generation = 1;
    expect(await statusOf(fixture)).toEqual({
      replicas: 3,
      fullyLabeledReplicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      terminatingReplicas: 0,
      observedGeneration: generation,
    });
    const [first] = await podsOf(fixture);
    expect(first?.metadata.ownerReferences).toMatchObject([
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', controller: true, blockOwnerDeletion: true },
    ]);
    await fixture.client.pods('default').delete(first?.metadata.name ?? '', { gracePeriodSeconds: 0 });
    await fixture.until(async () => (await statusOf(fixture))?.readyReplicas === 2);
    await fixture.until(async () => (await podsOf(fixture)).length === 3);
    const { items } = await fixture.client.events('default').list();
    expect(items.filter(({ reason }) => reason === 'SuccessfulCreate')).toHaveLength(4);
    expect(items[0]?.message).toMatch(/^Created pod: web-/);
    expect(fixture.errors).toEqual([]);
  });

  it('writes nothing once it has converged', async () => {
    const { writes, wrap } = countingTransport();
    await using fixture = await ControllerFixture.start([replicaSetController], { wrap });
    await fixture.client.replicaSets('default').create(replicaSet(2));
    await fixture.until(async () => (await podsOf(fixture)).length === 2);
    await makeReady(fixture);
    await fixture.until(async () => (await statusOf(fixture))?.availableReplicas === 2);
    writes.length = 0;
    // A second manager sees everything for the first time.
    await using again = await ControllerFixture.start([replicaSetController], { plane: fixture.plane, wrap });
    await again.advance(5000);
    expect(writes).toEqual([]);
  });

  it('creates in bursts without making any pod twice', async () => {
    await using fixture = await ControllerFixture.start([replicaSetController]);
    await fixture.client.replicaSets('default').create(replicaSet(700));
    await fixture.until(async () => (await statusOf(fixture))?.replicas === 700);
    expect(await podsOf(fixture)).toHaveLength(700);
    await scale(fixture, 150);
    await fixture.until(async () => (await statusOf(fixture))?.replicas === 150);
    expect((await podsOf(fixture)).filter((pod) => pod.metadata.deletionTimestamp === undefined)).toHaveLength(150);
  });

  it('deletes pods that are not ready before those that are', async () => {
    await using fixture = await ControllerFixture.start([replicaSetController]);
    await fixture.client.replicaSets('default').create(replicaSet(4));
    await fixture.until(async () => (await podsOf(fixture)).length === 4);
    const names = (await podsOf(fixture)).map(({ metadata }) => metadata.name ?? '');
    await makeReady(fixture, ({ metadata }) => metadata.name !== names[1] && metadata.name !== names[2]);
    await fixture.settle();
    await scale(fixture, 2);
    await fixture.until(async () => (await podsOf(fixture)).length === 2);
    const left = new Set((await podsOf(fixture)).map(({ metadata }) => metadata.name));
    expect(left).toEqual(new Set([names[0], names[3]]));
  });

  it('adopts what it selects, and releases what it selects no more', async () => {
    await using fixture = await ControllerFixture.start([replicaSetController]);
    const pods = fixture.client.pods('default');
    await pods.create({ metadata: { name: 'orphan', labels: { app: 'web' } }, spec });
    await fixture.client.replicaSets('default').create(replicaSet(1));
    await fixture.until(async () => (await pods.get('orphan')).metadata.ownerReferences?.length === 1);
    await fixture.until(async () => (await statusOf(fixture))?.replicas === 1);
    const body = { metadata: { labels: { app: 'other' } } };
    await pods.patch('orphan', { type: 'application/merge-patch+json', body });
    await fixture.until(async () => (await podsOf(fixture)).length === 2);
    await fixture.until(async () => ((await pods.get('orphan')).metadata.ownerReferences ?? []).length === 0);
    expect(fixture.errors).toEqual([]);
  });

  it('says why pods cannot be created, and stops saying so', async () => {
    let full = true;
    const { wrap } = countingTransport({
      refuse: ({ method, path }) =>
        full && method === 'POST' && path.endsWith('/pods')
          ? failure('Forbidden', 'pods "web-" is forbidden: exceeded quota: q', { details: { kind: 'pods' } })
          : undefined,
    });
    await using fixture = await ControllerFixture.start([replicaSetController], { wrap });
    await fixture.client.replicaSets('default').create(replicaSet(3));
    await fixture.until(async () => (await statusOf(fixture))?.conditions?.length === 1);
    expect((await statusOf(fixture))?.conditions).toMatchObject([
      {
        type: 'ReplicaFailure',
        status: 'True',
        reason: 'FailedCreate',
        message: 'pods "web-" is forbidden: exceeded quota: q',
      },
    ]);
    full = false;
    await fixture.until(async () => {
      const status = await statusOf(fixture);
      return status?.replicas === 3 && status.conditions === undefined;
    });
    const { items } = await fixture.client.events('default').list();
    const refused = items.find(({ reason }) => reason === 'FailedCreate');
    expect(refused?.message).toBe('Error creating: pods "web-" is forbidden: exceeded quota: q');
    expect(fixture.errors).toEqual([]);
  });

  it('does not wait for a pod that came and went while the watch was down', async () => {
    let faulty: FaultyTransport | undefined;
    const wrap = (transport: Transport): Transport => (faulty = new FaultyTransport(transport));
    await using fixture = await ControllerFixture.start([replicaSetController], { wrap });
    const transport = faulty as FaultyTransport;
    transport.filter = (event) => (event.object.kind === 'Pod' ? [] : [event]);
    await fixture.client.replicaSets('default').create(replicaSet(2));
    await fixture.until(async () => (await podsOf(fixture)).length === 2);
    await fixture.advance(30_000);
    expect(await podsOf(fixture)).toHaveLength(2);
    const [first] = await podsOf(fixture);
    await fixture.client.pods('default').delete(first?.metadata.name ?? '', { gracePeriodSeconds: 0 });
    transport.filter = (event) => [event];
    transport.failWatches(newResourceExpired('too old resource version').status);
    await fixture.until(async () => (await statusOf(fixture))?.replicas === 2, { steps: 120 });
    expect(await podsOf(fixture)).toHaveLength(2);
  });

  it('tries in vain only once in a namespace that goes away', async () => {
    let refused = 0;
    const { wrap } = countingTransport({
      refuse: ({ method, path }) => {
        if (method !== 'POST' || !path.endsWith('/pods')) return undefined;
        refused++;
        const causes = [{ reason: 'NamespaceTerminating', message: 'namespace default is being terminated' }];
        return failure('Forbidden', 'no new content', { details: { causes } });
      },
    });
    await using fixture = await ControllerFixture.start([replicaSetController], { wrap });
    await fixture.client.replicaSets('default').create(replicaSet(3));
    await fixture.until(() => refused > 0);
    await fixture.advance(10_000);
    expect(refused).toBe(1);
    await fixture.client.replicaSets('default').delete('web');
    await fixture.advance(1_000);
    await fixture.client.replicaSets('default').create(replicaSet(3));
    await fixture.until(() => refused === 2);
  });

  it('counts a pod as available when it has been ready long enough', async () => {
    await using fixture = await ControllerFixture.start([replicaSetController]);
    await fixture.client.replicaSets('default').create(replicaSet(1, { minReadySeconds: 30 }));
    await fixture.until(async () => (await podsOf(fixture)).length === 1);
    await makeReady(fixture);
    await fixture.until(async () => (await statusOf(fixture))?.readyReplicas === 1);
    expect((await statusOf(fixture))?.availableReplicas).toBeUndefined();
    await fixture.advance(31_000);
    expect((await statusOf(fixture))?.availableReplicas).toBe(1);
  });

  it('counts pods that are going away, and replaces them at once', async () => {
    await using fixture = await ControllerFixture.start([replicaSetController]);
    const pods = fixture.client.pods('default');
    const bound = { ...spec, nodeName: 'n1' };
    const template = { metadata: { labels: { app: 'web' } }, spec: bound };
    await fixture.client.replicaSets('default').create(replicaSet(1, { template }));
    await fixture.until(async () => (await podsOf(fixture)).length === 1);
    const [pod] = await podsOf(fixture);
    await pods.updateStatus({ ...(pod as Pod), status: runningStatus(true, fixture.clock.now()) });
    await pods.delete(pod?.metadata.name ?? '');
    await fixture.until(async () => (await statusOf(fixture))?.terminatingReplicas === 1);
    await fixture.until(async () => (await podsOf(fixture)).length === 2);
    await pods.delete(pod?.metadata.name ?? '', { gracePeriodSeconds: 0 });
    await fixture.until(async () => (await statusOf(fixture))?.terminatingReplicas === 0);
    expect(fixture.errors).toEqual([]);
  });
});

describe('replicationcontroller-controller', () => {
  it('keeps its pods', async () => {
    await using fixture = await ControllerFixture.start([replicationControllerController, replicaSetController]);
    const client = fixture.client.replicationControllers('default');
    await client.create({
      metadata: { name: 'web' },
      spec: { replicas: 2, template: { metadata: { labels: { app: 'web' } }, spec } },
    });
    await fixture.until(async () => (await podsOf(fixture)).length === 2);
    await makeReady(fixture);
    await fixture.until(async () => (await client.get('web')).status?.availableReplicas === 2);
    expect((await client.get('web')).status).toEqual({
      replicas: 2,
      fullyLabeledReplicas: 2,
      readyReplicas: 2,
      availableReplicas: 2,
      observedGeneration: 1,
    });
    expect((await podsOf(fixture))[0]?.metadata.ownerReferences?.[0]?.kind).toBe('ReplicationController');
    expect(fixture.errors).toEqual([]);
  });
});
