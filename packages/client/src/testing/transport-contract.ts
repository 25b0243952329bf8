/**
 * What every transport to an API server must do, and what informers over it survive. A test file calls
 * `transportContract('HTTP', open)`; it needs vitest.
 */
import { FakeClock } from '@kubets/apimachinery/fake-clock';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { failure, newResourceExpired, newTooManyRequests, StatusError } from '@kubets/apimachinery/status';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SharedInformer } from '../cache/shared-informer.ts';
import { configMaps } from '../generated/resources.ts';
import { ResourceClient } from '../rest/resource-client.ts';
import type { Transport, WatchStreamEvent } from '../transport.ts';
import { FaultyTransport } from './faulty-transport.ts';

/** A server and two ways to it. */
export interface TransportUnderTest extends AsyncDisposable {
  readonly transport: Transport;
  /** Reaches the same server whatever happens to the other. */
  readonly direct: Transport;
  /** Faults of the connection itself; absent where there is none (in process): then watches are cut. */
  readonly connection?: {
    /** Ends it the hard way. */
    reset(): void;
    /** Lets nothing pass any more, without a sign; a new connection works. */
    stall(): void;
    /** Makes everything slow. */
    delay(ms: number): void;
  };
}

type ConfigMap = ApiObject & { data?: Record<string, string> };

const random = { float: () => 0.5, uuid: () => '00000000-0000-4000-8000-000000000000' };

