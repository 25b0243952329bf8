import { describe, expect, it } from 'vitest';
import { isPodActive } from '@kubets/api/core/helpers/pod';
import type { DaemonSet, DaemonSetSpec } from '@kubets/api/types/apps-v1';
import type { Pod, Taint } from '@kubets/api/types/core-v1';
import { failure } from '@kubets/apimachinery/status';
import { TestControlPlane } from '@kubets/kube-apiserver/testing/test-control-plane';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { countingTransport } from '../testing/counting-transport.ts';
import { finishDeleted, makeReady } from '../testing/pod-simulator.ts';
import { daemonSetController } from './controller.ts';
import { targetNode } from './daemon-pod.ts';

const daemon = (more: Partial<DaemonSetSpec> = {}): DaemonSet => ({
  metadata: { name: 'agent', namespace: 'default' },
  spec: {
    selector: { matchLabels: { app: 'agent' } },
    template: { metadata: { labels: { app: 'agent' } }, spec: { containers: [{ name: 'c', image: 'i:1' }] } },
    ...more,
  },
});

/** A node that is ready: admission has tainted it as it is new. */
async function addNode(fixture: ControllerFixture, name: string, labels: Record<string, string> = {}): Promise<void> {
  const created = await fixture.client.nodes().create({ metadata: { name, labels } });
  const { taints: _, ...spec } = created.spec ?? {};
  await fixture.client.nodes().update({ ...created, spec });
}

async function start(nodeNames: readonly string[], options: Parameters<typeof ControllerFixture.start>[1] = {}) {
  const fixture = await ControllerFixture.start([daemonSetController], options);
  for (const name of nodeNames) await addNode(fixture, name);
  return fixture;
}

const podsOf = async (fixture: ControllerFixture): Promise<readonly Pod[]> =>
  (await fixture.client.pods('default').list()).items;

const places = (pods: readonly Pod[]): (string | undefined)[] =>
  pods.map(targetNode).toSorted((a = '', b = '') => (a < b ? -1 : 1));

const images = (pods: readonly Pod[]): (string | undefined)[] => pods.map((pod) => pod.spec?.containers[0]?.image);

const get = (fixture: ControllerFixture): Promise<Readonly<DaemonSet>> =>
  fixture.client.daemonSets('default').get('agent');

async function patch(fixture: ControllerFixture, spec: object): Promise<void> {
  const client = fixture.client.daemonSets('default');
  await client.patch('agent', { type: 'application/strategic-merge-patch+json', body: { spec } });
}

const setImage = (fixture: ControllerFixture, image: string): Promise<void> =>
  patch(fixture, { template: { spec: { containers: [{ name: 'c', image }] } } });

/** Plays scheduler: binds pods to the nodes they are for. */
async function schedule(fixture: ControllerFixture): Promise<void> {
  const client = fixture.client.pods('default');
  for (const pod of await podsOf(fixture)) {
    const name = targetNode(pod);
    if (pod.spec?.nodeName || name === undefined || pod.metadata.deletionTimestamp) continue;
    const binding = { metadata: { name: pod.metadata.name }, target: { kind: 'Node', name } };
    await client.createSubresource(pod.metadata.name ?? '', 'binding', binding);
  }
}

async function play(fixture: ControllerFixture): Promise<void> {
  await schedule(fixture);
  await finishDeleted(fixture);
  await makeReady(fixture);
}

/** Plays scheduler and kubelet until all is as it should be. */
async function converge(fixture: ControllerFixture, count: number): Promise<void> {
  await fixture.until(async () => {
    await play(fixture);
    const { status, metadata } = await get(fixture);
    return (
      status?.observedGeneration === metadata.generation &&
      status?.desiredNumberScheduled === count &&
      status.currentNumberScheduled === count &&
      status.numberReady === count &&
      (status.updatedNumberScheduled ?? 0) === count &&
      (await podsOf(fixture)).length === count
    );
  });
}

