/** Whether `system:kube-scheduler` may do what the plugins do (upstream `plugin/pkg/auth/authorizer/rbac/bootstrappolicy`). */
import { describe, expect, it } from 'vitest';
import { volumeAnnotations } from '@kubets/api/core/helpers/persistent-volume';
import { TestControlPlane } from '@kubets/kube-apiserver/testing/test-control-plane';
import { SchedulerFixture } from '../testing/scheduler-fixture.ts';
import { claim, completeBinding, createVolume, podWith, storageClass, volume } from '../testing/volume-objects.ts';

describe('the plugins under the scheduler’s own account', () => {
  it('preempt, bind volumes and give out devices', async () => {
    await using plane = await TestControlPlane.start();
    const own = (): ReturnType<TestControlPlane['transport']> =>
      plane.transport('system:kube-scheduler', ['system:authenticated']);
    await using fixture = await SchedulerFixture.start({ plane, wrap: own });
    const { client } = fixture;
    const isBound = (name: string) => async (): Promise<boolean> => (await fixture.nodeOf(name)) !== '';
    await fixture.node('n1', { cpu: '1' });

    const metadata = { name: 'high' };
    await client
      .priorityClasses()
      .create({ kind: 'PriorityClass', apiVersion: 'scheduling.k8s.io/v1', metadata, value: 9 });
    const containers = [{ name: 'c', image: 'i', resources: { requests: { cpu: '1' } } }];
    await fixture.pod('low', { containers, terminationGracePeriodSeconds: 0 });
    await fixture.until(isBound('low'));
    await fixture.pod('high', { containers, terminationGracePeriodSeconds: 0, priorityClassName: 'high' });
    await fixture.until(isBound('high'));
    expect((await fixture.events('low')).map(({ reason }) => reason)).toContain('Preempted');

    await client.storageClasses().create(storageClass('late'));
    await createVolume(fixture, volume('v'));
    for (const name of ['static', 'made']) {
      await client
        .persistentVolumeClaims('default')
        .create(
          claim(name, name === 'made' ? { storageClassName: 'late', selector: { matchLabels: { none: 'x' } } } : {}),
        );
    }
    await client.pods('default').create(podWith('p', ['static', 'made']));
    await fixture.until(async () => (await client.persistentVolumes().get('v')).spec?.claimRef?.name === 'static');
    await fixture.until(async () => {
      const { annotations } = (await client.persistentVolumeClaims('default').get('made')).metadata;
      return annotations?.[volumeAnnotations.selectedNode] === 'n1';
    });
    await createVolume(fixture, volume('w'));
    await completeBinding(fixture, 'static', 'v');
    await completeBinding(fixture, 'made', 'w');
    await fixture.until(isBound('p'));

    const api = { apiVersion: 'resource.k8s.io/v1' } as const;
    await client.deviceClasses().create({ kind: 'DeviceClass', ...api, metadata: { name: 'gpu' }, spec: {} });
    const pool = { name: 'p', generation: 1, resourceSliceCount: 1 };
    const spec = { driver: 'gpu.example.com', nodeName: 'n1', pool, devices: [{ name: 'd' }] };
    await client.resourceSlices().create({ kind: 'ResourceSlice', ...api, metadata: { name: 's' }, spec });
    const devices = { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu' } }] };
    const named = { name: 'c', namespace: 'default' };
    await client
      .resourceClaims('default')
      .create({ kind: 'ResourceClaim', ...api, metadata: named, spec: { devices } });
    await fixture.pod('q', { resourceClaims: [{ name: 'r', resourceClaimName: 'c' }] });
    await fixture.until(isBound('q'));
    expect(fixture.errors).toEqual([]);
  });
});
