/** Order, revisions and replacement of stateful pods: upstream's `test/e2e/apps/statefulset.go`. */
import { describe, expect } from 'vitest';
import { covers, coversPart, useNodes } from './covers.ts';
import { unique, type Cluster, type Draft, type Obj } from './cluster.ts';
import type { Collection } from './collection.ts';
import { conditionOf, isLive, isReady, isTrue, namesOf, pod, podSpec, readyPods } from './pods.ts';
import { condition } from './samples.ts';
import { becomes, change, lists, vanishes } from './waiting.ts';
import type { WatchEvent } from './watching.ts';

useNodes();

const basic = '[sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic]';
const labels = { foo: 'bar', baz: 'blah' };
const selector = 'foo=bar,baz=blah';
const httpd = 'registry.k8s.io/e2e-test-images/httpd:2.4.38-4';
const newHttpd = 'registry.k8s.io/e2e-test-images/httpd:2.4.39-4';
/** Where upstream breaks the probe of a pod by a command in it, these tests close a gate of its readiness. */
const gate = 'conformance.example.com/Healthy';

interface Place {
  readonly sets: Collection;
  readonly pods: Collection;
  readonly namespace: string;
}

async function place(cluster: Cluster): Promise<Place> {
  const namespace = await cluster.namespace();
  const spec = { clusterIP: 'None', selector: labels, ports: [{ name: 'http', port: 80 }] };
  await cluster
    .of('v1/services', namespace)
    .create({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'test' }, spec });
  return { namespace, sets: cluster.of('apps/v1/statefulsets', namespace), pods: cluster.of('v1/pods', namespace) };
}

const podSpecOf = (image: string, rest: Draft = {}): Draft => ({
  terminationGracePeriodSeconds: 0,
  containers: [{ name: 'webserver', image }],
  ...rest,
});

const set = (name: string, replicas: number, spec: Draft = {}, template: Draft = {}): Draft => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name, labels },
  spec: {
    replicas,
    serviceName: 'test',
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: podSpecOf(httpd, template) },
    ...spec,
  },
});

interface Status {
  readonly replicas: number;
  readonly readyReplicas?: number;
  readonly updatedReplicas?: number;
  readonly currentReplicas?: number;
  readonly currentRevision: string;
  readonly updateRevision: string;
  readonly observedGeneration?: number;
}
const statusOf = (object: Obj): Status => object['status'] as Status;
const seen = (object: Obj): boolean => statusOf(object).observedGeneration === object.metadata.generation;

const gated = { readinessGates: [{ conditionType: gate }] };

/** Opens or closes the gate of a pod. */
async function setGate(pods: Collection, name: string, open: boolean): Promise<void> {
  const conditions = [{ type: gate, status: open ? 'True' : 'False' }];
  await pods.patch(name, 'strategic', { status: { conditions } }, { subresource: 'status' });
}

/** The same, seen by the node that runs the pod. */
async function setHealthy(pods: Collection, name: string, healthy: boolean): Promise<void> {
  await setGate(pods, name, healthy);
  await becomes(pods, name, (object) => isReady(object) === healthy);
}

const imageOf = (object: Obj): string => podSpec(object).containers[0]!.image;
const revisionOf = ({ metadata }: Obj): string | undefined => metadata.labels?.['controller-revision-hash'];

const scaled =
  (replicas: number) =>
  (object: Obj): Obj => ({
    ...object,
    spec: { ...(object['spec'] as Draft), replicas },
  });

/** Names in the order in which the watch told of them first, or last. */
const orderOf = (events: readonly WatchEvent[], type: string): string[] =>
  events.filter((event) => event.type === type).map(({ object }) => object.metadata.name);

