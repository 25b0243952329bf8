import { describe, expect, it } from 'vitest';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { persistentVolumeExpanderController } from './controller.ts';

const namespace = 'default';

describe('the volume expansion controller', () => {
  it('says that an external controller is awaited when a bound claim grows', async () => {
    await using fixture = await ControllerFixture.start([persistentVolumeExpanderController], { ownAccounts: true });
    const claims = fixture.client.persistentVolumeClaims(namespace);
    await fixture.client
      .storageClasses()
      .create({ metadata: { name: 'sc' }, provisioner: 'test.csi', allowVolumeExpansion: true });
    const accessModes = ['ReadWriteOnce' as const];
    const created = await claims.create({
      metadata: { name: 'c' },
      spec: { accessModes, resources: { requests: { storage: '1Gi' } }, storageClassName: 'sc', volumeName: 'v' },
    });
    const { uid = '' } = created.metadata;
    await fixture.client.persistentVolumes().create({
      metadata: { name: 'v' },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes,
        csi: { driver: 'test.csi', volumeHandle: 'v' },
        storageClassName: 'sc',
        claimRef: { namespace, name: 'c', uid },
      },
    });
    await claims.updateStatus({ ...created, status: { phase: 'Bound', accessModes, capacity: { storage: '1Gi' } } });
    await fixture.advance(2000);
    const events = async (): Promise<string[]> =>
      (await fixture.client.events(namespace).list()).items.map(({ reason, message }) => `${reason}: ${message}`);
    expect(await events()).toEqual([]);
    const body = { spec: { resources: { requests: { storage: '2Gi' } } } };
    await claims.patch('c', { type: 'application/merge-patch+json', body });
    await fixture.advance(2000);
    expect(await events()).toEqual(['ExternalExpanding: waiting for an external controller to expand this PVC']);
    expect(fixture.errors).toEqual([]);
  });
});
