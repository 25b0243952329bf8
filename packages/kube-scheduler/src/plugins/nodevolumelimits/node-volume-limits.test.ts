import { describe, expect, it } from 'vitest';
import type { Pod } from '@kubets/api/types/core-v1';
import { CycleState } from '../../framework/cycle-state.ts';
import { PluginFixture, podInfo } from '../../testing/plugin-fixture.ts';
import {
  claim,
  completeBinding,
  createVolume,
  nodeIn,
  podWith,
  storageClass,
  volume,
} from '../../testing/volume-objects.ts';
import { nodeVolumeLimits, type NodeVolumeLimits } from './node-volume-limits.ts';

const driver = 'driver.example.com';
const full = 'node(s) exceed max volume count';

/** One node that can attach two volumes of the driver; claims a to d are bound, `new` is not. */
async function start(existing: Pod[], attached: string[] = []) {
  const fixture = await PluginFixture.start();
  const plugin = nodeVolumeLimits({}, fixture.handle) as NodeVolumeLimits;
  const { client } = fixture;
  await fixture.addNode(nodeIn('n1', 'z1'));
  await client.csiNodes().create({
    kind: 'CSINode',
    apiVersion: 'storage.k8s.io/v1',
    metadata: { name: 'n1' },
    spec: { drivers: [{ name: driver, nodeID: 'n1', topologyKeys: [], allocatable: { count: 2 } }] },
  });
  await client.storageClasses().create(storageClass('late'));
  for (const name of ['a', 'b', 'c', 'd']) {
    await createVolume(fixture, volume(name));
    await client.persistentVolumeClaims('default').create(claim(name));
    await completeBinding(fixture, name, name);
  }
  await client.persistentVolumeClaims('default').create(claim('new'));
  for (const name of attached) {
    await client.volumeAttachments().create({
      kind: 'VolumeAttachment',
      apiVersion: 'storage.k8s.io/v1',
      metadata: { name },
      spec: { attacher: driver, nodeName: 'n1', source: { persistentVolumeName: name } },
    });
  }
  for (const pod of existing) await client.pods('default').create(pod);
  await fixture.sync();
  const check = (pod: Pod): string | undefined => {
    const state = new CycleState();
    const before = plugin.preFilter(state, podInfo(pod));
    return before?.code ?? plugin.filter(state, podInfo(pod), fixture.nodes.get('n1')!)?.message;
  };
  return { plugin, check, fixture, [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose]() };
}

describe('NodeVolumeLimits', () => {
  it('counts volumes, not pods', async () => {
    await using w = await start([podWith('p', ['a'], [], 'n1'), podWith('q', ['a'], [], 'n1')]);
    expect(w.check(podWith('r', ['b']))).toBeUndefined();
    expect(w.check(podWith('r', ['b', 'c']))).toBe(full);
    expect(w.check(podWith('r', ['a', 'b']))).toBeUndefined();
    expect(w.check(podWith('r', []))).toBe('Skip');
  });

  it('counts volumes that are still to be made, and those still attached', async () => {
    await using w = await start([podWith('p', ['a'], [], 'n1')], ['d']);
    expect(w.check(podWith('r', ['new']))).toBe(full);
    expect(w.check(podWith('r', ['d']))).toBeUndefined();
  });

  it('has nothing to say about drivers without a limit', async () => {
    await using w = await start([]);
    const node = await w.fixture.client.csiNodes().get('n1');
    const drivers = node.spec.drivers.map(({ allocatable: _allocatable, ...rest }) => rest);
    await w.fixture.client.csiNodes().delete('n1');
    const { resourceVersion: _version, uid: _uid, ...metadata } = node.metadata;
    await w.fixture.client.csiNodes().create({ ...node, metadata, spec: { drivers } });
    await w.fixture.sync();
    expect(w.check(podWith('r', ['a', 'b', 'c']))).toBe('Skip');
  });

  it('says which claim is missing', async () => {
    await using w = await start([]);
    expect(w.check(podWith('r', ['absent']))).toBe(
      'looking up PVC default/absent: persistentvolumeclaim "absent" not found',
    );
  });

  it('is interested in nodes that can take more', async () => {
    await using w = await start([]);
    const [changed] = w.plugin.eventsToRegister();
    const node = (count?: number) => ({
      metadata: { name: 'n1' },
      spec: { drivers: [{ name: driver, nodeID: 'x', allocatable: { count } }] },
    });
    const ask = (old: object, now: object): string | undefined =>
      changed?.hint?.(podWith('p', ['a']), old as never, now as never);
    expect(ask(node(2), node(3))).toBe('Queue');
    expect(ask(node(2), node())).toBe('Queue');
    expect(ask(node(3), node(2))).toBe('QueueSkip');
  });
});
