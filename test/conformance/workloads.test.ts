/** Deployments and their kin, jobs, disruption budgets: what the API server itself does for them. */
import { describe, expect } from 'vitest';
import { covers, coversPart, useCluster } from './covers.ts';
import { unique, type Cluster, type Draft, type Obj } from './cluster.ts';
import type { Collection } from './collection.ts';
import { annotated, labelled } from './lifecycle.ts';
import { condition, containers, podTemplate } from './samples.ts';

useCluster();

const pods = 'the controllers that make and watch the pods';

interface Workload {
  readonly resource: string;
  readonly kind: string;
  readonly spec: (labels: Readonly<Record<string, string>>) => Draft;
}

const selected = (labels: Readonly<Record<string, string>>): Draft => ({
  selector: { matchLabels: labels },
  template: podTemplate(labels),
});

const deployments: Workload = {
  resource: 'apps/v1/deployments',
  kind: 'Deployment',
  spec: (labels) => ({ replicas: 1, ...selected(labels) }),
};
const replicaSets: Workload = { ...deployments, resource: 'apps/v1/replicasets', kind: 'ReplicaSet' };
const statefulSets: Workload = {
  resource: 'apps/v1/statefulsets',
  kind: 'StatefulSet',
  spec: (labels) => ({ replicas: 1, serviceName: 'headless', ...selected(labels) }),
};
const daemonSets: Workload = { resource: 'apps/v1/daemonsets', kind: 'DaemonSet', spec: selected };
const replicationControllers: Workload = {
  resource: 'v1/replicationcontrollers',
  kind: 'ReplicationController',
  spec: (labels) => ({ replicas: 1, selector: labels, template: podTemplate(labels) }),
};
const jobs: Workload = {
  resource: 'batch/v1/jobs',
  kind: 'Job',
  spec: (labels) => ({
    parallelism: 2,
    completions: 4,
    template: { metadata: { labels }, spec: { restartPolicy: 'Never', containers } },
  }),
};

const versionOf = ({ resource }: Workload): string => resource.split('/').slice(0, -1).join('/');

const draft = (workload: Workload, name: string, label: string, spec: Draft = {}): Draft => ({
  apiVersion: versionOf(workload),
  kind: workload.kind,
  metadata: { name, labels: { e2e: label } },
  spec: { ...workload.spec({ app: label }), ...spec },
});

const statusOf = (object: Obj): Draft => object['status'] as Draft;

/** Status: read it, replace it, patch it; each is seen by the next read, and by a watch. */
async function exerciseStatus(cluster: Cluster, workload: Workload): Promise<void> {
  const label = unique('e2e');
  const collection = cluster.of(workload.resource, await cluster.namespace());
  const created = await collection.create(draft(workload, 'w', label));
  using watching = await collection.watch({ labelSelector: `e2e=${label}` });
  const status = { subresource: 'status' };
  expect(await collection.get('w', 'status')).toEqual(created);
  const conditions = [condition('StatusUpdate')];
  const updated = await collection.replace({ ...created, status: { ...statusOf(created), conditions } } as Obj, status);
  expect(statusOf(updated)['conditions']).toMatchObject([{ type: 'StatusUpdate', status: 'True', reason: 'E2E' }]);
  expect(updated['spec']).toEqual(created['spec']);
  expect(statusOf(await collection.get('w', 'status'))).toEqual(statusOf(updated));
  await watching.event('MODIFIED', 'w', (object) => statusOf(object)['conditions'] !== undefined);
  const patch = { status: { conditions: [condition('StatusPatched')] } };
  const patched = await collection.patch('w', 'merge', patch, status);
  expect(statusOf(patched)['conditions']).toMatchObject([{ type: 'StatusPatched' }]);
  expect(statusOf(await collection.get('w', 'status'))).toEqual(statusOf(patched));
  expect(patched.metadata.generation).toBe(created.metadata.generation);
  const seen = (object: Obj): boolean => JSON.stringify(statusOf(object)).includes('StatusPatched');
  await watching.event('MODIFIED', 'w', seen);
}

const replicasOf = (object: Obj): unknown => (object['spec'] as { replicas: number }).replicas;

