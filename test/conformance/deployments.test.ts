/** Rollouts: upstream's `test/e2e/apps/deployment.go`. */
import { describe, expect } from 'vitest';
import { covers, useNodes } from './covers.ts';
import { unique, type Cluster, type Draft, type Obj } from './cluster.ts';
import type { Collection } from './collection.ts';
import { conditionOf, controllerOf, isLive, isReady, isTrue, readyPods } from './pods.ts';
import { condition } from './samples.ts';
import { becomes, change, lists, vanishes } from './waiting.ts';

useNodes();

interface Place {
  readonly deployments: Collection;
  readonly replicaSets: Collection;
  readonly pods: Collection;
}

async function place(cluster: Cluster): Promise<Place> {
  const namespace = await cluster.namespace();
  return {
    deployments: cluster.of('apps/v1/deployments', namespace),
    replicaSets: cluster.of('apps/v1/replicasets', namespace),
    pods: cluster.of('v1/pods', namespace),
  };
}

const labels = { name: 'sample-pod' };
const selector = 'name=sample-pod';
const httpd = 'registry.k8s.io/e2e-test-images/httpd:2.4.38-4';
const agnhost = 'registry.k8s.io/e2e-test-images/agnhost:2.53';
/** Names no image: on simulated nodes by their default stages, elsewhere because there is none. */
const missing = 'webserver:missing';

const template = (image: string): Draft => ({
  metadata: { labels },
  spec: { containers: [{ name: 'c', image }], terminationGracePeriodSeconds: 0 },
});

const replicaSet = (name: string, replicas: number, image: string): Draft => ({
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: { name, labels },
  spec: { replicas, selector: { matchLabels: labels }, template: template(image) },
});

const deployment = (name: string, spec: Draft, own: Draft = {}): Draft => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, labels: own },
  spec: { replicas: 1, selector: { matchLabels: labels }, template: template(agnhost), ...spec },
});

interface Counts {
  readonly replicas?: number;
  readonly updatedReplicas?: number;
  readonly availableReplicas?: number;
  readonly readyReplicas?: number;
  readonly observedGeneration?: number;
}
const statusOf = (object: Obj): Counts => object['status'] as Counts;
const specOf = (object: Obj): { readonly replicas: number; readonly template: Draft } =>
  object['spec'] as { replicas: number; template: Draft };
const revisionOf = ({ metadata }: Obj): string | undefined =>
  metadata.annotations?.['deployment.kubernetes.io/revision'];
const imageOf = (object: Obj): string =>
  (specOf(object).template as { spec: { containers: { image: string }[] } }).spec.containers[0]!.image;

const complete = (object: Obj): boolean => {
  const { replicas } = specOf(object);
  const status = statusOf(object);
  const { replicas: all, updatedReplicas, availableReplicas, observedGeneration } = status;
  const counted = [all ?? 0, updatedReplicas ?? 0, availableReplicas ?? 0].every((count) => count === replicas);
  return counted && observedGeneration === object.metadata.generation;
};

const withImage =
  (image: string) =>
  (object: Obj): Obj => ({
    ...object,
    spec: { ...(object['spec'] as Draft), template: template(image) },
  });

/** The one replica set of that image. */
async function setOf({ replicaSets }: Place, image: string): Promise<Obj> {
  const of = (all: readonly Obj[]): Obj | undefined => all.find((set) => imageOf(set) === image);
  return of(await lists(replicaSets, {}, (all) => of(all) !== undefined, `a replica set of ${image}`))!;
}

