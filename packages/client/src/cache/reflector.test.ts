import { FakeClock } from '@kubets/apimachinery/fake-clock';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { failure, newResourceExpired, newTimeout } from '@kubets/apimachinery/status';
import { describe, expect, it } from 'vitest';
import { eventually, FakeSource, settle } from '../testing/index.ts';
import { TransportError } from '../transport.ts';
import { isTooLargeResourceVersion } from './reflector-errors.ts';
import { Reflector, type ReflectorOptions } from './reflector.ts';

const random = { float: () => 0.5, uuid: () => '' };

function setUp(options: Partial<ReflectorOptions<ApiObject>> = {}) {
  const clock = new FakeClock();
  const source = new FakeSource();
  const texts: string[] = [];
  const log: string[] = [];
  const named = (verb: string) => (o: Readonly<ApiObject>) => void log.push(`${verb} ${o.metadata.name}`);
  const sink = {
    replace: (all: readonly Readonly<ApiObject>[]) =>
      void log.push(`replace ${all.map((o) => o.metadata.name).join(' ')}`),
    add: named('add'),
    update: named('update'),
    delete: named('delete'),
  };
  const reflector = new Reflector<ApiObject>({
    source,
    sink,
    clock,
    random,
    name: 'configmaps',
    watchList: false,
    onError: (_, __, text) => void texts.push(text),
    ...options,
  });
  const stop = new AbortController();
  return { clock, source, texts, log, reflector, stop, run: () => reflector.run(stop.signal) };
}

const tooLarge = () =>
  failure('Timeout', 'Timeout: Too large resource version: 9, current: 1', {
    details: { causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }] },
  });

