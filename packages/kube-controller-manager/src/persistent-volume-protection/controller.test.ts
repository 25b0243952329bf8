import { describe, expect, it } from 'vitest';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { persistentVolumeProtectionController } from './controller.ts';

describe('the PV protection controller', () => {
  it('lets a volume go when it is not bound any more', async () => {
    await using fixture = await ControllerFixture.start([persistentVolumeProtectionController], { ownAccounts: true });
    const volumes = fixture.client.persistentVolumes();
    const csi = { driver: 'test', volumeHandle: 'v' };
    const spec = { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce' as const], csi };
    const created = await volumes.create({ metadata: { name: 'v' }, spec });
    await volumes.updateStatus({ ...created, status: { phase: 'Bound' } });
    await fixture.settle();
    expect((await volumes.get('v')).metadata.finalizers).toEqual(['kubernetes.io/pv-protection']);
    await volumes.delete('v');
    await fixture.advance(5000);
    const going = await volumes.get('v');
    expect(going.metadata.deletionTimestamp).toBeDefined();
    await volumes.updateStatus({ ...going, status: { phase: 'Released' } });
    await fixture.until(async () => (await volumes.list()).items.length === 0);
    expect(fixture.errors).toEqual([]);
  });
});
