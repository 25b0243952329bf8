import { describe, expect, it } from 'vitest';
import type { StatefulSet, StatefulSetSpec } from '@kubets/api/types/apps-v1';
import type { Pod } from '@kubets/api/types/core-v1';
import { TestControlPlane } from '@kubets/kube-apiserver/testing/test-control-plane';
import { garbageCollectorController } from '../garbage-collector/controller.ts';
import { canonicalJson } from '../history/revision-hash.ts';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { countingTransport } from '../testing/counting-transport.ts';
import { finishDeleted, makeReady, runningStatus } from '../testing/pod-simulator.ts';
import { statefulSetController } from './controller.ts';

const set = (replicas: number, more: Partial<StatefulSetSpec> = {}): StatefulSet => ({
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas,
    serviceName: 'nginx',
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i:1' }] },
    },
    ...more,
  },
});

const parallel: Partial<StatefulSetSpec> = { podManagementPolicy: 'Parallel' };
const claims: Partial<StatefulSetSpec> = {
  volumeClaimTemplates: [
    {
      metadata: { name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    },
  ],
};

async function podsOf(fixture: ControllerFixture): Promise<readonly Pod[]> {
  const { items } = await fixture.client.pods('default').list();
  return items.toSorted((a, b) => Number(a.metadata.name?.slice(4)) - Number(b.metadata.name?.slice(4)));
}

const names = (pods: readonly Pod[]): (string | undefined)[] => pods.map((pod) => pod.metadata.name);

async function get(fixture: ControllerFixture): Promise<Readonly<StatefulSet>> {
  return await fixture.client.statefulSets('default').get('web');
}

async function patch(fixture: ControllerFixture, spec: object): Promise<void> {
  const client = fixture.client.statefulSets('default');
  await client.patch('web', { type: 'application/strategic-merge-patch+json', body: { spec } });
}

const setImage = (fixture: ControllerFixture, image: string): Promise<void> =>
  patch(fixture, { template: { spec: { containers: [{ name: 'c', image }] } } });

async function eventsOf(fixture: ControllerFixture): Promise<string[]> {
  const { items } = await fixture.client.events('default').list();
  return items.map((event) => `${event.type} ${event.reason} ${event.message}`);
}

/** Plays kubelet until all is as it should be. */
async function converge(fixture: ControllerFixture, replicas: number): Promise<void> {
  await fixture.until(async () => {
    await finishDeleted(fixture);
    await makeReady(fixture);
    const { status, metadata } = await get(fixture);
    return (
      (status?.readyReplicas ?? 0) === replicas &&
      status?.replicas === replicas &&
      (status.updatedReplicas ?? 0) === replicas &&
      status.currentRevision === status.updateRevision &&
      status.observedGeneration === metadata.generation
    );
  });
}

describe('statefulset-controller, in order', () => {
  it('creates one pod at a time, each when the one before is ready', async () => {
    await using fixture = await ControllerFixture.start([statefulSetController]);
    await fixture.client.statefulSets('default').create(set(3));
    for (const expected of [['web-0'], ['web-0', 'web-1'], ['web-0', 'web-1', 'web-2']]) {
      await fixture.until(async () => (await podsOf(fixture)).length === expected.length);
      await fixture.advance(2000);
      expect(names(await podsOf(fixture))).toEqual(expected);
      await makeReady(fixture);
    }
    await converge(fixture, 3);
    const { status } = await get(fixture);
    expect(status).toEqual({
      observedGeneration: 1,
      replicas: 3,
      readyReplicas: 3,
      currentReplicas: 3,
      updatedReplicas: 3,
      currentRevision: status?.updateRevision,
      updateRevision: expect.stringMatching(/^web-[bcdfghjklmnpqrstvwxz2456789]+$/),
      collisionCount: 0,
      availableReplicas: 3,
    });
    expect(await eventsOf(fixture)).toContain('Normal SuccessfulCreate create Pod web-0 in StatefulSet web successful');
    expect(fixture.errors).toEqual([]);
  });

  it('gives pods their identity', async () => {
    await using fixture = await ControllerFixture.start([statefulSetController]);
    await fixture.client.statefulSets('default').create(set(1, { ordinals: { start: 5 } }));
    await converge(fixture, 1);
    const [pod] = await podsOf(fixture);
    const { status, metadata } = await get(fixture);
    expect(pod?.metadata).toMatchObject({
      name: 'web-5',
      generateName: 'web-',
      labels: {
        app: 'web',
        'apps.kubernetes.io/pod-index': '5',
        'controller-revision-hash': status?.updateRevision,
        'statefulset.kubernetes.io/pod-name': 'web-5',
      },
      ownerReferences: [{ kind: 'StatefulSet', name: 'web', uid: metadata.uid, controller: true }],
    });
    expect(pod?.spec).toMatchObject({ hostname: 'web-5', subdomain: 'nginx' });
  });

  it('scales down from the highest ordinal, one at a time', async () => {
    await using fixture = await ControllerFixture.start([statefulSetController]);
    await fixture.client.statefulSets('default').create(set(3));
    await converge(fixture, 3);
    await patch(fixture, { replicas: 1 });
    await fixture.until(async () => (await podsOf(fixture)).some((pod) => pod.metadata.deletionTimestamp));
    const leaving = (await podsOf(fixture)).filter((pod) => pod.metadata.deletionTimestamp);
    expect(names(leaving)).toEqual(['web-2']);
    await finishDeleted(fixture);
    await converge(fixture, 1);
    expect(names(await podsOf(fixture))).toEqual(['web-0']);
    expect(await eventsOf(fixture)).toContain('Normal SuccessfulDelete delete Pod web-2 in StatefulSet web successful');
  });

  it('makes failed and succeeded pods anew', async () => {
    await using fixture = await ControllerFixture.start([statefulSetController]);
    await fixture.client.statefulSets('default').create(set(2));
    await converge(fixture, 2);
    for (const phase of ['Failed', 'Succeeded'] as const) {
      const pod = await fixture.client.pods('default').get('web-0');
      await fixture.client.pods('default').updateStatus({ ...pod, status: { phase } });
      await fixture.until(async () => {
        await finishDeleted(fixture);
        const now = await fixture.client
          .pods('default')
          .get('web-0')
          .catch(() => undefined);
        return now !== undefined && now.metadata.uid !== pod.metadata.uid;
      });
      await converge(fixture, 2);
    }
    expect(fixture.errors).toEqual([]);
  });

  it('waits for minReadySeconds', async () => {
    await using fixture = await ControllerFixture.start([statefulSetController]);
    await fixture.client.statefulSets('default').create(set(2, { minReadySeconds: 20 }));
    await fixture.until(async () => (await makeReady(fixture)) === 1);
    await fixture.advance(15_000);
    expect(names(await podsOf(fixture))).toEqual(['web-0']);
    expect((await get(fixture)).status).toMatchObject({ readyReplicas: 1, availableReplicas: 0 });
    await fixture.advance(6000);
    expect((await get(fixture)).status).toMatchObject({ readyReplicas: 1, availableReplicas: 1 });
    expect(names(await podsOf(fixture))).toEqual(['web-0', 'web-1']);
  });
});

describe('statefulset-controller, in parallel', () => {
  it('creates and deletes all at once', async () => {
    await using fixture = await ControllerFixture.start([statefulSetController]);
    await fixture.client.statefulSets('default').create(set(5, parallel));
    await fixture.until(async () => (await podsOf(fixture)).length === 5);
    await converge(fixture, 5);
    await patch(fixture, { replicas: 0 });
    await fixture.until(async () => (await podsOf(fixture)).every((pod) => pod.metadata.deletionTimestamp));
    await converge(fixture, 0);
    expect(fixture.errors).toEqual([]);
  });
});

describe('statefulset-controller, updates', () => {
  it('rolls from the highest ordinal, one pod at a time, and remembers revisions', async () => {
    await using fixture = await ControllerFixture.start([statefulSetController]);
    await fixture.client.statefulSets('default').create(set(3));
    await converge(fixture, 3);
    const before = (await get(fixture)).status?.currentRevision;
    await setImage(fixture, 'i:2');
    await fixture.until(async () => (await podsOf(fixture)).some((pod) => pod.metadata.deletionTimestamp));
    const leaving = (await podsOf(fixture)).filter((pod) => pod.metadata.deletionTimestamp);
    expect(names(leaving)).toEqual(['web-2']);
    const { status } = await get(fixture);
    expect(status).toMatchObject({ currentReplicas: 2, currentRevision: before });
    expect(status?.updateRevision).not.toBe(before);
    await converge(fixture, 3);
    expect((await podsOf(fixture)).map((pod) => pod.spec?.containers[0]?.image)).toEqual(['i:2', 'i:2', 'i:2']);
    const { items } = await fixture.client.controllerRevisions('default').list();
    expect(items.map((revision) => revision.revision).toSorted((a, b) => a - b)).toEqual([1, 2]);
    // As Go would write it: others compare the bytes.
    expect(items.map(({ data }) => JSON.stringify(data))).toEqual(items.map(({ data }) => canonicalJson(data)));
    // Back to the first: its revision becomes the latest.
    await setImage(fixture, 'i:1');
    await converge(fixture, 3);
    expect((await get(fixture)).status?.currentRevision).toBe(before);
    const after = await fixture.client.controllerRevisions('default').list();
    expect(after.items.map((revision) => revision.revision).toSorted((a, b) => a - b)).toEqual([2, 3]);
  });

  it('leaves pods below the partition, and makes them anew at the old revision', async () => {
    await using fixture = await ControllerFixture.start([statefulSetController]);
    const updateStrategy = { type: 'RollingUpdate' as const, rollingUpdate: { partition: 2 } };
    await fixture.client.statefulSets('default').create(set(3, { updateStrategy }));
    await converge(fixture, 3);
    await setImage(fixture, 'i:2');
    await fixture.until(async () => {
      await finishDeleted(fixture);
      await makeReady(fixture);
      const { status } = await get(fixture);
      return status?.updatedReplicas === 1 && status.readyReplicas === 3;
    });
    await fixture.client.pods('default').delete('web-0', { gracePeriodSeconds: 0 });
    await fixture.until(async () => (await makeReady(fixture)) === 1);
    await fixture.advance(2000);
    expect((await podsOf(fixture)).map((pod) => pod.spec?.containers[0]?.image)).toEqual(['i:1', 'i:1', 'i:2']);
    expect((await get(fixture)).status).toMatchObject({ currentReplicas: 2, updatedReplicas: 1 });
  });

  it('does nothing of itself with OnDelete', async () => {
    await using fixture = await ControllerFixture.start([statefulSetController]);
    await fixture.client.statefulSets('default').create(set(2, { updateStrategy: { type: 'OnDelete' } }));
    await fixture.until(async () => (await makeReady(fixture), (await get(fixture)).status?.readyReplicas === 2));
    await setImage(fixture, 'i:2');
    await fixture.advance(3000);
    expect((await podsOf(fixture)).map((pod) => pod.spec?.containers[0]?.image)).toEqual(['i:1', 'i:1']);
    await fixture.client.pods('default').delete('web-0', { gracePeriodSeconds: 0 });
    await fixture.until(async () => (await makeReady(fixture)) === 1);
    expect((await podsOf(fixture)).map((pod) => pod.spec?.containers[0]?.image)).toEqual(['i:2', 'i:1']);
  });

  it('takes several pods down with the feature gate', async () => {
    const featureGates = { MaxUnavailableStatefulSet: true };
    await using plane = await TestControlPlane.start({ server: { featureGates } });
    await using fixture = await ControllerFixture.start([statefulSetController], { featureGates, plane });
    const updateStrategy = { type: 'RollingUpdate' as const, rollingUpdate: { partition: 0, maxUnavailable: 2 } };
    await fixture.client.statefulSets('default').create(set(4, { ...parallel, updateStrategy }));
    await converge(fixture, 4);
    await setImage(fixture, 'i:2');
    await fixture.until(async () => (await podsOf(fixture)).some((pod) => pod.metadata.deletionTimestamp));
    await fixture.settle();
    const leaving = (await podsOf(fixture)).filter((pod) => pod.metadata.deletionTimestamp);
    expect(names(leaving)).toEqual(['web-2', 'web-3']);
    expect((await get(fixture)).status?.currentReplicas).toBe(2);
    await converge(fixture, 4);
  });

  it('keeps as much history as it may', async () => {
    await using fixture = await ControllerFixture.start([statefulSetController]);
    await fixture.client.statefulSets('default').create(set(1, { revisionHistoryLimit: 1 }));
    for (const image of ['i:1', 'i:2', 'i:3', 'i:4']) {
      await setImage(fixture, image);
      await fixture.settle();
      await converge(fixture, 1);
    }
    await fixture.until(async () => (await fixture.client.controllerRevisions('default').list()).items.length === 2);
    expect(fixture.errors).toEqual([]);
  });
});

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
