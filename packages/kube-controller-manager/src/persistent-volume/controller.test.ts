import { describe, expect, it } from 'vitest';
import type {
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeClaimSpec,
  PersistentVolumeSpec,
} from '@kubets/api/types/core-v1';
import { TestControlPlane } from '@kubets/kube-apiserver/testing/test-control-plane';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { countingTransport } from '../testing/counting-transport.ts';
import { chance, refusing } from '../testing/write-faults.ts';
import { persistentVolumeBinderController } from './controller.ts';

const namespace = 'default';

const newVolume = (name: string, storage: string, spec: Partial<PersistentVolumeSpec> = {}): PersistentVolume => ({
  metadata: { name },
  spec: {
    capacity: { storage },
    accessModes: ['ReadWriteOnce'],
    csi: { driver: 'test', volumeHandle: name },
    persistentVolumeReclaimPolicy: 'Retain',
    ...spec,
  },
});

const newClaim = (
  name: string,
  storage: string,
  spec: Partial<PersistentVolumeClaimSpec> = {},
): PersistentVolumeClaim => ({
  metadata: { name, namespace },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } }, storageClassName: '', ...spec },
});

const volumes = (fixture: ControllerFixture) => fixture.client.persistentVolumes();
const claims = (fixture: ControllerFixture) => fixture.client.persistentVolumeClaims(namespace);
const phaseOf = async (fixture: ControllerFixture, claim: string): Promise<string | undefined> =>
  (await claims(fixture).get(claim)).status?.phase;

async function eventsOf(fixture: ControllerFixture): Promise<string[]> {
  await fixture.advance(1000);
  const { items } = await fixture.client.events('').list();
  return items.map(({ type, reason, message }) => `${type} ${reason}: ${message}`);
}

async function createClass(fixture: ControllerFixture, name: string, options: object = {}): Promise<void> {
  await fixture.client.storageClasses().create({ metadata: { name }, provisioner: 'test.csi', ...options });
}