describe('scaling', () => {
  covers(
    `${basic} Scaling should happen in predictable order and halt if any stateful pod is unhealthy [Slow]`,
    async (cluster) => {
      const { sets, pods } = await place(cluster);
      using watching = await pods.watch({ labelSelector: selector });
      await sets.create(set('ss', 1, {}, gated));
      await becomes(pods, 'ss-0', (object) => conditionOf(object, 'ContainersReady')?.status === 'True');
      await change(sets, 'ss', scaled(3));
      // The first is not healthy: no second.
      await becomes(sets, 'ss', (object) => seen(object) && statusOf(object).replicas === 1);
      expect(namesOf((await pods.list()).items)).toEqual(['ss-0']);
      for (const name of ['ss-0', 'ss-1', 'ss-2']) {
        await becomes(pods, name, () => true);
        await setHealthy(pods, name, true);
      }
      await becomes(sets, 'ss', (object) => statusOf(object).readyReplicas === 3);
      expect(orderOf(watching.events, 'ADDED')).toEqual(['ss-0', 'ss-1', 'ss-2']);
      // Nor does scaling down begin while they are unhealthy.
      for (const name of ['ss-0', 'ss-1', 'ss-2']) await setHealthy(pods, name, false);
      await becomes(sets, 'ss', (object) => (statusOf(object).readyReplicas ?? 0) === 0);
      await change(sets, 'ss', scaled(0));
      await becomes(sets, 'ss', (object) => seen(object) && statusOf(object).replicas === 3);
      expect((await pods.list()).items.filter(isLive)).toHaveLength(3);
      // The last may go once it is the only one that is unhealthy; then the others follow.
      for (const name of ['ss-0', 'ss-1']) await setGate(pods, name, true);
      await lists(pods, {}, (all) => all.length === 0);
      expect(orderOf(watching.events, 'DELETED')).toEqual(['ss-2', 'ss-1', 'ss-0']);
      await becomes(sets, 'ss', (object) => statusOf(object).replicas === 0);
    },
  );

  covers(`${basic} Burst scaling should run to completion even with unhealthy pods [Slow]`, async (cluster) => {
    const { sets, pods } = await place(cluster);
    await sets.create(set('ss', 1, { podManagementPolicy: 'Parallel' }, gated));
    await becomes(pods, 'ss-0', () => true);
    await setHealthy(pods, 'ss-0', false);
    await change(sets, 'ss', scaled(3));
    await lists(pods, {}, (all) => all.length === 3);
    for (const name of ['ss-0', 'ss-1', 'ss-2']) await setHealthy(pods, name, true);
    await becomes(sets, 'ss', (object) => statusOf(object).readyReplicas === 3);
    for (const name of ['ss-0', 'ss-1', 'ss-2']) await setHealthy(pods, name, false);
    await change(sets, 'ss', scaled(0));
    await lists(pods, {}, (all) => all.length === 0);
    await becomes(sets, 'ss', (object) => statusOf(object).replicas === 0);
  });

  covers(`${basic} should have a working scale subresource`, async (cluster) => {
    const { sets, pods } = await place(cluster);
    await sets.create(set('ss', 1));
    await readyPods(pods, selector, 1);
    const scale = await sets.get('ss', 'scale');
    expect(scale).toMatchObject({ kind: 'Scale', spec: { replicas: 1 }, status: { replicas: 1 } });
    const { resourceVersion: _, ...metadata } = scale.metadata;
    const twice = { ...scale, metadata, spec: { replicas: 2 } } as unknown as Obj;
    expect((await sets.replace(twice, { subresource: 'scale' }))['spec']).toEqual({ replicas: 2 });
    await readyPods(pods, selector, 2);
    await sets.patch('ss', 'merge', { spec: { replicas: 4 } }, { subresource: 'scale' });
    expect(await sets.get('ss')).toMatchObject({ spec: { replicas: 4 } });
    await readyPods(pods, selector, 4);
  });
});

const withImage =
  (image: string) =>
  (object: Obj): Obj => {
    const spec = object['spec'] as { template: { spec: Draft } };
    const containers = [{ name: 'webserver', image }];
    const template = { ...spec.template, spec: { ...spec.template.spec, containers } };
    return { ...object, spec: { ...spec, template } } as Obj;
  };

