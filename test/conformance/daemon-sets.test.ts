/** One pod on every node that fits: upstream's `test/e2e/apps/{daemon_set,controller_revision}.go`. */
import { afterEach, describe, expect } from 'vitest';
import { covers, useNodes } from './covers.ts';
import { unique, type Cluster, type Draft, type Obj } from './cluster.ts';
import type { Collection } from './collection.ts';
import { conditionOf, controllerOf, isLive, isReady, isTrue, podSpec } from './pods.ts';
import { condition } from './samples.ts';
import { becomes, change, lists, vanishes } from './waiting.ts';

useNodes();

const name = 'daemon-set';
const labels = { 'daemonset-name': name };
const selector = 'daemonset-name=daemon-set';
const httpd = 'registry.k8s.io/e2e-test-images/httpd:2.4.38-4';
const agnhost = 'registry.k8s.io/e2e-test-images/agnhost:2.53';
const color = 'daemonset-color';

interface Place {
  readonly sets: Collection;
  readonly pods: Collection;
  readonly nodes: Collection;
  readonly revisions: Collection;
}

/** Puts back what a test has done to nodes. */
let restore: (() => Promise<void>) | undefined;
afterEach(async () => {
  await restore?.();
  restore = undefined;
});

async function place(cluster: Cluster): Promise<Place> {
  const namespace = await cluster.namespace();
  return {
    sets: cluster.of('apps/v1/daemonsets', namespace),
    pods: cluster.of('v1/pods', namespace),
    nodes: cluster.of('v1/nodes'),
    revisions: cluster.of('apps/v1/controllerrevisions', namespace),
  };
}

const template = (image: string, rest: Draft = {}): Draft => ({
  metadata: { labels },
  spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'app', image }], ...rest },
});
const daemonSet = (spec: Draft = {}, own: Draft = labels): Draft => ({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name, labels: own },
  spec: { selector: { matchLabels: labels }, template: template(httpd), ...spec },
});

const withSpec =
  (spec: Draft) =>
  (object: Obj): Obj => ({ ...object, spec: { ...(object['spec'] as Draft), ...spec } });

/** Resolves to the pods once each of these nodes has exactly one, and it is ready. */
function runOn(pods: Collection, nodeNames: readonly string[], image?: string): Promise<readonly Obj[]> {
  const want = JSON.stringify(nodeNames.toSorted());
  const fits = (all: readonly Obj[]): boolean => {
    const live = all.filter((each) => isLive(each) && isReady(each));
    const hasImage = live.every((each) => image === undefined || podSpec(each).containers[0]?.image === image);
    return hasImage && JSON.stringify(live.map((each) => podSpec(each).nodeName ?? '').toSorted()) === want;
  };
  return lists(pods, { labelSelector: selector }, fits, `one pod on each of ${want} ${image}`);
}

async function nodeNamesOf(nodes: Collection): Promise<string[]> {
  return (await nodes.list()).items.map(({ metadata }) => metadata.name);
}

