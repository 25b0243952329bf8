/** Claims, deletion, accounts and interference: what befalls StatefulSets beside scaling and updates. */
import { describe, expect, it } from 'vitest';
import { TestControlPlane } from '@kubets/kube-apiserver/testing/test-control-plane';
import { garbageCollectorController } from '../garbage-collector/controller.ts';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { countingTransport } from '../testing/counting-transport.ts';
import { finishDeleted, runningStatus } from '../testing/pod-simulator.ts';
import {
  claims,
  converge,
  eventsOf,
  get,
  names,
  parallel,
  patch,
  podsOf,
  set,
  setImage,
} from '../testing/stateful-sets.ts';
import { statefulSetController } from './controller.ts';

describe('statefulset-controller, claims', () => {
  const claimsOf = async (fixture: ControllerFixture) =>
    (await fixture.client.persistentVolumeClaims('default').list()).items;

  it('makes claims before their pods, and keeps them', async () => {
    await using fixture = await ControllerFixture.start([statefulSetController]);
    await fixture.client.statefulSets('default').create(set(2, claims));
    await converge(fixture, 2);
    const made = await claimsOf(fixture);
    expect(new Set(made.map((claim) => claim.metadata.name))).toEqual(new Set(['data-web-0', 'data-web-1']));
    expect(made[0]?.metadata).toMatchObject({ labels: { app: 'web' } });
    expect(made[0]?.metadata.ownerReferences).toBeUndefined();
    const [pod] = await podsOf(fixture);
    expect(pod?.spec?.volumes?.[0]).toEqual({ name: 'data', persistentVolumeClaim: { claimName: 'data-web-0' } });
    expect(await eventsOf(fixture)).toContain(
      'Normal SuccessfulCreate create Claim data-web-0 Pod web-0 in StatefulSet web success',
    );
    await patch(fixture, { replicas: 1 });
    await converge(fixture, 1);
    expect(await claimsOf(fixture)).toHaveLength(2);
  });

  it('follows the retention policy', async () => {
    await using fixture = await ControllerFixture.start([statefulSetController]);
    const policy = { whenDeleted: 'Delete', whenScaled: 'Delete' };
    await fixture.client
      .statefulSets('default')
      .create(set(2, { ...claims, persistentVolumeClaimRetentionPolicy: policy }));
    await converge(fixture, 2);
    const owner = async (name: string): Promise<string | undefined> =>
      (await fixture.client.persistentVolumeClaims('default').get(name)).metadata.ownerReferences?.[0]?.kind;
    expect(await owner('data-web-1')).toBe('StatefulSet');
    await patch(fixture, { replicas: 1 });
    await fixture.until(async () => (await owner('data-web-1')) === 'Pod');
    await converge(fixture, 1);
    // Scaled up again while the claim still belongs to the pod that is gone: it must go first.
    await patch(fixture, { replicas: 2 });
    await fixture.advance(3000);
    expect(names(await podsOf(fixture))).toEqual(['web-0']);
    // The garbage collector's part, and that of the protection of claims in use.
    const stale = await fixture.client.persistentVolumeClaims('default').get('data-web-1');
    const { finalizers: _, ...metadata } = stale.metadata;
    await fixture.client.persistentVolumeClaims('default').update({ ...stale, metadata });
    await fixture.client.persistentVolumeClaims('default').delete('data-web-1');
    await patch(fixture, { persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' } });
    await converge(fixture, 2);
    await fixture.until(
      async () => (await owner('data-web-0')) === undefined && (await owner('data-web-1')) === undefined,
    );
    expect(fixture.errors).toEqual([]);
  });
});

describe('statefulset-controller, as its own account', () => {
  it('may do all that it does', async () => {
    await using fixture = await ControllerFixture.start([statefulSetController], { ownAccounts: true });
    const persistentVolumeClaimRetentionPolicy = { whenDeleted: 'Retain', whenScaled: 'Delete' };
    await fixture.client
      .statefulSets('default')
      .create(set(2, { ...claims, persistentVolumeClaimRetentionPolicy, revisionHistoryLimit: 0 }));
    await converge(fixture, 2);
    const body = { metadata: { ownerReferences: null, labels: { 'statefulset.kubernetes.io/pod-name': null } } };
    await fixture.client.pods('default').patch('web-0', { type: 'application/merge-patch+json', body });
    for (const image of ['i:2', 'i:3', 'i:2']) {
      await setImage(fixture, image);
      await fixture.settle();
      await converge(fixture, 2);
    }
    await patch(fixture, { replicas: 1 });
    await converge(fixture, 1);
    expect((await fixture.client.events('default').list()).items.length).toBeGreaterThan(5);
    expect(fixture.errors).toEqual([]);
  });
});

describe('statefulset-controller, deletion', () => {
  it('makes nothing again while a set is deleted, and its claims go as its policy says', async () => {
    await using fixture = await ControllerFixture.start([statefulSetController, garbageCollectorController]);
    const persistentVolumeClaimRetentionPolicy = { whenDeleted: 'Delete', whenScaled: 'Retain' };
    const sets = fixture.client.statefulSets('default');
    await sets.create(set(2, { ...claims, persistentVolumeClaimRetentionPolicy }));
    await converge(fixture, 2);
    const { items } = await fixture.client.persistentVolumeClaims('default').list();
    expect(items).toHaveLength(2);
    await sets.delete('web', { propagationPolicy: 'Foreground' });
    const claimClient = fixture.client.persistentVolumeClaims('default');
    await fixture.until(async () => {
      await finishDeleted(fixture);
      for (const claim of (await claimClient.list()).items) {
        // What the protection of claims in use does when no pod uses them any more.
        const { finalizers, deletionTimestamp, ...metadata } = claim.metadata;
        if (finalizers && deletionTimestamp) {
          await claimClient.update({ ...claim, metadata: { ...metadata, deletionTimestamp } });
        }
      }
      const left = await Promise.all([
        sets.list(),
        claimClient.list(),
        fixture.client.pods('default').list(),
        fixture.client.controllerRevisions('default').list(),
      ]);
      return left.every((list) => list.items.length === 0);
    });
    expect(fixture.errors).toEqual([]);
  });
});

describe('statefulset-controller, against interference', () => {
  it('writes nothing when all is as it should be', async () => {
    const { writes, wrap } = countingTransport();
    await using fixture = await ControllerFixture.start([statefulSetController], { wrap });
    await fixture.client.statefulSets('default').create(set(3, { ...claims, minReadySeconds: 1 }));
    await converge(fixture, 3);
    await fixture.advance(5000);
    expect((await get(fixture)).status?.availableReplicas).toBe(3);
    writes.length = 0;
    // Another turn, for a change that does not concern it.
    const pod = await fixture.client.pods('default').get('web-1');
    await fixture.client.pods('default').updateStatus({ ...pod, status: { ...pod.status, podIP: '10.0.0.1' } });
    const body = { metadata: { annotations: { a: 'b' } } };
    await fixture.client.statefulSets('default').patch('web', { type: 'application/merge-patch+json', body });
    await fixture.advance(3000);
    expect(writes).toEqual([]);
  });

  it.each(['after a restart', 'beside another one'])('goes on %s in the middle of a rollout', async (when) => {
    await using plane = await TestControlPlane.start();
    {
      await using first = await ControllerFixture.start([statefulSetController], { plane });
      await first.client.statefulSets('default').create(set(4, parallel));
      await converge(first, 4);
      await setImage(first, 'i:2');
      await first.until(async () => (await podsOf(first)).some((pod) => pod.metadata.deletionTimestamp));
      if (when === 'beside another one') {
        await using second = await ControllerFixture.start([statefulSetController], { plane });
        await converge(second, 4);
      }
    }
    await using last = await ControllerFixture.start([statefulSetController], { plane });
    await converge(last, 4);
    const { items } = await last.client.controllerRevisions('default').list();
    expect(items).toHaveLength(2);
    expect((await podsOf(last)).map((pod) => pod.spec?.containers[0]?.image)).toEqual(Array(4).fill('i:2'));
  });

  it('adopts its pods and revisions, and lets go of what it does not select', async () => {
    await using fixture = await ControllerFixture.start([statefulSetController]);
    await fixture.client.statefulSets('default').create(set(2));
    await converge(fixture, 2);
    const orphan = { metadata: { ownerReferences: null } };
    await fixture.client.pods('default').patch('web-0', { type: 'application/merge-patch+json', body: orphan });
    const { items } = await fixture.client.controllerRevisions('default').list();
    const revision = items[0]?.metadata.name ?? '';
    await fixture.client
      .controllerRevisions('default')
      .patch(revision, { type: 'application/merge-patch+json', body: orphan });
    await fixture.until(async () => {
      const pod = await fixture.client.pods('default').get('web-0');
      return pod.metadata.ownerReferences?.[0]?.kind === 'StatefulSet';
    });
    await fixture.until(async () => {
      const adopted = await fixture.client.controllerRevisions('default').get(revision);
      return adopted.metadata.ownerReferences?.[0]?.kind === 'StatefulSet';
    });
    const labels = { metadata: { labels: { app: 'other' } } };
    await fixture.client.pods('default').patch('web-1', { type: 'application/merge-patch+json', body: labels });
    await fixture.until(async () => {
      const pod = await fixture.client.pods('default').get('web-1');
      return pod.metadata.ownerReferences === undefined;
    });
    expect(names(await podsOf(fixture))).toEqual(['web-0', 'web-1']);
  });

  it('replaces deleted pods, whichever', async () => {
    await using fixture = await ControllerFixture.start([statefulSetController]);
    await fixture.client.statefulSets('default').create(set(3, parallel));
    await converge(fixture, 3);
    for (const name of ['web-0', 'web-2']) await fixture.client.pods('default').delete(name, { gracePeriodSeconds: 0 });
    await fixture.until(async () => (await podsOf(fixture)).length === 3);
    await converge(fixture, 3);
    const status = runningStatus(false, fixture.clock.now());
    const pod = await fixture.client.pods('default').get('web-1');
    await fixture.client.pods('default').updateStatus({ ...pod, status });
    await fixture.until(async () => (await get(fixture)).status?.readyReplicas === 2);
    expect(fixture.errors).toEqual([]);
  });
});