describe('Reflector', () => {
  it('after an expired watch lists what is at least as new as what it has seen', async () => {
    const t = setUp();
    t.source.put('a', '1');
    const running = t.run();
    await eventually(t.clock, () => t.source.watchers === 1);
    t.source.cut(true);
    t.source.put('b', '1');
    t.source.compact();
    await eventually(t.clock, () => t.log.length === 2);
    expect(t.source.calls).toEqual(['list 0', 'watch 2', 'watch 2', 'list 2', 'watch 3']);
    expect(t.log).toEqual(['replace a', 'replace a b']);
    expect(t.texts).toEqual([
      'failed to watch configmaps: connection reset; resuming the watch',
      'watch of configmaps closed as its resource version is too old: too old resource version; listing again',
    ]);
    t.stop.abort();
    await running;
  });

  it.each([tooLarge, () => newResourceExpired('too old')])(
    'asks for the newest, at once, when the server does not have the version',
    async (fault) => {
      const t = setUp();
      const running = t.run();
      await eventually(t.clock, () => t.source.watchers === 1);
      t.source.listFaults.push(fault());
      t.source.watchFaults.push(failure('Forbidden', 'no'));
      t.source.cut(true);
      await eventually(t.clock, () => t.source.calls.length === 6);
      expect(t.source.calls).toEqual(['list 0', 'watch 1', 'watch 1', 'list 1', 'list ', 'watch 1']);
      t.stop.abort();
      await running;
    },
  );

  it('pages a list of the newest state, and takes it whole when the pages expire', async () => {
    const t = setUp({ pageSize: 2 });
    for (const name of ['a', 'b', 'c', 'd', 'e']) t.source.put(name, '1');
    // The cached list fails, so that the newest is listed; that one expires at its second page.
    t.source.listFaults.push(newResourceExpired('gone'));
    const running = t.run();
    await settle();
    expect(t.source.calls).toEqual(['list 0', 'list ', 'list  from 2', 'list  from 4', 'watch 6']);
    expect(t.log).toEqual(['replace a b c d e']);
    t.stop.abort();
    await running;
    const again = setUp({ pageSize: 2 });
    for (const name of ['a', 'b', 'c']) again.source.put(name, '1');
    const list = again.source.list.bind(again.source);
    again.source.list = async (options) => {
      if (options.continue !== undefined) again.source.listFaults.push(newResourceExpired('the pages have expired'));
      return await list(options);
    };
    again.source.listFaults.push(newResourceExpired('gone'));
    const runningAgain = again.run();
    await settle();
    expect(again.source.calls).toEqual(['list 0', 'list ', 'list  from 2', 'list ', 'watch 4']);
    expect(again.log).toEqual(['replace a b c']);
    again.stop.abort();
    await runningAgain;
  });

  it('bookmarks move the version on, so that a broken watch need not start over', async () => {
    const t = setUp();
    const running = t.run();
    await eventually(t.clock, () => t.source.watchers === 1);
    t.source.put('x', '1');
    t.source.remove('x');
    t.source.compact();
    t.source.bookmark();
    await settle();
    t.source.cut(true);
    await eventually(t.clock, () => t.source.calls.length === 3);
    expect(t.source.calls[2]).toBe('watch 3');
    expect(t.reflector.lastSyncResourceVersion).toBe('3');
    t.stop.abort();
    await running;
  });

  it('a quiet watch is let be, but for servers that send bookmarks', async () => {
    const t = setUp();
    const running = t.run();
    await eventually(t.clock, () => t.source.watchers === 1);
    t.clock.advance(400_000);
    await settle();
    expect(t.texts).toEqual([]);
    t.source.bookmark();
    await settle();
    t.clock.advance(180_000);
    await settle();
    expect(t.texts).toEqual(['failed to watch configmaps: nothing came for 180 s; resuming the watch']);
    t.stop.abort();
    await running;
  });

  it('pauses grow with failures, and are small again after a quiet time', async () => {
    const t = setUp();
    const at: number[] = [];
    const watch = t.source.watch.bind(t.source);
    t.source.watch = (options) => {
      at.push(t.clock.monotonic());
      return watch(options);
    };
    for (let i = 0; i < 3; i++) t.source.watchFaults.push(new TransportError('refused'));
    const running = t.run();
    await eventually(t.clock, () => t.source.watchers === 1, { stepMs: 100 });
    expect(at).toEqual([0, 1200, 3600, 8400]);
    t.clock.advance(130_000);
    t.source.cut(true);
    await settle();
    const before = t.clock.monotonic();
    await eventually(t.clock, () => t.source.watchers === 1, { stepMs: 100 });
    expect((at.at(-1) ?? 0) - before).toBe(1200);
    t.stop.abort();
    await running;
  });

  it('starts a streamed list over when it breaks off, and lists when streaming fails', async () => {
    const t = setUp({ watchList: true });
    t.source.put('a', '1');
    t.source.watchFaults.push(new TransportError('reset'), failure('InternalError', 'oops'));
    const running = t.run();
    await eventually(t.clock, () => t.source.watchers === 1);
    expect(t.source.calls).toEqual(['watch-list', 'watch-list', 'list 0', 'watch 2']);
    expect(t.texts).toEqual([
      'failed to stream the list of configmaps: reset; streaming the list again',
      'failed to stream the list of configmaps: oops; listing again',
    ]);
    // It was not the server's inability: the next time it is tried again.
    t.source.cut(true);
    t.source.put('b', '1');
    t.source.compact();
    await eventually(t.clock, () => t.log.length === 2);
    expect(t.source.calls.at(-1)).toBe('watch-list');
    t.stop.abort();
    await running;
  });
});

describe('isTooLargeResourceVersion', () => {
  it('knows the old and the new form', () => {
    expect(isTooLargeResourceVersion(tooLarge())).toBe(true);
    const old = newTimeout('Too large resource version', 1);
    old.status.details = { causes: [{ message: 'Too large resource version' }] };
    expect(isTooLargeResourceVersion(old)).toBe(true);
    expect(isTooLargeResourceVersion(newTimeout('slow', 1))).toBe(false);
    expect(isTooLargeResourceVersion(new Error('x'))).toBe(false);
  });
});
