import { describe, expect, it } from 'vitest';
import { isConflict } from '@kubets/apimachinery/status';
import type { Node, PersistentVolume, Pod } from '@kubets/api/types/core-v1';
import type { VolumeAttachment } from '@kubets/api/types/storage-v1';
import { TestControlPlane } from '@kubets/kube-apiserver/testing/test-control-plane';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { countingTransport } from '../testing/counting-transport.ts';
import { chance, refusing } from '../testing/write-faults.ts';
import { attachDetachController, attachmentName } from './controller.ts';
import { isExclusive, managedAnnotation, planVolume, type Observed } from './plan.ts';

const namespace = 'default';
const volumeName = 'kubernetes.io/csi/test.csi^handle';

const newNode = (name: string): Node => ({ metadata: { name, annotations: { [managedAnnotation]: 'true' } } });

const newPod = (name: string, nodeName: string): Pod => ({
  metadata: { name, namespace, uid: name },
  spec: {
    containers: [{ name: 'c', image: 'busybox' }],
    volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }],
    nodeName,
  },
});

/** A claim with its volume, bound. */
async function bind(fixture: ControllerFixture): Promise<void> {
  const accessModes = ['ReadWriteOnce' as const];
  const spec = { accessModes, resources: { requests: { storage: '1Gi' } }, storageClassName: '', volumeName: 'v' };
  const claim = await fixture.client.persistentVolumeClaims(namespace).create({ metadata: { name: 'c' }, spec });
  await fixture.client.persistentVolumes().create({
    metadata: { name: 'v' },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes,
      csi: { driver: 'test.csi', volumeHandle: 'handle' },
      claimRef: { namespace, name: 'c', ...(claim.metadata.uid && { uid: claim.metadata.uid }) },
    },
  });
}

const attachments = async (fixture: ControllerFixture): Promise<readonly Readonly<VolumeAttachment>[]> =>
  (await fixture.client.volumeAttachments().list()).items;

/** Plays the external attacher. */
async function attachAll(fixture: ControllerFixture): Promise<void> {
  for (const attachment of await attachments(fixture)) {
    const attached = { ...attachment, status: { attached: true } };
    await fixture.client
      .volumeAttachments()
      .updateStatus(attached)
      .catch((error: unknown) => {
        // Gone meanwhile.
        if (!isConflict(error)) throw error;
      });
  }
  await fixture.settle();
}

const listedOn = async (fixture: ControllerFixture, node: string): Promise<string[]> =>
  ((await fixture.client.nodes().get(node)).status?.volumesAttached ?? []).map(({ name }) => name);

async function setInUse(fixture: ControllerFixture, node: string, volumesInUse: string[]): Promise<void> {
  const type = 'application/merge-patch+json';
  await fixture.client.nodes().patch(node, { type, body: { status: { volumesInUse } }, subresource: 'status' });
}

async function events(fixture: ControllerFixture): Promise<string[]> {
  await fixture.advance(1000);
  const { items } = await fixture.client.events(namespace).list();
  return items.map(({ reason, message, involvedObject }) => `${involvedObject.name} ${reason}: ${message}`);
}

