/** What goes with its owners, and what stays: upstream's `test/e2e/apimachinery/garbage_collector.go`. */
import { describe, expect } from 'vitest';
import { covers, useNodes } from './covers.ts';
import { type Cluster, type Draft, type Obj } from './cluster.ts';
import type { Collection } from './collection.ts';
import { controllerOf, isLive, ownersOf, pod, podStatus, readyPods } from './pods.ts';
import { podTemplate } from './samples.ts';
import { becomes, eventually, lists, vanishes } from './waiting.ts';

useNodes();

const labels = { app: 'gc' };
const selector = 'app=gc';
const rc = (name: string, replicas: number, own: Draft = labels): Draft => ({
  apiVersion: 'v1',
  kind: 'ReplicationController',
  metadata: { name },
  spec: { replicas, selector: own, template: podTemplate(own as Record<string, string>) },
});

const deployment = (name: string): Draft => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: { replicas: 2, selector: { matchLabels: labels }, template: podTemplate(labels) },
});

const deleteOptions = (object: Obj, propagationPolicy: string): Draft => ({
  propagationPolicy,
  preconditions: { uid: object.metadata.uid },
});

interface Place {
  readonly controllers: Collection;
  readonly deployments: Collection;
  readonly replicaSets: Collection;
  readonly pods: Collection;
}

async function place(cluster: Cluster): Promise<Place> {
  const namespace = await cluster.namespace();
  return {
    controllers: cluster.of('v1/replicationcontrollers', namespace),
    deployments: cluster.of('apps/v1/deployments', namespace),
    replicaSets: cluster.of('apps/v1/replicasets', namespace),
    pods: cluster.of('v1/pods', namespace),
  };
}

const owner = (object: Obj, kind: string, rest: Draft = {}): Draft => ({
  apiVersion: 'v1',
  kind,
  name: object.metadata.name,
  uid: object.metadata.uid,
  ...rest,
});

const none = (all: readonly Obj[]): boolean => all.length === 0;

/** The garbage collector has dealt with everything before once it has dealt with this. */
async function collectorHasPassed(cluster: Cluster, namespace: string): Promise<void> {
  const maps = cluster.of('v1/configmaps', namespace);
  const gone = { apiVersion: 'v1', kind: 'ConfigMap', name: 'none', uid: crypto.randomUUID() };
  await maps.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'last', ownerReferences: [gone] } });
  await vanishes(maps, 'last');
}

describe('replication controllers', () => {
  covers(
    '[sig-api-machinery] Garbage collector should delete pods created by rc when not orphaning',
    async (cluster) => {
      const { controllers, pods } = await place(cluster);
      const created = await controllers.create(rc('r', 2));
      await lists(pods, { labelSelector: selector }, (all) => all.length > 0);
      await controllers.delete('r', deleteOptions(created, 'Background'));
      await lists(pods, { labelSelector: selector }, none);
      await vanishes(controllers, 'r');
    },
  );

  covers(
    '[sig-api-machinery] Garbage collector should orphan pods created by rc if delete options say so [Serial]',
    async (cluster) => {
      const { controllers, pods } = await place(cluster);
      const created = await controllers.create(rc('r', 10));
      await becomes(controllers, 'r', ({ status }) => (status as { replicas: number }).replicas === 10);
      await lists(pods, { labelSelector: selector }, (all) => all.length === 10);
      await controllers.delete('r', deleteOptions(created, 'Orphan'));
      await vanishes(controllers, 'r');
      const orphans = (await pods.list({ labelSelector: selector })).items;
      expect(orphans).toHaveLength(10);
      expect(orphans.flatMap(ownersOf)).toEqual([]);
      await collectorHasPassed(cluster, orphans[0]!.metadata.namespace!);
      const left = (await pods.list({ labelSelector: selector })).items;
      expect(left.filter(isLive)).toHaveLength(10);
    },
  );

  covers(
    '[sig-api-machinery] Garbage collector should keep the rc around until all its pods are deleted if the deleteOptions says so [Serial]',
    async (cluster) => {
      const { controllers, pods } = await place(cluster);
      const created = await controllers.create(rc('r', 10));
      await readyPods(pods, selector, 10);
      using watching = await controllers.watch({ fieldSelector: 'metadata.name=r' });
      using leaving = await pods.watch({ labelSelector: selector });
      await controllers.delete('r', deleteOptions(created, 'Foreground'));
      const deleted = await watching.event('DELETED', 'r');
      expect(deleted.object.metadata.deletionTimestamp).toBeDefined();
      const marked = watching.events.find(({ object }) => object.metadata.deletionTimestamp !== undefined);
      expect(marked?.object.metadata.finalizers).toEqual(['foregroundDeletion']);
      expect((await pods.list({ labelSelector: selector })).items).toEqual([]);
      const isGone = ({ type }: { type: string }): boolean => type === 'DELETED';
      await leaving.until((events) => events.filter(isGone).length === 10, 'ten deletions');
      const versions = leaving.events.filter(isGone).map(({ object }) => Number(object.metadata.resourceVersion));
      expect(Math.max(...versions)).toBeLessThan(Number(deleted.object.metadata.resourceVersion));
    },
  );

  covers(
    "[sig-api-machinery] Garbage collector should not delete dependents that have both valid owner and owner that's waiting for dependents to be deleted [Serial]",
    async (cluster) => {
      const { controllers, pods } = await place(cluster);
      const doomed = await controllers.create(rc('simpletest-rc-to-be-deleted', 10));
      const staying = await controllers.create(rc('simpletest-rc-to-stay', 0, { another: 'app' }));
      const made = await readyPods(pods, selector, 10);
      const half = made.slice(0, 5).map(({ metadata }) => metadata.name);
      for (const name of half) {
        const ownerReferences = [owner(staying, 'ReplicationController')];
        await pods.patch(name, 'strategic', { metadata: { ownerReferences } });
      }
      await controllers.delete(doomed.metadata.name, deleteOptions(doomed, 'Foreground'));
      await vanishes(controllers, doomed.metadata.name);
      const left = (await pods.list({ labelSelector: selector })).items;
      expect(left.map(({ metadata }) => metadata.name).toSorted()).toEqual(half.toSorted());
      for (const object of left) {
        expect(isLive(object)).toBe(true);
        expect(ownersOf(object).map(({ uid }) => uid)).toEqual([staying.metadata.uid]);
      }
    },
  );
});