/** The scale: read it, replace it, patch it. */
async function exerciseScale(cluster: Cluster, workload: Workload): Promise<void> {
  const label = unique('e2e');
  const collection = cluster.of(workload.resource, await cluster.namespace());
  const created = await collection.create(draft(workload, 'w', label));
  const scale = await collection.get('w', 'scale');
  expect(scale).toMatchObject({ apiVersion: 'autoscaling/v1', kind: 'Scale', spec: { replicas: 1 } });
  expect(scale).toMatchObject({ status: { selector: `app=${label}` } });
  expect(scale.metadata.uid).toBe(created.metadata.uid);
  const updated = await collection.replace({ ...scale, spec: { replicas: 2 } } as Obj, { subresource: 'scale' });
  expect(updated['spec']).toEqual({ replicas: 2 });
  const scaled = await collection.get('w');
  expect(replicasOf(scaled)).toBe(2);
  expect(scaled['spec']).toEqual({ ...(created['spec'] as Draft), replicas: 2 });
  await expect(
    collection.replace({ ...scale, spec: { replicas: 3 } } as Obj, { subresource: 'scale' }),
  ).rejects.toMatchObject({ code: 409 });
  const patched = await collection.patch('w', 'merge', { spec: { replicas: 4 } }, { subresource: 'scale' });
  expect(patched['spec']).toEqual({ replicas: 4 });
  expect(replicasOf(await collection.get('w'))).toBe(4);
}

/** Found by its label, and removed with its collection. */
async function exerciseCollection(cluster: Cluster, workload: Workload): Promise<Collection> {
  const label = unique('e2e');
  const collection = cluster.of(workload.resource, await cluster.namespace());
  await collection.create(draft(workload, 'w', label));
  await collection.create(draft(workload, 'other', 'other'));
  const selector = { labelSelector: `e2e=${label}` };
  expect((await cluster.of(workload.resource).list(selector)).items).toHaveLength(1);
  await collection.deleteCollection({ ...selector, propagationPolicy: 'Background' });
  expect((await collection.list(selector)).items).toEqual([]);
  expect((await collection.list()).items.map(({ metadata }) => metadata.name)).toEqual(['other']);
  return collection;
}

describe('status', () => {
  covers('[sig-apps] Deployment should validate Deployment Status endpoints', (cluster) =>
    exerciseStatus(cluster, deployments),
  );
  covers('[sig-apps] ReplicaSet should validate Replicaset Status endpoints', (cluster) =>
    exerciseStatus(cluster, replicaSets),
  );
  covers(
    '[sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] should validate Statefulset Status endpoints',
    (cluster) => exerciseStatus(cluster, statefulSets),
  );
  covers('[sig-apps] Daemon set [Serial] should verify changes to a daemon set status', (cluster) =>
    exerciseStatus(cluster, daemonSets),
  );
});

describe('scale', () => {
  coversPart('[sig-apps] Deployment Deployment should have a working scale subresource', pods, (cluster) =>
    exerciseScale(cluster, deployments),
  );
  coversPart('[sig-apps] ReplicaSet Replicaset should have a working scale subresource', pods, (cluster) =>
    exerciseScale(cluster, replicaSets),
  );
  coversPart(
    '[sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] should have a working scale subresource',
    pods,
    (cluster) => exerciseScale(cluster, statefulSets),
  );
  covers('[sig-apps] ReplicationController should get and update a ReplicationController scale', (cluster) =>
    exerciseScale(cluster, replicationControllers),
  );
});

describe('collections', () => {
  covers('[sig-apps] ReplicaSet should list and delete a collection of ReplicaSets', async (cluster) => {
    const collection = await exerciseCollection(cluster, replicaSets);
    expect((await collection.list()).items).toHaveLength(1);
  });
  covers('[sig-apps] Daemon set [Serial] should list and delete a collection of DaemonSets', async (cluster) => {
    const collection = await exerciseCollection(cluster, daemonSets);
    expect((await collection.list()).items).toHaveLength(1);
  });
  covers(
    '[sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] should list, patch and delete a collection of StatefulSets',
    async (cluster) => {
      const collection = await exerciseCollection(cluster, statefulSets);
      const patch = {
        metadata: { labels: { e2e: 'patched' } },
        spec: { replicas: 2, template: { spec: { containers: [{ name: 'c', image: 'other:1' }] } } },
      };
      const patched = await collection.patch('other', 'strategic', patch);
      expect(patched).toMatchObject(patch);
      expect(patched.metadata.generation).toBe(2);
    },
  );
});

