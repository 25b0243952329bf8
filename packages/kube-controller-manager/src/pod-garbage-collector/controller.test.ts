import { describe, expect, it } from 'vitest';
import type { Node, Pod } from '@kubets/api/types/core-v1';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { podGarbageCollectorController } from './controller.ts';
import { planRemovals } from './plan.ts';

const namespace = 'default';

const newPod = (name: string, nodeName?: string): Pod => ({
  metadata: { name, namespace },
  spec: { containers: [{ name: 'c', image: 'busybox' }], ...(nodeName && { nodeName }) },
});

const names = async (fixture: ControllerFixture): Promise<string[]> =>
  (await fixture.client.pods(namespace).list()).items.map((pod) => pod.metadata.name ?? '').toSorted();

async function setPhase(fixture: ControllerFixture, name: string, phase: string): Promise<void> {
  const body = { status: { phase } };
  const type = 'application/merge-patch+json';
  await fixture.client.pods(namespace).patch(name, { type, body, subresource: 'status' });
}

describe('the pod garbage collector', () => {
  it('removes pods of nodes that are gone, after a while, and marks them as disrupted', async () => {
    await using fixture = await ControllerFixture.start([podGarbageCollectorController], { ownAccounts: true });
    const { client } = fixture;
    await client.nodes().create({ metadata: { name: 'here' } });
    const held = newPod('held', 'gone');
    await client.pods(namespace).create({ ...held, metadata: { ...held.metadata, finalizers: ['test/held'] } });
    await client.pods(namespace).create(newPod('lost', 'gone'));
    await client.pods(namespace).create(newPod('fine', 'here'));
    await client.pods(namespace).create(newPod('waiting'));
    await fixture.advance(50_000);
    expect(await names(fixture)).toEqual(['fine', 'held', 'lost', 'waiting']);
    await fixture.advance(20_000);
    expect(await names(fixture)).toEqual(['fine', 'held', 'waiting']);
    const { status } = await client.pods(namespace).get('held');
    expect(status?.phase).toBe('Failed');
    expect(status?.conditions?.find(({ type }) => type === 'DisruptionTarget')).toMatchObject({
      status: 'True',
      reason: 'DeletionByPodGC',
      message: 'PodGC: node no longer exists',
    });
    expect(fixture.errors).toEqual([]);
  });

  it('spares pods whose node comes back', async () => {
    await using fixture = await ControllerFixture.start([podGarbageCollectorController], { ownAccounts: true });
    await fixture.client.pods(namespace).create(newPod('a', 'late'));
    await fixture.advance(50_000);
    await fixture.client.nodes().create({ metadata: { name: 'late' } });
    await fixture.advance(100_000);
    expect(await names(fixture)).toEqual(['a']);
  });

  it('keeps as many ended pods as the threshold says, the newest', async () => {
    const options = { terminatedPodGcThreshold: 2 };
    await using fixture = await ControllerFixture.start([podGarbageCollectorController], {
      options,
      ownAccounts: true,
    });
    for (const [i, phase] of ['Succeeded', 'Failed', 'Running', 'Succeeded', 'Failed'].entries()) {
      await fixture.client.pods(namespace).create(newPod(`p${i}`));
      await setPhase(fixture, `p${i}`, phase);
      await fixture.advance(1000);
    }
    await fixture.advance(30_000);
    expect(await names(fixture)).toEqual(['p2', 'p3', 'p4']);
  });

  it('removes terminating pods that no kubelet will end', async () => {
    await using fixture = await ControllerFixture.start([podGarbageCollectorController], { ownAccounts: true });
    const { client } = fixture;
    const taints = [{ key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute' as const }];
    await client.nodes().create({ metadata: { name: 'off' }, spec: { taints } });
    await client.nodes().create({ metadata: { name: 'on' } });
    await client.pods(namespace).create(newPod('a', 'off'));
    await client.pods(namespace).create(newPod('b', 'on'));
    await client.pods(namespace).create(newPod('c', 'off'));
    for (const name of ['a', 'b']) await client.pods(namespace).delete(name);
    await fixture.advance(30_000);
    expect(await names(fixture)).toEqual(['b', 'c']);
  });
});

describe('planRemovals', () => {
  const node = (name: string): Node | undefined => (name === 'n' ? { metadata: { name } } : undefined);
  const ended = (name: string, second: number, reason?: string): Pod => ({
    metadata: { name, namespace, creationTimestamp: `2026-01-01T00:00:0${second}Z` },
    spec: { containers: [], nodeName: 'n' },
    status: { phase: 'Failed', ...(reason && { reason }) },
  });
  const plan = (pods: Pod[], terminatedThreshold: number): (string | undefined)[] =>
    planRemovals({ pods, node, goneNodes: new Set(['gone']), terminatedThreshold }).map(
      ({ pod, reason }) => `${pod.metadata.name} ${reason}`,
    );

  it('takes evicted pods first, then by age', () => {
    const pods = [ended('a', 3), ended('b', 2), ended('c', 5, 'Evicted'), ended('d', 2)];
    expect(plan(pods, 2)).toEqual(['c terminated', 'b terminated']);
    expect(plan(pods, 0)).toEqual([]);
    expect(plan(pods, 10)).toEqual([]);
  });

  it('names each pod once', () => {
    const orphan = { ...ended('o', 1), spec: { containers: [], nodeName: 'gone' } };
    expect(plan([orphan, ended('a', 1)], 1)).toEqual(['o orphaned']);
  });

  it('removes unscheduled pods that are being deleted', () => {
    const pod = newPod('u');
    expect(
      plan([{ ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } }, pod], 0),
    ).toEqual(['u unscheduled']);
  });
});
