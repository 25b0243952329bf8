/** Budgets, evictions and taints that evict: upstream's `test/e2e/apps/disruption.go`, `test/e2e/node/taints.go`. */
import { afterEach, describe, expect } from 'vitest';
import { covers, useNodes } from './covers.ts';
import { unique, type Cluster, type Draft, type Obj } from './cluster.ts';
import type { Collection } from './collection.ts';
import { conditionOf, isLive, isReady, pod, podSpec, podStatus } from './pods.ts';
import { becomes, change, eventually, find, lists, vanishes } from './waiting.ts';

useNodes();

const suite = '[sig-apps] DisruptionController';
const labels = { foo: 'bar' };

interface Place {
  readonly namespace: string;
  readonly budgets: Collection;
  readonly pods: Collection;
}

async function place(cluster: Cluster): Promise<Place> {
  const namespace = await cluster.namespace();
  const budgets = cluster.of('policy/v1/poddisruptionbudgets', namespace);
  return { namespace, budgets, pods: cluster.of('v1/pods', namespace) };
}

const budget = (name: string, spec: Draft, own: Draft = {}): Draft => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name, labels: own },
  spec: { selector: { matchLabels: labels }, ...spec },
});

interface Status {
  readonly observedGeneration?: number;
  readonly disruptionsAllowed: number;
  readonly currentHealthy: number;
  readonly expectedPods: number;
  readonly disruptedPods?: Draft;
}
const statusOf = (object: Obj): Status => object['status'] as Status;
const processed = (object: Obj): boolean => statusOf(object).observedGeneration === object.metadata.generation;

async function runPods(pods: Collection, names: readonly string[]): Promise<void> {
  for (const name of names) await pods.create(pod(name, {}, { labels }));
  for (const name of names) await becomes(pods, name, isReady);
}

describe('budgets', () => {
  covers(`${suite} should create a PodDisruptionBudget`, async (cluster) => {
    const { budgets } = await place(cluster);
    await budgets.create(budget('b', { minAvailable: '1%' }));
    await becomes(budgets, 'b', processed);
    const updated = await change(budgets, 'b', (object) => ({
      ...object,
      spec: { ...(object['spec'] as Draft), minAvailable: '2%' },
    }));
    expect(updated).toMatchObject({ metadata: { generation: 2 }, spec: { minAvailable: '2%' } });
    await becomes(budgets, 'b', processed);
    const patched = await budgets.patch('b', 'merge', { spec: { minAvailable: '3%' } });
    expect(patched['spec']).toMatchObject({ minAvailable: '3%' });
    await becomes(budgets, 'b', processed);
    await budgets.delete('b');
    await vanishes(budgets, 'b');
  });

  covers(
    `${suite} Listing PodDisruptionBudgets for all namespaces should list and delete a collection of PodDisruptionBudgets`,
    async (cluster) => {
      const label = unique('e2e');
      const [first, second] = [await place(cluster), await place(cluster)];
      await first.budgets.create(budget('b1', { minAvailable: '1%' }, { e2e: label }));
      await first.budgets.create(budget('b2', { minAvailable: '1%' }, { e2e: label }));
      await second.budgets.create(budget('b3', { minAvailable: 2 }, { e2e: label }));
      const everywhere = cluster.of('policy/v1/poddisruptionbudgets');
      const query = { labelSelector: `e2e=${label}` };
      const listed = async (): Promise<string[]> =>
        (await everywhere.list(query)).items.map(({ metadata }) => metadata.name).toSorted();
      expect(await listed()).toEqual(['b1', 'b2', 'b3']);
      await first.budgets.deleteCollection(query);
      expect(await listed()).toEqual(['b3']);
    },
  );

  covers(`${suite} should observe PodDisruptionBudget status updated`, async (cluster) => {
    const { budgets, pods } = await place(cluster);
    await budgets.create(budget('b', { minAvailable: 1 }));
    await runPods(pods, ['rs-0', 'rs-1', 'rs-2']);
    const status = statusOf(await becomes(budgets, 'b', (object) => statusOf(object).disruptionsAllowed === 2));
    expect(status).toMatchObject({ currentHealthy: 3, expectedPods: 3 });
  });

  covers(`${suite} should update/patch PodDisruptionBudget status`, async (cluster) => {
    const { budgets, pods } = await place(cluster);
    await budgets.create(budget('b', { minAvailable: 1 }));
    await runPods(pods, ['p1', 'p2', 'p3']);
    await becomes(budgets, 'b', (object) => statusOf(object).disruptionsAllowed === 2);
    const at = { subresource: 'status' };
    const now = new Date().toISOString().replace(/\.\d+/, '');
    const disrupted = (name: string): Draft => ({ [name]: now });
    // The controller keeps what was said a moment ago of pods that exist.
    const updated = await change(
      budgets,
      'b',
      (object) => ({ ...object, status: { ...statusOf(object), disruptedPods: disrupted('p1') } }),
      at,
    );
    expect(statusOf(updated).disruptedPods).toEqual(disrupted('p1'));
    const patched = await budgets.patch('b', 'merge', { status: { disruptedPods: disrupted('p2') } }, at);
    expect(statusOf(patched).disruptedPods).toEqual({ ...disrupted('p1'), ...disrupted('p2') });
    const counted = await becomes(budgets, 'b', (object) => statusOf(object).disruptionsAllowed === 0);
    expect(statusOf(counted).currentHealthy).toBe(1);
  });

  covers(`${suite} should block an eviction until the PDB is updated to allow it`, async (cluster) => {
    const { namespace, budgets, pods } = await place(cluster);
    const names = ['rs-0', 'rs-1', 'rs-2'];
    const evict = (name: string): Promise<Obj> =>
      pods.createAt(name, 'eviction', { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } });
    await budgets.create(budget('b', { minAvailable: 3 }));
    await runPods(pods, names);
    await becomes(budgets, 'b', (object) => processed(object) && statusOf(object).currentHealthy === 3);
    const refused = await evict('rs-0').catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 429, reason: 'TooManyRequests' });
    expect(String(refused)).toContain("Cannot evict pod as it would violate the pod's disruption budget.");
    expect(isLive(await pods.get('rs-0'))).toBe(true);
    await change(budgets, 'b', (object) => ({ ...object, spec: { ...(object['spec'] as Draft), minAvailable: 2 } }));
    await becomes(budgets, 'b', (object) => statusOf(object).disruptionsAllowed === 1);
    await evict('rs-0');
    await vanishes(pods, 'rs-0');
    await pods.create(pod('rs-3', {}, { labels }));
    await becomes(budgets, 'b', (object) => statusOf(object).disruptionsAllowed === 1);
    // A budget that nothing may disrupt blocks again.
    await change(budgets, 'b', (object) => {
      const { minAvailable: _, ...spec } = object['spec'] as Record<string, unknown>;
      return { ...object, spec: { ...spec, maxUnavailable: 0 } };
    });
    await becomes(budgets, 'b', (object) => processed(object) && statusOf(object).disruptionsAllowed === 0);
    await expect(evict('rs-1')).rejects.toMatchObject({ code: 429 });
    await budgets.delete('b');
    await eventually(
      () =>
        evict('rs-1').then(
          () => true,
          () => false,
        ),
      (evicted) => evicted,
      'without a budget the eviction succeeds',
    );
    await vanishes(pods, 'rs-1');
  });
});

