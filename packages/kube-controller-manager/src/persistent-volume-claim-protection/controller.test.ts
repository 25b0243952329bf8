import { describe, expect, it } from 'vitest';
import type { PersistentVolumeClaim, Pod, Volume } from '@kubets/api/types/core-v1';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { intercept } from '../testing/intercept.ts';
import { persistentVolumeClaimProtectionController } from './controller.ts';
import { usesClaim } from './plan.ts';

const namespace = 'default';
const finalizer = 'kubernetes.io/pvc-protection';

const newClaim = (name: string): PersistentVolumeClaim => ({
  metadata: { name, namespace },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
});

const newPod = (name: string, claimName: string, nodeName?: string): Pod => ({
  metadata: { name, namespace },
  spec: {
    containers: [{ name: 'c', image: 'busybox' }],
    volumes: [{ name: 'v', persistentVolumeClaim: { claimName } }],
    ...(nodeName && { nodeName }),
  },
});

describe('the PVC protection controller', () => {
  it('lets a claim go when no pod on a node uses it any more', async () => {
    await using fixture = await ControllerFixture.start([persistentVolumeClaimProtectionController], {
      ownAccounts: true,
    });
    const claims = fixture.client.persistentVolumeClaims(namespace);
    const pods = fixture.client.pods(namespace);
    await claims.create(newClaim('c'));
    await fixture.until(async () => (await claims.get('c')).metadata.finalizers?.includes(finalizer) === true);
    await pods.create(newPod('running', 'c', 'node'));
    await pods.create(newPod('waiting', 'c'));
    await fixture.settle();
    await claims.delete('c');
    await fixture.advance(10_000);
    expect((await claims.get('c')).metadata.deletionTimestamp).toBeDefined();
    await pods.delete('running', { gracePeriodSeconds: 0 });
    await fixture.until(async () => (await claims.list()).items.length === 0);
    expect(fixture.errors).toEqual([]);
  });

  it('asks the server once for claims that go together', async () => {
    let lists = 0;
    const wrap = intercept((request, forward) => {
      if (request.method === 'GET' && request.path === '/api/v1/namespaces/default/pods') lists++;
      return forward(request);
    });
    await using fixture = await ControllerFixture.start([persistentVolumeClaimProtectionController], {
      wrap,
      ownAccounts: true,
    });
    const claims = fixture.client.persistentVolumeClaims(namespace);
    for (let i = 0; i < 20; i++) await claims.create(newClaim(`c${i}`));
    await fixture.settle();
    await claims.deleteCollection();
    await fixture.until(async () => (await claims.list()).items.length === 0);
    expect(lists).toBeLessThan(10);
    expect(fixture.errors).toEqual([]);
  });

  it('lets a claim go whose pod went after it was asked about with others', async () => {
    await using fixture = await ControllerFixture.start([persistentVolumeClaimProtectionController], {
      ownAccounts: true,
    });
    const claims = fixture.client.persistentVolumeClaims(namespace);
    const pods = fixture.client.pods(namespace);
    for (const name of ['a', 'b']) await claims.create(newClaim(name));
    await pods.create(newPod('user', 'b', 'node'));
    await fixture.settle();
    await claims.deleteCollection();
    await fixture.until(async () => (await claims.list()).items.length === 1);
    await pods.delete('user', { gracePeriodSeconds: 0 });
    await fixture.until(async () => (await claims.list()).items.length === 0);
    expect(fixture.errors).toEqual([]);
  });

  it('adds the finalizer where it is missing', async () => {
    await using fixture = await ControllerFixture.start([persistentVolumeClaimProtectionController], {
      ownAccounts: true,
    });
    const claims = fixture.client.persistentVolumeClaims(namespace);
    await claims.create(newClaim('c'));
    await claims.patch('c', { type: 'application/merge-patch+json', body: { metadata: { finalizers: null } } });
    await fixture.until(async () => (await claims.get('c')).metadata.finalizers?.includes(finalizer) === true);
    expect((await claims.get('c')).metadata.finalizers).toEqual([finalizer]);
  });
});

describe('usesClaim', () => {
  const ephemeral: Volume = { name: 'e', ephemeral: { volumeClaimTemplate: { spec: {} } } };
  const owned = (uid: string): PersistentVolumeClaim => ({
    metadata: {
      name: 'p-e',
      namespace,
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid, controller: true }],
    },
  });
  const pod: Pod = {
    metadata: { name: 'p', namespace, uid: 'u' },
    spec: { containers: [], volumes: [ephemeral], nodeName: 'n' },
  };
  it.each<[string, Pod, PersistentVolumeClaim, boolean]>([
    ['a pod on a node', newPod('p', 'c', 'n'), newClaim('c'), true],
    ['a pod that has ended', { ...newPod('p', 'c', 'n'), status: { phase: 'Succeeded' } }, newClaim('c'), true],
    ['a pod on no node', newPod('p', 'c'), newClaim('c'), false],
    ['a pod with another claim', newPod('p', 'd', 'n'), newClaim('c'), false],
    ['its ephemeral volume', pod, owned('u'), true],
    ['a claim that only has the name', pod, owned('other'), false],
  ])('%s', (_, given, claim, expected) => {
    expect(usesClaim(given, claim)).toBe(expected);
  });
});
