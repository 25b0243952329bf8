/** Persistent volumes, claims and attachments, as far as no controller moves them. */
import { describe, expect } from 'vitest';
import { covers, useCluster } from './covers.ts';
import { unique, type Cluster, type Draft, type Obj } from './cluster.ts';
import type { Collection } from './collection.ts';
import { labelled, unfinalize } from './lifecycle.ts';
import { condition } from './samples.ts';

useCluster();

interface Pair {
  readonly volumes: Collection;
  readonly claims: Collection;
  readonly label: string;
  readonly selector: string;
}

async function place(cluster: Cluster): Promise<Pair> {
  const label = unique('e2e');
  const claims = cluster.of('v1/persistentvolumeclaims', await cluster.namespace());
  return { volumes: cluster.of('v1/persistentvolumes'), claims, label, selector: `e2e-pv-pool=${label}` };
}

const volume = (name: string, label: string): Draft => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name, labels: { 'e2e-pv-pool': label } },
  spec: {
    capacity: { storage: '2Gi' },
    accessModes: ['ReadWriteOnce'],
    persistentVolumeReclaimPolicy: 'Retain',
    storageClassName: label,
    csi: { driver: 'e2e.example.com', volumeHandle: name },
  },
});

const claim = (name: string, label: string): Draft => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name, labels: { 'e2e-pv-pool': label } },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, storageClassName: label },
});

/** Deletes one object; the controller that guards what is in use has nothing against it. */
async function removed(collection: Collection, name: string, selector: string): Promise<void> {
  await collection.delete(name);
  await unfinalize(collection, selector);
  await expect(collection.get(name)).rejects.toMatchObject({ code: 404 });
}

describe('persistent volumes and claims', () => {
  covers(
    '[sig-storage] PersistentVolumes CSI Conformance should run through the lifecycle of a PV and a PVC',
    async (cluster) => {
      const { volumes, claims, label, selector } = await place(cluster);
      const [pv, pvc] = [unique('pv'), unique('pvc')];
      const made = await volumes.create(volume(pv, label));
      expect(made).toMatchObject({ spec: { volumeMode: 'Filesystem' }, status: { phase: 'Pending' } });
      expect(made.metadata.finalizers).toEqual(['kubernetes.io/pv-protection']);
      const claimed = await claims.create(claim(pvc, label));
      expect(claimed).toMatchObject({ spec: { volumeMode: 'Filesystem' }, status: { phase: 'Pending' } });
      expect(claimed.metadata.finalizers).toEqual(['kubernetes.io/pvc-protection']);
      expect((await volumes.list({ labelSelector: selector })).items).toHaveLength(1);
      expect((await claims.list()).items).toHaveLength(1);
      for (const [collection, name] of [
        [volumes, pv],
        [claims, pvc],
      ] as const) {
        const patched = await collection.patch(name, 'strategic', { metadata: { labels: { [name]: 'patched' } } });
        expect(patched.metadata.labels?.[name]).toBe('patched');
        expect((await collection.get(name)).metadata.uid).toBe(patched.metadata.uid);
        await removed(collection, name, selector);
      }
      await volumes.create(volume(`${pv}-2`, label));
      await claims.create(claim(`${pvc}-2`, label));
      for (const [collection, name] of [
        [volumes, `${pv}-2`],
        [claims, `${pvc}-2`],
      ] as const) {
        const updated = await collection.replace(labelled(await collection.get(name), { [name]: 'updated' }));
        expect(updated.metadata.labels?.[name]).toBe('updated');
        expect(
          (
            await cluster
              .of(`v1/persistentvolume${collection === claims ? 'claims' : 's'}`)
              .list({ labelSelector: `${name}=updated` })
          ).items,
        ).toHaveLength(1);
        await collection.deleteCollection({ labelSelector: selector });
        await unfinalize(collection, selector);
        expect((await collection.list({ labelSelector: selector })).items).toEqual([]);
      }
    },
  );

  covers('[sig-storage] PersistentVolumes CSI Conformance should apply changes to a pv/pvc status', async (cluster) => {
    const { volumes, claims, label, selector } = await place(cluster);
    const [pv, pvc] = [unique('pv'), unique('pvc')];
    await volumes.create(volume(pv, label));
    await claims.create(claim(pvc, label));
    expect((await volumes.list({ labelSelector: selector })).items).toHaveLength(1);
    expect((await claims.list()).items).toHaveLength(1);
    expect((await claims.get(pvc, 'status'))['status']).toMatchObject({ phase: 'Pending' });
    expect((await volumes.get(pv, 'status'))['status']).toMatchObject({ phase: 'Pending' });
    const status = { subresource: 'status' };
    const patch = {
      metadata: { annotations: { patched: 'status' } },
      status: { conditions: [condition('StatusPatched')] },
    };
    const patched = await claims.patch(pvc, 'merge', patch, status);
    expect(patched['status']).toMatchObject({ phase: 'Pending', ...patch.status });
    const patchedVolume = await volumes.patch(
      pv,
      'merge',
      { status: { message: 'StatusPatched', reason: 'E2E' } },
      status,
    );
    expect(patchedVolume['status']).toMatchObject({ message: 'StatusPatched', reason: 'E2E' });
    const conditions = [...patch.status.conditions, condition('StatusUpdated')];
    const next = { ...(patched['status'] as Draft), conditions };
    expect((await claims.replace({ ...patched, status: next } as Obj, status))['status']).toMatchObject({ conditions });
    const nextVolume = { ...(patchedVolume['status'] as Draft), message: 'StatusUpdated' };
    const updatedVolume = await volumes.replace({ ...patchedVolume, status: nextVolume } as Obj, status);
    expect(updatedVolume['status']).toMatchObject({ message: 'StatusUpdated', reason: 'E2E' });
    expect(updatedVolume['spec']).toEqual(patchedVolume['spec']);
  });
});

describe('volume attachments', () => {
  covers(
    '[sig-storage] VolumeAttachment Conformance should apply changes to a volumeattachment status',
    async (cluster) => {
      const attachments = cluster.of('storage.k8s.io/v1/volumeattachments');
      const name = unique('attachment');
      const spec = { attacher: 'e2e-test.storage.k8s.io', nodeName: 'node', source: { persistentVolumeName: 'pv' } };
      await attachments.create({ apiVersion: 'storage.k8s.io/v1', kind: 'VolumeAttachment', metadata: { name }, spec });
      const labels = { [name]: 'patched' };
      expect((await attachments.patch(name, 'strategic', { metadata: { labels } })).metadata.labels).toEqual(labels);
      expect((await attachments.get(name, 'status'))['status']).toEqual({ attached: false });
      const status = { subresource: 'status' };
      const patched = await attachments.patch(name, 'merge', { status: { attached: true } }, status);
      expect(patched['status']).toEqual({ attached: true });
      const updated = await attachments.replace({ ...patched, status: { attached: false } } as Obj, status);
      expect(updated['status']).toEqual({ attached: false });
      expect(updated['spec']).toEqual(spec);
      await attachments.delete(name);
      await expect(attachments.get(name)).rejects.toMatchObject({ code: 404 });
    },
  );
});
