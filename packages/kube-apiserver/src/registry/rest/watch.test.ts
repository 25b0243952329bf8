import { describe, expect, it } from 'vitest';
import { sharedJsonLine } from '../../storage/watch-delivery.ts';
import { ApiFixture, eventsOf } from '../testing/api-fixture.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';
const merge = 'application/merge-patch+json';

async function put(api: ApiFixture, name: string, labels: Record<string, string> = {}): Promise<void> {
  const body = { metadata: { name, labels } };
  const known = (await api.call('GET', `${configMaps}/${name}`)).status === 200;
  await (known ? api.ok('PUT', `${configMaps}/${name}`, { body }) : api.ok('POST', configMaps, { body }));
}

describe('watch', () => {
  it('begins with the state, and goes on with changes', async () => {
    await using api = await ApiFixture.open();
    await put(api, 'a');
    const unset = await api.watch(`${configMaps}?watch=true`);
    const zero = await api.watch(`${configMaps}?watch=true&resourceVersion=0`);
    const one = await api.watch(`${configMaps}?watch=true&resourceVersion=1`);
    await put(api, 'a', { l: '1' });
    await api.ok('DELETE', `${configMaps}/a`);
    const changes = ['MODIFIED a@2', 'DELETED a@3'];
    expect(eventsOf(unset)).toEqual(['ADDED a@1', ...changes]);
    expect(eventsOf(zero)).toEqual(['ADDED a@1', ...changes]);
    expect(eventsOf(one)).toEqual(changes);
  });

  it('tells when events are there, once', async () => {
    await using api = await ApiFixture.open();
    const watch = await api.watch(`${configMaps}?watch=true&fieldSelector=metadata.name%3Da`);
    expect(watch.take(10)).toEqual([]);
    let calls = 0;
    watch.onReady(() => calls++);
    await put(api, 'other');
    expect(calls).toBe(0);
    await put(api, 'a');
    await put(api, 'a', { x: 'y' });
    expect(calls).toBe(1);
    expect(eventsOf(watch)).toEqual(['ADDED a@2', 'MODIFIED a@3']);
    watch.close();
    watch.onReady(() => calls++);
    expect(watch.ended).toBe(true);
  });

  it('turns changes into additions and deletions as the selector sees them', async () => {
    await using api = await ApiFixture.open();
    const watch = await api.watch(`${configMaps}?watch=true&labelSelector=x`);
    await put(api, 'a');
    await put(api, 'a', { x: '1' });
    await put(api, 'a', { x: '2' });
    await put(api, 'a', { y: '3' });
    const events = watch.take(100);
    expect(events.map((event) => event.type)).toEqual(['ADDED', 'MODIFIED', 'DELETED']);
    const last = events[2];
    if (last?.type !== 'DELETED') throw new Error('no deletion');
    // The last matching state, at the revision of the change.
    expect(JSON.parse(last.entry.json.toString())).toMatchObject({
      metadata: { labels: { x: '2' }, resourceVersion: '4' },
    });
  });

  it('shares one encoding among all watchers', async () => {
    await using api = await ApiFixture.open();
    const one = await api.watch(`${configMaps}?watch=true`);
    const two = await api.watch(`/api/v1/configmaps?watch=true&labelSelector=!x`);
    await put(api, 'a');
    const [first] = one.take(1);
    const [second] = two.take(1);
    const line = first && sharedJsonLine(first);
    expect(line).toBeDefined();
    expect(second && sharedJsonLine(second)).toBe(line);
    expect(line?.toString()).toMatch(/^\{"type":"ADDED","object":\{"kind":"ConfigMap",.*\}\}\n$/);
  });

  it('watches one object by name', async () => {
    await using api = await ApiFixture.open();
    const watch = await api.watch(`${configMaps}?watch=true&fieldSelector=metadata.name%3Da`);
    await put(api, 'b');
    await put(api, 'a');
    expect(eventsOf(watch)).toEqual(['ADDED a@2']);
  });

  it('reports versions that are too old', async () => {
    const historyLimits = { maxEvents: 3, maxBytes: 1e9, maxAgeMs: 1e9, minEvents: 1 };
    await using api = await ApiFixture.open({ historyLimits });
    const slow = await api.watch(`${configMaps}?watch=true`);
    for (let i = 0; i < 5; i++) await put(api, `a${i}`);
    const old = await api.watch(`${configMaps}?watch=true&resourceVersion=1`);
    expect(eventsOf(old)).toEqual(['ERROR too old resource version: 1 (2)']);
    expect(old.ended).toBe(true);
    expect(eventsOf(await api.watch(`${configMaps}?watch=true&resourceVersion=2`))).toHaveLength(3);
    expect(eventsOf(slow)).toEqual(['ERROR too old resource version: 0 (2)']);
  });

  it('forgets events that are old', async () => {
    const historyLimits = { maxEvents: 100, maxBytes: 1e9, maxAgeMs: 75_000, minEvents: 1 };
    await using api = await ApiFixture.open({ historyLimits });
    await put(api, 'a');
    await put(api, 'b');
    api.clock.advance(80_000);
    await put(api, 'c');
    expect(eventsOf(await api.watch(`${configMaps}?watch=true&resourceVersion=1`))).toEqual([
      'ERROR too old resource version: 1 (2)',
    ]);
    expect(eventsOf(await api.watch(`${configMaps}?watch=true&resourceVersion=2`))).toEqual(['ADDED c@3']);
  });

  it('only shows what comes after a version in the future', async () => {
    await using api = await ApiFixture.open();
    const watch = await api.watch(`${configMaps}?watch=true&resourceVersion=2`);
    for (const name of ['a', 'b', 'c']) await put(api, name);
    expect(eventsOf(watch)).toEqual(['ADDED c@3']);
  });

  it('sends bookmarks every minute and before the end', async () => {
    await using api = await ApiFixture.open();
    const watch = await api.watch(`${configMaps}?watch=true&allowWatchBookmarks=true&timeoutSeconds=100`);
    const without = await api.watch(`${configMaps}?watch=true`);
    await put(api, 'a');
    await api.ok('POST', '/api/v1/namespaces/default/secrets', { body: { metadata: { name: 's' } } });
    expect(eventsOf(watch)).toEqual(['ADDED a@1']);
    expect(eventsOf(without)).toEqual(['ADDED a@1']);
    api.clock.advance(60_000);
    expect(eventsOf(watch)).toEqual(['BOOKMARK 2']);
    api.clock.advance(38_000);
    expect(eventsOf(watch)).toEqual(['BOOKMARK 2']);
    let ready = false;
    watch.onReady(() => {
      ready = true;
    });
    api.clock.advance(2_000);
    expect(ready).toBe(true);
    expect(eventsOf(watch)).toEqual([]);
    expect(watch.ended).toBe(true);
    expect(eventsOf(without)).toEqual([]);
  });
});