describe('pods', () => {
  covers('[sig-apps] Daemon set [Serial] should run and stop simple daemon', async (cluster) => {
    const { sets, pods, nodes } = await place(cluster);
    await sets.create(daemonSet());
    const all = await nodeNamesOf(nodes);
    const [first] = await runOn(pods, all);
    await becomes(sets, name, (object) => (object['status'] as { numberReady: number }).numberReady === all.length);
    await pods.delete(first!.metadata.name);
    await vanishes(pods, first!.metadata.name);
    await runOn(pods, all);
    await sets.delete(name);
    await lists(pods, {}, (left) => left.length === 0);
  });

  covers('[sig-apps] Daemon set [Serial] should run and stop complex daemon', async (cluster) => {
    const { sets, pods, nodes } = await place(cluster);
    const [node = ''] = await nodeNamesOf(nodes);
    restore = async () => void (await nodes.patch(node, 'merge', { metadata: { labels: { [color]: null } } }));
    const colored = (value: string): Promise<Obj> =>
      nodes.patch(node, 'merge', { metadata: { labels: { [color]: value } } });
    await sets.create(daemonSet({ template: template(httpd, { nodeSelector: { [color]: 'blue' } }) }));
    await becomes(
      sets,
      name,
      (object) => (object['status'] as { observedGeneration?: number }).observedGeneration === 1,
    );
    await runOn(pods, []);
    await colored('blue');
    await runOn(pods, [node]);
    await colored('green');
    await runOn(pods, []);
    await change(
      sets,
      name,
      withSpec({
        template: template(httpd, { nodeSelector: { [color]: 'green' } }),
        updateStrategy: { type: 'RollingUpdate' },
      }),
    );
    await runOn(pods, [node]);
  });

  covers('[sig-apps] Daemon set [Serial] should retry creating failed daemon pods', async (cluster) => {
    const { sets, pods, nodes } = await place(cluster);
    await sets.create(daemonSet());
    const all = await nodeNamesOf(nodes);
    const [first] = await runOn(pods, all);
    await pods.patch(first!.metadata.name, 'strategic', { status: { phase: 'Failed' } }, { subresource: 'status' });
    await vanishes(pods, first!.metadata.name, first!.metadata.uid);
    await runOn(pods, all);
  });

  covers('[sig-apps] Daemon set [Serial] should list and delete a collection of DaemonSets', async (cluster) => {
    const { sets, pods, nodes } = await place(cluster);
    const label = unique('e2e');
    await sets.create(daemonSet({}, { e2e: label }));
    await runOn(pods, await nodeNamesOf(nodes));
    const everywhere = cluster.of('apps/v1/daemonsets');
    expect((await everywhere.list({ labelSelector: `e2e=${label}` })).items).toHaveLength(1);
    await sets.deleteCollection({ labelSelector: `e2e=${label}` });
    await lists(everywhere, { labelSelector: `e2e=${label}` }, (left) => left.length === 0);
  });

  covers('[sig-apps] Daemon set [Serial] should verify changes to a daemon set status', async (cluster) => {
    const { sets, pods, nodes } = await place(cluster);
    const label = unique('e2e');
    await sets.create(daemonSet({}, { e2e: label }));
    await runOn(pods, await nodeNamesOf(nodes));
    using watching = await cluster.of('apps/v1/daemonsets').watch({ labelSelector: `e2e=${label}` });
    const status = { subresource: 'status' };
    expect((await sets.get(name, 'status'))['status']).toMatchObject({ desiredNumberScheduled: 3 });
    const conditions = [condition('StatusUpdate')];
    await change(
      sets,
      name,
      (object) => ({ ...object, status: { ...(object['status'] as Draft), conditions } }),
      status,
    );
    await watching.event('MODIFIED', name, (object) => isTrue(object, 'StatusUpdate'));
    expect(conditionOf(await sets.get(name, 'status'), 'StatusUpdate')?.reason).toBe('E2E');
    await sets.patch(name, 'merge', { status: { conditions: [condition('StatusPatched')] } }, status);
    await watching.event('MODIFIED', name, (object) => isTrue(object, 'StatusPatched'));
  });
});

