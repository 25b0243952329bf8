import { FakeClock } from '@kubets/apimachinery/fake-clock';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { failure, newBadRequest, newTooManyRequests } from '@kubets/apimachinery/status';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventually, FakeSource, settle } from '../testing/index.ts';
import { TransportError } from '../transport.ts';
import { SharedInformer, waitForCacheSync } from './shared-informer.ts';

const random = { float: () => 0.5, uuid: () => '00000000-0000-4000-8000-000000000000' };

function setUp({ clock = new FakeClock(), ...options }: { clock?: FakeClock; [option: string]: unknown } = {}) {
  const source = new FakeSource();
  const errors: unknown[] = [];
  const informer = new SharedInformer<ApiObject>({ source, clock, random, onError: (e) => errors.push(e), ...options });
  const events: string[] = [];
  const text = (o: Readonly<ApiObject>): string => `${o.metadata.name}=${(o['data'] as { value: string }).value}`;
  informer.addEventHandler({
    onAdd: (o, initial) => void events.push(`add ${text(o)}${initial ? ' initial' : ''}`),
    onUpdate: (old, o) => void events.push(`update ${text(old)} -> ${text(o)}`),
    onDelete: (o, unknown) => void events.push(`delete ${text(o)}${unknown ? ' unknown' : ''}`),
  });
  const stop = new AbortController();
  const start = () => informer.run(stop.signal);
  const state = () =>
    Object.fromEntries(informer.store.list().map((o) => [o.metadata.name, (o['data'] as { value: string }).value]));
  const truth = () =>
    Object.fromEntries(
      [...source.objects.values()].map((o) => [o.metadata.name, (o['data'] as { value: string }).value]),
    );
  return { clock, source, informer, events, errors, stop, start, state, truth };
}

describe.each([true, false])('SharedInformer, watchList %s', (watchList) => {
  it('adds what is there, then follows', async () => {
    const t = setUp({ watchList });
    t.source.put('a', '1');
    const running = t.start();
    await t.informer.waitForSync(t.stop.signal);
    t.source.put('b', '1');
    t.source.put('a', '2');
    t.source.remove('b');
    await eventually(t.clock, () => t.events.length === 4);
    expect(t.events).toEqual(['add a=1 initial', 'add b=1', 'update a=1 -> a=2', 'delete b=1']);
    t.stop.abort();
    await running;
  });

  it.each(['reset', 'end', '410', '429', '500', 'stall'])(
    'recovers from %s without missing the final state',
    async (fault) => {
      const t = setUp({ watchList, stallMs: 60_000 });
      t.source.put('a', '1');
      t.source.put('b', '1');
      const running = t.start();
      await t.informer.waitForSync(t.stop.signal);
      const faults: Record<string, () => void> = {
        reset: () => t.source.cut(true),
        end: () => t.source.cut(false),
        '410': () => {
          t.source.cut(true);
          t.source.put('c', '1');
          t.source.compact();
        },
        '429': () => {
          t.source.watchFaults.push(newTooManyRequests('slow down', 1), newTooManyRequests('slow down', 1));
          t.source.cut(true);
        },
        '500': () => {
          t.source.watchFaults.push(failure('InternalError', 'oops'));
          t.source.listFaults.push(failure('InternalError', 'oops'));
          t.source.cut(true);
        },
        stall: () => t.clock.advance(60_000),
      };
      faults[fault]?.();
      t.source.remove('b');
      t.source.put('a', '2');
      await eventually(
        t.clock,
        () => JSON.stringify(t.state()) === JSON.stringify(t.truth()) && t.state()['a'] === '2',
      );
      expect(t.events.at(-1)).toBeDefined();
      expect(t.events.some((e) => e.startsWith('delete b'))).toBe(true);
      // Only a clean end is no failure; even that may be one, when it comes too soon after the start.
      expect(fault === 'end' || t.errors.length > 0).toBe(true);
      t.stop.abort();
      await running;
    },
  );
});