describe('daemonset-controller', () => {
  it('makes one pod for each node, bound to it by its affinity', async () => {
    await using fixture = await start(['n1', 'n2', 'n3']);
    await fixture.client.daemonSets('default').create(daemon());
    await fixture.until(async () => (await podsOf(fixture)).length === 3);
    const pods = await podsOf(fixture);
    expect(places(pods)).toEqual(['n1', 'n2', 'n3']);
    expect(pods[0]?.spec?.nodeName).toBeUndefined();
    expect(pods[0]?.metadata).toMatchObject({
      generateName: 'agent-',
      labels: { app: 'agent', 'pod-template-generation': '1', 'controller-revision-hash': expect.any(String) },
    });
    expect(pods[0]?.spec?.tolerations?.map(({ key, effect }) => `${key}:${effect}`)).toEqual([
      'node.kubernetes.io/not-ready:NoExecute',
      'node.kubernetes.io/unreachable:NoExecute',
      'node.kubernetes.io/disk-pressure:NoSchedule',
      'node.kubernetes.io/memory-pressure:NoSchedule',
      'node.kubernetes.io/pid-pressure:NoSchedule',
      'node.kubernetes.io/unschedulable:NoSchedule',
    ]);
    await converge(fixture, 3);
    expect((await get(fixture)).status).toEqual({
      currentNumberScheduled: 3,
      numberMisscheduled: 0,
      desiredNumberScheduled: 3,
      numberReady: 3,
      observedGeneration: 1,
      updatedNumberScheduled: 3,
      numberAvailable: 3,
    });
    expect(fixture.errors).toEqual([]);
  });

  it('follows nodes that come, change and go', async () => {
    await using fixture = await start(['n1']);
    await addNode(fixture, 'n2', { disk: 'ssd' });
    const template = { spec: { nodeSelector: { disk: 'ssd' }, containers: [{ name: 'c', image: 'i:1' }] } };
    const set = daemon();
    await fixture.client
      .daemonSets('default')
      .create(daemon({ template: { ...set.spec?.template, ...template } as DaemonSetSpec['template'] }));
    await converge(fixture, 1);
    expect(places(await podsOf(fixture))).toEqual(['n2']);
    const label = (disk: string | null): object => ({ metadata: { labels: { disk } } });
    const merge = 'application/merge-patch+json' as const;
    await fixture.client.nodes().patch('n1', { type: merge, body: label('ssd') });
    await addNode(fixture, 'n3', { disk: 'ssd' });
    await converge(fixture, 3);
    await fixture.client.nodes().patch('n2', { type: merge, body: label(null) });
    await converge(fixture, 2);
    await fixture.client.nodes().delete('n3');
    await fixture.until(async () => (await get(fixture)).status?.desiredNumberScheduled === 1);
  });

  it('keeps away from taints, but leaves running pods on nodes that only take no new ones', async () => {
    await using fixture = await start(['n1', 'n2']);
    await fixture.client.daemonSets('default').create(daemon());
    await converge(fixture, 2);
    const taint = async (name: string, effect: Taint['effect'], key: string): Promise<void> => {
      const body = { spec: { taints: [{ key, effect }] } };
      await fixture.client.nodes().patch(name, { type: 'application/merge-patch+json', body });
    };
    await taint('n1', 'NoSchedule', 'a');
    await fixture.until(async () => (await get(fixture)).status?.numberMisscheduled === 1);
    await fixture.advance(3000);
    expect(places(await podsOf(fixture))).toEqual(['n1', 'n2']);
    await taint('n1', 'NoExecute', 'a');
    await converge(fixture, 1);
    await taint('n2', 'NoSchedule', 'node.kubernetes.io/unschedulable');
    await fixture.advance(3000);
    await converge(fixture, 1);
    expect(places(await podsOf(fixture))).toEqual(['n2']);
  });

  it('deletes failed pods with growing pauses, and succeeded ones', async () => {
    await using fixture = await start(['n1']);
    await fixture.client.daemonSets('default').create(daemon());
    await converge(fixture, 1);
    const end = async (phase: 'Failed' | 'Succeeded'): Promise<number> => {
      const [pod] = await podsOf(fixture);
      const name = pod?.metadata.name ?? '';
      await fixture.client.pods('default').updateStatus({ ...(pod as Pod), status: { phase } });
      const since = fixture.clock.now();
      const gone = async (): Promise<boolean> => {
        await finishDeleted(fixture);
        return !(await podsOf(fixture)).some((other) => other.metadata.name === name);
      };
      await fixture.until(gone, { stepMs: 100 });
      const took = fixture.clock.now() - since;
      await schedule(fixture);
      await fixture.until(async () => (await podsOf(fixture)).length === 1);
      return took;
    };
    expect(await end('Failed')).toBeLessThan(300);
    expect(await end('Failed')).toBeGreaterThanOrEqual(700);
    expect(await end('Failed')).toBeGreaterThanOrEqual(1700);
    expect(await end('Succeeded')).toBeLessThan(300);
    const { items } = await fixture.client.events('default').list();
    const texts = items.map(({ type, reason, message }) => `${type} ${reason} ${message}`);
    expect(
      texts.some((text) =>
        /^Warning FailedDaemonPod Found failed daemon pod default\/agent-\w+ on node n1, will try to kill it$/.test(
          text,
        ),
      ),
    ).toBe(true);
    expect(texts.some((text) => text.startsWith('Normal SucceededDaemonPod Found succeeded daemon pod'))).toBe(true);
    expect(texts.some((text) => text.startsWith('Normal SuccessfulCreate Created pod: agent-'))).toBe(true);
  });

  it('deletes pods that no node is there for', async () => {
    await using fixture = await start(['n1', 'n2']);
    await fixture.client.daemonSets('default').create(daemon());
    await fixture.until(async () => (await podsOf(fixture)).length === 2);
    await fixture.client.nodes().delete('n2');
    await fixture.until(async () => (await podsOf(fixture)).length === 1);
    expect(places(await podsOf(fixture))).toEqual(['n1']);
  });

  it('makes no more than 250 pods in a turn, and all in the end', async () => {
    const { writes, wrap } = countingTransport();
    await using fixture = await start([], { wrap });
    for (let i = 0; i < 300; i++) await addNode(fixture, `n${i}`);
    await fixture.client.daemonSets('default').create(daemon());
    await fixture.until(async () => (await get(fixture)).status?.currentNumberScheduled === 300);
    expect((await podsOf(fixture)).length).toBe(300);
    expect(writes.filter((write) => write === 'POST /api/v1/namespaces/default/pods')).toHaveLength(300);
  });

  it('asks once for what is refused for all', async () => {
    let refused = 0;
    const { writes, wrap } = countingTransport({
      refuse: ({ method, path }) => {
        if (method !== 'POST' || !path.endsWith('/pods') || refused >= 3) return undefined;
        refused++;
        return failure('Forbidden', 'exceeded quota');
      },
    });
    await using fixture = await start(['n1', 'n2', 'n3', 'n4'], { wrap });
    await fixture.client.daemonSets('default').create(daemon());
    await converge(fixture, 4);
    expect(writes.filter((write) => write.endsWith('/pods') && write.startsWith('POST'))).toHaveLength(7);
  });
});