describe('updates', () => {
  const rolling = { updateStrategy: { type: 'RollingUpdate' } };

  covers(
    '[sig-apps] Daemon set [Serial] should update pod when spec was updated and update strategy is RollingUpdate',
    async (cluster) => {
      const { sets, pods, nodes, revisions } = await place(cluster);
      const created = await sets.create(daemonSet(rolling));
      const all = await nodeNamesOf(nodes);
      const [first] = await runOn(pods, all, httpd);
      const [revision] = await lists(revisions, { labelSelector: selector }, (list) => list.length === 1);
      expect(revision!['revision']).toBe(1);
      expect(controllerOf(revision!)).toBe(created.metadata.uid);
      const hash = first!.metadata.labels?.['controller-revision-hash'];
      expect(revision!.metadata.labels?.['controller-revision-hash']).toBe(hash);
      await change(sets, name, withSpec({ template: template(agnhost) }));
      const [second] = await runOn(pods, all, agnhost);
      const later = await lists(revisions, { labelSelector: selector }, (list) => list.length === 2);
      const newest = later.find((each) => each['revision'] === 2);
      const newHash = second!.metadata.labels?.['controller-revision-hash'];
      expect(newHash).not.toBe(hash);
      expect(newest?.metadata.labels?.['controller-revision-hash']).toBe(newHash);
      await becomes(sets, name, (object) => {
        const status = object['status'] as { updatedNumberScheduled: number; numberAvailable: number };
        return status.updatedNumberScheduled === all.length && status.numberAvailable === all.length;
      });
    },
  );

  covers('[sig-apps] Daemon set [Serial] should rollback without unnecessary restarts', async (cluster) => {
    const { sets, pods, nodes } = await place(cluster);
    await sets.create(daemonSet(rolling));
    const all = await nodeNamesOf(nodes);
    const before = await runOn(pods, all, httpd);
    await change(sets, name, withSpec({ template: template('foo:missing') }));
    // One of them is replaced, by one that never runs.
    const broken = (list: readonly Obj[]): boolean =>
      list.some((each) => podSpec(each).containers[0]?.image === 'foo:missing');
    const during = await lists(pods, { labelSelector: selector }, broken);
    const kept = during.filter((each) => podSpec(each).containers[0]?.image === httpd && isLive(each));
    expect(kept.length).toBeGreaterThan(0);
    await change(sets, name, withSpec({ template: template(httpd) }));
    const after = await runOn(pods, all, httpd);
    const uids = after.map(({ metadata }) => metadata.uid);
    for (const { metadata } of kept) expect(uids).toContain(metadata.uid);
    const restarts = ({ status }: Obj): number =>
      Math.max(
        ...(status as { containerStatuses: { restartCount: number }[] }).containerStatuses.map((c) => c.restartCount),
      );
    expect(after.map(restarts)).toEqual(before.map(() => 0));
  });
});

describe('revisions', () => {
  covers(
    '[sig-apps] ControllerRevision [Serial] should manage the lifecycle of a ControllerRevision',
    async (cluster) => {
      const { sets, pods, nodes, revisions } = await place(cluster);
      await sets.create(daemonSet());
      const all = await nodeNamesOf(nodes);
      await runOn(pods, all, httpd);
      const only = async (count: number): Promise<readonly Obj[]> =>
        await lists(revisions, { labelSelector: selector }, (list) => list.length === count);
      const [initial] = await only(1);
      const first = initial!.metadata.name;
      const patched = await revisions.patch(first, 'strategic', { metadata: { labels: { [first]: 'patched' } } });
      expect(patched.metadata.labels?.[first]).toBe('patched');
      const copyOf = initial as unknown as { metadata: { ownerReferences: Draft[] } };
      await revisions.create({
        apiVersion: 'apps/v1',
        kind: 'ControllerRevision',
        metadata: { name: 'second', labels, ownerReferences: copyOf.metadata.ownerReferences },
        data: initial!['data'],
        revision: (initial!['revision'] as number) + 1,
      });
      await only(2);
      await revisions.delete(first);
      // The controller may have made it anew by then, or taken the other for its own: what counts is that one is left.
      await vanishes(revisions, first, initial!.metadata.uid);
      const [left] = await only(1);
      const { name: second } = left!.metadata;
      const updated = await change(revisions, second, (object) => ({
        ...object,
        metadata: { ...object.metadata, labels: { ...object.metadata.labels, [second]: 'updated' } },
      }));
      expect(updated.metadata.labels?.[second]).toBe('updated');
      await sets.patch(name, 'strategic', {
        spec: { template: { spec: { terminationGracePeriodSeconds: 1 } }, updateStrategy: { type: 'RollingUpdate' } },
      });
      await only(2);
      await runOn(pods, all, httpd);
      await revisions.deleteCollection({ labelSelector: `${second}=updated` });
      const [current] = await only(1);
      expect(current!['revision']).toBe(3);
    },
  );
});