/** Looks every few milliseconds of real time, as sockets have to come by. */
async function until(condition: () => boolean | Promise<boolean>, tick: () => void = () => undefined): Promise<void> {
  const end = performance.now() + 30_000;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not in time: ${condition.toString()}`);
    tick();
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
}

class Scene {
  readonly server: TransportUnderTest;
  readonly clock = new FakeClock();
  readonly faulty: FaultyTransport;
  readonly client: ResourceClient<ConfigMap>;
  readonly truth: ResourceClient<ConfigMap>;
  readonly errors: string[] = [];
  readonly seen = new Map<string, string>();
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(server: TransportUnderTest) {
    this.server = server;
    this.faulty = new FaultyTransport(server.transport);
    this.client = new ResourceClient<ConfigMap>(this.faulty, configMaps, 'default');
    this.truth = new ResourceClient<ConfigMap>(server.direct, configMaps, 'default');
  }

  readonly tick = (): void => this.clock.advance(100);

  async put(name: string, value: string): Promise<void> {
    const existing = await this.truth.get(name).catch(() => undefined);
    if (existing === undefined) await this.truth.create({ metadata: { name }, data: { value } });
    else await this.truth.update({ ...existing, data: { value } });
  }

  async startInformer(watchList: boolean): Promise<void> {
    const informer = new SharedInformer<ConfigMap>({
      source: this.client,
      clock: this.clock,
      random,
      watchList,
      stallMs: 60_000,
      name: 'configmaps',
      onError: (_, text) => void this.errors.push(text),
    });
    const set = (o: Readonly<ConfigMap>): void => void this.seen.set(o.metadata.name ?? '', o.data?.['value'] ?? '');
    informer.addEventHandler({
      onAdd: set,
      onUpdate: (_, o) => set(o),
      onDelete: (o) => void this.seen.delete(o.metadata.name ?? ''),
    });
    this.#running = informer.run(this.#stop.signal);
    await until(() => informer.hasSynced, this.tick);
  }

  /** Resolves when the informer's handlers have been told exactly what the server holds. */
  async agrees(): Promise<boolean> {
    const sorted = (entries: Iterable<[string, string]>): string =>
      JSON.stringify([...entries].toSorted(([a], [b]) => (a < b ? -1 : 1)));
    const { items } = await this.truth.list();
    const want = sorted(items.map((o): [string, string] => [o.metadata.name ?? '', o.data?.['value'] ?? '']));
    await until(() => sorted(this.seen) === want, this.tick);
    return true;
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the test has ended'));
    await this.#running;
    await this.server[Symbol.asyncDispose]();
  }
}

type Fault = (scene: Scene) => void | Promise<void>;

/** The store has moved on meanwhile, and the old version is not to be had any more. */
const expired = newResourceExpired('The resourceVersion for the provided watch is too old.');

const faults: Readonly<Record<string, Fault>> = {
  'a reset connection': ({ server, faulty }) => (server.connection ?? faulty).reset(),
  'a stalled connection': ({ server, faulty }) => (server.connection ?? { stall: () => faulty.stallOpen() }).stall(),
  'a slow connection': ({ server }) => server.connection?.delay(20),
  'broken watches': ({ faulty }) => faulty.reset(),
  'ended watches': ({ faulty }) => faulty.end(),
  '410 on a watch': ({ faulty }) => faulty.failWatches(expired.status),
  '410 on a watch, then on the list': ({ faulty }) => {
    faulty.faults.push(expired);
    faulty.failWatches(expired.status);
  },
  '429 again and again': ({ faulty }) => {
    for (let i = 0; i < 4; i++) faulty.faults.push(newTooManyRequests('slow down', 1));
    faulty.reset();
  },
  '500 and 403': ({ faulty }) => {
    faulty.faults.push(failure('InternalError', 'oops'), failure('Forbidden', 'not yet'));
    faulty.reset();
  },
  'duplicate events and bookmarks': ({ faulty }) => {
    // Twice the same at once: a deletion told twice says nothing new either.
    faulty.filter = (event) => [event, event];
    faulty.end();
  },
  'missing bookmarks': ({ faulty }) => {
    const initialEnd = (event: WatchStreamEvent): boolean =>
      event.object.metadata.annotations?.['k8s.io/initial-events-end'] === 'true';
    faulty.filter = (event) => (event.type === 'BOOKMARK' && !initialEnd(event) ? [] : [event]);
    faulty.reset();
  },
};

function requests(scene: () => Scene): void {
  it('carries requests and refusals', async () => {
    const { client } = scene();
    const created = await client.create({ metadata: { name: 'a', labels: { x: 'y' } }, data: { value: '1' } });
    expect(created).toMatchObject({ kind: 'ConfigMap', metadata: { name: 'a', uid: expect.any(String) } });
    expect(await client.get('a')).toEqual(created);
    const updated = await client.update({ ...created, data: { value: '2' } });
    await expect(client.update({ ...created, data: { value: '3' } })).rejects.toMatchObject({
      status: { reason: 'Conflict', code: 409 },
    });
    await expect(client.create({ metadata: { name: 'a' } })).rejects.toMatchObject({
      status: { reason: 'AlreadyExists' },
    });
    const patch = { type: 'application/merge-patch+json', body: { data: { more: 'm' } } } as const;
    expect((await client.patch('a', patch)).data).toEqual({ value: '2', more: 'm' });
    expect(updated.metadata.resourceVersion).not.toBe(created.metadata.resourceVersion);
    const apply = { metadata: { name: 'a' }, data: { value: '4' } };
    await expect(client.apply(apply, { fieldManager: 'me' })).rejects.toMatchObject({ status: { reason: 'Conflict' } });
    expect((await client.apply(apply, { fieldManager: 'me', force: true })).data?.['value']).toBe('4');
    await client.create({ metadata: { name: 'b' } });
    expect((await client.list({ labelSelector: 'x=y' })).items.map((o) => o.metadata.name)).toEqual(['a']);
    const page = await client.list({ limit: 1 });
    expect(page.items).toHaveLength(1);
    const rest = await client.list({ limit: 1, continue: page.metadata.continue ?? '' });
    expect(rest.items[0]).toMatchObject({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'b' } });
    expect(await client.delete('b')).toMatchObject({ kind: 'Status', status: 'Success' });
    await expect(client.get('b')).rejects.toBeInstanceOf(StatusError);
    await client.deleteCollection();
    expect((await client.list()).items).toEqual([]);
  });

  it('obeys aborted signals', async () => {
    const { client } = scene();
    await expect(client.get('a', { signal: AbortSignal.abort(new Error('no')) })).rejects.toBeInstanceOf(Error);
    const abort = new AbortController();
    const stream = await client.watch({ signal: abort.signal });
    const reading = Array.fromAsync(stream).catch((error: unknown) => error);
    abort.abort(new Error('enough'));
    await reading;
  });
}

function watches(scene: () => Scene): void {
  it('streams events in order from a version on, and leaves when the reader does', async () => {
    const { client } = scene();
    const first = await client.create({ metadata: { name: 'a' }, data: { value: '0' } });
    const { resourceVersion = '' } = first.metadata;
    for (let i = 1; i <= 50; i++)
      await client.patch('a', { type: 'application/merge-patch+json', body: { data: { value: `${i}` } } });
    await client.delete('a');
    const seen: string[] = [];
    for await (const event of await client.watch({ resourceVersion })) {
      seen.push(`${event.type} ${(event.object as ConfigMap).data?.['value']}`);
      if (event.type === 'DELETED') break;
    }
    expect(seen).toEqual([...Array.from({ length: 50 }, (_, i) => `MODIFIED ${i + 1}`), 'DELETED 50']);
  });

  it('streams the initial list and its end mark', async () => {
    const { client } = scene();
    await client.create({ metadata: { name: 'a' } });
    const stream = await client.watch({
      sendInitialEvents: true,
      allowWatchBookmarks: true,
      resourceVersionMatch: 'NotOlderThan',
    });
    const seen: WatchStreamEvent[] = [];
    for await (const event of stream) {
      seen.push(event);
      if (event.type === 'BOOKMARK') break;
    }
    expect(seen.map((event) => event.type)).toEqual(['ADDED', 'BOOKMARK']);
    expect(seen[1]?.object.metadata.annotations).toEqual({ 'k8s.io/initial-events-end': 'true' });
  });
}

function informers(scene: () => Scene): void {
  describe.each([true, false])('an informer, watchList %s', (watchList) => {
    it.each(Object.keys(faults))('agrees with the server after %s', async (name) => {
      const s = scene();
      for (const object of ['a', 'b', 'c']) await s.put(object, '1');
      await s.startInformer(watchList);
      await s.agrees();
      await s.put('a', '2');
      await faults[name]?.(s);
      await s.put('b', '2');
      await s.truth.delete('c');
      await s.put('d', '1');
      await s.agrees();
      for (let i = 3; i < 10; i++) await s.put('a', `${i}`);
      await s.truth.delete('d');
      expect(await s.agrees()).toBe(true);
    });
  });
}

/** Declares the suite. `open` starts a server of its own for each test. */
export function transportContract(name: string, open: () => Promise<TransportUnderTest>): void {
  describe(`transport ${name}`, () => {
    let current: Scene | undefined;
    const scene = (): Scene => {
      if (current === undefined) throw new Error('no scene outside of a test');
      return current;
    };
    beforeEach(async () => {
      current = new Scene(await open());
    });
    afterEach(async () => {
      await current?.stop();
    });
    requests(scene);
    watches(scene);
    informers(scene);
  });
}