describe('daemonset-controller, updates', () => {
  it('replaces as many pods at once as may be unavailable', async () => {
    await using fixture = await start(['n1', 'n2', 'n3', 'n4']);
    const updateStrategy = { type: 'RollingUpdate' as const, rollingUpdate: { maxUnavailable: 2, maxSurge: 0 } };
    await fixture.client.daemonSets('default').create(daemon({ updateStrategy }));
    await converge(fixture, 4);
    await setImage(fixture, 'i:2');
    await fixture.until(async () => (await podsOf(fixture)).some((pod) => pod.metadata.deletionTimestamp));
    await fixture.advance(2000);
    expect((await podsOf(fixture)).filter((pod) => pod.metadata.deletionTimestamp)).toHaveLength(2);
    expect((await get(fixture)).status).toMatchObject({ numberAvailable: 4, observedGeneration: 2 });
    await converge(fixture, 4);
    expect(new Set(images(await podsOf(fixture)))).toEqual(new Set(['i:2']));
    const { items } = await fixture.client.controllerRevisions('default').list();
    expect(new Set(items.map(({ revision }) => revision))).toEqual(new Set([1, 2]));
    await setImage(fixture, 'i:1');
    await converge(fixture, 4);
    const after = await fixture.client.controllerRevisions('default').list();
    expect(new Set(after.items.map(({ revision }) => revision))).toEqual(new Set([2, 3]));
  });

  it('surges: new pods beside old ones', async () => {
    await using fixture = await start(['n1', 'n2', 'n3']);
    const updateStrategy = { type: 'RollingUpdate' as const, rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } };
    await fixture.client.daemonSets('default').create(daemon({ updateStrategy }));
    await converge(fixture, 3);
    await setImage(fixture, 'i:2');
    await fixture.until(async () => (await podsOf(fixture)).length === 4);
    await fixture.advance(2000);
    expect((await podsOf(fixture)).filter(isPodActive)).toHaveLength(4);
    await fixture.until(async () => {
      await play(fixture);
      const active = (await podsOf(fixture)).filter(isPodActive);
      const ready = active.filter((pod) => pod.status?.phase === 'Running').length;
      if (ready < 3) throw new Error('a pod was missed');
      return (await get(fixture)).status?.updatedNumberScheduled === 3 && active.length === 3;
    });
    await converge(fixture, 3);
    expect(new Set(images(await podsOf(fixture)))).toEqual(new Set(['i:2']));
  });

  it('does nothing of itself with OnDelete', async () => {
    await using fixture = await start(['n1', 'n2']);
    await fixture.client.daemonSets('default').create(daemon({ updateStrategy: { type: 'OnDelete' } }));
    await converge(fixture, 2);
    await setImage(fixture, 'i:2');
    await fixture.advance(3000);
    expect(images(await podsOf(fixture))).toEqual(['i:1', 'i:1']);
    const [pod] = await podsOf(fixture);
    await fixture.client.pods('default').delete(pod?.metadata.name ?? '', { gracePeriodSeconds: 0 });
    await fixture.until(async () => (await play(fixture), (await get(fixture)).status?.updatedNumberScheduled === 1));
    expect(new Set(images(await podsOf(fixture)))).toEqual(new Set(['i:1', 'i:2']));
  });

  it('waits for minReadySeconds', async () => {
    await using fixture = await start(['n1', 'n2']);
    await fixture.client.daemonSets('default').create(daemon({ minReadySeconds: 10 }));
    await fixture.until(async () => (await play(fixture), (await get(fixture)).status?.numberReady === 2));
    expect((await get(fixture)).status).toMatchObject({ numberUnavailable: 2 });
    await fixture.advance(11_000);
    expect((await get(fixture)).status).toMatchObject({ numberAvailable: 2 });
  });

  it('keeps as much history as it may', async () => {
    await using fixture = await start(['n1']);
    await fixture.client.daemonSets('default').create(daemon({ revisionHistoryLimit: 1 }));
    for (const image of ['i:1', 'i:2', 'i:3', 'i:4']) {
      await setImage(fixture, image);
      await fixture.settle();
      await converge(fixture, 1);
    }
    await fixture.until(async () => (await fixture.client.controllerRevisions('default').list()).items.length === 2);
    expect(fixture.errors).toEqual([]);
  });
});