describe('deployments', () => {
  covers(
    '[sig-api-machinery] Garbage collector should delete RS created by deployment when not orphaning',
    async (cluster) => {
      const { deployments, replicaSets, pods } = await place(cluster);
      const created = await deployments.create(deployment('d'));
      await lists(replicaSets, {}, (all) => all.length === 1);
      await deployments.delete('d', deleteOptions(created, 'Background'));
      await lists(replicaSets, {}, none);
      await lists(pods, { labelSelector: selector }, none);
    },
  );

  covers(
    '[sig-api-machinery] Garbage collector should orphan RS created by deployment when deleteOptions.PropagationPolicy is Orphan',
    async (cluster) => {
      const { deployments, replicaSets, pods } = await place(cluster);
      const created = await deployments.create(deployment('d'));
      const counted = (all: readonly Obj[]): boolean =>
        (all[0]?.['status'] as { replicas?: number } | undefined)?.replicas === 2;
      const [set] = await lists(replicaSets, {}, counted);
      expect(controllerOf(set!)).toBe(created.metadata.uid);
      await deployments.delete('d', deleteOptions(created, 'Orphan'));
      await vanishes(deployments, 'd');
      await collectorHasPassed(cluster, created.metadata.namespace!);
      const [orphan] = (await replicaSets.list()).items;
      expect(orphan?.metadata.uid).toBe(set!.metadata.uid);
      expect(ownersOf(orphan!)).toEqual([]);
      const left = (await pods.list({ labelSelector: selector })).items;
      expect(left.map(controllerOf)).toEqual([orphan!.metadata.uid, orphan!.metadata.uid]);
    },
  );
});

describe('circles', () => {
  covers('[sig-api-machinery] Garbage collector should not be blocked by dependency circle', async (cluster) => {
    const { pods } = await place(cluster);
    const made = [];
    for (const name of ['pod1', 'pod2', 'pod3']) made.push(await pods.create(pod(name)));
    await eventually(
      async () => (await pods.list()).items.map((object) => podStatus(object).phase),
      (phases) => phases.every((phase) => phase === 'Running'),
      'three pods run',
    );
    for (const [index, { metadata }] of made.entries()) {
      const rest = { controller: true, blockOwnerDeletion: true };
      const ownerReferences = [owner(made[(index + 2) % 3]!, 'Pod', rest)];
      await pods.patch(metadata.name, 'merge', { metadata: { ownerReferences } });
    }
    await pods.delete('pod1', deleteOptions(made[0]!, 'Foreground'));
    await lists(pods, {}, none);
  });
});
