import { describe, expect, it } from 'vitest';
import type { Pod } from '@kubets/api/types/core-v1';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { ephemeralVolumeController } from './controller.ts';

const namespace = 'default';

const newPod = (name: string): Pod => ({
  metadata: { name, namespace },
  spec: {
    containers: [{ name: 'c', image: 'busybox' }],
    volumes: [
      {
        name: 'scratch',
        ephemeral: {
          volumeClaimTemplate: {
            metadata: { labels: { type: 'scratch' } },
            spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
          },
        },
      },
    ],
  },
});

describe('the ephemeral volume controller', () => {
  it('makes a claim for each ephemeral volume, owned by the pod, and makes it again', async () => {
    await using fixture = await ControllerFixture.start([ephemeralVolumeController], { ownAccounts: true });
    const claims = fixture.client.persistentVolumeClaims(namespace);
    const pod = await fixture.client.pods(namespace).create(newPod('p'));
    await fixture.until(async () => (await claims.list()).items.length === 1);
    const claim = await claims.get('p-scratch');
    expect(claim.metadata.labels).toEqual({ type: 'scratch' });
    expect(claim.metadata.ownerReferences).toEqual([
      { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: pod.metadata.uid, controller: true, blockOwnerDeletion: true },
    ]);
    expect(claim.spec?.resources?.requests?.['storage']).toBe('1Gi');
    await claims.patch('p-scratch', { type: 'application/merge-patch+json', body: { metadata: { finalizers: null } } });
    await claims.delete('p-scratch');
    await fixture.until(async () => (await claims.list()).items[0]?.metadata.uid !== claim.metadata.uid);
    expect(fixture.errors).toEqual([]);
  });

  it('does not take a claim that somebody else has made', async () => {
    await using fixture = await ControllerFixture.start([ephemeralVolumeController], { ownAccounts: true });
    const claims = fixture.client.persistentVolumeClaims(namespace);
    const spec = { accessModes: ['ReadWriteOnce' as const], resources: { requests: { storage: '1Gi' } } };
    await claims.create({ metadata: { name: 'p-scratch' }, spec });
    await fixture.settle();
    await fixture.client.pods(namespace).create(newPod('p'));
    await fixture.advance(2000);
    const { items } = await fixture.client.events(namespace).list();
    expect(items[0]).toMatchObject({
      type: 'Warning',
      reason: 'FailedBinding',
      message: 'ephemeral volume scratch: PVC default/p-scratch was not created for pod default/p (pod is not owner)',
    });
  });
});
