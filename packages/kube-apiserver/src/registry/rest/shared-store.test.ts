import { FakeClock } from '@kubets/apimachinery/fake-clock';
import type { WatchEvent, WatchSink, WriteOptions } from '@kubets/etcd';
import { ModelStorage } from '@kubets/etcd/testing';
import { describe, expect, it } from 'vitest';
import { ApiFixture } from '../testing/api-fixture.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';

/** A store far away: it hands no attachments back, and its events come when they are released. */
class RemoteStorage extends ModelStorage {
  #held: (() => void)[] = [];
  hold = false;

  override create(key: string, value: Uint8Array, options: WriteOptions = {}): Promise<number> {
    return super.create(key, value, { ...options, attachment: undefined });
  }

  override update(key: string, value: Uint8Array, ifRevision: number, options: WriteOptions = {}): Promise<number> {
    return super.update(key, value, ifRevision, { ...options, attachment: undefined });
  }

  override watch(range: { start: string; end: string; fromRevision: number }, sink: WatchSink): { cancel(): void } {
    return super.watch(range, {
      onEvents: (events: readonly WatchEvent[], revision) => this.#later(() => sink.onEvents(events, revision)),
      onProgress: (revision) => this.#later(() => sink.onProgress(revision)),
      onEnd: (error) => sink.onEnd(error),
    });
  }

  release(): void {
    this.hold = false;
    for (const deliver of this.#held.splice(0)) deliver();
  }

  #later(deliver: () => void): void {
    if (this.hold) this.#held.push(deliver);
    else deliver();
  }
}

describe('a store that others write to', () => {
  it('is asked how far it is, so that reads are never behind', async () => {
    const clock = new FakeClock();
    const storage = new RemoteStorage(clock);
    await using api = await ApiFixture.open({ clock, storage, writers: 'shared' });
    const created = await api.ok('POST', configMaps, { body: { metadata: { name: 'a' } } });
    expect(created.metadata.resourceVersion).toBe('1');
    storage.hold = true;
    const body = { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'b', namespace: 'default', uid: 'u' } };
    await storage.create('/registry/configmaps/default/b', Buffer.from(JSON.stringify(body)));
    const [get, list] = [api.call('GET', `${configMaps}/b`), api.call('GET', configMaps)];
    expect((await api.call('GET', `${configMaps}/b?resourceVersion=0`)).status).toBe(404);
    storage.release();
    expect((await get).object.metadata.resourceVersion).toBe('2');
    expect((await list).object['items']).toHaveLength(2);
  });

  it('answers writes before their events come back', async () => {
    const clock = new FakeClock();
    const storage = new RemoteStorage(clock);
    await using api = await ApiFixture.open({ clock, storage, writers: 'shared' });
    storage.hold = true;
    await api.ok('POST', configMaps, { body: { metadata: { name: 'a' } } });
    const patch = { contentType: 'application/merge-patch+json', body: { data: { k: 'v' } } };
    const patched = await api.ok('PATCH', `${configMaps}/a`, patch);
    expect(patched).toMatchObject({ metadata: { resourceVersion: '2' }, data: { k: 'v' } });
    storage.release();
    expect((await api.ok('GET', `${configMaps}/a`))['data']).toEqual({ k: 'v' });
  });
});
