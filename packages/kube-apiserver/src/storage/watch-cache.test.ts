import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { StorageError, type Storage, type WatchSink } from '@kubets/etcd';
import { ModelStorage } from '@kubets/etcd/testing';
import { describe, expect, it } from 'vitest';
import type { CacheEvent } from './cache.ts';
import { WatchCacheDirectory, type ServedCache } from './watch-cache-directory.ts';

const pods: ServedCache = {
  groupResource: { group: '', resource: 'pods' },
  prefix: '/registry/pods/',
  namespaced: true,
};
const services: ServedCache = {
  groupResource: { group: '', resource: 'services' },
  prefix: '/registry/services/specs/',
  namespaced: true,
};
const nodes: ServedCache = {
  groupResource: { group: '', resource: 'nodes' },
  prefix: '/registry/minions/',
  namespaced: false,
};

const value = (name: string): Uint8Array => Buffer.from(JSON.stringify({ metadata: { name, uid: 'u' } }));

async function open(storage: Storage, clock: FakeClock): Promise<WatchCacheDirectory> {
  const directory = new WatchCacheDirectory({ storage, clock, resources: [pods, services, nodes], freeze: true });
  await directory.start();
  return directory;
}

/** Ends the watch of its store when told to. */
class BreakableStorage extends ModelStorage {
  #sinks: WatchSink[] = [];

  override watch(range: { start: string; end: string; fromRevision: number }, sink: WatchSink): { cancel(): void } {
    let cut = false;
    const watch = super.watch(range, {
      onEvents: (events, revision) => !cut && sink.onEvents(events, revision),
      onProgress: (revision) => !cut && sink.onProgress(revision),
      onEnd: (error) => !cut && sink.onEnd(error),
    });
    this.#sinks.push({
      onEvents: () => undefined,
      onProgress: () => undefined,
      onEnd: (error) => {
        cut = true;
        watch.cancel();
        sink.onEnd(error);
      },
    });
    return watch;
  }

  breakWatches(): void {
    for (const sink of this.#sinks.splice(0)) sink.onEnd(new StorageError('unavailable', 'gone'));
  }
}

/** Hands over all events of a moment together, as a store with group commit does. */
class BatchingStorage extends ModelStorage {
  override watch(range: { start: string; end: string; fromRevision: number }, sink: WatchSink): { cancel(): void } {
    const events: Parameters<WatchSink['onEvents']>[0][number][] = [];
    return super.watch(range, {
      ...sink,
      onEvents: (some) => {
        if (events.push(...some) > some.length) return;
        setImmediate(() => {
          const batch = events.splice(0);
          sink.onEvents(batch, Math.max(...batch.map(revisionOf)));
        });
      },
      onProgress: () => undefined,
    });
  }
}

const revisionOf = (event: Parameters<WatchSink['onEvents']>[0][number]): number =>
  event.type === 'put' ? event.record.modRevision : event.revision;