describe('watch-list', () => {
  const base = `${configMaps}?watch=true&resourceVersionMatch=NotOlderThan`;

  it('ends the state with a bookmark', async () => {
    await using api = await ApiFixture.open();
    await put(api, 'a');
    await put(api, 'b');
    const watch = await api.watch(`${base}&sendInitialEvents=true&allowWatchBookmarks=true`);
    await put(api, 'c');
    expect(eventsOf(watch)).toEqual(['ADDED a@1', 'ADDED b@2', 'BOOKMARK 2 end', 'ADDED c@3']);
    const plain = await api.watch(`${base}&sendInitialEvents=true`);
    expect(eventsOf(plain)).toEqual(['ADDED a@1', 'ADDED b@2', 'ADDED c@3']);
    const none = await api.watch(`${base}&sendInitialEvents=false`);
    await put(api, 'd');
    expect(eventsOf(none)).toEqual(['ADDED d@4']);
  });

  it('waits for the version asked for', async () => {
    await using api = await ApiFixture.open();
    const waiting = api.watch(`${base}&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersion=1`);
    await put(api, 'a');
    expect(eventsOf(await waiting)).toEqual(['ADDED a@1', 'BOOKMARK 1 end']);
    const future = api.call('GET', `${base}&sendInitialEvents=true&resourceVersion=9`);
    api.clock.advance(3_000);
    expect((await future).status).toBe(504);
  });

  it.each([
    ['watch=true&sendInitialEvents=true', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'],
    [
      'watch=true&resourceVersionMatch=NotOlderThan',
      'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
    ],
    ['watch=true&sendInitialEvents=true&resourceVersionMatch=Exact', 'supported values: "NotOlderThan"'],
  ])('refuses %s', async (query, message) => {
    await using api = await ApiFixture.open();
    const answer = await api.call('GET', `${configMaps}?${query}`);
    expect(answer.object).toMatchObject({ reason: 'Invalid', code: 422 });
    expect(answer.object['message']).toContain(message);
  });

  it('patches reach watchers too', async () => {
    await using api = await ApiFixture.open();
    await put(api, 'a');
    const watch = await api.watch(`${base}&sendInitialEvents=false`);
    await api.ok('PATCH', `${configMaps}/a`, { contentType: merge, body: { data: { k: 'v' } } });
    await api.ok('PATCH', `${configMaps}/a`, { contentType: merge, body: { data: { k: 'v' } } });
    expect(eventsOf(watch)).toEqual(['MODIFIED a@2']);
  });
});
