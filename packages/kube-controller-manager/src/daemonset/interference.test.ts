import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isNotFound } from '@kubets/apimachinery/status';
import { isPodActive } from '@kubets/api/core/helpers/pod';
import type { DaemonSet } from '@kubets/api/types/apps-v1';
import type { Pod } from '@kubets/api/types/core-v1';
import type { ControllerFixture } from '../testing/controller-fixture.ts';
import { DisturbedController, troubles, type Trouble } from '../testing/disturbed-controller.ts';
import { finishDeleted, makeReady } from '../testing/pod-simulator.ts';
import { daemonSetController } from './controller.ts';
import { targetNode } from './daemon-pod.ts';

const nodeNames = ['n0', 'n1', 'n2', 'n3'];

const daemon = (maxSurge: number): DaemonSet => ({
  metadata: { name: 'agent', namespace: 'default' },
  spec: {
    selector: { matchLabels: { app: 'agent' } },
    minReadySeconds: 1,
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: maxSurge > 0 ? 0 : 1, maxSurge } },
    template: { metadata: { labels: { app: 'agent' } }, spec: { containers: [{ name: 'c', image: 'i:1' }] } },
  },
});

const numbered = ['image', 'taint', 'clear', 'remove', 'add', 'delete', 'fail', 'orphan'] as const;

/** What disturbs; nodes, pods and images are chosen at random. */
type Disturbance =
  | { readonly type: (typeof numbered)[number]; readonly which: number }
  | { readonly type: 'play' }
  | { readonly type: 'time' }
  | { readonly type: 'trouble'; readonly trouble: Trouble };

const disturbance: fc.Arbitrary<Disturbance> = fc.oneof(
  fc.record({ type: fc.constantFrom(...numbered), which: fc.integer({ min: 0, max: 3 }) }),
  fc.constant({ type: 'play' as const }),
  fc.constant({ type: 'time' as const }),
  fc.record({ type: fc.constant('trouble' as const), trouble: fc.constantFrom(...troubles) }),
);

async function addNode({ client }: ControllerFixture, name: string): Promise<void> {
  if ((await client.nodes().list()).items.some(({ metadata }) => metadata.name === name)) return;
  const created = await client.nodes().create({ metadata: { name } });
  const { taints: _, ...spec } = created.spec ?? {};
  await client.nodes().update({ ...created, spec });
}

const podsOf = async ({ client }: ControllerFixture): Promise<readonly Pod[]> =>
  (await client.pods('default').list()).items;

/** Plays scheduler and kubelet, and collects pods of nodes that are gone. */
async function playNodes(base: ControllerFixture): Promise<void> {
  const client = base.client.pods('default');
  const nodes = new Set((await base.client.nodes().list()).items.map(({ metadata }) => metadata.name));
  for (const pod of await podsOf(base)) {
    const { name = '', deletionTimestamp } = pod.metadata;
    const node = targetNode(pod);
    if (pod.spec?.nodeName && !nodes.has(pod.spec.nodeName)) await client.delete(name, { gracePeriodSeconds: 0 });
    else if (!pod.spec?.nodeName && node !== undefined && nodes.has(node) && !deletionTimestamp) {
      const binding = { metadata: { name }, target: { kind: 'Node', name: node } };
      await client.createSubresource(name, 'binding', binding);
    }
  }
  await finishDeleted(base);
  await makeReady(base);
}

async function disturbPod(base: ControllerFixture, type: string, which: number): Promise<void> {
  const client = base.client.pods('default');
  const pod = (await podsOf(base))[which];
  if (pod === undefined) return;
  const { name = '' } = pod.metadata;
  if (type === 'delete') await client.delete(name, { gracePeriodSeconds: 0 });
  else if (type === 'fail') await client.updateStatus({ ...pod, status: { phase: 'Failed' } });
  else {
    const body = { metadata: { ownerReferences: null } };
    await client.patch(name, { type: 'application/merge-patch+json', body });
  }
}

