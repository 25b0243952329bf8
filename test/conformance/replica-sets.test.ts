/** Replica sets and replication controllers: upstream's `test/e2e/apps/{replica_set,rc}.go`. */
import { describe, expect } from 'vitest';
import { covers, coversPart, useNodes } from './covers.ts';
import { unique, type Cluster, type Draft, type Obj } from './cluster.ts';
import type { Collection } from './collection.ts';
import { conditionOf, controllerOf, isReady, isTrue, ownersOf, pod, readyPods } from './pods.ts';
import { condition, containers } from './samples.ts';
import { becomes, change, lists } from './waiting.ts';

useNodes();

interface Kind {
  readonly resource: string;
  readonly kind: string;
  readonly selector: (labels: Draft) => Draft;
}

const replicaSets: Kind = {
  resource: 'apps/v1/replicasets',
  kind: 'ReplicaSet',
  selector: (labels) => ({ matchLabels: labels }),
};
const controllers: Kind = {
  resource: 'v1/replicationcontrollers',
  kind: 'ReplicationController',
  selector: (labels) => labels,
};

const template = (labels: Draft, image = containers[0]!['image'] as string): Draft => ({
  metadata: { labels },
  spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image }] },
});

const draft = (kind: Kind, name: string, replicas: number, own: Draft = {}): Draft => {
  const labels = { name };
  return {
    apiVersion: kind.resource.split('/').slice(0, -1).join('/'),
    kind: kind.kind,
    metadata: { name, labels: own },
    spec: { replicas, selector: kind.selector(labels), template: template(labels) },
  };
};

interface Place {
  readonly sets: Collection;
  readonly pods: Collection;
  readonly namespace: string;
}

async function place(cluster: Cluster, kind: Kind): Promise<Place> {
  const namespace = await cluster.namespace();
  return { namespace, sets: cluster.of(kind.resource, namespace), pods: cluster.of('v1/pods', namespace) };
}

const counts = (object: Obj): { replicas?: number; readyReplicas?: number; availableReplicas?: number } =>
  object['status'] as { replicas?: number; readyReplicas?: number; availableReplicas?: number };
const replicasOf = (object: Obj): number => (object['spec'] as { replicas: number }).replicas;

async function adopts(cluster: Cluster, kind: Kind): Promise<void> {
  const { sets, pods } = await place(cluster, kind);
  const orphan = await pods.create(pod('pod-adoption', {}, { labels: { name: 'pod-adoption' } }));
  await becomes(pods, 'pod-adoption', isReady);
  const created = await sets.create(draft(kind, 'pod-adoption', 1));
  const adopted = await becomes(pods, 'pod-adoption', (object) => ownersOf(object).length > 0);
  expect(adopted.metadata.uid).toBe(orphan.metadata.uid);
  expect(controllerOf(adopted)).toBe(created.metadata.uid);
  await becomes(sets, 'pod-adoption', (object) => counts(object).readyReplicas === 1);
  expect((await pods.list()).items).toHaveLength(1);
}

async function releases(cluster: Cluster, kind: Kind): Promise<void> {
  const { sets, pods } = await place(cluster, kind);
  const created = await sets.create(draft(kind, 'pod-release', 1));
  const [made] = await readyPods(pods, 'name=pod-release', 1);
  expect(controllerOf(made!)).toBe(created.metadata.uid);
  const { name } = made!.metadata;
  await change(pods, name, (object) => ({
    ...object,
    metadata: { ...object.metadata, labels: { name: 'not-matching-name' } },
  }));
  await becomes(pods, name, (object) => ownersOf(object).length === 0);
  // In its place comes another.
  const [next] = await readyPods(pods, 'name=pod-release', 1);
  expect(next?.metadata.name).not.toBe(name);
}

