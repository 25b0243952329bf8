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
  zoneLabel,
} from '../../testing/volume-objects.ts';
import { volumeZone, type VolumeZone } from './volume-zone.ts';

const oldZone = 'failure-domain.beta.kubernetes.io/zone';

async function start() {
  const fixture = await PluginFixture.start();
  const plugin = volumeZone({}, fixture.handle) as VolumeZone;
  await fixture.addNode(nodeIn('n1', 'z1'));
  await fixture.addNode(nodeIn('n2', 'z2'));
  const nowhere = nodeIn('n3', '');
  await fixture.addNode({ ...nowhere, metadata: { name: 'n3' } });
  await fixture.client.storageClasses().create(storageClass('late'));
  await fixture.client.storageClasses().create(storageClass('early', { volumeBindingMode: 'Immediate' }));
  const labels = { one: { [zoneLabel]: 'z1' }, both: { [zoneLabel]: 'z1__z2' }, old: { [oldZone]: 'z2' }, none: {} };
  for (const [name, of] of Object.entries(labels)) {
    await createVolume(fixture, volume(name, {}, of));
    await fixture.client.persistentVolumeClaims('default').create(claim(name));
    await completeBinding(fixture, name, name);
  }
  const claims = fixture.client.persistentVolumeClaims('default');
  await claims.create(claim('waiting'));
  await claims.create(claim('early', { storageClassName: 'early' }));
  await claims.create(claim('classless', { storageClassName: '' }));
  await claims.create(claim('strange', { storageClassName: 'strange' }));
  await claims.create(claim('dangling'));
  await completeBinding(fixture, 'dangling', 'gone');
  await fixture.sync();
  const check = (pod: Pod): string[] | string => {
    const state = new CycleState();
    const before = plugin.preFilter(state, podInfo(pod));
    if (before !== undefined) return before.code === 'Skip' ? 'Skip' : before.message;
    return fixture.nodes
      .list()
      .flatMap((node) => (plugin.filter(state, podInfo(pod), node) === undefined ? [node.name] : []));
  };
  return { plugin, check, [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose]() };
}

describe('VolumeZone', () => {
  it('keeps pods in the zones of their volumes', async () => {
    await using w = await start();
    expect(w.check(podWith('p', ['one']))).toEqual(['n1', 'n3']);
    expect(w.check(podWith('p', ['both']))).toEqual(['n1', 'n2', 'n3']);
    expect(w.check(podWith('p', ['old']))).toEqual(['n2', 'n3']);
    expect(w.check(podWith('p', ['one', 'old']))).toEqual(['n3']);
    expect(w.check(podWith('p', ['none']))).toBe('Skip');
    expect(w.check(podWith('p', ['waiting']))).toBe('Skip');
  });

  it('words what is wrong with a claim as upstream does', async () => {
    await using w = await start();
    expect(w.check(podWith('p', ['absent']))).toBe('persistentvolumeclaim "absent" not found');
    expect(w.check(podWith('p', ['early']))).toBe('PersistentVolume had no name');
    expect(w.check(podWith('p', ['classless']))).toBe('PersistentVolumeClaim had no pv name and storageClass name');
    expect(w.check(podWith('p', ['strange']))).toBe('storageclass.storage.k8s.io "strange" not found');
    expect(w.check(podWith('p', ['dangling']))).toBe('persistentvolume "gone" not found');
  });
});