const partitioned =
  (partition: number) =>
  (object: Obj): Obj => ({
    ...object,
    spec: { ...(object['spec'] as Draft), updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition } } },
  });

/** Waits until the pods have these images, by ordinal, and are ready. */
async function run(pods: Collection, images: readonly string[]): Promise<readonly Obj[]> {
  const name = (object: Obj): string => object.metadata.name;
  const want = JSON.stringify(images);
  const fits = (all: readonly Obj[]): boolean =>
    all.every((each) => isReady(each) && isLive(each)) &&
    JSON.stringify(all.toSorted((a, b) => (name(a) < name(b) ? -1 : 1)).map(imageOf)) === want;
  return await lists(pods, { labelSelector: selector }, fits, want);
}

describe('revisions', () => {
  covers(`${basic} should perform rolling updates and roll backs of template modifications`, async (cluster) => {
    const { sets, pods } = await place(cluster);
    await sets.create(set('ss2', 3));
    await run(pods, [httpd, httpd, httpd]);
    const first = await becomes(sets, 'ss2', (o) => seen(o) && statusOf(o).readyReplicas === 3);
    const { currentRevision } = statusOf(first);
    expect(statusOf(first).updateRevision).toBe(currentRevision);
    const roll = async (image: string): Promise<Status> => {
      using watching = await pods.watch({ labelSelector: selector });
      await change(sets, 'ss2', withImage(image));
      const done = (object: Obj): boolean =>
        seen(object) && statusOf(object).currentRevision === statusOf(object).updateRevision;
      await run(pods, [image, image, image]);
      const status = statusOf(await becomes(sets, 'ss2', done));
      expect(orderOf(watching.events, 'DELETED')).toEqual(['ss2-2', 'ss2-1', 'ss2-0']);
      return status;
    };
    const second = await roll(newHttpd);
    expect(second.updateRevision).not.toBe(currentRevision);
    const pod1 = await becomes(pods, 'ss2-1', isReady);
    expect(revisionOf(pod1)).toBe(second.currentRevision);
    // The old template again is the old revision again.
    const back = await roll(httpd);
    expect(back.currentRevision).toBe(currentRevision);
    const revisions = (await cluster.of('apps/v1/controllerrevisions', first.metadata.namespace).list()).items;
    expect(revisions.map(({ metadata }) => metadata.name)).toContain(currentRevision);
    expect(revisions).toHaveLength(2);
  });

  covers(
    `${basic} should perform canary updates and phased rolling updates of template modifications`,
    async (cluster) => {
      const { sets, pods } = await place(cluster);
      const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { partition: 3 } };
      await sets.create(set('ss2', 3, { updateStrategy }));
      await run(pods, [httpd, httpd, httpd]);
      const before = statusOf(await becomes(sets, 'ss2', (o) => seen(o) && statusOf(o).readyReplicas === 3));
      await change(sets, 'ss2', withImage(newHttpd));
      const { updateRevision } = statusOf(
        await becomes(sets, 'ss2', (o) => seen(o) && statusOf(o).updateRevision !== before.currentRevision),
      );
      // The partition is greater than the number of replicas: nothing is updated.
      await run(pods, [httpd, httpd, httpd]);
      await change(sets, 'ss2', partitioned(2));
      await run(pods, [httpd, httpd, newHttpd]);
      // Pods that are deleted come back in the revision of their side of the partition.
      const old = (await pods.list()).items;
      for (const { metadata } of old) await pods.delete(metadata.name);
      for (const { metadata } of old) await vanishes(pods, metadata.name, metadata.uid);
      const again = await run(pods, [httpd, httpd, newHttpd]);
      const revisions = again.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)).map(revisionOf);
      expect(revisions).toEqual([before.currentRevision, before.currentRevision, updateRevision]);
      for (const [partition, images] of [
        [1, [httpd, newHttpd, newHttpd]],
        [0, [newHttpd, newHttpd, newHttpd]],
      ] as const) {
        await change(sets, 'ss2', partitioned(partition));
        await run(pods, images);
      }
      const after = await becomes(sets, 'ss2', (o) => seen(o) && statusOf(o).currentRevision === updateRevision);
      expect(statusOf(after)).toMatchObject({ updateRevision, updatedReplicas: 3, currentReplicas: 3 });
    },
  );
});

