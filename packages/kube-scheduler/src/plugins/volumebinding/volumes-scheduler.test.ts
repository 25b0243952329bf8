/** Volumes and devices in a whole scheduler. */
import { describe, expect, it } from 'vitest';
import { volumeAnnotations } from '@kubets/api/core/helpers/persistent-volume';
import type { Pod } from '@kubets/api/types/core-v1';
import { SchedulerFixture } from '../../testing/scheduler-fixture.ts';
import {
  claim,
  completeBinding,
  createVolume,
  inZone,
  podWith,
  storageClass,
  volume,
  zoneLabel,
} from '../../testing/volume-objects.ts';

async function start(): Promise<SchedulerFixture> {
  const fixture = await SchedulerFixture.start();
  await fixture.node('n1', { labels: { [zoneLabel]: 'z1' } });
  await fixture.node('n2', { labels: { [zoneLabel]: 'z2' } });
  await fixture.client.storageClasses().create(storageClass('late'));
  await fixture.client.storageClasses().create(storageClass('manual', { provisioner: 'kubernetes.io/no-provisioner' }));
  return fixture;
}

const create = (fixture: SchedulerFixture, pod: Pod): Promise<unknown> => fixture.client.pods('default').create(pod);
const isBound = (fixture: SchedulerFixture, name: string) => async (): Promise<boolean> =>
  (await fixture.nodeOf(name)) !== '';
const message = (fixture: SchedulerFixture, name: string) => async (): Promise<boolean> =>
  (await fixture.message(name)) !== '';

describe('volumes in a scheduler', () => {
  it('waits for a claim, then for a volume, then goes where it is', async () => {
    await using fixture = await start();
    await create(fixture, podWith('p', ['c']));
    await fixture.until(message(fixture, 'p'));
    expect(await fixture.message('p')).toBe(
      '0/2 nodes are available: persistentvolumeclaim "c" not found. no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.',
    );
    await fixture.client.persistentVolumeClaims('default').create(claim('c', { storageClassName: 'manual' }));
    await fixture.until(async () =>
      (await fixture.message('p')).includes("2 node(s) didn't find available persistent volumes to bind"),
    );
    await createVolume(fixture, volume('v', { ...inZone('z2'), storageClassName: 'manual' }));
    await fixture.until(async () => (await fixture.client.persistentVolumes().get('v')).spec?.claimRef?.name === 'c');
    expect(await fixture.nodeOf('p')).toBe('');
    await completeBinding(fixture, 'c', 'v');
    await fixture.until(isBound(fixture, 'p'));
    expect(await fixture.nodeOf('p')).toBe('n2');
    expect(fixture.errors).toEqual([]);
  });

  it('has a volume made on the node it chose, and tries again when that fails', async () => {
    await using fixture = await start();
    const claims = fixture.client.persistentVolumeClaims('default');
    await claims.create(claim('c'));
    await create(fixture, podWith('p', ['c']));
    const chosen = async (): Promise<string | undefined> =>
      (await claims.get('c')).metadata.annotations?.[volumeAnnotations.selectedNode];
    await fixture.until(async () => (await chosen()) !== undefined);
    const first = await claims.get('c');
    await claims.update({ ...first, metadata: { ...first.metadata, annotations: {} } });
    await fixture.until(async () => (await chosen()) !== undefined);
    const node = (await chosen())!;
    await createVolume(fixture, volume('made', inZone(node === 'n1' ? 'z1' : 'z2')));
    await completeBinding(fixture, 'c', 'made');
    await fixture.until(isBound(fixture, 'p'));
    expect(await fixture.nodeOf('p')).toBe(node);
  });

  it('lets one pod at a time have a ReadWriteOncePod claim, and the next one after it', async () => {
    await using fixture = await start();
    await createVolume(fixture, volume('v', { accessModes: ['ReadWriteOncePod'] }));
    await fixture.client.persistentVolumeClaims('default').create(claim('c', { accessModes: ['ReadWriteOncePod'] }));
    await completeBinding(fixture, 'c', 'v');
    await create(fixture, podWith('first', ['c']));
    await fixture.until(isBound(fixture, 'first'));
    await create(fixture, podWith('second', ['c']));
    await fixture.until(message(fixture, 'second'));
    expect(await fixture.message('second')).toContain(
      '2 node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode',
    );
    await fixture.client.pods('default').delete('first', { gracePeriodSeconds: 0 });
    await fixture.until(isBound(fixture, 'second'));
  });
});

describe('devices in a scheduler', () => {
  it('gives each pod its own device, and the next one when it is free', async () => {
    await using fixture = await start();
    const { client } = fixture;
    await client
      .deviceClasses()
      .create({ kind: 'DeviceClass', apiVersion: 'resource.k8s.io/v1', metadata: { name: 'gpu' }, spec: {} });
    await client.resourceSlices().create({
      kind: 'ResourceSlice',
      apiVersion: 'resource.k8s.io/v1',
      metadata: { name: 's' },
      spec: {
        driver: 'gpu.example.com',
        nodeName: 'n2',
        pool: { name: 'p', generation: 1, resourceSliceCount: 1 },
        devices: [{ name: 'd0' }],
      },
    });
    for (const name of ['a', 'b']) {
      const metadata = { name, namespace: 'default' };
      const devices = { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu' } }] };
      await client
        .resourceClaims('default')
        .create({ kind: 'ResourceClaim', apiVersion: 'resource.k8s.io/v1', metadata, spec: { devices } });
      const resourceClaims = [{ name: 'r', resourceClaimName: name }];
      await fixture.pod(`pod-${name}`, { resourceClaims });
    }
    await fixture.until(isBound(fixture, 'pod-a'));
    expect(await fixture.nodeOf('pod-a')).toBe('n2');
    await fixture.until(message(fixture, 'pod-b'));
    expect(await fixture.message('pod-b')).toBe(
      '0/2 nodes are available: 2 cannot allocate all claims. still not schedulable, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.',
    );
    // What the controller of claims does once the pod is gone.
    await client.pods('default').delete('pod-a', { gracePeriodSeconds: 0 });
    const used = await client.resourceClaims('default').get('a');
    await client.resourceClaims('default').updateStatus({ ...used, status: {} });
    await fixture.until(isBound(fixture, 'pod-b'));
    expect(await fixture.nodeOf('pod-b')).toBe('n2');
    expect(fixture.errors).toEqual([]);
  });
});