describe('taints', () => {
  const key = 'kubernetes.io/e2e-evict-taint-key';
  const taint = { key, value: 'evictTaintVal', effect: 'NoExecute' };
  let restore: (() => Promise<void>) | undefined;
  afterEach(async () => {
    await restore?.();
    restore = undefined;
  });

  const tolerating = (name: string, tolerationSeconds: number): Draft =>
    pod(name, { tolerations: [{ key, value: taint.value, effect: 'NoExecute', tolerationSeconds }] });

  async function setTaint(cluster: Cluster, node: string, on: boolean): Promise<void> {
    await change(cluster.of('v1/nodes'), node, (object) => {
      const { taints = [], ...spec } = object['spec'] as { taints?: { key: string }[] };
      const others = taints.filter((each) => each.key !== key);
      return { ...object, spec: { ...spec, taints: on ? [...others, taint] : others } };
    });
  }

  covers(
    '[sig-node] NoExecuteTaintManager Single Pod [Serial] removing taint cancels eviction [Disruptive]',
    async (cluster) => {
      const { pods } = await place(cluster);
      const seconds = 3;
      await pods.create(tolerating('taint-eviction-4', seconds));
      const first = await becomes(pods, 'taint-eviction-4', isReady);
      const node = podSpec(first).nodeName ?? '';
      const names = (await cluster.of('v1/nodes').list()).items.map(({ metadata }) => metadata.name);
      const other = names.find((name) => name !== node) ?? '';
      restore = async () => {
        await setTaint(cluster, node, false);
        await setTaint(cluster, other, false);
      };
      await pods.create(pod('witness', { nodeName: node }));
      await becomes(pods, 'witness', isReady);
      await setTaint(cluster, node, true);
      // What does not tolerate the taint goes at once: the taint has been seen.
      await vanishes(pods, 'witness');
      await setTaint(cluster, node, false);
      // Another node's taint comes later, and its pod's time is longer: when it is over, so is that of the first.
      const later = tolerating('later', seconds + 1);
      await pods.create({ ...later, spec: { ...(later['spec'] as Draft), nodeName: other } });
      await becomes(pods, 'later', isReady);
      await setTaint(cluster, other, true);
      await vanishes(pods, 'later');
      const left = await pods.get('taint-eviction-4');
      expect(left.metadata.uid).toBe(first.metadata.uid);
      expect(isLive(left)).toBe(true);
    },
  );

  covers(
    '[sig-node] NoExecuteTaintManager Multiple Pods [Serial] evicts pods with minTolerationSeconds [Disruptive]',
    async (cluster) => {
      const { pods } = await place(cluster);
      await pods.create(tolerating('taint-eviction-b1', 1));
      const first = await becomes(pods, 'taint-eviction-b1', isReady);
      const node = podSpec(first).nodeName ?? '';
      const second = { ...(tolerating('taint-eviction-b2', 3)['spec'] as Draft), nodeName: node };
      await pods.create({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'taint-eviction-b2' }, spec: second });
      await becomes(pods, 'taint-eviction-b2', isReady);
      restore = () => setTaint(cluster, node, false);
      using watching = await pods.watch();
      const from = performance.now();
      await setTaint(cluster, node, true);
      await vanishes(pods, 'taint-eviction-b1');
      expect(performance.now() - from).toBeGreaterThan(900);
      expect(await find(pods, 'taint-eviction-b2')).toBeDefined();
      await vanishes(pods, 'taint-eviction-b2');
      expect(performance.now() - from).toBeGreaterThan(2900);
      // Whoever was evicted is told why.
      const marked = await watching.event(
        'MODIFIED',
        'taint-eviction-b1',
        (object) => conditionOf(object, 'DisruptionTarget') !== undefined,
      );
      expect(conditionOf(marked.object, 'DisruptionTarget')).toMatchObject({
        status: 'True',
        reason: 'DeletionByTaintManager',
      });
      expect(podStatus(marked.object).phase).toBe('Running');
      await lists(pods, {}, (all) => all.length === 0);
    },
  );
});
