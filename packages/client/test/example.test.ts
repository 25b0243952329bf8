import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock, systemRandom } from '@kubets/apimachinery/system-clock';
import {
  discover,
  EventRecorder,
  EventSeriesRecorder,
  HttpTransport,
  kubeClient,
  LeaderElector,
  ManagedTransport,
  RestMapper,
} from '@kubets/client';
import { describe, expect, it } from 'vitest';
import { countEntries } from './example/count-entries.ts';
import { startApiServer } from './harness/api-server.ts';
import { until } from './harness/until.ts';

async function start() {
  const stack = new AsyncDisposableStack();
  const { port, credentials } = stack.use(await startApiServer());
  const http = new HttpTransport({ server: `https://127.0.0.1:${port}`, ...credentials, clock: systemClock });
  const transport = stack.use(new ManagedTransport(http, { clock: systemClock }));
  return { transport, client: kubeClient(transport), [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describe('the example in README.md', () => {
  it('is the one that is tested', () => {
    const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8');
    const example = readFileSync(join(import.meta.dirname, 'example/count-entries.ts'), 'utf8');
    expect(readme).toContain(example);
  });

  it('keeps the annotations right', async () => {
    await using server = await start();
    const maps = server.client.configMaps('default');
    await maps.create({ metadata: { name: 'before' }, data: { a: '1', b: '2' } });
    const stop = new AbortController();
    const running = countEntries(server.transport, stop.signal);
    await maps.create({ metadata: { name: 'after' }, data: { a: '1' } });
    const noted: Record<string, string | undefined> = {};
    const look = async (): Promise<void> => {
      for (const { metadata } of (await maps.list()).items) {
        noted[metadata.name ?? ''] = metadata.annotations?.['example.com/entries'];
      }
    };
    await until(() => noted['before'] === '2' && noted['after'] === '1', { tick: () => void look() });
    await maps.patch('after', { type: 'application/merge-patch+json', body: { data: { b: '2', c: '3' } } });
    await until(() => noted['after'] === '3', { tick: () => void look() });
    stop.abort();
    await running;
    expect(noted).toEqual({ before: '2', after: '3' });
  });
});

describe('against a real server', () => {
  it('discovers, elects and records', async () => {
    await using server = await start();
    const { client, transport } = server;
    const mapper = new RestMapper(await discover(transport));
    expect(mapper.forName('deploy')).toMatchObject({ group: 'apps', version: 'v1', kind: 'Deployment' });
    const dropped: unknown[] = [];
    const onDropped = (reason: string, error?: unknown): void => void dropped.push(reason, error);
    const common = { clock: systemClock, random: systemRandom, onDropped };
    await using core = new EventRecorder({ events: client.events(), component: 'test', ...common });
    await using series = new EventSeriesRecorder({
      events: client.eventsV1(),
      reportingController: 'test',
      reportingInstance: 'test-1',
      ...common,
    });
    const stop = new AbortController();
    const elector = new LeaderElector({
      leases: client.leases('default'),
      name: 'test',
      namespace: 'default',
      identity: 'me',
      ...common,
      lead: async () => {
        const about = await client.leases('default').get('test');
        const note = { type: 'Normal', reason: 'Ran', action: 'Running', note: 'it ran' } as const;
        for (let i = 0; i < 3; i++) core.event(about, 'Normal', 'LeaderElection', 'me became leader');
        for (let i = 0; i < 2; i++) series.event(about, note);
        await Promise.all([core.flush(), series.flush()]);
        stop.abort();
      },
    });
    await elector.run(stop.signal);
    expect(dropped).toEqual([]);
    expect((await client.leases('default').get('test')).spec).toMatchObject({
      holderIdentity: '',
      leaseTransitions: 0,
    });
    const events = (await client.events('default').list()).items;
    expect(events.find((e) => e.reason === 'LeaderElection')).toMatchObject({ count: 3, type: 'Normal' });
    const ran = (await client.eventsV1('default').list()).items.find((e) => e.reason === 'Ran');
    expect(ran).toMatchObject({ series: { count: 2 }, regarding: { kind: 'Lease', name: 'test' } });
  });
});
