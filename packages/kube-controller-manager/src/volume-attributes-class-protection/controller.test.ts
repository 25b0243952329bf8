import { describe, expect, it } from 'vitest';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { classesOfClaim, volumeAttributesClassProtectionController } from './controller.ts';

const namespace = 'default';

describe('the VAC protection controller', () => {
  it('lets a class go when no claim and no volume names it any more', async () => {
    await using fixture = await ControllerFixture.start([volumeAttributesClassProtectionController], {
      ownAccounts: true,
    });
    const classes = fixture.client.volumeAttributesClasses();
    const claims = fixture.client.persistentVolumeClaims(namespace);
    await classes.create({ metadata: { name: 'gold' }, driverName: 'test', parameters: { iops: '1' } });
    await fixture.until(
      async () => (await classes.get('gold')).metadata.finalizers?.includes('kubernetes.io/vac-protection') === true,
    );
    await claims.create({
      metadata: { name: 'c' },
      spec: {
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: '1Gi' } },
        volumeAttributesClassName: 'gold',
      },
    });
    await fixture.settle();
    await classes.delete('gold');
    await fixture.advance(5000);
    expect((await classes.get('gold')).metadata.deletionTimestamp).toBeDefined();
    await claims.patch('c', { type: 'application/merge-patch+json', body: { metadata: { finalizers: null } } });
    await claims.delete('c');
    await fixture.until(async () => (await classes.list()).items.length === 0);
    expect(fixture.errors).toEqual([]);
  });

  it('knows the classes that a claim has, wants and is being given', () => {
    expect(
      classesOfClaim({
        metadata: {},
        spec: { volumeAttributesClassName: 'a' },
        status: {
          currentVolumeAttributesClassName: 'b',
          modifyVolumeStatus: { status: 'InProgress', targetVolumeAttributesClassName: 'a' },
        },
      }),
    ).toEqual(['a', 'b']);
  });
});
