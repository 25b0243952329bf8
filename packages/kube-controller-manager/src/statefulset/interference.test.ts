import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isNotFound } from '@kubets/apimachinery/status';
import type { StatefulSet } from '@kubets/api/types/apps-v1';
import type { ControllerFixture } from '../testing/controller-fixture.ts';
import { DisturbedController, troubles, type Trouble } from '../testing/disturbed-controller.ts';
import { finishDeleted, makeReady, runningStatus } from '../testing/pod-simulator.ts';
import { statefulSetController } from './controller.ts';

type Policy = 'OrderedReady' | 'Parallel';

const set = (podManagementPolicy: Policy): StatefulSet => ({
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas: 3,
    podManagementPolicy,
    minReadySeconds: 1,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i:1' }] },
    },
    volumeClaimTemplates: [
      {
        metadata: { name: 'data' },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      },
    ],
    persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Retain' },
  },
});

const podTypes = ['delete', 'fail', 'unready', 'orphan'] as const;

/** What disturbs; numbers and pods are chosen at random. */
type Disturbance =
  | { readonly type: 'scale' | 'image'; readonly to: number }
  | { readonly type: (typeof podTypes)[number]; readonly pod: number }
  | { readonly type: 'kubelet' | 'time' }
  | { readonly type: 'trouble'; readonly trouble: Trouble };

const disturbance: fc.Arbitrary<Disturbance> = fc.oneof(
  fc.record({ type: fc.constantFrom('scale' as const, 'image' as const), to: fc.integer({ min: 0, max: 4 }) }),
  fc.record({ type: fc.constantFrom(...podTypes), pod: fc.integer({ min: 0, max: 3 }) }),
  fc.record({ type: fc.constantFrom('kubelet' as const, 'kubelet' as const, 'time' as const) }),
  fc.record({ type: fc.constant('trouble' as const), trouble: fc.constantFrom(...troubles) }),
);

async function kubelet(base: ControllerFixture): Promise<void> {
  await finishDeleted(base);
  await makeReady(base);
}

async function disturbPod(base: ControllerFixture, type: (typeof podTypes)[number], name: string): Promise<void> {
  const client = base.client.pods('default');
  try {
    if (type === 'delete') await client.delete(name, { gracePeriodSeconds: 0 });
    else if (type === 'orphan') {
      const body = { metadata: { ownerReferences: null } };
      await client.patch(name, { type: 'application/merge-patch+json', body });
    } else {
      const status = type === 'fail' ? { phase: 'Failed' as const } : runningStatus(false, base.clock.now());
      await client.updateStatus({ ...(await client.get(name)), status });
    }
  } catch (error) {
    // There is no such pod just now.
    if (!isNotFound(error)) throw error;
  }
}

async function disturb(scene: DisturbedController, what: Disturbance): Promise<void> {
  const { base } = scene;
  const patch = async (spec: object): Promise<void> => {
    const client = base.client.statefulSets('default');
    await client.patch('web', { type: 'application/strategic-merge-patch+json', body: { spec } });
  };
  switch (what.type) {
    case 'scale':
      return await patch({ replicas: what.to });
    case 'image':
      return await patch({ template: { spec: { containers: [{ name: 'c', image: `i:${what.to}` }] } } });
    case 'kubelet':
      return await kubelet(base);
    case 'time':
      return await base.advance(3000);
    case 'trouble':
      return await scene.trouble(what.trouble);
    default:
      return await disturbPod(base, what.type, `web-${what.pod}`);
  }
}

/** Pods that were made unready recover. */
async function recover(base: ControllerFixture): Promise<void> {
  const client = base.client.pods('default');
  for (const pod of (await client.list()).items) {
    const unready = pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'False');
    if (unready && pod.status?.phase === 'Running' && !pod.metadata.deletionTimestamp)
      await client.updateStatus({ ...pod, status: runningStatus(true, base.clock.now()) });
  }
}

/** Plays kubelet until all is as specified. */
async function converge(scene: DisturbedController): Promise<void> {
  const { base } = scene;
  scene.calm();
  await base.until(async () => {
    await kubelet(base);
    await recover(base);
    const { spec, status, metadata } = await base.client.statefulSets('default').get('web');
    const replicas = spec?.replicas ?? 1;
    const { items } = await base.client.pods('default').list();
    return (
      items.length === replicas &&
      items.every((pod) => pod.status?.phase === 'Running') &&
      status?.observedGeneration === metadata.generation &&
      status?.replicas === replicas &&
      (status.availableReplicas ?? 0) === replicas &&
      (status.updatedReplicas ?? 0) === replicas &&
      status.currentRevision === status.updateRevision
    );
  });
}

/** The images and names of the pods, and who owns pods and claims. */
async function outcome(base: ControllerFixture): Promise<object> {
  const { client } = base;
  const pods = (await client.pods('default').list()).items;
  const claims = (await client.persistentVolumeClaims('default').list()).items;
  const revisions = (await client.controllerRevisions('default').list()).items;
  return {
    names: new Set(pods.map((pod) => pod.metadata.name)),
    images: new Set(pods.map((pod) => pod.spec?.containers[0]?.image)),
    owners: new Set([...pods, ...claims].map(({ metadata }) => metadata.ownerReferences?.[0]?.uid)),
    equalNumbers: revisions.length - new Set(revisions.map(({ revision }) => revision)).size,
  };
}

async function play(policy: Policy, disturbances: readonly Disturbance[]): Promise<void> {
  await using scene = await DisturbedController.start([statefulSetController]);
  const { base } = scene;
  const sets = base.client.statefulSets('default');
  await sets.create(set(policy));
  for (const what of disturbances) {
    await disturb(scene, what);
    await base.settle();
  }
  await converge(scene);
  const { spec, metadata } = await sets.get('web');
  const replicas = spec?.replicas ?? 1;
  const made = (await base.client.persistentVolumeClaims('default').list()).items.length > 0;
  expect(await outcome(base)).toEqual({
    names: new Set(Array.from({ length: replicas }, (_, i) => `web-${i}`)),
    images: new Set(replicas === 0 ? [] : [spec?.template.spec?.containers[0]?.image]),
    owners: new Set(made ? [metadata.uid] : []),
    equalNumbers: 0,
  });
  await base.advance(5000);
  scene.writes.length = 0;
  const body = { metadata: { annotations: { again: 'x' } } };
  await sets.patch('web', { type: 'application/merge-patch+json', body });
  await base.advance(3000);
  expect(scene.writes).toEqual([]);
}

describe('statefulset-controller, at random', () => {
  it.each(['OrderedReady', 'Parallel'] as const)('%s: ends as specified, and then writes nothing', async (policy) => {
    const disturbances = fc.array(disturbance, { minLength: 4, maxLength: 14 });
    const property = fc.asyncProperty(disturbances, (all) => play(policy, all));
    await expect(fc.assert(property, { numRuns: 8, endOnFailure: true })).resolves.toBeUndefined();
  });
});