async function scales(cluster: Cluster, kind: Kind): Promise<void> {
  const { sets, pods } = await place(cluster, kind);
  await sets.create(draft(kind, 'test-scale', 1));
  await readyPods(pods, 'name=test-scale', 1);
  const scale = await sets.get('test-scale', 'scale');
  expect(scale).toMatchObject({
    kind: 'Scale',
    spec: { replicas: 1 },
    status: { replicas: 1, selector: 'name=test-scale' },
  });
  const { resourceVersion: _, ...metadata } = scale.metadata;
  const twice = { ...scale, metadata, spec: { replicas: 2 } } as unknown as Obj;
  const updated = await sets.replace(twice, { subresource: 'scale' });
  expect(updated['spec']).toEqual({ replicas: 2 });
  expect(replicasOf(await sets.get('test-scale'))).toBe(2);
  await readyPods(pods, 'name=test-scale', 2);
  const stale = { ...scale, spec: { replicas: 3 } } as Obj;
  await expect(sets.replace(stale, { subresource: 'scale' })).rejects.toMatchObject({ code: 409, reason: 'Conflict' });
  const patched = await sets.patch('test-scale', 'merge', { spec: { replicas: 4 } }, { subresource: 'scale' });
  expect(patched['spec']).toEqual({ replicas: 4 });
  expect(replicasOf(await sets.get('test-scale'))).toBe(4);
  await readyPods(pods, 'name=test-scale', 4);
}

/** The part before the replicas are asked over the network. */
async function runsReplicas(cluster: Cluster, kind: Kind): Promise<void> {
  const { sets, pods } = await place(cluster, kind);
  const created = await sets.create(draft(kind, 'my-hostname-basic', 1));
  const made = await readyPods(pods, 'name=my-hostname-basic', 1);
  expect(made.map(controllerOf)).toEqual([created.metadata.uid]);
}

describe('replica sets', () => {
  covers(
    '[sig-apps] ReplicaSet should adopt matching pods on creation and release no longer matching pods',
    async (cluster) => {
      await adopts(cluster, replicaSets);
      await releases(cluster, replicaSets);
    },
  );

  covers('[sig-apps] ReplicaSet Replicaset should have a working scale subresource', (cluster) =>
    scales(cluster, replicaSets),
  );

  coversPart(
    '[sig-apps] ReplicaSet should serve a basic image on each replica with a public image',
    'asking the replicas over the network',
    (cluster) => runsReplicas(cluster, replicaSets),
  );

  covers('[sig-apps] ReplicaSet Replace and Patch tests', async (cluster) => {
    const { sets, pods } = await place(cluster, replicaSets);
    await sets.create(draft(replicaSets, 'test-rs', 1));
    await readyPods(pods, 'name=test-rs', 1);
    await change(sets, 'test-rs', (object) => ({ ...object, spec: { ...(object['spec'] as Draft), replicas: 2 } }));
    await becomes(sets, 'test-rs', (object) => counts(object).availableReplicas === 2);
    const patch = {
      metadata: { labels: { 'test-rs': 'patched' } },
      spec: {
        replicas: 3,
        template: { spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: 'other:1' }] } },
      },
    };
    using watching = await sets.watch();
    await sets.patch('test-rs', 'strategic', patch);
    const scaled = (object: Obj): boolean => counts(object).readyReplicas === 3;
    expect((await watching.event('MODIFIED', 'test-rs', scaled)).object).toMatchObject(patch);
  });

  covers('[sig-apps] ReplicaSet should list and delete a collection of ReplicaSets', async (cluster) => {
    const label = unique('e2e');
    const { sets, pods } = await place(cluster, replicaSets);
    await sets.create(draft(replicaSets, 'test-rs', 3, { e2e: label }));
    await readyPods(pods, 'name=test-rs', 3);
    const query = { labelSelector: `e2e=${label}` };
    expect((await cluster.of(replicaSets.resource).list(query)).items).toHaveLength(1);
    await sets.deleteCollection(query);
    await lists(cluster.of(replicaSets.resource), query, (all) => all.length === 0);
  });

  covers('[sig-apps] ReplicaSet should validate Replicaset Status endpoints', async (cluster) => {
    const label = unique('e2e');
    const { sets, pods } = await place(cluster, replicaSets);
    await sets.create(draft(replicaSets, 'test-rs', 1, { e2e: label }));
    await readyPods(pods, 'name=test-rs', 1);
    using watching = await cluster.of(replicaSets.resource).watch({ labelSelector: `e2e=${label}` });
    expect((await sets.get('test-rs', 'status'))['status']).toBeDefined();
    const status = { subresource: 'status' };
    const conditions = [condition('StatusUpdate')];
    const update = (object: Obj): Obj => ({ ...object, status: { ...(object['status'] as Draft), conditions } });
    await change(sets, 'test-rs', update, status);
    await watching.event('MODIFIED', 'test-rs', (object) => isTrue(object, 'StatusUpdate'));
    await sets.patch('test-rs', 'merge', { status: { conditions: [condition('StatusPatched')] } }, status);
    await watching.event('MODIFIED', 'test-rs', (object) => isTrue(object, 'StatusPatched'));
    expect(isTrue(await sets.get('test-rs', 'status'), 'StatusPatched')).toBe(true);
  });
});

