/** Namespaces, nodes, priority classes: objects of the cluster itself. */
import { describe, expect } from 'vitest';
import { covers, useCluster } from './covers.ts';
import { unique, type Draft, type Obj } from './cluster.ts';
import { labelled } from './lifecycle.ts';
import { condition } from './samples.ts';

useCluster();

const namespaceDraft = (name: string): Draft => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });

describe('namespaces', () => {
  covers('[sig-api-machinery] Namespaces [Serial] should patch a Namespace', async (cluster) => {
    const namespaces = cluster.of('v1/namespaces');
    const name = unique('nspatch');
    const created = await namespaces.create(namespaceDraft(name));
    expect(created).toMatchObject({
      metadata: { labels: { 'kubernetes.io/metadata.name': name } },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    });
    await namespaces.patch(name, 'strategic', { metadata: { labels: { testLabel: 'testValue' } } });
    expect((await namespaces.get(name)).metadata.labels).toMatchObject({ testLabel: 'testValue' });
  });

  covers('[sig-api-machinery] Namespaces [Serial] should apply an update to a Namespace', async (cluster) => {
    const namespaces = cluster.of('v1/namespaces');
    const name = unique('nsupdate');
    const updated = await namespaces.replace(
      labelled(await namespaces.create(namespaceDraft(name)), { [name]: 'updated' }),
    );
    expect(updated.metadata.labels?.[name]).toBe('updated');
    expect(await namespaces.get(name)).toEqual(updated);
  });

  covers('[sig-api-machinery] Namespaces [Serial] should apply changes to a namespace status', async (cluster) => {
    const namespaces = cluster.of('v1/namespaces');
    const name = unique('nsstatus');
    await namespaces.create(namespaceDraft(name));
    expect((await namespaces.get(name, 'status'))['status']).toMatchObject({ phase: 'Active' });
    const status = { subresource: 'status' };
    const patch = {
      metadata: { annotations: { patched: 'true' } },
      status: { conditions: [condition('StatusPatch')] },
    };
    const patched = await namespaces.patch(name, 'merge', patch, status);
    expect(patched).toMatchObject(patch);
    expect(patched['status']).toMatchObject({ phase: 'Active' });
    const conditions = [condition('StatusPatch'), condition('StatusUpdate')];
    const updated = await namespaces.replace({ ...patched, status: { phase: 'Active', conditions } } as Obj, status);
    expect(updated['status']).toMatchObject({ phase: 'Active', conditions });
  });

  covers('[sig-api-machinery] Namespaces [Serial] should apply a finalizer to a Namespace', async (cluster) => {
    const namespaces = cluster.of('v1/namespaces');
    const name = unique('nsfinalizer');
    const created = await namespaces.create(namespaceDraft(name));
    const finalize = { subresource: 'finalize' };
    const finalizers = ['kubernetes', 'e2e.example.com/fakeFinalizer'];
    const added = await namespaces.replace({ ...created, spec: { finalizers } } as Obj, finalize);
    expect(added['spec']).toEqual({ finalizers });
    expect((await namespaces.get(name))['spec']).toEqual({ finalizers });
    const removed = await namespaces.replace({ ...added, spec: { finalizers: ['kubernetes'] } } as Obj, finalize);
    expect(removed['spec']).toEqual({ finalizers: ['kubernetes'] });
    await namespaces.delete(name);
    const terminating = await namespaces.get(name);
    expect(terminating['status']).toMatchObject({ phase: 'Terminating' });
    await namespaces.replace({ ...terminating, spec: {} } as Obj, finalize);
    await expect(namespaces.get(name)).rejects.toMatchObject({ code: 404 });
  });
});

describe('nodes', () => {
  covers('[sig-node] Node Lifecycle should run through the lifecycle of a node', async (cluster) => {
    const nodes = cluster.of('v1/nodes');
    const name = unique('fake-node');
    const status = {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'False' }],
      capacity: { cpu: '4', memory: '1Gi' },
      nodeInfo: { kubeletVersion: 'v1.36.0' },
    };
    const created = await nodes.create({ apiVersion: 'v1', kind: 'Node', metadata: { name }, status });
    expect(created).toMatchObject({ metadata: { name }, status });
    expect((await nodes.get(name)).metadata.uid).toBe(created.metadata.uid);
    const patched = await nodes.patch(name, 'strategic', { metadata: { labels: { [name]: 'patched' } } });
    expect(patched.metadata.labels?.[name]).toBe('patched');
    expect((await nodes.list({ labelSelector: `${name}=patched` })).items).toHaveLength(1);
    const updated = await nodes.replace(labelled(patched, { [name]: 'updated' }));
    expect(updated.metadata.labels?.[name]).toBe('updated');
    const ready = { status: { conditions: [{ type: 'Ready', status: 'True' }] } };
    expect(await nodes.patch(name, 'strategic', ready, { subresource: 'status' })).toMatchObject(ready);
    await nodes.delete(name);
    await expect(nodes.get(name)).rejects.toMatchObject({ code: 404 });
  });
});

describe('priority classes', () => {
  covers(
    '[sig-scheduling] SchedulerPreemption [Serial] PriorityClass endpoints verify PriorityClass endpoints can be operated with different HTTP methods',
    async (cluster) => {
      const classes = cluster.of('scheduling.k8s.io/v1/priorityclasses');
      const label = unique('e2e');
      const draft = (name: string, value: number): Draft => ({
        apiVersion: 'scheduling.k8s.io/v1',
        kind: 'PriorityClass',
        metadata: { name, labels: { e2e: label } },
        value,
      });
      const names = [unique('p1'), unique('p2')];
      for (const [index, name] of names.entries()) await classes.create(draft(name, index + 1));
      const listed = (await classes.list({ labelSelector: `e2e=${label}` })).items;
      expect(listed.map(({ metadata }) => metadata.name).toSorted()).toEqual(names);
      for (const object of listed) {
        const value = object['value'] as number;
        expect(object['preemptionPolicy']).toBe('PreemptLowerPriority');
        const invalid = { code: 422, reason: 'Invalid' };
        await expect(classes.replace({ ...object, value: value * 10 } as Obj)).rejects.toMatchObject(invalid);
        const patch = { value: value * 10 };
        await expect(
          classes.patch(object.metadata.name, 'json', [{ op: 'replace', path: '/value', value: patch.value }]),
        ).rejects.toMatchObject(invalid);
        await expect(classes.patch(object.metadata.name, 'strategic', patch)).rejects.toMatchObject(invalid);
        const updated = await classes.replace({ ...object, description: 'updated description' } as Obj);
        expect(updated['description']).toBe('updated description');
        const described = await classes.patch(object.metadata.name, 'merge', { description: 'patched description' });
        expect(described['description']).toBe('patched description');
      }
      await classes.deleteCollection({ labelSelector: `e2e=${label}` });
      expect((await classes.list({ labelSelector: `e2e=${label}` })).items).toEqual([]);
    },
  );
});