describe('the persistent volume binder', () => {
  it('binds a claim to the smallest volume that suits, and then writes nothing', async () => {
    const { writes, wrap } = countingTransport();
    await using fixture = await ControllerFixture.start([persistentVolumeBinderController], {
      wrap,
      ownAccounts: true,
    });
    await volumes(fixture).create(newVolume('large', '10Gi'));
    await volumes(fixture).create(newVolume('small', '1Gi'));
    await volumes(fixture).create(newVolume('middle', '5Gi', { accessModes: ['ReadWriteOnce', 'ReadOnlyMany'] }));
    await volumes(fixture).create(newVolume('fitting', '6Gi'));
    await fixture.until(async () => (await volumes(fixture).get('large')).status?.phase === 'Available');
    await claims(fixture).create(newClaim('c', '2Gi'));
    await fixture.until(async () => (await phaseOf(fixture, 'c')) === 'Bound');
    const claim = await claims(fixture).get('c');
    // The volume with exactly the modes that were asked for goes before a smaller one with more.
    expect(claim.spec?.volumeName).toBe('fitting');
    expect(claim.metadata.annotations).toEqual({
      'pv.kubernetes.io/bind-completed': 'yes',
      'pv.kubernetes.io/bound-by-controller': 'yes',
    });
    expect(claim.status).toEqual({ phase: 'Bound', accessModes: ['ReadWriteOnce'], capacity: { storage: '6Gi' } });
    const volume = await volumes(fixture).get('fitting');
    expect(volume.status?.phase).toBe('Bound');
    expect(volume.spec?.claimRef).toMatchObject({ kind: 'PersistentVolumeClaim', namespace, name: 'c' });
    expect(volume.metadata.annotations?.['pv.kubernetes.io/bound-by-controller']).toBe('yes');
    const before = writes.length;
    await fixture.advance(60_000);
    expect(writes.length).toBe(before);
    expect(fixture.errors).toEqual([]);
  });

  it('waits for a volume, and takes it as soon as it comes', async () => {
    await using fixture = await ControllerFixture.start([persistentVolumeBinderController], { ownAccounts: true });
    await claims(fixture).create(newClaim('c', '2Gi'));
    const message = 'no persistent volumes available for this claim and no storage class is set';
    expect(await eventsOf(fixture)).toContain(`Normal FailedBinding: ${message}`);
    await volumes(fixture).create(newVolume('v', '2Gi'));
    await fixture.settle();
    expect(await phaseOf(fixture, 'c')).toBe('Bound');
  });

  it('gives volumes to the claims that they are reserved for, and claims the volumes that they name', async () => {
    await using fixture = await ControllerFixture.start([persistentVolumeBinderController], { ownAccounts: true });
    await volumes(fixture).create(newVolume('reserved', '1Gi', { claimRef: { namespace, name: 'second' } }));
    await volumes(fixture).create(newVolume('tiny', '1Mi'));
    await volumes(fixture).create(newVolume('free', '2Gi'));
    await claims(fixture).create(newClaim('first', '1Gi'));
    await claims(fixture).create(newClaim('second', '1Gi'));
    await claims(fixture).create(newClaim('third', '1Gi', { volumeName: 'tiny' }));
    await claims(fixture).create(newClaim('fourth', '1Mi', { volumeName: 'reserved' }));
    await fixture.until(async () => (await phaseOf(fixture, 'second')) === 'Bound');
    expect((await claims(fixture).get('second')).spec?.volumeName).toBe('reserved');
    expect((await claims(fixture).get('first')).spec?.volumeName).toBe('free');
    const reserved = await volumes(fixture).get('reserved');
    expect(reserved.metadata.annotations).toBeUndefined();
    expect(reserved.spec?.claimRef?.uid).toBe((await claims(fixture).get('second')).metadata.uid);
    expect(await phaseOf(fixture, 'third')).toBe('Pending');
    expect(await eventsOf(fixture)).toEqual(
      expect.arrayContaining([
        'Warning VolumeMismatch: Cannot bind to requested volume "tiny": requested PV is too small',
        'Warning FailedBinding: volume "reserved" already bound to a different claim.',
      ]),
    );
  });

  it('tells the external provisioner, and binds what it makes', async () => {
    await using fixture = await ControllerFixture.start([persistentVolumeBinderController], { ownAccounts: true });
    await createClass(fixture, 'fast');
    const created = await claims(fixture).create(newClaim('c', '1Gi', { storageClassName: 'fast' }));
    await fixture.until(async () => (await claims(fixture).get('c')).metadata.annotations !== undefined);
    expect((await claims(fixture).get('c')).metadata.annotations).toEqual({
      'volume.beta.kubernetes.io/storage-provisioner': 'test.csi',
      'volume.kubernetes.io/storage-provisioner': 'test.csi',
    });
    const waiting =
      "Waiting for a volume to be created either by the external provisioner 'test.csi' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.";
    expect(await eventsOf(fixture)).toContain(`Normal ExternalProvisioning: ${waiting}`);
    const { uid = '' } = created.metadata;
    const claimRef = { kind: 'PersistentVolumeClaim', apiVersion: 'v1', namespace, name: 'c', uid };
    const volume = newVolume('pvc-1', '1Gi', {
      storageClassName: 'fast',
      claimRef,
      persistentVolumeReclaimPolicy: 'Delete',
    });
    volume.metadata.annotations = { 'pv.kubernetes.io/provisioned-by': 'test.csi' };
    await volumes(fixture).create(volume);
    await fixture.until(async () => (await phaseOf(fixture, 'c')) === 'Bound');
    // Afterwards the external provisioner deletes it: here it is only released.
    await claims(fixture).patch('c', {
      type: 'application/merge-patch+json',
      body: { metadata: { finalizers: null } },
    });
    await claims(fixture).delete('c');
    await fixture.until(async () => (await volumes(fixture).get('pvc-1')).status?.phase === 'Released');
  });

  it('does not bind claims that wait for a pod, until a node is chosen', async () => {
    await using fixture = await ControllerFixture.start([persistentVolumeBinderController], { ownAccounts: true });
    await createClass(fixture, 'late', { volumeBindingMode: 'WaitForFirstConsumer' });
    await volumes(fixture).create(newVolume('v', '1Gi', { storageClassName: 'late' }));
    await claims(fixture).create(newClaim('c', '1Gi', { storageClassName: 'late' }));
    const first = 'Normal WaitForFirstConsumer: waiting for first consumer to be created before binding';
    expect(await eventsOf(fixture)).toContain(first);
    const containers = [{ name: 'c', image: 'busybox' }];
    const pod = { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }], containers };
    await fixture.client.pods(namespace).create({ metadata: { name: 'p' }, spec: pod });
    await fixture.advance(16_000);
    expect(await eventsOf(fixture)).toContain('Normal WaitForPodScheduled: waiting for pod p to be scheduled');
    expect((await claims(fixture).get('c')).spec?.volumeName).toBeUndefined();
    const body = { metadata: { annotations: { 'volume.kubernetes.io/selected-node': 'n' } } };
    await claims(fixture).patch('c', { type: 'application/merge-patch+json', body });
    await fixture.until(
      async () =>
        (await claims(fixture).get('c')).metadata.annotations?.['volume.kubernetes.io/storage-provisioner'] ===
        'test.csi',
    );
    // The scheduler decides on a volume: the binder finishes.
    const bound = await volumes(fixture).get('v');
    await volumes(fixture).update({ ...bound, spec: { ...bound.spec, claimRef: { namespace, name: 'c' } } });
    await fixture.until(async () => (await phaseOf(fixture, 'c')) === 'Bound');
  });

  it('gives claims without a class the default class, also later', async () => {
    await using fixture = await ControllerFixture.start([persistentVolumeBinderController], { ownAccounts: true });
    const { storageClassName: _none, ...spec } = newClaim('c', '1Gi').spec ?? {};
    await claims(fixture).create({ metadata: { name: 'c', namespace }, spec });
    await fixture.advance(1000);
    const metadata = { name: 'std', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } };
    await fixture.client.storageClasses().create({ metadata, provisioner: 'test.csi' });
    await fixture.until(async () => (await claims(fixture).get('c')).spec?.storageClassName === 'std');
    expect(fixture.errors).toEqual([]);
  });

  it('reclaims what it can, and says what it cannot', async () => {
    await using fixture = await ControllerFixture.start([persistentVolumeBinderController], { ownAccounts: true });
    const policies = { keep: 'Retain', wipe: 'Recycle', drop: 'Delete' } as const;
    for (const [name, persistentVolumeReclaimPolicy] of Object.entries(policies)) {
      await volumes(fixture).create(newVolume(name, '1Gi', { persistentVolumeReclaimPolicy }));
      await claims(fixture).create(newClaim(name, '1Gi', { volumeName: name }));
      await fixture.until(async () => (await phaseOf(fixture, name)) === 'Bound');
      await claims(fixture).patch(name, {
        type: 'application/merge-patch+json',
        body: { metadata: { finalizers: null } },
      });
      await claims(fixture).delete(name);
    }
    await fixture.settle();
    const phase = async (name: string): Promise<string | undefined> => (await volumes(fixture).get(name)).status?.phase;
    expect(await phase('keep')).toBe('Released');
    expect(await phase('wipe')).toBe('Failed');
    expect(await phase('drop')).toBe('Failed');
    expect(await eventsOf(fixture)).toEqual(
      expect.arrayContaining([
        'Warning VolumeFailedRecycle: No recycler plugin found for the volume!',
        'Warning VolumeFailedDelete: error getting deleter volume plugin for volume "drop": no deletable volume plugin matched',
      ]),
    );
  });

  it('marks claims as lost whose volume is gone', async () => {
    await using fixture = await ControllerFixture.start([persistentVolumeBinderController], { ownAccounts: true });
    await volumes(fixture).create(newVolume('v', '1Gi'));
    await claims(fixture).create(newClaim('c', '1Gi'));
    await fixture.until(async () => (await phaseOf(fixture, 'c')) === 'Bound');
    await volumes(fixture).patch('v', {
      type: 'application/merge-patch+json',
      body: { metadata: { finalizers: null } },
    });
    await volumes(fixture).delete('v');
    await fixture.until(async () => (await phaseOf(fixture, 'c')) === 'Lost');
    expect(await eventsOf(fixture)).toContain(
      'Warning ClaimLost: Bound claim has lost its PersistentVolume. Data on the volume is lost!',
    );
  });

  it.each([1, 2])(
    'ends up with every claim on a volume of its own, whatever is refused and restarted (%d)',
    async (seed) => {
      await using plane = await TestControlPlane.start();
      const wrap = refusing(chance(seed));
      const count = 12;
      for (let i = 0; i < count; i++) {
        await plane.client.persistentVolumes().create(newVolume(`v${i}`, `${i + 1}Gi`));
        await plane.client.persistentVolumeClaims(namespace).create(newClaim(`c${i}`, '1Mi'));
      }
      for (let round = 0; round < 4; round++) {
        await using fixture = await ControllerFixture.start([persistentVolumeBinderController], { plane, wrap });
        await fixture.advance(round * 20);
      }
      const { writes, wrap: counted } = countingTransport();
      await using fixture = await ControllerFixture.start([persistentVolumeBinderController], { plane, wrap: counted });
      await fixture.until(async () =>
        (await claims(fixture).list()).items.every(({ status }) => status?.phase === 'Bound'),
      );
      await fixture.until(async () =>
        (await volumes(fixture).list()).items.every(({ status }) => status?.phase === 'Bound'),
      );
      const { items } = await claims(fixture).list();
      expect(new Set(items.map(({ spec }) => spec?.volumeName)).size).toBe(count);
      for (const claim of items) {
        const volume = await volumes(fixture).get(claim.spec?.volumeName ?? '');
        expect(volume.spec?.claimRef?.uid).toBe(claim.metadata.uid);
      }
      await fixture.advance(20_000);
      const before = writes.length;
      await fixture.advance(60_000);
      expect(writes.slice(before)).toEqual([]);
    },
  );
});
