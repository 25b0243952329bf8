import { describe, expect, it } from 'vitest';
import type { Node } from '@kubets/api/types/core-v1';
import { podCondition } from '@kubets/api/core/helpers/pod';
import { TestControlPlane } from '@kubets/kube-apiserver/testing/test-control-plane';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { countingTransport } from '../testing/counting-transport.ts';
import { runPod } from '../testing/run-pod.ts';
import { taintEvictionController } from '../taint-eviction/controller.ts';
import { Kubelets } from '../testing/kubelets.ts';
import { nodeLifecycleController } from './controller.ts';
import { nodeCondition } from './health.ts';

const taintsOf = (node: Readonly<Node>): string[] =>
  (node.spec?.taints ?? []).map((t) => `${t.key}:${t.effect}`).toSorted();
const unreachable = ['node.kubernetes.io/unreachable:NoExecute', 'node.kubernetes.io/unreachable:NoSchedule'];

describe('node-lifecycle-controller', () => {
  it('notices a lost node, has its pods evicted, and forgives', async () => {
    const { writes, wrap } = countingTransport({ events: true });
    await using fixture = await ControllerFixture.start([nodeLifecycleController, taintEvictionController], { wrap });
    const { client } = fixture;
    const kubelets = new Kubelets(fixture);
    for (const name of ['n1', 'n2', 'n3']) await kubelets.join(name);
    const tolerations = ['not-ready', 'unreachable'].map((key) => ({
      key: `node.kubernetes.io/${key}`,
      operator: 'Exists',
      effect: 'NoExecute',
      tolerationSeconds: 300,
    }));
    await runPod(client, { name: 'p', ip: '10.1.0.1', nodeName: 'n1', spec: { tolerations } });
    await kubelets.advance(20_000);
    expect((await client.nodes().get('n1')).metadata.labels).toMatchObject({ 'beta.kubernetes.io/os': 'linux' });
    writes.length = 0;
    await kubelets.advance(60_000);
    expect(writes).toEqual([]);

    kubelets.alive.delete('n1');
    await kubelets.advance(45_000);
    expect(nodeCondition(await client.nodes().get('n1'), 'Ready')?.status).toBe('True');
    await kubelets.advance(20_000);
    const lost = await client.nodes().get('n1');
    expect(nodeCondition(lost, 'Ready')).toMatchObject({
      status: 'Unknown',
      reason: 'NodeStatusUnknown',
      message: 'Kubelet stopped posting node status.',
    });
    expect(taintsOf(lost)).toEqual(unreachable);
    expect(lost.spec?.taints?.every((taint) => taint.timeAdded !== undefined)).toBe(true);
    expect(podCondition(await client.pods('default').get('p'), 'Ready')?.status).toBe('False');
    const events = (await client.events('default').list()).items.map((e) => `${e.involvedObject.name} ${e.message}`);
    expect(events).toContain('n1 Node n1 status is now: NodeNotReady');
    expect(events).toContain('n1 Node n1 event: Registered Node n1 in Controller');
    expect(events).toContain('p Node is not ready');
    writes.length = 0;
    await kubelets.advance(200_000);
    expect(writes).toEqual([]);
    await kubelets.advance(110_000);
    expect((await client.pods('default').get('p')).metadata.deletionTimestamp).toBeDefined();

    await kubelets.report('n1', 'False');
    await kubelets.advance(10_000);
    expect(taintsOf(await client.nodes().get('n1'))).toEqual([
      'node.kubernetes.io/not-ready:NoExecute',
      'node.kubernetes.io/not-ready:NoSchedule',
    ]);
    kubelets.alive.add('n1');
    await kubelets.report('n1', 'True');
    await kubelets.advance(10_000);
    expect(taintsOf(await client.nodes().get('n1'))).toEqual([]);
    await client.nodes().delete('n1');
    kubelets.alive.delete('n1');
    await kubelets.advance(10_000);
    const last = (await client.events('default').list()).items.map((e) => e.message);
    expect(last).toContain('Node n1 event: Removing Node n1 from Controller');
    expect(fixture.errors).toEqual([]);
  });

  it('evicts nothing when all nodes seem to be gone', async () => {
    await using fixture = await ControllerFixture.start([nodeLifecycleController]);
    const { client } = fixture;
    const kubelets = new Kubelets(fixture);
    await kubelets.join('a1', 'a');
    await kubelets.join('b1', 'b');
    await kubelets.advance(20_000);
    kubelets.alive.clear();
    await kubelets.advance(120_000);
    for (const name of ['a1', 'b1']) {
      expect(taintsOf(await client.nodes().get(name))).toEqual(['node.kubernetes.io/unreachable:NoSchedule']);
    }
    // One is back: the other one is in trouble after all.
    kubelets.alive.add('a1');
    await kubelets.report('a1', 'True');
    await kubelets.advance(120_000);
    expect(taintsOf(await client.nodes().get('a1'))).toEqual([]);
    expect(taintsOf(await client.nodes().get('b1'))).toEqual(unreachable);
    expect(fixture.errors).toEqual([]);
  });

  it('taints one node after the other', async () => {
    await using fixture = await ControllerFixture.start([nodeLifecycleController]);
    const { client } = fixture;
    const kubelets = new Kubelets(fixture);
    for (const name of ['n1', 'n2', 'n3', 'n4', 'n5']) await kubelets.join(name);
    await kubelets.advance(20_000);
    kubelets.alive.delete('n1');
    kubelets.alive.delete('n2');
    await kubelets.advance(60_000);
    const tainted = async (): Promise<number> =>
      (await client.nodes().list()).items.filter((node) => taintsOf(node).length === 2).length;
    expect(await tainted()).toBe(1);
    await kubelets.advance(15_000);
    expect(await tainted()).toBe(2);
  });

  it('leaves the taints of a lost node as they are after a restart', async () => {
    await using plane = await TestControlPlane.start();
    const { client } = plane;
    const names = new Set<string>();
    {
      await using first = await ControllerFixture.start([nodeLifecycleController], { plane });
      const kubelets = new Kubelets(first);
      await kubelets.join('n1');
      await kubelets.join('n2');
      await kubelets.advance(10_000);
      kubelets.alive.delete('n1');
      await kubelets.advance(80_000);
      for (const name of kubelets.alive) names.add(name);
    }
    const before = await client.nodes().get('n1');
    expect(taintsOf(before)).toEqual(unreachable);
    const { writes, wrap } = countingTransport({ events: true });
    await using second = await ControllerFixture.start([nodeLifecycleController], { plane, wrap });
    const kubelets = new Kubelets(second);
    for (const name of names) kubelets.alive.add(name);
    await kubelets.advance(120_000);
    expect(writes.filter((write) => !write.includes('/events'))).toEqual([]);
    expect((await client.nodes().get('n1')).metadata.resourceVersion).toBe(before.metadata.resourceVersion);
  });

  it('keeps what somebody else writes at the same time', async () => {
    await using fixture = await ControllerFixture.start([nodeLifecycleController]);
    const { client } = fixture;
    const kubelets = new Kubelets(fixture);
    await kubelets.join('n1');
    const body = { spec: { unschedulable: true, taints: [{ key: 'mine', effect: 'NoSchedule' }] } };
    await client.nodes().patch('n1', { type: 'application/merge-patch+json', body });
    await fixture.until(async () => taintsOf(await client.nodes().get('n1')).length === 2);
    expect(taintsOf(await client.nodes().get('n1'))).toEqual([
      'mine:NoSchedule',
      'node.kubernetes.io/unschedulable:NoSchedule',
    ]);
  });
});