describe('rollouts', () => {
  covers(
    '[sig-apps] Deployment RollingUpdateDeployment should delete old pods and create new ones',
    async (cluster) => {
      const where = await place(cluster);
      const { deployments, replicaSets, pods } = where;
      const annotations = { 'deployment.kubernetes.io/revision': '3546343826724305832' };
      const old = replicaSet('test-rolling-update-controller', 1, httpd);
      await replicaSets.create({ ...old, metadata: { name: 'test-rolling-update-controller', labels, annotations } });
      await readyPods(pods, selector, 1);
      const created = await deployments.create(deployment('test-rolling-update-deployment', {}));
      await becomes(deployments, created.metadata.name, complete);
      const adopted = await becomes(
        replicaSets,
        'test-rolling-update-controller',
        (set) => specOf(set).replicas === 0 && (statusOf(set).replicas ?? 0) === 0,
      );
      expect(controllerOf(adopted)).toBe(created.metadata.uid);
      const fresh = await setOf(where, agnhost);
      expect(revisionOf(fresh)).toBe('3546343826724305833');
      expect(revisionOf(await deployments.get(created.metadata.name))).toBe('3546343826724305833');
      const [left] = await readyPods(pods, selector, 1);
      expect(controllerOf(left!)).toBe(fresh.metadata.uid);
    },
  );

  covers('[sig-apps] Deployment RecreateDeployment should delete old pods and create new ones', async (cluster) => {
    const { deployments, pods } = await place(cluster);
    const name = 'test-recreate-deployment';
    await deployments.create(deployment(name, { strategy: { type: 'Recreate' } }));
    const first = await becomes(deployments, name, complete);
    expect(revisionOf(first)).toBe('1');
    using watching = await pods.watch({ labelSelector: selector });
    await change(deployments, name, withImage(httpd));
    const second = await becomes(deployments, name, complete);
    expect(revisionOf(second)).toBe('2');
    // At no time do pods of both templates exist and run.
    const live = new Map<string, Obj>();
    for (const { type, object } of watching.events) {
      if (type === 'DELETED') live.delete(object.metadata.uid);
      else live.set(object.metadata.uid, object);
      const active = [...live.values()].filter((p) => isLive(p) || isReady(p));
      expect(new Set(active.map(controllerOf)).size).toBeLessThan(2);
    }
    expect(watching.events.some(({ type }) => type === 'DELETED')).toBe(true);
  });

  covers('[sig-apps] Deployment deployment should delete old replica sets', async (cluster) => {
    const { deployments, replicaSets, pods } = await place(cluster);
    await replicaSets.create(replicaSet('test-cleanup-controller', 1, httpd));
    await readyPods(pods, selector, 1);
    const name = 'test-cleanup-deployment';
    await deployments.create(deployment(name, { revisionHistoryLimit: 0 }));
    await becomes(deployments, name, complete);
    await vanishes(replicaSets, 'test-cleanup-controller');
    const sets = await lists(replicaSets, {}, (all) => all.length === 1);
    expect(imageOf(sets[0]!)).toBe(agnhost);
  });

  covers('[sig-apps] Deployment deployment should support rollover', async (cluster) => {
    const where = await place(cluster);
    const { deployments, replicaSets, pods } = where;
    await replicaSets.create(replicaSet('test-rollover-controller', 1, httpd));
    await readyPods(pods, selector, 1);
    const name = 'test-rollover-deployment';
    const rollingUpdate = { maxUnavailable: 0, maxSurge: 1 };
    await deployments.create(
      deployment(name, { template: template(missing), strategy: { type: 'RollingUpdate', rollingUpdate } }),
    );
    const stuck = await setOf(where, missing);
    // It has made its pod, which will never be ready; the old one has to stay.
    await becomes(replicaSets, stuck.metadata.name, (set) => statusOf(set).replicas === 1);
    expect(specOf(await replicaSets.get('test-rollover-controller')).replicas).toBe(1);
    await change(deployments, name, (object) => ({
      ...withImage(agnhost)(object),
      spec: { ...(withImage(agnhost)(object)['spec'] as Draft), minReadySeconds: 1 },
    }));
    const fresh = await setOf(where, agnhost);
    expect(revisionOf(fresh)).toBe('2');
    await becomes(deployments, name, complete);
    for (const old of ['test-rollover-controller', stuck.metadata.name]) {
      await becomes(replicaSets, old, (set) => specOf(set).replicas === 0 && (statusOf(set).replicas ?? 0) === 0);
    }
    const [left] = await readyPods(pods, selector, 1);
    expect(controllerOf(left!)).toBe(fresh.metadata.uid);
  });

  covers('[sig-apps] Deployment deployment should support proportional scaling', async (cluster) => {
    const where = await place(cluster);
    const { deployments, replicaSets, pods } = where;
    const name = 'webserver-deployment';
    const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } };
    await deployments.create(deployment(name, { replicas: 10, template: template(httpd), strategy }));
    await readyPods(pods, selector, 10);
    const first = await setOf(where, httpd);
    await change(deployments, name, withImage(missing));
    const second = await setOf(where, missing);
    // 10 - maxUnavailable stay available, and 10 + maxSurge is the most there may be.
    await becomes(replicaSets, first.metadata.name, (set) => statusOf(set).availableReplicas === 8);
    await becomes(replicaSets, second.metadata.name, (set) => specOf(set).replicas === 5);
    await becomes(deployments, name, (object) => statusOf(object).observedGeneration === object.metadata.generation);
    await change(deployments, name, (object) => ({
      ...object,
      spec: { ...(object['spec'] as Draft), replicas: 30 },
    }));
    await becomes(replicaSets, first.metadata.name, (set) => specOf(set).replicas === 20);
    await becomes(replicaSets, second.metadata.name, (set) => specOf(set).replicas === 13);
  });
});

