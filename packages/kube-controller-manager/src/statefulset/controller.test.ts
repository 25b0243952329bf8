import { describe, expect, it } from 'vitest';
import { TestControlPlane } from '@kubets/kube-apiserver/testing/test-control-plane';
import { canonicalJson } from '../history/revision-hash.ts';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { finishDeleted, makeReady } from '../testing/pod-simulator.ts';
import { converge, eventsOf, get, names, parallel, patch, podsOf, set, setImage } from '../testing/stateful-sets.ts';
import { statefulSetController } from './controller.ts';

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