describe('replacement', () => {
  coversPart(`${basic} Should recreate evicted statefulset`, 'the kubelet that refuses the pod', async (cluster) => {
    const { sets, pods } = await place(cluster);
    const ports = [{ name: 'conflict', containerPort: 21_017, hostPort: 21_017 }];
    const containers = [{ name: 'webserver', image: httpd, ports }];
    const node = (await cluster.of('v1/nodes').list()).items[0]!.metadata.name;
    await pods.create(pod('test-pod', { nodeName: node, containers }));
    await becomes(pods, 'test-pod', isReady);
    await sets.create(set('ss', 1, {}, { nodeName: node, containers }));
    const first = await becomes(pods, 'ss-0', () => true);
    // Says what a kubelet says that has no such port left.
    const status = { phase: 'Failed', reason: 'NodePorts', message: 'Pod was rejected' };
    await pods.patch('ss-0', 'strategic', { status }, { subresource: 'status' });
    await vanishes(pods, 'ss-0', first.metadata.uid);
    await pods.delete('test-pod');
    await becomes(pods, 'ss-0', (object) => object.metadata.uid !== first.metadata.uid && isReady(object));
  });
});

describe('the object', () => {
  covers(`${basic} should list, patch and delete a collection of StatefulSets`, async (cluster) => {
    const { sets, pods } = await place(cluster);
    const label = unique('e2e');
    await sets.create({ ...set('test-ss', 1), metadata: { name: 'test-ss', labels: { e2e: label } } });
    await readyPods(pods, selector, 1);
    const everywhere = cluster.of('apps/v1/statefulsets');
    expect((await everywhere.list({ labelSelector: `e2e=${label}` })).items).toHaveLength(1);
    const patch = {
      metadata: { labels: { 'test-ss': 'patched' } },
      spec: { replicas: 2, template: { spec: podSpecOf(newHttpd) } },
    };
    expect(await sets.patch('test-ss', 'strategic', patch)).toMatchObject(patch);
    await run(pods, [newHttpd, newHttpd]);
    await becomes(sets, 'test-ss', (object) => seen(object) && statusOf(object).readyReplicas === 2);
    await sets.deleteCollection({ labelSelector: 'test-ss=patched' });
    await lists(everywhere, { labelSelector: `e2e=${label}` }, (all) => all.length === 0);
  });

  covers(`${basic} should validate Statefulset Status endpoints`, async (cluster) => {
    const { sets, pods } = await place(cluster);
    const label = unique('e2e');
    await sets.create({ ...set('ss', 1), metadata: { name: 'ss', labels: { e2e: label } } });
    await readyPods(pods, selector, 1);
    using watching = await cluster.of('apps/v1/statefulsets').watch({ labelSelector: `e2e=${label}` });
    expect(statusOf(await sets.get('ss', 'status')).replicas).toBe(1);
    const status = { subresource: 'status' };
    const conditions = [condition('StatusUpdate')];
    await change(
      sets,
      'ss',
      (object) => ({ ...object, status: { ...(object['status'] as Draft), conditions } }),
      status,
    );
    await watching.event('MODIFIED', 'ss', (object) => isTrue(object, 'StatusUpdate'));
    expect(isTrue(await sets.get('ss', 'status'), 'StatusUpdate')).toBe(true);
    await sets.patch('ss', 'merge', { status: { conditions: [condition('StatusPatched')] } }, status);
    await watching.event('MODIFIED', 'ss', (object) => isTrue(object, 'StatusPatched'));
  });
});