describe('SharedInformer', () => {
  it('falls back to a list where the server refuses to stream one', async () => {
    const t = setUp();
    t.source.put('a', '1');
    t.source.watchFaults.push(newBadRequest('sendInitialEvents is forbidden'));
    const running = t.start();
    await eventually(t.clock, () => t.informer.hasSynced);
    expect(t.source.calls.slice(0, 2)).toEqual(['watch-list', 'list 0']);
    t.stop.abort();
    await running;
  });

  it('tells of a deletion it has missed, with the last state it knew', async () => {
    const t = setUp({ watchList: false });
    t.source.put('a', '1');
    const running = t.start();
    await t.informer.waitForSync(t.stop.signal);
    t.source.cut(true);
    t.source.remove('a');
    t.source.compact();
    await eventually(t.clock, () => t.events.length === 2);
    expect(t.events[1]).toBe('delete a=1 unknown');
    t.stop.abort();
    await running;
  });

  it('resyncs: every object is offered again', async () => {
    const t = setUp({ resyncMs: 10_000 });
    t.source.put('a', '1');
    const running = t.start();
    await t.informer.waitForSync(t.stop.signal);
    t.clock.advance(10_000);
    await settle();
    expect(t.events).toEqual(['add a=1 initial', 'update a=1 -> a=1']);
    t.stop.abort();
    await running;
  });

  it('keeps a failing handler from harming others', async () => {
    const t = setUp();
    const seen: string[] = [];
    t.informer.addEventHandler({
      onAdd: () => {
        throw new Error('handler');
      },
      onUpdate: (_, o) => void seen.push(o.metadata.name ?? ''),
    });
    t.source.put('a', '1');
    const running = t.start();
    await t.informer.waitForSync(t.stop.signal);
    t.source.put('a', '2');
    await eventually(t.clock, () => seen.length === 1);
    expect(t.errors).toHaveLength(1);
    t.stop.abort();
    await running;
  });

  it('a handler that is taken away hears no more, one that comes late hears of all', async () => {
    const t = setUp();
    t.source.put('a', '1');
    const running = t.start();
    await t.informer.waitForSync(t.stop.signal);
    const late: string[] = [];
    const registration = t.informer.addEventHandler({
      onAdd: (o, initial) => void late.push(`${o.metadata.name} ${initial}`),
      onUpdate: (_, o) => void late.push(`${o.metadata.name} again`),
    });
    expect(registration.hasSynced).toBe(false);
    await settle();
    expect(registration.hasSynced).toBe(true);
    t.source.put('a', '2');
    await eventually(t.clock, () => late.length === 2);
    registration.remove();
    registration.remove();
    t.source.put('a', '3');
    await eventually(t.clock, () => t.events.length === 3);
    expect(late).toEqual(['a true', 'a again']);
    t.stop.abort();
    await running;
  });

  it('what waits for a handler that is taken away is dropped', async () => {
    const t = setUp();
    t.source.put('a', '1');
    t.source.put('b', '1');
    const seen: string[] = [];
    const gate = Promise.withResolvers<void>();
    const slow = t.informer.addEventHandler({
      onAdd: async (o) => {
        seen.push(o.metadata.name ?? '');
        await gate.promise;
      },
    });
    const running = t.start();
    await eventually(t.clock, () => seen.length === 1);
    slow.remove();
    gate.resolve();
    await settle();
    expect(seen).toEqual(['a']);
    t.stop.abort();
    await running;
  });

  it('ends when the calls under way have ended', async () => {
    const t = setUp();
    t.source.put('a', '1');
    const gate = Promise.withResolvers<void>();
    let ended = false;
    t.informer.addEventHandler({ onAdd: () => gate.promise });
    const running = t.start().then(() => (ended = true));
    await t.informer.waitForSync(t.stop.signal);
    await settle();
    t.stop.abort();
    await settle();
    expect(ended).toBe(false);
    gate.resolve();
    await running;
  });

  it('stores what the transform makes, or the object when it fails', async () => {
    const transform = (o: Readonly<ApiObject>): Readonly<ApiObject> => {
      if (o.metadata.name === 'bad') throw new Error('no');
      return { ...o, data: { value: 'x' } };
    };
    const t = setUp({ transform });
    t.source.put('a', '1');
    t.source.put('bad', '1');
    const running = t.start();
    await t.informer.waitForSync(t.stop.signal);
    t.source.put('b', '2');
    await eventually(t.clock, () => t.events.length === 3);
    expect(t.events).toEqual(['add a=x initial', 'add bad=1 initial', 'add b=x']);
    expect(t.errors).toHaveLength(1);
    t.stop.abort();
    await running;
  });

  it('takes indexes at any time', async () => {
    const value = (o: Readonly<ApiObject>): string[] => [(o['data'] as { value: string }).value];
    const t = setUp({ indexes: { value } });
    t.source.put('a', '1');
    t.source.put('b', '2');
    const running = t.start();
    await t.informer.waitForSync(t.stop.signal);
    t.informer.addIndexes({ late: value });
    expect(() => t.informer.addIndexes({ late: value })).toThrow('index with name late exists already');
    t.source.put('b', '1');
    await eventually(t.clock, () => t.informer.store.byIndex('late', '1').length === 2);
    expect(t.informer.store.byIndex('value', '2')).toEqual([]);
    expect(t.informer.store.byIndex('namespace', 'ns')).toHaveLength(2);
    expect(t.informer.store.keysByIndex('late', '1')).toEqual(['ns/a', 'ns/b']);
    expect(t.informer.store.indexValues('late')).toEqual(['1']);
    expect(() => t.informer.store.byIndex('none', '')).toThrow('index with name none does not exist');
    t.stop.abort();
    await running;
  });

  it('waits for several informers', async () => {
    const [a, b] = [setUp(), setUp()];
    const aborted = new AbortController();
    const never = waitForCacheSync(aborted.signal, a.informer, b.informer);
    const running = a.start();
    aborted.abort(new Error('too late'));
    await expect(never).rejects.toThrow('too late');
    const both = waitForCacheSync(a.stop.signal, a.informer, b.informer);
    const runningB = b.start();
    await both;
    expect(a.informer.hasSynced && b.informer.hasSynced).toBe(true);
    a.stop.abort();
    b.stop.abort();
    await Promise.all([running, runningB]);
    const c = setUp();
    c.source.listFaults.push(new TransportError('refused'));
    const waiting = c.informer.waitForSync(new AbortController().signal);
    c.stop.abort();
    await c.start();
    await expect(waiting).rejects.toThrow('the informer has ended');
    await expect(c.informer.waitForSync(new AbortController().signal)).rejects.toThrow('the informer has ended');
  });

  it('ends in the true state after any series of changes and faults', async () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd');
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ do: fc.constant('put' as const), name, value: fc.nat(99).map(String) }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('remove' as const), name }) },
      fc.record({ do: fc.constantFrom('cut', 'end', 'compact', 'bookmark', 'duplicate', 'advance', 'refuse') }),
    );
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.array(step, { maxLength: 40 }), async (watchList, steps) => {
        const t = setUp({ watchList });
        const mirror = new Map<string, string>();
        t.informer.addEventHandler({
          onAdd: (o) => void mirror.set(o.metadata.name ?? '', (o['data'] as { value: string }).value),
          onUpdate: (_, o) => void mirror.set(o.metadata.name ?? '', (o['data'] as { value: string }).value),
          onDelete: (o) => void mirror.delete(o.metadata.name ?? ''),
        });
        const running = t.start();
        for (const s of steps) {
          if (s.do === 'put') t.source.put(s.name, s.value);
          else if (s.do === 'remove') t.source.remove(s.name);
          else if (s.do === 'cut') t.source.cut(true);
          else if (s.do === 'end') t.source.cut(false);
          else if (s.do === 'compact') t.source.compact();
          else if (s.do === 'bookmark') t.source.bookmark();
          else if (s.do === 'duplicate') t.source.duplicateLast();
          else if (s.do === 'refuse') t.source.watchFaults.push(new TransportError('refused'));
          else t.clock.advance(1000);
          await settle(1);
        }
        // A duplicated deletion may have been the last thing heard of an object that exists again: one more change settles it.
        for (const name of Array.from(t.source.objects.keys())) t.source.put(name, 'last');
        const sorted = (o: Record<string, string>): string =>
          JSON.stringify(Object.entries(o).toSorted(([a], [b]) => (a < b ? -1 : 1)));
        await eventually(t.clock, () => t.informer.hasSynced && sorted(t.state()) === sorted(t.truth()), {
          stepMs: 5000,
        });
        await settle();
        expect(sorted(Object.fromEntries(mirror))).toBe(sorted(t.truth()));
        t.stop.abort();
        await running;
      }),
      { numRuns: 60 },
    );
  });
});