describe('daemonset-controller, as its own account', () => {
  it('may do all that it does', async () => {
    await using fixture = await start(['n1', 'n2'], { ownAccounts: true });
    await fixture.client.daemonSets('default').create(daemon({ revisionHistoryLimit: 0 }));
    await converge(fixture, 2);
    const [pod] = await podsOf(fixture);
    const body = { metadata: { ownerReferences: null } };
    await fixture.client
      .pods('default')
      .patch(pod?.metadata.name ?? '', { type: 'application/merge-patch+json', body });
    for (const image of ['i:2', 'i:3', 'i:2']) {
      await setImage(fixture, image);
      await fixture.settle();
      await converge(fixture, 2);
    }
    expect((await fixture.client.events('default').list()).items.length).toBeGreaterThan(3);
    expect(fixture.errors).toEqual([]);
  });
});

describe('daemonset-controller, against interference', () => {
  it('writes nothing when all is as it should be', async () => {
    const { writes, wrap } = countingTransport();
    await using fixture = await start(['n1', 'n2'], { wrap });
    await fixture.client.daemonSets('default').create(daemon({ minReadySeconds: 1 }));
    await converge(fixture, 2);
    await fixture.advance(5000);
    writes.length = 0;
    const body = { metadata: { annotations: { a: 'b' } } };
    await fixture.client.daemonSets('default').patch('agent', { type: 'application/merge-patch+json', body });
    const [pod] = await podsOf(fixture);
    await fixture.client
      .pods('default')
      .updateStatus({ ...(pod as Pod), status: { ...pod?.status, podIP: '10.0.0.1' } });
    await fixture.advance(3000);
    expect(writes).toEqual([]);
  });

  it.each(['after a restart', 'beside another one'])('goes on %s in the middle of a rollout', async (when) => {
    await using plane = await TestControlPlane.start();
    {
      await using first = await start(['n1', 'n2', 'n3', 'n4', 'n5'], { plane });
      await first.client.daemonSets('default').create(daemon());
      await converge(first, 5);
      await setImage(first, 'i:2');
      await first.until(async () => (await podsOf(first)).some((pod) => pod.metadata.deletionTimestamp));
      if (when === 'beside another one') {
        await using second = await start([], { plane });
        await converge(second, 5);
      }
    }
    await using last = await start([], { plane });
    await converge(last, 5);
    expect(new Set(images(await podsOf(last)))).toEqual(new Set(['i:2']));
    expect((await last.client.controllerRevisions('default').list()).items).toHaveLength(2);
  });

  it('prunes strangers that it adopts, and merges equal revisions', async () => {
    await using fixture = await start(['n1']);
    await fixture.client.daemonSets('default').create(daemon());
    await converge(fixture, 1);
    const [pod] = await podsOf(fixture);
    await fixture.client.pods('default').create({
      metadata: { name: 'stranger', labels: { app: 'agent' } },
      spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }] },
    });
    await converge(fixture, 1);
    expect((await podsOf(fixture))[0]?.metadata.name).toBe(pod?.metadata.name);
    const { items } = await fixture.client.controllerRevisions('default').list();
    const { resourceVersion: _, uid: __, ...metadata } = items[0]?.metadata ?? {};
    const labels = { ...metadata.labels, 'controller-revision-hash': 'other' };
    await fixture.client
      .controllerRevisions('default')
      .create({ ...items[0], metadata: { ...metadata, name: 'agent-other', labels }, revision: 7 });
    await fixture.until(async () => {
      await play(fixture);
      const left = (await fixture.client.controllerRevisions('default').list()).items;
      const [one] = await podsOf(fixture);
      return left.length === 1 && one?.metadata.labels?.['controller-revision-hash'] === 'other';
    });
    await converge(fixture, 1);
    expect((await podsOf(fixture))[0]?.metadata.name).toBe(pod?.metadata.name);
  });
});