describe('lifecycles', () => {
  coversPart('[sig-apps] Deployment should run the lifecycle of a Deployment', pods, async (cluster) => {
    const label = unique('e2e');
    const namespace = await cluster.namespace();
    const collection = cluster.of(deployments.resource, namespace);
    using watching = await cluster.of(deployments.resource).watch({ labelSelector: `e2e=${label}` });
    await collection.create(draft(deployments, 'w', label));
    await watching.event('ADDED', 'w');
    const patch = {
      metadata: { labels: { patched: 'yes' } },
      spec: {
        replicas: 2,
        template: { spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: 'other:1' }] } },
      },
    };
    const patched = await collection.patch('w', 'strategic', patch);
    expect(patched).toMatchObject(patch);
    expect(patched.metadata.generation).toBe(2);
    expect((await cluster.of(deployments.resource).list({ labelSelector: `e2e=${label}` })).items).toMatchObject([
      patch,
    ]);
    const status = { readyReplicas: 2, replicas: 2 };
    expect(statusOf(await collection.patch('w', 'merge', { status }, { subresource: 'status' }))).toMatchObject(status);
    const template = (patched['spec'] as { template: Draft }).template;
    const scaled = await collection.patch('w', 'strategic', { spec: { replicas: 3 } });
    expect((scaled['spec'] as { template: Draft }).template).toEqual(template);
    await collection.deleteCollection({ labelSelector: `e2e=${label}` });
    await watching.event('DELETED', 'w');
  });

  coversPart(
    '[sig-apps] ReplicationController should test the lifecycle of a ReplicationController',
    pods,
    async (cluster) => {
      const label = unique('e2e');
      const collection = cluster.of(replicationControllers.resource, await cluster.namespace());
      using watching = await collection.watch({ labelSelector: `e2e=${label}` });
      await collection.create(draft(replicationControllers, 'w', label));
      await watching.event('ADDED', 'w');
      const status = { subresource: 'status' };
      const patched = await collection.patch('w', 'strategic', { metadata: { labels: { patched: 'yes' } } });
      expect(patched.metadata.labels).toEqual({ e2e: label, patched: 'yes' });
      const counts = { readyReplicas: 0, availableReplicas: 0, replicas: 0 };
      expect(statusOf(await collection.patch('w', 'merge', { status: counts }, status))['replicas']).toBe(0);
      expect((await collection.get('w', 'status')).metadata.uid).toBe(patched.metadata.uid);
      await collection.patch('w', 'merge', { spec: { replicas: 2 } }, { subresource: 'scale' });
      const current = await collection.get('w');
      expect(replicasOf(current)).toBe(2);
      const more = await collection.replace(
        { ...current, status: { ...statusOf(current), replicas: 5 } } as Obj,
        status,
      );
      expect(statusOf(more)).toMatchObject({ replicas: 5 });
      // By default the dependents would be orphaned first, which takes the garbage collector.
      await collection.deleteCollection({ labelSelector: `e2e=${label}`, propagationPolicy: 'Background' });
      await watching.event('DELETED', 'w');
    },
  );

  coversPart('[sig-apps] ReplicaSet Replace and Patch tests', pods, async (cluster) => {
    const label = unique('e2e');
    const collection = cluster.of(replicaSets.resource, await cluster.namespace());
    const created = await collection.create(draft(replicaSets, 'w', label));
    const spec = { ...(created['spec'] as Draft), replicas: 2 };
    const replaced = await collection.replace({ ...created, spec } as Obj);
    expect(replaced['spec']).toEqual(spec);
    expect(replaced.metadata.generation).toBe(2);
    const patch = {
      metadata: { labels: { patched: 'yes' } },
      spec: {
        replicas: 3,
        template: { spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: 'other:1' }] } },
      },
    };
    expect(await collection.patch('w', 'strategic', patch)).toMatchObject(patch);
  });

  coversPart(
    '[sig-apps] ControllerRevision [Serial] should manage the lifecycle of a ControllerRevision',
    'the DaemonSet controller that makes revisions',
    async (cluster) => {
      const collection = cluster.of('apps/v1/controllerrevisions', await cluster.namespace());
      const revision = (name: string, number: number): Draft => ({
        apiVersion: 'apps/v1',
        kind: 'ControllerRevision',
        metadata: { name, labels: { e2e: 'revision' } },
        data: { spec: { template: podTemplate({ a: 'b' }) } },
        revision: number,
      });
      const count = async (labelSelector: string): Promise<number> =>
        (await collection.list({ labelSelector })).items.length;
      const first = await collection.create(revision('r1', 1));
      expect(first['data']).toEqual({ spec: { template: podTemplate({ a: 'b' }) } });
      const patched = await collection.patch('r1', 'strategic', { metadata: { labels: { r1: 'patched' } } });
      expect(patched.metadata.labels).toEqual({ e2e: 'revision', r1: 'patched' });
      await collection.create(revision('r2', 2));
      expect(await count('e2e=revision')).toBe(2);
      await collection.delete('r1');
      expect(await count('e2e=revision')).toBe(1);
      const second = await collection.get('r2');
      const updated = await collection.replace(labelled({ ...second, revision: 3 } as Obj, { r2: 'updated' }));
      expect(updated).toMatchObject({ revision: 3, metadata: { labels: { r2: 'updated' } } });
      await expect(collection.replace({ ...updated, data: { other: 1 } } as Obj)).rejects.toMatchObject({ code: 422 });
      await collection.create(revision('r4', 4));
      await collection.deleteCollection({ labelSelector: 'r2=updated' });
      expect((await collection.list()).items.map((item) => item['revision'])).toEqual([4]);
    },
  );
});

