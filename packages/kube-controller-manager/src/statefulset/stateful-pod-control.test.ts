import { describe, expect, it } from 'vitest';
import type { Pod } from '@kubets/api/types/core-v1';
import type { EventRecorder } from '@kubets/client';
import { TestControlPlane } from '@kubets/kube-apiserver/testing/test-control-plane';
import type { Stateful as StatefulSet } from './identity.ts';
import { StatefulPodControl } from './stateful-pod-control.ts';

const set: StatefulSet = {
  metadata: { name: 'web', namespace: 'default', uid: 'set' },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: 'web' } },
    template: {},
    volumeClaimTemplates: [
      {
        metadata: { name: 'data' },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      },
    ],
    persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Retain' },
  },
};

const pod = (name: string): Pod => ({
  metadata: { name, namespace: 'default', labels: { app: 'web' } },
  spec: { containers: [{ name: 'c', image: 'i' }] },
});

function control(plane: TestControlPlane, claims: Readonly<Record<string, object>> = {}) {
  const told: string[] = [];
  const wrote: string[] = [];
  const events = {
    event: (_about: unknown, type: string, reason: string, message: string) =>
      void told.push(`${type} ${reason} ${message}`),
  } as unknown as EventRecorder;
  const made = new StatefulPodControl({
    client: plane.client,
    events,
    claim: (_namespace, name) => claims[name] as never,
    wrotePod: (_set, { metadata }) => void wrote.push(metadata.name ?? ''),
    wroteClaim: (_set, { metadata }) => void wrote.push(metadata.name ?? ''),
  });
  return { made, told, wrote };
}

describe('StatefulPodControl', () => {
  it('makes claims before the pod, owned as the policy says', async () => {
    await using plane = await TestControlPlane.start();
    const { made, told, wrote } = control(plane);
    await made.create(set, pod('web-0'));
    expect(wrote).toEqual(['data-web-0', 'web-0']);
    const claim = await plane.client.persistentVolumeClaims('default').get('data-web-0');
    expect(claim.metadata.ownerReferences?.[0]).toMatchObject({ kind: 'StatefulSet', uid: 'set', controller: true });
    expect(told).toEqual([
      'Normal SuccessfulCreate create Claim data-web-0 Pod web-0 in StatefulSet web success',
      'Normal SuccessfulCreate create Pod web-0 in StatefulSet web successful',
    ]);
  });

  it('tells of refusals, but not of a name that is taken', async () => {
    await using plane = await TestControlPlane.start();
    const { made, told } = control(plane, { 'data-web-0': { metadata: { name: 'data-web-0' } } });
    const bad = pod('web-0');
    bad.spec = { containers: [] };
    await expect(made.create({ ...set, spec: { ...set.spec, volumeClaimTemplates: [] } }, bad)).rejects.toThrow(
      'is invalid',
    );
    expect(told[0]).toContain(
      'Warning FailedCreate create Pod web-0 in StatefulSet web failed error: Pod "web-0" is invalid',
    );
    await plane.client.pods('default').create(pod('web-0'));
    await expect(made.create(set, pod('web-0'))).rejects.toThrow('already exists');
    expect(told).toHaveLength(1);
  });

  it('makes no pod while its claim is being deleted', async () => {
    await using plane = await TestControlPlane.start();
    const leaving = { metadata: { name: 'data-web-0', deletionTimestamp: '2026-01-01T00:00:00Z' } };
    const { made, told } = control(plane, { 'data-web-0': leaving });
    await expect(made.create(set, pod('web-0'))).rejects.toThrow('pvc data-web-0 is being deleted');
    expect(told).toEqual([
      'Warning FailedCreate create Pod web-0 in StatefulSet web failed error: pvc data-web-0 is being deleted',
    ]);
    expect((await plane.client.pods('default').list()).items).toEqual([]);
  });

  it('deletes the very pod, not its successor of the same name', async () => {
    await using plane = await TestControlPlane.start();
    const { made, told } = control(plane);
    const first = await plane.client.pods('default').create(pod('web-0'));
    await plane.client.pods('default').delete('web-0');
    await made.delete(set, first);
    const second = await plane.client.pods('default').create(pod('web-0'));
    await made.delete(set, first);
    expect((await plane.client.pods('default').get('web-0')).metadata.uid).toBe(second.metadata.uid);
    expect(told).toEqual([]);
    await made.delete(set, second);
    expect((await plane.client.pods('default').list()).items).toEqual([]);
    expect(told).toEqual(['Normal SuccessfulDelete delete Pod web-0 in StatefulSet web successful']);
  });

  it('warns of claims that somebody else manages', async () => {
    await using plane = await TestControlPlane.start();
    const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: 'set', controller: false };
    const other = { apiVersion: 'v1', kind: 'X', name: 'x', uid: 'x', controller: true };
    const claim = await plane.client.persistentVolumeClaims('default').create({
      metadata: { name: 'data-web-0', ownerReferences: [owner, other] },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    });
    const { made, told } = control(plane, { 'data-web-0': claim });
    expect(await made.updateClaimOwners(set, pod('web-0'))).toBe(true);
    const updated = await plane.client.persistentVolumeClaims('default').get('data-web-0');
    expect(updated.metadata.ownerReferences?.map(({ uid }) => uid)).toEqual(['x']);
    expect(told).toEqual([
      'Warning ConflictingController PersistentVolumeClaim data-web-0 has a conflicting OwnerReference that acts as a managing controller, the retention policy is ignored for this claim',
    ]);
  });
});
