/** What a namespace takes with it, and in which order: upstream's `test/e2e/apimachinery/namespace.go`. */
import { describe, expect } from 'vitest';
import { covers, useNodes } from './covers.ts';
import { unique, type Cluster, type Draft } from './cluster.ts';
import { conditionOf, isReady, pod } from './pods.ts';
import { becomes, find, vanishes } from './waiting.ts';

useNodes(1);

const namespaceDraft = (name: string): Draft => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });

async function again(cluster: Cluster, name: string, resource: string): Promise<void> {
  await cluster.of('v1/namespaces').create(namespaceDraft(name));
  await becomes(cluster.of('v1/serviceaccounts', name), 'default', () => true);
  expect((await cluster.of(resource, name).list()).items).toEqual([]);
}

describe('deletion', () => {
  covers(
    '[sig-api-machinery] Namespaces [Serial] should ensure that all pods are removed when a namespace is deleted',
    async (cluster) => {
      const name = await cluster.namespace();
      const pods = cluster.of('v1/pods', name);
      await pods.create(pod('test-pod'));
      await becomes(pods, 'test-pod', isReady);
      await cluster.of('v1/namespaces').delete(name);
      await vanishes(cluster.of('v1/namespaces'), name);
      await again(cluster, name, 'v1/pods');
    },
  );

  covers(
    '[sig-api-machinery] Namespaces [Serial] should ensure that all services are removed when a namespace is deleted',
    async (cluster) => {
      const name = await cluster.namespace();
      const spec = { selector: { foo: 'bar' }, ports: [{ port: 80, targetPort: 80 }] };
      const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'test-service' }, spec };
      await cluster.of('v1/services', name).create(service);
      await cluster.of('v1/namespaces').delete(name);
      await vanishes(cluster.of('v1/namespaces'), name);
      await again(cluster, name, 'v1/services');
    },
  );

  covers('[sig-api-machinery] OrderedNamespaceDeletion namespace deletion should delete pod first', async (cluster) => {
    const name = await cluster.namespace();
    const pods = cluster.of('v1/pods', name);
    const maps = cluster.of('v1/configmaps', name);
    const namespaces = cluster.of('v1/namespaces');
    const finalizers = [`e2e.example.com/${unique('hold')}`];
    await pods.create(pod('held', {}, { finalizers }));
    await becomes(pods, 'held', isReady);
    await maps.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'configmap-delete' } });
    await namespaces.delete(name);
    await becomes(pods, 'held', ({ metadata }) => metadata.deletionTimestamp !== undefined);
    await becomes(namespaces, name, (object) => {
      const condition = conditionOf(object, 'NamespaceDeletionContentFailure');
      return condition?.status === 'False' && conditionOf(object, 'NamespaceContentRemaining')?.status === 'True';
    });
    expect((await find(maps, 'configmap-delete'))?.metadata.deletionTimestamp).toBeUndefined();
    expect(await find(maps, 'configmap-delete')).toBeDefined();
    await pods.patch('held', 'merge', { metadata: { finalizers: null } });
    await vanishes(pods, 'held');
    await vanishes(maps, 'configmap-delete');
    await vanishes(namespaces, name);
  });
});