describe('the object', () => {
  covers('[sig-apps] Deployment Deployment should have a working scale subresource', async (cluster) => {
    const { deployments, pods } = await place(cluster);
    const name = 'test-new-deployment';
    await deployments.create(deployment(name, {}));
    await readyPods(pods, selector, 1);
    const scale = await deployments.get(name, 'scale');
    expect(scale).toMatchObject({ kind: 'Scale', spec: { replicas: 1 }, status: { selector } });
    const { resourceVersion: _, ...metadata } = scale.metadata;
    const twice = { ...scale, metadata, spec: { replicas: 2 } } as unknown as Obj;
    await deployments.replace(twice, { subresource: 'scale' });
    expect(specOf(await deployments.get(name)).replicas).toBe(2);
    await readyPods(pods, selector, 2);
    const patched = await deployments.patch(name, 'merge', { spec: { replicas: 4 } }, { subresource: 'scale' });
    expect(patched['spec']).toEqual({ replicas: 4 });
    expect(specOf(await deployments.get(name)).replicas).toBe(4);
    await readyPods(pods, selector, 4);
  });

  covers('[sig-apps] Deployment should run the lifecycle of a Deployment', async (cluster) => {
    const label = unique('static');
    const { deployments } = await place(cluster);
    const everywhere = cluster.of('apps/v1/deployments');
    const query = { labelSelector: `test-deployment-static=${label}` };
    using watching = await everywhere.watch(query);
    const name = 'test-deployment';
    await deployments.create(deployment(name, { replicas: 2 }, { 'test-deployment-static': label }));
    await watching.event('ADDED', name);
    await watching.event('MODIFIED', name, (object) => statusOf(object).readyReplicas === 2);
    const patch = {
      metadata: { labels: { 'test-deployment': 'patched' } },
      spec: { replicas: 1, template: { spec: { containers: [{ name: 'c', image: httpd }] } } },
    };
    await deployments.patch(name, 'strategic', patch);
    await watching.event('MODIFIED', name, (object) => imageOf(object) === httpd && complete(object));
    const [listed] = (await everywhere.list(query)).items;
    expect(listed).toMatchObject({
      metadata: { name, labels: { 'test-deployment': 'patched' } },
      spec: { replicas: 1 },
    });
    await change(deployments, name, (object) => ({ ...object, spec: { ...(object['spec'] as Draft), replicas: 2 } }));
    await watching.event('MODIFIED', name, (object) => specOf(object).replicas === 2 && complete(object));
    const read = await deployments.get(name, 'status');
    expect(isTrue(read, 'Available')).toBe(true);
    expect(conditionOf(read, 'Progressing')?.reason).toBe('NewReplicaSetAvailable');
    // What is patched into the status is seen by watchers, until the controller counts again.
    const status = { readyReplicas: 0, availableReplicas: 0, conditions: [condition('StatusPatched')] };
    await deployments.patch(name, 'strategic', { status }, { subresource: 'status' });
    await watching.event('MODIFIED', name, (object) => isTrue(object, 'StatusPatched'));
    await watching.event('MODIFIED', name, (object) => statusOf(object).readyReplicas === 2);
    await deployments.deleteCollection(query);
    await watching.event('DELETED', name);
  });

  covers('[sig-apps] Deployment should validate Deployment Status endpoints', async (cluster) => {
    const label = unique('e2e');
    const { deployments } = await place(cluster);
    const name = 'test-deployment-status';
    await deployments.create(deployment(name, {}, { e2e: label }));
    await becomes(deployments, name, complete);
    using watching = await cluster.of('apps/v1/deployments').watch({ labelSelector: `e2e=${label}` });
    expect(statusOf(await deployments.get(name, 'status')).readyReplicas).toBe(1);
    await change(
      deployments,
      name,
      (object) => {
        const { conditions } = object['status'] as { conditions: Draft[] };
        return {
          ...object,
          status: { ...(object['status'] as Draft), conditions: [...conditions, condition('StatusUpdate')] },
        };
      },
      { subresource: 'status' },
    );
    await watching.event('MODIFIED', name, (object) => isTrue(object, 'StatusUpdate'));
    expect(isTrue(await deployments.get(name, 'status'), 'StatusUpdate')).toBe(true);
    const status = { conditions: [condition('StatusPatched')] };
    await deployments.patch(name, 'merge', { status }, { subresource: 'status' });
    await watching.event('MODIFIED', name, (object) => isTrue(object, 'StatusPatched'));
  });
});
