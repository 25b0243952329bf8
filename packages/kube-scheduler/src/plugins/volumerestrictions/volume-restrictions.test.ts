import { describe, expect, it } from 'vitest';
import type { Pod, Volume } from '@kubets/api/types/core-v1';
import { CycleState } from '../../framework/cycle-state.ts';
import { FakeNodes, PluginFixture, podInfo } from '../../testing/plugin-fixture.ts';
import { claim, nodeIn, podWith } from '../../testing/volume-objects.ts';
import { volumeRestrictions, type VolumeRestrictions } from './volume-restrictions.ts';

const disk = (pdName: string, readOnly = false): Volume => ({ name: 'd', gcePersistentDisk: { pdName, readOnly } });
const block = (image: string, monitor: string): Volume => ({
  name: 'r',
  rbd: { monitors: [monitor, 'shared'], image },
});

async function start(existing: Pod[]) {
  const fixture = await PluginFixture.start();
  const plugin = volumeRestrictions({}, fixture.handle) as VolumeRestrictions;
  const claims = fixture.client.persistentVolumeClaims('default');
  await claims.create(claim('mine', { accessModes: ['ReadWriteOncePod'] }));
  await claims.create(claim('ours'));
  await fixture.sync();
  const nodes = new FakeNodes({ nodes: [nodeIn('n1', 'z'), nodeIn('n2', 'z')], pods: existing });
  const check = (pod: Pod): Record<string, string | undefined> | string => {
    const state = new CycleState();
    const before = plugin.preFilter(state, podInfo(pod), nodes);
    if (before !== undefined) return before.code === 'Skip' ? 'Skip' : before.message;
    return Object.fromEntries(
      nodes.list().map((node) => [node.name, plugin.filter(state, podInfo(pod), node)?.message]),
    );
  };
  return { plugin, nodes, check, [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose]() };
}

describe('VolumeRestrictions', () => {
  const taken = 'node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode';

  it('lets one pod at a time have a ReadWriteOncePod claim', async () => {
    await using w = await start([podWith('a', ['mine'], [], 'n1')]);
    expect(w.check(podWith('b', ['mine']))).toEqual({ n1: taken, n2: taken });
    expect(w.check(podWith('b', ['ours']))).toBe('Skip');
    expect(w.check(podWith('b', ['absent']))).toBe('persistentvolumeclaim "absent" not found');
  });

  it('sees what preemption would change', async () => {
    await using w = await start([podWith('a', ['mine'], [], 'n1')]);
    const state = new CycleState();
    const pod = podInfo(podWith('b', ['mine']));
    const node = w.nodes.get('n1')!;
    const [holder] = node.pods;
    w.plugin.preFilter(state, pod, w.nodes);
    const trial = state.clone();
    w.plugin.removePod(trial, pod, holder!);
    expect(w.plugin.filter(trial, pod, node)).toBeUndefined();
    expect(w.plugin.filter(state, pod, node)?.message).toBe(taken);
    w.plugin.addPod(trial, pod, holder!);
    expect(w.plugin.filter(trial, pod, node)?.message).toBe(taken);
  });

  it.each([
    { wanted: disk('d1'), fits: false },
    { wanted: disk('d2'), fits: true },
    { wanted: disk('d1', true), fits: false },
    { wanted: block('i', 'other'), fits: false },
    { wanted: block('j', 'shared'), fits: true },
  ])('disks of one node: $wanted', async ({ wanted, fits }) => {
    await using w = await start([podWith('a', [], [disk('d1'), block('i', 'm')], 'n1')]);
    expect(w.check(podWith('b', [], [wanted]))).toEqual({ n1: fits ? undefined : 'node(s) had no available disk' });
  });

  it('shares disks that all only read', async () => {
    await using w = await start([podWith('a', [], [disk('d1', true)], 'n1')]);
    expect(w.check(podWith('b', [], [disk('d1', true)]))).toEqual({});
  });

  it('is interested in the end of pods that hold the same', async () => {
    await using w = await start([]);
    const [gone] = w.plugin.eventsToRegister();
    const ask = (pod: Pod, other: Pod): string | undefined => gone?.hint?.(pod, other as never, undefined);
    expect(ask(podWith('b', ['mine']), podWith('a', ['mine']))).toBe('Queue');
    expect(ask(podWith('b', ['mine']), podWith('a', ['ours']))).toBe('QueueSkip');
    expect(ask(podWith('b', [], [disk('d')]), podWith('a', [], [disk('d')]))).toBe('Queue');
  });
});