async function disturb(scene: DisturbedController, what: Disturbance): Promise<void> {
  const { base } = scene;
  if (what.type === 'play') return await playNodes(base);
  if (what.type === 'time') return await base.advance(3000);
  if (what.type === 'trouble') return await scene.trouble(what.trouble);
  const node = nodeNames[what.which] ?? '';
  switch (what.type) {
    case 'image': {
      const body = { spec: { template: { spec: { containers: [{ name: 'c', image: `i:${what.which}` }] } } } };
      const patch = { type: 'application/strategic-merge-patch+json' as const, body };
      return void (await base.client.daemonSets('default').patch('agent', patch));
    }
    case 'add':
      return await addNode(base, node);
    case 'remove':
      return void (await base.client.nodes().delete(node));
    case 'taint':
    case 'clear': {
      const effect = what.which % 2 === 0 ? 'NoSchedule' : 'NoExecute';
      const body = { spec: { taints: what.type === 'taint' ? [{ key: 'x', effect }] : null } };
      return void (await base.client.nodes().patch(node, { type: 'application/merge-patch+json', body }));
    }
    default:
      return await disturbPod(base, what.type, what.which);
  }
}

/** On which node several pods are active, where only one may be. */
async function crowded(base: ControllerFixture): Promise<string[]> {
  const owned = (await podsOf(base)).filter((pod) => isPodActive(pod) && pod.metadata.ownerReferences !== undefined);
  const nodes = owned.map((pod) => targetNode(pod) ?? '');
  return nodes.filter((node, i) => nodes.indexOf(node) !== i);
}

async function converge(scene: DisturbedController): Promise<void> {
  const { base } = scene;
  scene.calm();
  await base.until(async () => {
    await playNodes(base);
    const { status, metadata } = await base.client.daemonSets('default').get('agent');
    const desired = status?.desiredNumberScheduled ?? 0;
    const pods = (await podsOf(base)).length;
    return (
      status?.observedGeneration === metadata.generation &&
      (status?.updatedNumberScheduled ?? 0) === desired &&
      (status?.numberAvailable ?? 0) === desired &&
      pods === desired + (status?.numberMisscheduled ?? 0)
    );
  });
}

async function play(maxSurge: number, disturbances: readonly Disturbance[]): Promise<void> {
  await using scene = await DisturbedController.start([daemonSetController]);
  const { base } = scene;
  const daemons = base.client.daemonSets('default');
  for (const name of nodeNames.slice(0, 3)) await addNode(base, name);
  await daemons.create(daemon(maxSurge));
  for (const what of disturbances) {
    await disturb(scene, what).catch((error: unknown) => {
      // There is no such node or pod just now.
      if (!isNotFound(error)) throw error;
    });
    await base.settle();
    // With a surge there may be two; and an orphan's place may be taken before it is adopted again.
    const mayBeCrowded = maxSurge > 0 || disturbances.some(({ type }) => type === 'orphan');
    expect(mayBeCrowded ? [] : await crowded(base)).toEqual([]);
  }
  await converge(scene);
  await base.advance(5000);
  await converge(scene);
  const { spec, status } = await daemons.get('agent');
  const nodes = (await base.client.nodes().list()).items;
  const wanted = nodes.filter((node) => (node.spec?.taints ?? []).length === 0).map(({ metadata }) => metadata.name);
  expect(status?.desiredNumberScheduled).toBe(wanted.length);
  const pods = (await podsOf(base)).filter((pod) => wanted.includes(targetNode(pod)));
  expect(new Set(pods.map(targetNode))).toEqual(new Set(wanted));
  expect(pods.every((pod) => pod.spec?.containers[0]?.image === spec?.template.spec?.containers[0]?.image)).toBe(true);
  await base.advance(5000);
  scene.writes.length = 0;
  const body = { metadata: { annotations: { again: 'x' } } };
  await daemons.patch('agent', { type: 'application/merge-patch+json', body });
  await base.advance(3000);
  expect(scene.writes).toEqual([]);
}

describe('daemonset-controller, at random', () => {
  it.each([0, 1])('with surge %i: ends as specified, and then writes nothing', async (maxSurge) => {
    const disturbances = fc.array(disturbance, { minLength: 4, maxLength: 14 });
    const property = fc.asyncProperty(disturbances, (all) => play(maxSurge, all));
    await expect(fc.assert(property, { numRuns: 8, endOnFailure: true })).resolves.toBeUndefined();
  });
});
