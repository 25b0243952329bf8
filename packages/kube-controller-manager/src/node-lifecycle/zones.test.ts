import { describe, expect, it } from 'vitest';
import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { planDisruption, rateOf, TaintQueue, zoneKeyOf, zoneStateOf, type ZoneState } from './zones.ts';

const limits = {
  evictionRate: 0.1,
  secondaryEvictionRate: 0.01,
  largeClusterSizeThreshold: 50,
  unhealthyZoneThreshold: 0.55,
};

describe('zones', () => {
  it.each([
    [3, 0, 'Normal'],
    [0, 1, 'FullDisruption'],
    [1, 2, 'Normal'],
    [2, 3, 'PartialDisruption'],
    [3, 3, 'Normal'],
  ])('%i ready, %i not: %s', (ready, notReady, state) => {
    expect(zoneStateOf({ ready, notReady }, 0.55)).toBe(state);
  });

  it('slows evictions down in large zones, and stops them in small ones', () => {
    expect(rateOf('Normal', 10, limits)).toBe(0.1);
    expect(rateOf('FullDisruption', 10, limits)).toBe(0.1);
    expect(rateOf('PartialDisruption', 10, limits)).toBe(0);
    expect(rateOf('PartialDisruption', 51, limits)).toBe(0.01);
  });

  it('stops everywhere when every zone is gone, and begins anew when one is back', () => {
    const gone = { ready: 0, notReady: 2 };
    const fine = { ready: 2, notReady: 0 };
    const before = new Map<string, ZoneState>([
      ['a', 'Normal'],
      ['b', 'Normal'],
    ]);
    const all = planDisruption(
      before,
      new Map([
        ['a', gone],
        ['b', gone],
      ]),
      limits,
    );
    expect(all).toMatchObject({
      enterFull: true,
      leaveFull: false,
      rates: new Map([
        ['a', 0],
        ['b', 0],
      ]),
    });
    const still = planDisruption(
      all.states,
      new Map([
        ['a', gone],
        ['b', gone],
      ]),
      limits,
    );
    expect(still).toMatchObject({ enterFull: false, leaveFull: false, rates: new Map() });
    const back = planDisruption(
      still.states,
      new Map([
        ['a', fine],
        ['b', gone],
      ]),
      limits,
    );
    expect(back).toMatchObject({
      enterFull: false,
      leaveFull: true,
      rates: new Map([
        ['a', 0.1],
        ['b', 0.1],
      ]),
    });
    const one = planDisruption(
      before,
      new Map([
        ['a', fine],
        ['b', gone],
      ]),
      limits,
    );
    expect(one).toMatchObject({ enterFull: false, leaveFull: false, rates: new Map([['b', 0.1]]) });
  });

  it('names zones by region and zone', () => {
    expect(zoneKeyOf({ metadata: {} })).toBe('');
    const labels = { 'topology.kubernetes.io/region': 'r', 'topology.kubernetes.io/zone': 'z' };
    expect(zoneKeyOf({ metadata: { labels } })).toBe('r:\0:z');
  });
});

describe('TaintQueue', () => {
  it('gives one node after the other its turn, once', () => {
    const clock = new FakeClock();
    const queue = new TaintQueue(clock, 0.1);
    for (const node of ['a', 'b', 'c']) queue.add(node);
    expect(queue.take()).toEqual(['a']);
    expect(queue.take()).toEqual([]);
    queue.add('a');
    clock.advance(10_000);
    expect(queue.take()).toEqual(['b']);
    clock.advance(30_000);
    expect(queue.take()).toEqual(['c']);
    expect(queue.pending).toBe(0);
    queue.remove('a');
    queue.add('a');
    clock.advance(10_000);
    expect(queue.take()).toEqual(['a']);
  });

  it('stops with a rate of 0, and goes on', () => {
    const clock = new FakeClock();
    const queue = new TaintQueue(clock, 0.1);
    queue.setRate(0);
    queue.add('a');
    clock.advance(60_000);
    expect([queue.take(), queue.pending]).toEqual([[], 0]);
    queue.setRate(1);
    expect(queue.take()).toEqual(['a']);
    queue.retry('a');
    clock.advance(1000);
    expect(queue.take()).toEqual(['a']);
  });
});