describe('the directory', () => {
  it('fills from the store and routes by key', async () => {
    const clock = new FakeClock();
    await using storage = new ModelStorage(clock);
    await storage.create('/registry/pods/default/a', value('a'));
    await storage.create('/registry/services/specs/default/s', value('s'));
    await storage.create('/registry/services/endpoints/default/s', value('s'));
    await storage.create('/registry/minions/n', value('n'));
    await using directory = await open(storage, clock);
    expect(directory.revision).toBe(4);
    expect(directory.of(pods.groupResource).list()).toMatchObject([
      { namespace: 'default', name: 'a', resourceVersion: 1 },
    ]);
    expect(directory.of(services.groupResource).get('default', 's')?.resourceVersion).toBe(2);
    expect(directory.of(nodes.groupResource).get('', 'n')?.object.metadata.name).toBe('n');
    await storage.create('/registry/services/specs/default/t', value('t'));
    expect(directory.of(services.groupResource).size).toBe(2);
    expect(() => directory.of({ group: '', resource: 'unicorns' })).toThrow('no cache for unicorns');
  });

  it('tells subscribers of every change', async () => {
    const clock = new FakeClock();
    await using storage = new ModelStorage(clock);
    await using directory = await open(storage, clock);
    const seen: string[] = [];
    const note = (event: CacheEvent): void => {
      const { name } = event.type === 'deleted' ? event.previous : event.current;
      seen.push(`${event.type} ${name}`);
    };
    const stop = directory.of(pods.groupResource).subscribe(note);
    const first = await storage.create('/registry/pods/default/a', value('a'));
    const second = await storage.update('/registry/pods/default/a', value('a'), first);
    await storage.delete('/registry/pods/default/a', second);
    stop();
    await storage.create('/registry/pods/default/b', value('b'));
    expect(seen).toEqual(['added a', 'modified a', 'deleted a']);
  });

  it('takes the state anew when its feed breaks, ends watches, and tells of the differences', async () => {
    const clock = new FakeClock();
    await using storage = new BreakableStorage(clock);
    await storage.create('/registry/pods/default/a', value('a'));
    await storage.create('/registry/pods/default/b', value('b'));
    await using directory = await open(storage, clock);
    const cache = directory.of(pods.groupResource);
    const selection = { namespace: '', name: '' };
    const options = { selection, bookmarks: false, initialEventsEnd: false, timeoutMs: 0 };
    const watch = cache.watch({ ...options, initialEvents: false, fromRevision: undefined });
    const seen: string[] = [];
    cache.subscribe((event) => seen.push(event.type));
    storage.breakWatches();
    await storage.update('/registry/pods/default/a', value('a'), 1);
    await storage.delete('/registry/pods/default/b', 2);
    await storage.create('/registry/pods/default/c', value('c'));
    expect(cache.size).toBe(2);
    const caughtUp = directory.atLeast(5);
    clock.advance(1_000);
    await caughtUp;
    expect(cache.list().map((e) => `${e.name}@${e.resourceVersion}`)).toEqual(['a@3', 'c@5']);
    expect(seen).toEqual(['deleted', 'modified', 'added']);
    expect(watch.take(10)).toMatchObject([{ type: 'ERROR', status: { reason: 'Expired', code: 410 } }]);
    await storage.create('/registry/pods/default/d', value('d'));
    expect(cache.size).toBe(3);
  });

  it('bounds what a watcher that does not read costs', async () => {
    const clock = new FakeClock();
    await using storage = new ModelStorage(clock);
    const historyLimits = { maxEvents: 10, maxBytes: 1e6, maxAgeMs: 1e6, minEvents: 1 };
    const directory = new WatchCacheDirectory({ storage, clock, resources: [pods], historyLimits });
    await directory.start();
    const cache = directory.of(pods.groupResource);
    const selection = { namespace: '', name: '' };
    const options = { selection, bookmarks: false, initialEventsEnd: false, timeoutMs: 0 };
    const watch = cache.watch({ ...options, initialEvents: false, fromRevision: undefined });
    let revision = await storage.create('/registry/pods/default/a', value('a'));
    for (let i = 0; i < 3_000; i++) revision = await storage.update('/registry/pods/default/a', value('a'), revision);
    expect(cache.history.end - cache.history.first).toBe(10);
    expect(watch.take(5)).toMatchObject([{ type: 'ERROR' }]);
    expect(cache.watchers).toBe(0);
    await directory[Symbol.asyncDispose]();
  });

  it('wakes a waiting watcher that one batch of events has left behind', async () => {
    const clock = new FakeClock();
    await using storage = new BatchingStorage(clock);
    const historyLimits = { maxEvents: 2, maxBytes: 1e6, maxAgeMs: 1e6, minEvents: 1 };
    await using directory = new WatchCacheDirectory({ storage, clock, resources: [pods], historyLimits });
    await directory.start();
    const cache = directory.of(pods.groupResource);
    const options = { bookmarks: false, initialEventsEnd: false, timeoutMs: 0, initialEvents: false };
    const watch = cache.watch({ ...options, selection: { namespace: '', name: '' }, fromRevision: undefined });
    expect(watch.take(1)).toEqual([]);
    const { promise, resolve } = Promise.withResolvers<void>();
    watch.onReady(resolve);
    await Promise.all(['a', 'b', 'c'].map((name) => storage.create(`/registry/pods/default/${name}`, value(name))));
    await promise;
    expect(watch.take(5)).toMatchObject([{ type: 'ERROR', status: { reason: 'Expired' } }]);
  });

  it('ends watches when it is disposed', async () => {
    const clock = new FakeClock();
    await using storage = new ModelStorage(clock);
    const directory = await open(storage, clock);
    const options = { bookmarks: true, initialEventsEnd: false, timeoutMs: 0, initialEvents: true };
    const watch = directory
      .of(pods.groupResource)
      .watch({ ...options, selection: { namespace: '', name: '' }, fromRevision: undefined });
    let ready = false;
    watch.onReady(() => {
      ready = true;
    });
    await directory[Symbol.asyncDispose]();
    expect(ready).toBe(true);
    expect(watch.take(1)).toMatchObject([{ type: 'ERROR' }]);
    expect(clock.timers).toBe(0);
  });
});