describe('SharedInformer with thousands of objects', () => {
  /** A clock that moves on by 0.1 ms whenever it is read, as if all that is done took that long. */
  class TickingClock extends FakeClock {
    override monotonic(): number {
      this.advance(0.1);
      return super.monotonic();
    }
  }

  it.each([true, false])('applies and tells a list in many turns, watchList %s', async (watchList) => {
    const clock = new TickingClock();
    const t = setUp({ clock, watchList, minWatchSeconds: 100_000 });
    for (let i = 0; i < 1000; i++) t.source.put(`o${i}`, '1');
    const running = t.start();
    let turns = 0;
    for (let synced = false; !synced; turns++) {
      await settle(1);
      synced = t.informer.hasSynced;
      if (!synced && t.informer.store.size === 500) t.source.put('o7', '2');
    }
    expect(turns).toBeGreaterThan(10);
    await t.informer.waitForSync(t.stop.signal);
    expect(t.informer.store.size).toBe(1000);
    expect(t.events.filter((event) => event.endsWith(' initial'))).toHaveLength(1000);
    t.source.put('o8', '2');
    t.source.remove('o9');
    await eventually(clock, () => t.events.includes('delete o9=1'));
    expect(t.events).toContain('update o8=1 -> o8=2');
    expect(t.state()).toEqual(t.truth());
    t.stop.abort();
    await running;
  });

  it('finds out what was deleted while it did not look, also in many turns', async () => {
    const clock = new TickingClock();
    const t = setUp({ clock, watchList: false, minWatchSeconds: 100_000 });
    for (let i = 0; i < 300; i++) t.source.put(`o${i}`, '1');
    const running = t.start();
    await t.informer.waitForSync(t.stop.signal);
    t.source.cut(true);
    for (let i = 0; i < 300; i += 2) t.source.remove(`o${i}`);
    t.source.compact();
    await eventually(clock, () => t.events.filter((event) => event.startsWith('delete')).length === 150);
    expect(t.state()).toEqual(t.truth());
    t.stop.abort();
    await running;
  });

  it('counts as synced while a call waits for something', async () => {
    const never = Promise.withResolvers<void>();
    const t = setUp();
    t.informer.addEventHandler({ onAdd: () => never.promise });
    t.source.put('a', '1');
    t.source.put('b', '1');
    const running = t.start();
    await t.informer.waitForSync(t.stop.signal);
    expect(t.events).toHaveLength(2);
    never.resolve();
    t.stop.abort();
    await running;
  });
});