describe('replication controllers', () => {
  covers('[sig-apps] ReplicationController should adopt matching pods on creation', (cluster) =>
    adopts(cluster, controllers),
  );
  covers('[sig-apps] ReplicationController should release no longer matching pods', (cluster) =>
    releases(cluster, controllers),
  );
  covers('[sig-apps] ReplicationController should get and update a ReplicationController scale', (cluster) =>
    scales(cluster, controllers),
  );
  coversPart(
    '[sig-apps] ReplicationController should serve a basic image on each replica with a public image',
    'asking the replicas over the network',
    (cluster) => runsReplicas(cluster, controllers),
  );

  covers(
    '[sig-apps] ReplicationController should surface a failure condition on a common issue like exceeded quota',
    async (cluster) => {
      const { namespace, sets, pods } = await place(cluster, controllers);
      const quotas = cluster.of('v1/resourcequotas', namespace);
      const spec = { hard: { pods: '2' } };
      await quotas.create({ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'condition-test' }, spec });
      const hard = (object: Obj): unknown => (object['status'] as { hard?: Draft } | undefined)?.hard?.['pods'];
      await becomes(quotas, 'condition-test', (object) => hard(object) === '2');
      await sets.create(draft(controllers, 'condition-test', 3));
      const failed = await becomes(sets, 'condition-test', (object) => isTrue(object, 'ReplicaFailure'));
      expect(conditionOf(failed, 'ReplicaFailure')).toMatchObject({
        reason: 'FailedCreate',
        message: expect.stringContaining(
          'exceeded quota: condition-test, requested: pods=1, used: pods=2, limited: pods=2',
        ),
      });
      await readyPods(pods, 'name=condition-test', 2);
      await change(sets, 'condition-test', (object) => ({
        ...object,
        spec: { ...(object['spec'] as Draft), replicas: 2 },
      }));
      await becomes(sets, 'condition-test', (object) => conditionOf(object, 'ReplicaFailure') === undefined);
    },
  );

  covers('[sig-apps] ReplicationController should test the lifecycle of a ReplicationController', async (cluster) => {
    const label = unique('static');
    const { sets } = await place(cluster, controllers);
    const query = { labelSelector: `test-rc-static=${label}` };
    using watching = await cluster.of(controllers.resource).watch(query);
    const name = 'rc-test';
    await sets.create(draft(controllers, name, 1, { 'test-rc-static': label }));
    await watching.event('ADDED', name);
    await watching.event('MODIFIED', name, (object) => counts(object).readyReplicas === 1);
    await sets.patch(name, 'strategic', { metadata: { labels: { 'test-rc': 'patched' } } });
    await watching.event('MODIFIED', name, ({ metadata }) => metadata.labels?.['test-rc'] === 'patched');
    // The controller counts again after somebody else has written the status.
    const zero = { status: { readyReplicas: 0, availableReplicas: 0 } };
    await sets.patch(name, 'merge', zero, { subresource: 'status' });
    await watching.event('MODIFIED', name, (object) => (counts(object).readyReplicas ?? 0) === 0);
    expect((await sets.get(name, 'status')).metadata.labels?.['test-rc']).toBe('patched');
    await becomes(sets, name, (object) => counts(object).readyReplicas === 1);
    await sets.patch(name, 'merge', { spec: { replicas: 2 } }, { subresource: 'scale' });
    await watching.event('MODIFIED', name, (object) => replicasOf(object) === 2 && counts(object).readyReplicas === 2);
    expect(await sets.get(name)).toMatchObject({ spec: { replicas: 2 } });
    const updated = await change(sets, name, (object) => ({
      ...object,
      metadata: { ...object.metadata, labels: { ...object.metadata.labels, 'test-rc': 'updated' } },
    }));
    expect(updated.metadata.labels?.['test-rc']).toBe('updated');
    expect((await cluster.of(controllers.resource).list(query)).items).toHaveLength(1);
    await sets.deleteCollection(query);
    await watching.event('DELETED', name);
  });
});