describe('jobs', () => {
  covers('[sig-apps] Job should manage the lifecycle of a job', async (cluster) => {
    const label = unique('e2e');
    const collection = cluster.of(jobs.resource, await cluster.namespace());
    using watching = await cluster.of(jobs.resource).watch({ labelSelector: `e2e=${label}` });
    const created = await collection.create(draft(jobs, 'j', label, { suspend: true }));
    expect(created['spec']).toMatchObject({ suspend: true, backoffLimit: 6, completionMode: 'NonIndexed' });
    await watching.event('ADDED', 'j');
    const patched = await collection.patch('j', 'strategic', { metadata: { labels: { patched: 'true' } } });
    expect(patched.metadata.labels).toMatchObject({ patched: 'true' });
    const replaced = await collection.replace(
      annotated({ ...patched, spec: { ...(patched['spec'] as Draft), suspend: false } } as Obj, { updated: 'true' }),
    );
    expect(replaced.metadata.annotations).toMatchObject({ updated: 'true' });
    expect(replaced['spec']).toMatchObject({ suspend: false });
    const everywhere = cluster.of(jobs.resource);
    expect((await everywhere.list({ labelSelector: `e2e=${label}` })).items).toHaveLength(1);
    await collection.deleteCollection({ labelSelector: `e2e=${label}`, propagationPolicy: 'Background' });
    expect((await everywhere.list({ labelSelector: `e2e=${label}` })).items).toEqual([]);
    await watching.event('DELETED', 'j');
  });

  coversPart('[sig-apps] Job should apply changes to a job status', pods, async (cluster) => {
    const collection = cluster.of(jobs.resource, await cluster.namespace());
    await collection.create(draft(jobs, 'j', 'e2e'));
    const status = { subresource: 'status' };
    const startTime = '2026-01-02T03:04:05Z';
    const patch = { metadata: { annotations: { patchedstatus: 'true' } }, status: { startTime } };
    const patched = await collection.patch('j', 'merge', patch, status);
    expect(patched).toMatchObject(patch);
    const later = { ...statusOf(patched), active: 2, ready: 0 };
    const updated = await collection.replace({ ...patched, status: later } as Obj, status);
    expect(statusOf(updated)).toEqual(later);
    expect(await collection.get('j', 'status')).toEqual(updated);
  });
});

