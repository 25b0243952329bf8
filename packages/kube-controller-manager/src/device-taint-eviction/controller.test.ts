import { describe, expect, it } from 'vitest';
import type { Pod } from '@kubets/api/types/core-v1';
import type { DeviceTaint, DeviceToleration, ResourceClaim, ResourceSlice } from '@kubets/api/types/resource-v1';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { deviceTaintEvictionController } from './controller.ts';
import { evictionTime, findDevice } from './plan.ts';

const namespace = 'default';
const driver = 'gpu.example.com';
const taint: DeviceTaint = { key: 'broken', value: 'yes', effect: 'NoExecute' };

const newSlice = (name: string, generation: number, taints: DeviceTaint[]): ResourceSlice => ({
  metadata: { name },
  spec: {
    driver,
    nodeName: 'n',
    pool: { name: 'p', generation, resourceSliceCount: 1 },
    devices: [{ name: 'd', ...(taints.length > 0 && { taints }) }],
  },
});

const result = (tolerations: DeviceToleration[] = []) => ({
  request: 'gpu',
  driver,
  pool: 'p',
  device: 'd',
  ...(tolerations.length > 0 && { tolerations }),
});

/** A pod on a node with the device, as the scheduler leaves it. */
async function runPod(fixture: ControllerFixture, tolerations: DeviceToleration[] = []): Promise<void> {
  const claims = fixture.client.resourceClaims(namespace);
  const devices = { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpu.example.com' } }] };
  const claim = await claims.create({ metadata: { name: 'c' }, spec: { devices } });
  const pod = await fixture.client.pods(namespace).create({
    metadata: { name: 'p' },
    spec: {
      nodeName: 'n',
      containers: [{ name: 'c', image: 'busybox', resources: { claims: [{ name: 'gpu' }] } }],
      resourceClaims: [{ name: 'gpu', resourceClaimName: 'c' }],
    },
  });
  await claims.updateStatus({
    ...claim,
    status: {
      allocation: { devices: { results: [result(tolerations)] } },
      reservedFor: [{ resource: 'pods', name: 'p', uid: pod.metadata.uid! }],
    },
  });
  await fixture.settle();
}

const read = (fixture: ControllerFixture): Promise<Readonly<Pod>> => fixture.client.pods(namespace).get('p');

async function setTaints(fixture: ControllerFixture, taints: DeviceTaint[]): Promise<void> {
  const slice = await fixture.client.resourceSlices().get('s');
  await fixture.client.resourceSlices().update({ ...slice, spec: newSlice('s', 1, taints).spec });
  await fixture.settle();
}

const events = async (fixture: ControllerFixture): Promise<string[]> => {
  await fixture.advance(1000);
  return (await fixture.client.events(namespace).list()).items.map(({ message }) => message ?? '');
};

describe('the device taint eviction controller', () => {
  it('evicts pods from tainted devices, and says why', async () => {
    await using fixture = await ControllerFixture.start([deviceTaintEvictionController], { ownAccounts: true });
    await fixture.client.resourceSlices().create(newSlice('s', 1, []));
    await runPod(fixture);
    await fixture.advance(5000);
    expect((await read(fixture)).metadata.deletionTimestamp).toBeUndefined();
    await setTaints(fixture, [taint]);
    const pod = await read(fixture);
    expect(pod.metadata.deletionTimestamp).toBeDefined();
    expect(pod.status?.conditions?.find(({ type }) => type === 'DisruptionTarget')).toMatchObject({
      status: 'True',
      reason: 'DeletionByDeviceTaintManager',
      message: 'Device Taint manager: deleting due to NoExecute taint',
    });
    expect(await events(fixture)).toEqual(['Marking for deletion']);
    expect(fixture.errors).toEqual([]);
  });

  it('waits as long as pods tolerate a taint, and forgets it when the taint goes', async () => {
    await using fixture = await ControllerFixture.start([deviceTaintEvictionController], { ownAccounts: true });
    await fixture.client.resourceSlices().create(newSlice('s', 1, []));
    await runPod(fixture, [{ key: 'broken', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 }]);
    await setTaints(fixture, [taint]);
    await fixture.advance(30_000);
    expect((await read(fixture)).metadata.deletionTimestamp).toBeUndefined();
    await setTaints(fixture, []);
    expect(await events(fixture)).toEqual(['Cancelling deletion']);
    await fixture.advance(60_000);
    expect((await read(fixture)).metadata.deletionTimestamp).toBeUndefined();
    await setTaints(fixture, [taint]);
    await fixture.advance(61_000);
    expect((await read(fixture)).metadata.deletionTimestamp).toBeDefined();
  });
});

describe('plan', () => {
  const timeAdded = '2026-01-01T00:00:00Z';
  const since = Date.parse(timeAdded);
  const claimWith = (tolerations: DeviceToleration[]): ResourceClaim => ({
    metadata: {},
    spec: {},
    status: { allocation: { devices: { results: [result(tolerations)] } } },
  });

  it.each<[DeviceTaint, DeviceToleration[], number | undefined]>([
    [taint, [], since],
    [{ ...taint, effect: 'NoSchedule' }, [], undefined],
    [taint, [{ operator: 'Exists' }], undefined],
    [taint, [{ key: 'broken', value: 'yes' }], undefined],
    [taint, [{ key: 'broken', value: 'no' }], since],
    [taint, [{ key: 'other', operator: 'Exists' }], since],
    [taint, [{ operator: 'Exists', effect: 'NoSchedule' }], since],
    [taint, [{ operator: 'Exists', tolerationSeconds: 30 }], since + 30_000],
    [taint, [{ operator: 'Exists', tolerationSeconds: -5 }], since],
    [
      taint,
      [
        { operator: 'Exists', tolerationSeconds: 30 },
        { key: 'broken', operator: 'Exists', tolerationSeconds: 20 },
      ],
      since + 20_000,
    ],
  ])('%j with %j', (given, tolerations, expected) => {
    const device = { name: 'd', taints: [{ ...given, timeAdded }] };
    expect(evictionTime(claimWith(tolerations), () => device, since + 1)).toBe(expected);
  });

  it('looks at the newest slices of a pool only', () => {
    const slices = [newSlice('a', 1, [taint]), newSlice('b', 2, [])];
    expect(findDevice(slices, 'd')?.taints).toBeUndefined();
    expect(findDevice(slices, 'x')).toBeUndefined();
    expect(findDevice([], 'd')).toBeUndefined();
  });
});