describe('the attach/detach controller', () => {
  it('attaches a volume where its pod is, and detaches it when the kubelet has done with it', async () => {
    await using fixture = await ControllerFixture.start([attachDetachController], { ownAccounts: true });
    for (const name of ['n1', 'n2']) await fixture.client.nodes().create(newNode(name));
    await bind(fixture);
    await fixture.client.pods(namespace).create(newPod('a', 'n1'));
    await fixture.until(async () => (await attachments(fixture)).length === 1);
    const [attachment] = await attachments(fixture);
    expect(attachment?.metadata.name).toBe(attachmentName('handle', 'test.csi', 'n1'));
    expect(attachment?.spec).toEqual({
      attacher: 'test.csi',
      nodeName: 'n1',
      source: { persistentVolumeName: 'v' },
    });
    expect(await listedOn(fixture, 'n1')).toEqual([]);
    await attachAll(fixture);
    expect(await listedOn(fixture, 'n1')).toEqual([volumeName]);
    expect(await events(fixture)).toEqual(['a SuccessfulAttachVolume: AttachVolume.Attach succeeded for volume "v" ']);
    // Another node wants it: not before the first lets it go.
    await setInUse(fixture, 'n1', [volumeName]);
    await fixture.client.pods(namespace).create(newPod('b', 'n2'));
    expect(await events(fixture)).toContain(
      'b FailedAttachVolume: Multi-Attach error for volume "v" Volume is already used by pod(s) a',
    );
    await fixture.client.pods(namespace).delete('a', { gracePeriodSeconds: 0 });
    await fixture.advance(10_000);
    expect((await attachments(fixture)).map(({ spec }) => spec.nodeName)).toEqual(['n1']);
    await setInUse(fixture, 'n1', []);
    await fixture.until(async () => (await attachments(fixture)).some(({ spec }) => spec.nodeName === 'n2'));
    expect((await attachments(fixture)).map(({ spec }) => spec.nodeName)).toEqual(['n2']);
    expect(await listedOn(fixture, 'n1')).toEqual([]);
    expect(fixture.errors).toEqual([]);
  });

  it('detaches after six minutes what a kubelet does not unmount', async () => {
    await using fixture = await ControllerFixture.start([attachDetachController], { ownAccounts: true });
    await fixture.client.nodes().create(newNode('n1'));
    await bind(fixture);
    await fixture.client.pods(namespace).create(newPod('a', 'n1'));
    await fixture.until(async () => (await attachments(fixture)).length === 1);
    await attachAll(fixture);
    await setInUse(fixture, 'n1', [volumeName]);
    await fixture.client.pods(namespace).delete('a', { gracePeriodSeconds: 0 });
    await fixture.advance(5 * 60_000);
    expect(await attachments(fixture)).toHaveLength(1);
    await fixture.advance(65_000);
    expect(await attachments(fixture)).toEqual([]);
  });

  it('says why attaching failed', async () => {
    await using fixture = await ControllerFixture.start([attachDetachController], { ownAccounts: true });
    await fixture.client.nodes().create(newNode('n1'));
    await bind(fixture);
    await fixture.client.pods(namespace).create(newPod('a', 'n1'));
    await fixture.until(async () => (await attachments(fixture)).length === 1);
    const [attachment] = await attachments(fixture);
    const status = { attached: false, attachError: { time: '2026-01-01T00:00:00Z', message: 'rpc error' } };
    await fixture.client.volumeAttachments().updateStatus({ ...attachment!, status });
    expect(await events(fixture)).toEqual([
      'a FailedAttachVolume: AttachVolume.Attach failed for volume "v" : rpc error',
    ]);
  });

  it('leaves drivers alone that need no attaching, and nodes that attach by themselves', async () => {
    await using fixture = await ControllerFixture.start([attachDetachController], { ownAccounts: true });
    await fixture.client.csiDrivers().create({ metadata: { name: 'test.csi' }, spec: { attachRequired: false } });
    await fixture.client.nodes().create(newNode('n1'));
    await fixture.client.nodes().create({ metadata: { name: 'n2' } });
    await bind(fixture);
    await fixture.client.pods(namespace).create(newPod('a', 'n1'));
    await fixture.client.pods(namespace).create(newPod('b', 'n2'));
    await fixture.advance(5000);
    expect(await attachments(fixture)).toEqual([]);
  });

  it.each([1, 2, 3])(
    'ends up with the volume where its pod is, whatever is refused and restarted (%d)',
    async (seed) => {
      await using plane = await TestControlPlane.start();
      const random = chance(seed);
      const nodes = ['n0', 'n1', 'n2'];
      {
        await using setup = await ControllerFixture.start([], { plane });
        for (const name of nodes) await setup.client.nodes().create(newNode(name));
        await bind(setup);
      }
      for (let round = 0; round < 6; round++) {
        const options = { plane, wrap: refusing(random, { lostAnswers: true }) };
        await using fixture = await ControllerFixture.start([attachDetachController], options);
        for (const { metadata } of (await fixture.client.pods(namespace).list()).items) {
          await fixture.client.pods(namespace).delete(metadata.name!, { gracePeriodSeconds: 0 });
        }
        await fixture.client.pods(namespace).create(newPod(`p${round}`, `n${random(nodes.length)}`));
        await fixture.advance(random(10) * 1000);
        await attachAll(fixture);
      }
      const { writes, wrap } = countingTransport();
      await using fixture = await ControllerFixture.start([attachDetachController], { plane, wrap });
      for (let i = 0; i < 5; i++) {
        await fixture.advance(5000);
        await attachAll(fixture);
      }
      const node = (await fixture.client.pods(namespace).get('p5')).spec?.nodeName ?? '';
      expect((await attachments(fixture)).map(({ spec }) => spec.nodeName)).toEqual([node]);
      for (const name of nodes) expect(await listedOn(fixture, name)).toEqual(name === node ? [volumeName] : []);
      const before = writes.length;
      await fixture.advance(120_000);
      expect(writes.slice(before)).toEqual([]);
    },
  );
});

