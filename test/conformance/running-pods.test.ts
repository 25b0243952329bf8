/** What clients do to pods while nodes run them: upstream's `test/e2e/common/node/pods.go`. */
import { describe, expect } from 'vitest';
import { covers, useNodes } from './covers.ts';
import { unique, type Draft, type Obj } from './cluster.ts';
import { labelled } from './lifecycle.ts';
import { isReady, isTrue, pod, podSpec, podStatus, readyPods } from './pods.ts';
import { becomes, change, lists } from './waiting.ts';

useNodes(2);

describe('pods', () => {
  covers('[sig-node] Pods should be updated [NodeConformance]', async (cluster) => {
    const label = unique('time');
    const pods = cluster.of('v1/pods', await cluster.namespace());
    await pods.create(pod('pod-update', {}, { labels: { name: 'foo', time: label } }));
    await becomes(pods, 'pod-update', isReady);
    expect((await pods.list({ labelSelector: `time=${label}` })).items).toHaveLength(1);
    await change(pods, 'pod-update', (object) => labelled(object, { time: `${label}-updated` }));
    const [updated] = (await pods.list({ labelSelector: `time=${label}-updated` })).items;
    expect(podStatus(updated!).phase).toBe('Running');
    expect((await pods.list({ labelSelector: `time=${label}` })).items).toEqual([]);
  });

  covers('[sig-node] Pods should delete a collection of pods', async (cluster) => {
    const pods = cluster.of('v1/pods', await cluster.namespace());
    const labels = { type: 'Testing' };
    for (const name of ['test-pod-1', 'test-pod-2', 'test-pod-3'])
      await pods.create(pod(name, { terminationGracePeriodSeconds: 30 }, { labels }));
    await readyPods(pods, 'type=Testing', 3);
    await pods.deleteCollection({ labelSelector: 'type=Testing' });
    await lists(pods, { labelSelector: 'type=Testing' }, (all) => all.length === 0);
  });

  covers('[sig-node] Pods should patch a pod status', async (cluster) => {
    const pods = cluster.of('v1/pods', await cluster.namespace());
    await pods.create(pod('pod'));
    const before = await becomes(pods, 'pod', isReady);
    const said = { message: 'Patched by e2e test', reason: 'E2E' };
    const patched = await pods.patch('pod', 'strategic', { status: said }, { subresource: 'status' });
    expect(patched['status']).toMatchObject({ ...said, phase: 'Running' });
    expect(patched['spec']).toEqual(before['spec']);
    expect((await pods.get('pod', 'status'))['status']).toMatchObject(said);
  });

  covers('[sig-node] Pods should run through the lifecycle of Pods and PodStatus', async (cluster) => {
    const label = unique('static');
    const namespace = await cluster.namespace();
    const pods = cluster.of('v1/pods', namespace);
    const query = { labelSelector: `test-pod-static=${label}` };
    using watching = await cluster.of('v1/pods').watch(query);
    await pods.create(pod('pod-test', { terminationGracePeriodSeconds: 1 }, { labels: { 'test-pod-static': label } }));
    await watching.event('ADDED', 'pod-test');
    await watching.event('MODIFIED', 'pod-test', (object) => isReady(object) && podStatus(object).phase === 'Running');
    const patch = {
      metadata: { labels: { 'test-pod': 'patched' } },
      spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'c', image: 'other:1' }] },
    };
    await pods.patch('pod-test', 'strategic', patch);
    const seen = await watching.event(
      'MODIFIED',
      'pod-test',
      ({ metadata }) => metadata.labels?.['test-pod'] === 'patched',
    );
    expect(podSpec(seen.object).containers[0]?.image).toBe('other:1');
    // Who runs the pod sees at once that somebody else has said something of it, and puts it right.
    const unready = (object: Obj): Obj => {
      const status = object['status'] as { conditions: { type: string }[] };
      const conditions = status.conditions.map((each) => (each.type === 'Ready' ? { ...each, status: 'False' } : each));
      return { ...object, status: { ...(status as Draft), conditions } };
    };
    const replaced = await change(pods, 'pod-test', unready, { subresource: 'status' });
    expect(isTrue(replaced, 'Ready')).toBe(false);
    await watching.event(
      'MODIFIED',
      'pod-test',
      (object) => !isReady(object) && podSpec(object).nodeName !== undefined,
    );
    await becomes(pods, 'pod-test', isReady);
    const all = await cluster.of('v1/pods').list(query);
    expect(all.items).toMatchObject([{ metadata: { namespace, name: 'pod-test' } }]);
    await pods.deleteCollection(query);
    await watching.event('DELETED', 'pod-test');
  });
});
