import { describe, expect, it } from 'vitest';
import { newConflict, newNotFound } from '@kubets/apimachinery/status';
import type { Node, Taint } from '@kubets/api/types/core-v1';
import { changedTaints, changeTaints } from './node-taints.ts';

const now = Date.UTC(2026, 0, 1);
const clock = { now: () => now };
const gr = { group: '', resource: 'nodes' };
const taint = (key: string, effect: Taint['effect'] = 'NoExecute'): Taint => ({ key, effect });
const node = (taints: Taint[], resourceVersion = '1', uid = 'u'): Node => ({
  metadata: { name: 'n', uid, resourceVersion },
  spec: { taints },
});

describe('changedTaints', () => {
  it('adds with the time, removes by key and effect, and leaves what is there', () => {
    const before = node([taint('a'), taint('b'), taint('a', 'NoSchedule')]);
    expect(changedTaints(before, { add: [taint('b'), taint('c')], remove: [taint('a')] }, now)).toEqual([
      taint('b'),
      taint('a', 'NoSchedule'),
      { ...taint('c'), timeAdded: '2026-01-01T00:00:00Z' },
    ]);
    expect(changedTaints(before, { add: [taint('a')], remove: [taint('z')] }, now)).toBeUndefined();
  });
});

describe('changeTaints', () => {
  const change = { add: [taint('c')], remove: [] };

  /** A server that refuses the first patches, and has this node. */
  function server(refusals: Error[], fresh: Node | undefined) {
    const bodies: object[] = [];
    return {
      bodies,
      get: () => (fresh === undefined ? Promise.reject(newNotFound(gr, 'n')) : Promise.resolve(fresh)),
      patch: (_: string, { body }: { body: object }) => {
        bodies.push(body);
        const refusal = refusals.shift();
        return refusal === undefined ? Promise.resolve(node([])) : Promise.reject(refusal);
      },
    };
  }

  it('tries again on what somebody else has written', async () => {
    const nodes = server([newConflict(gr, 'n', 'changed')], node([taint('theirs')], '2'));
    expect(await changeTaints(nodes, node([]), change, clock)).toBe(true);
    expect(nodes.bodies.map((body) => JSON.stringify(body))).toEqual([
      expect.stringContaining('"resourceVersion":"1"'),
      expect.stringMatching(/"resourceVersion":"2".*"theirs".*"c"/),
    ]);
  });

  it('writes nothing when nothing changes, or when somebody else has done it', async () => {
    const idle = server([], node([]));
    expect(await changeTaints(idle, node([taint('c')]), change, clock)).toBe(false);
    expect(idle.bodies).toEqual([]);
    const done = server([newConflict(gr, 'n', 'changed')], node([taint('c')], '2'));
    expect(await changeTaints(done, node([]), change, clock)).toBe(false);
  });

  it('leaves nodes alone that are gone, or are others by now', async () => {
    const conflict = newConflict(gr, 'n', 'changed');
    expect(await changeTaints(server([newNotFound(gr, 'n')], undefined), node([]), change, clock)).toBe(false);
    expect(await changeTaints(server([conflict], undefined), node([]), change, clock)).toBe(false);
    expect(await changeTaints(server([conflict], node([], '9', 'other')), node([]), change, clock)).toBe(false);
  });

  it('gives up after some conflicts', async () => {
    const conflicts = Array.from({ length: 5 }, () => newConflict(gr, 'n', 'changed'));
    await expect(changeTaints(server(conflicts, node([], '2')), node([]), change, clock)).rejects.toThrow('changed');
  });
});