describe('planVolume', () => {
  const volume = (accessModes: ('ReadWriteMany' | 'ReadWriteOnce')[]): PersistentVolume => ({
    metadata: { name: 'v' },
    spec: { accessModes, csi: { driver: 'test.csi', volumeHandle: 'handle' } },
  });
  const on = (...nodes: string[]): ReadonlyMap<string, VolumeAttachment> =>
    new Map(
      nodes.map((nodeName) => [
        nodeName,
        { metadata: { name: `on-${nodeName}` }, spec: { attacher: 'test.csi', nodeName, source: {} } },
      ]),
    );
  const observed = (changes: Partial<Observed>): Observed => ({
    volume: volume(['ReadWriteOnce']),
    pods: [],
    attachments: new Map(),
    node: newNode,
    unneededSince: () => 0,
    now: 1000,
    ...changes,
  });
  const inUse = (name: string): Node => ({ ...newNode(name), status: { volumesInUse: [volumeName] } });

  it.each<[string, Partial<Observed>, string[]]>([
    ['one of two nodes', { pods: [newPod('a', 'x'), newPod('b', 'y')] }, ['attach', 'multiAttach']],
    ['both', { volume: volume(['ReadWriteMany']), pods: [newPod('a', 'x'), newPod('b', 'y')] }, ['attach', 'attach']],
    ['attached already', { pods: [newPod('a', 'x')], attachments: on('x') }, []],
    ['not needed', { attachments: on('x') }, ['detach']],
    ['mounted still', { attachments: on('x'), node: inUse }, ['wait']],
    ['mounted for too long', { attachments: on('x'), node: inUse, now: 6 * 60_000 }, ['detach']],
    ['the node is gone', { attachments: on('x'), node: () => undefined }, ['detach']],
    [
      'the node is out of service',
      {
        attachments: on('x'),
        node: (name) => ({
          ...inUse(name),
          spec: { taints: [{ key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute' }] },
        }),
      },
      ['detach'],
    ],
    [
      'listed on the node',
      {
        attachments: on('x'),
        node: (name) => ({ ...newNode(name), status: { volumesAttached: [{ name: volumeName, devicePath: '' }] } }),
      },
      ['withdraw'],
    ],
  ])('%s', (_, changes, types) => {
    expect(planVolume(observed(changes)).map(({ type }) => type)).toEqual(types);
  });

  it('knows which volumes may be on one node only', () => {
    expect(isExclusive(volume(['ReadWriteOnce']))).toBe(true);
    expect(isExclusive(volume(['ReadWriteOnce', 'ReadWriteMany']))).toBe(false);
    expect(isExclusive(volume([]))).toBe(false);
  });
});
