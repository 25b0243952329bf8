/** Persistent volumes, claims and attachments: upstream's `test/e2e/storage/persistent_volumes.go`, `volume_attachment.go`. */
import { describe, expect } from 'vitest';
import { covers, useNodes } from './covers.ts';
import { unique, type Cluster, type Draft, type Obj } from './cluster.ts';
import type { Collection } from './collection.ts';
import { labelled } from './lifecycle.ts';
import { isTrue } from './pods.ts';
import { condition } from './samples.ts';
import { becomes, change, lists, vanishes } from './waiting.ts';

useNodes(1);

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

const phaseOf = (object: Obj): string => (object['status'] as { phase: string }).phase;

/** A volume and a claim that are bound to each other. */
async function bound({ volumes, claims, label }: Pair, pv: string, pvc: string): Promise<void> {
  await volumes.create(volume(pv, label));
  await claims.create(claim(pvc, label));
  const both = await Promise.all([
    becomes(volumes, pv, (object) => phaseOf(object) === 'Bound'),
    becomes(claims, pvc, (object) => phaseOf(object) === 'Bound'),
  ]);
  expect(both[0]).toMatchObject({ spec: { claimRef: { kind: 'PersistentVolumeClaim', name: pvc } } });
  expect(both[1]).toMatchObject({ spec: { volumeName: pv }, status: { capacity: { storage: '2Gi' } } });
}

describe('persistent volumes and claims', () => {
  covers(
    '[sig-storage] PersistentVolumes CSI Conformance should run through the lifecycle of a PV and a PVC',
    async (cluster) => {
      const pair = await place(cluster);
      const { volumes, claims, label, selector } = pair;
      const query = { labelSelector: selector };
      const [pv, pvc] = [unique('pv'), unique('pvc')];
      const made = await volumes.create(volume(pv, label));
      expect(made).toMatchObject({ spec: { volumeMode: 'Filesystem' }, status: { phase: 'Pending' } });
      expect(made.metadata.finalizers).toEqual(['kubernetes.io/pv-protection']);
      const claimed = await claims.create(claim(pvc, label));
      expect(claimed).toMatchObject({ spec: { volumeMode: 'Filesystem' }, status: { phase: 'Pending' } });
      expect(claimed.metadata.finalizers).toEqual(['kubernetes.io/pvc-protection']);
      expect((await volumes.list(query)).items).toHaveLength(1);
      expect((await claims.list()).items).toHaveLength(1);
      for (const [collection, name] of [
        [volumes, pv],
        [claims, pvc],
      ] as const) {
        const patched = await collection.patch(name, 'strategic', { metadata: { labels: { [name]: 'patched' } } });
        expect(patched.metadata.labels?.[name]).toBe('patched');
        expect((await collection.get(name)).metadata.uid).toBe(patched.metadata.uid);
      }
      await becomes(claims, pvc, (object) => phaseOf(object) === 'Bound');
      await claims.delete(pvc);
      await vanishes(claims, pvc);
      await becomes(volumes, pv, (object) => phaseOf(object) === 'Released');
      await volumes.delete(pv);
      await vanishes(volumes, pv);
      const [pv2, pvc2] = [unique('pv'), unique('pvc')];
      await bound(pair, pv2, pvc2);
      for (const [collection, name, resource] of [
        [volumes, pv2, 'v1/persistentvolumes'],
        [claims, pvc2, 'v1/persistentvolumeclaims'],
      ] as const) {
        const updated = await change(collection, name, (object) => labelled(object, { [name]: 'updated' }));
        expect(updated.metadata.labels?.[name]).toBe('updated');
        expect((await cluster.of(resource).list({ labelSelector: `${name}=updated` })).items).toHaveLength(1);
      }
      for (const collection of [claims, volumes]) {
        await collection.deleteCollection(query);
        await lists(collection, query, (all) => all.length === 0);
      }
    },
  );

  covers('[sig-storage] PersistentVolumes CSI Conformance should apply changes to a pv/pvc status', async (cluster) => {
    const pair = await place(cluster);
    const { volumes, claims, selector } = pair;
    const [pv, pvc] = [unique('pv'), unique('pvc')];
    await bound(pair, pv, pvc);
    expect((await volumes.list({ labelSelector: selector })).items).toHaveLength(1);
    expect((await claims.list()).items).toHaveLength(1);
    expect((await claims.get(pvc, 'status'))['status']).toMatchObject({ phase: 'Bound' });
    expect((await volumes.get(pv, 'status'))['status']).toMatchObject({ phase: 'Bound' });
    const status = { subresource: 'status' };
    const patch = {
      metadata: { annotations: { patched: 'status' } },
      status: { conditions: [condition('StatusPatched')] },
    };
    const patched = await claims.patch(pvc, 'merge', patch, status);
    expect(patched['status']).toMatchObject({ phase: 'Bound', ...patch.status });
    const messages = { message: 'StatusPatched', reason: 'E2E' };
    const patchedVolume = await volumes.patch(pv, 'merge', { status: messages }, status);
    expect(patchedVolume['status']).toMatchObject(messages);
    const updated = await change(
      claims,
      pvc,
      (object) => {
        const conditions = [...patch.status.conditions, condition('StatusUpdated')];
        return { ...object, status: { ...(object['status'] as Draft), conditions } };
      },
      status,
    );
    expect(isTrue(updated, 'StatusUpdated') && isTrue(updated, 'StatusPatched')).toBe(true);
    const said = { message: 'StatusUpdated', reason: 'E2E' };
    const changed = (object: Obj): Obj => ({ ...object, status: { ...(object['status'] as Draft), ...said } });
    const updatedVolume = await change(volumes, pv, changed, status);
    expect(updatedVolume['status']).toMatchObject(said);
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