describe('disruption budgets', () => {
  const budget = (name: string, label: string, minAvailable: number | string = 1): Draft => ({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name, labels: { e2e: label } },
    spec: { selector: { matchLabels: { app: label } }, minAvailable },
  });
  const allowed = (generation: number | undefined, disruptionsAllowed: number): Draft => ({
    observedGeneration: generation,
    disruptionsAllowed,
    currentHealthy: 1 + disruptionsAllowed,
    desiredHealthy: 1,
    expectedPods: 1 + disruptionsAllowed,
  });

  covers('[sig-apps] DisruptionController should create a PodDisruptionBudget', async (cluster) => {
    const collection = cluster.of('policy/v1/poddisruptionbudgets', await cluster.namespace());
    const created = await collection.create(budget('b', 'x', '1%'));
    expect(created['spec']).toMatchObject({ minAvailable: '1%' });
    const spec = { ...(created['spec'] as Draft), minAvailable: '2%' };
    const updated = await collection.replace({ ...created, spec } as Obj);
    expect(updated['spec']).toEqual(spec);
    expect(updated.metadata.generation).toBe(2);
    const patched = await collection.patch('b', 'merge', { spec: { minAvailable: '3%' } });
    expect(patched['spec']).toMatchObject({ minAvailable: '3%' });
    await collection.delete('b');
    await expect(collection.get('b')).rejects.toMatchObject({ code: 404 });
  });

  covers(
    '[sig-apps] DisruptionController Listing PodDisruptionBudgets for all namespaces should list and delete a collection of PodDisruptionBudgets',
    async (cluster) => {
      const label = unique('e2e');
      const first = cluster.of('policy/v1/poddisruptionbudgets', await cluster.namespace());
      const second = cluster.of('policy/v1/poddisruptionbudgets', await cluster.namespace());
      await first.create(budget('b1', label));
      await first.create(budget('b2', label));
      await second.create(budget('b3', label));
      const everywhere = cluster.of('policy/v1/poddisruptionbudgets');
      const listed = async (): Promise<string[]> =>
        (await everywhere.list({ labelSelector: `e2e=${label}` })).items
          .map(({ metadata }) => metadata.name)
          .toSorted();
      expect(await listed()).toEqual(['b1', 'b2', 'b3']);
      await first.deleteCollection({ labelSelector: `e2e=${label}` });
      expect(await listed()).toEqual(['b3']);
    },
  );

  covers('[sig-apps] DisruptionController should update/patch PodDisruptionBudget status', async (cluster) => {
    const collection = cluster.of('policy/v1/poddisruptionbudgets', await cluster.namespace());
    const created = await collection.create(budget('b', 'x'));
    const status = { subresource: 'status' };
    const disruptedPods = { pod1: '2026-01-02T03:04:05Z' };
    const first = { ...allowed(1, 0), disruptedPods };
    const updated = await collection.replace({ ...created, status: first } as Obj, status);
    expect(statusOf(updated)).toMatchObject(first);
    const patch = { status: { disruptedPods: { pod2: '2026-01-02T03:04:06Z' } } };
    const patched = await collection.patch('b', 'merge', patch, status);
    expect(statusOf(patched)['disruptedPods']).toEqual({ ...disruptedPods, ...patch.status.disruptedPods });
  });

  coversPart(
    '[sig-apps] DisruptionController should block an eviction until the PDB is updated to allow it',
    'the controller that counts healthy pods',
    async (cluster) => {
      const namespace = await cluster.namespace();
      const budgets = cluster.of('policy/v1/poddisruptionbudgets', namespace);
      const collection = cluster.of('v1/pods', namespace);
      const pod = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'p', labels: { app: 'x' } },
        spec: { containers },
      };
      const running = await collection.create(pod);
      const ready = [{ type: 'Ready', status: 'True' }];
      await collection.replace({ ...running, status: { phase: 'Running', conditions: ready } } as Obj, {
        subresource: 'status',
      });
      const created = await budgets.create(budget('b', 'x'));
      const status = { subresource: 'status' };
      const blocked = await budgets.replace({ ...created, status: allowed(1, 0) } as Obj, status);
      const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'p', namespace } };
      const refused = await collection.createAt('p', 'eviction', eviction).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: 429, reason: 'TooManyRequests' });
      expect(String(refused)).toContain("Cannot evict pod as it would violate the pod's disruption budget.");
      expect((await collection.get('p')).metadata.deletionTimestamp).toBeUndefined();
      await budgets.replace({ ...blocked, status: allowed(1, 1) } as Obj, status);
      await collection.createAt('p', 'eviction', eviction);
      await expect(collection.get('p')).rejects.toMatchObject({ code: 404 });
      expect(statusOf(await budgets.get('b'))['disruptionsAllowed']).toBe(0);
    },
  );
});
