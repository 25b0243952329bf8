import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { openEmbeddedStore } from '@kubets/etcd';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WatchSource } from '../../server/types.ts';
import { ApiFixture } from '../testing/api-fixture.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';
const everywhere = '/api/v1/configmaps';
const selectors = [
  '',
  'labelSelector=x%3D1',
  'labelSelector=x%20in%20(1,2),!y',
  'fieldSelector=metadata.name!%3Da',
  'fieldSelector=metadata.name%3Db',
  'labelSelector=y%3D1,x%3D2',
];

const write = fc.record({
  type: fc.constant('write' as const),
  name: fc.constantFrom('a', 'b', 'c', 'd'),
  x: fc.constantFrom('', '1', '2'),
  y: fc.boolean(),
});
const remove = fc.record({ type: fc.constant('delete' as const), name: fc.constantFrom('a', 'b', 'c', 'd') });
const read = fc.record({
  type: fc.constant('read' as const),
  client: fc.nat({ max: 5 }),
  max: fc.integer({ min: 1, max: 4 }),
});
const burst = fc.record({
  type: fc.constant('burst' as const),
  writes: fc.array(write, { minLength: 2, maxLength: 5 }),
});
const steps = fc.array(fc.oneof(write, write, remove, read, burst), { maxLength: 40 });

/** What a reflector does: a list, then a watch from it, and anew after an error. */
class Client {
  readonly #api: ApiFixture;
  readonly #query: string;
  readonly #state = new Map<string, string>();
  /** Events that cannot be, given those before. */
  readonly problems: string[] = [];
  #watch: WatchSource | undefined;
  /** Whether there is something to read, as the watch has it; reads nothing otherwise. */
  #ready = true;

  constructor(api: ApiFixture, query: string) {
    this.#api = api;
    this.#query = query;
  }

  async start(): Promise<void> {
    this.#state.clear();
    this.#ready = true;
    const list = await this.#api.ok('GET', `${everywhere}?${this.#query}`);
    for (const item of list['items'] as { metadata: { name: string; resourceVersion: string } }[]) {
      this.#state.set(item.metadata.name, item.metadata.resourceVersion);
    }
    const from = list.metadata.resourceVersion;
    this.#watch = await this.#api.watch(`${everywhere}?watch=true&resourceVersion=${from}&${this.#query}`);
  }

  async read(max: number): Promise<void> {
    if (!this.#ready) return;
    const events = this.#watch?.take(max) ?? [];
    this.#ready = events.length > 0;
    if (!this.#ready) this.#watch?.onReady(() => (this.#ready = true));
    for (const event of events) {
      if (event.type === 'ERROR') return await this.start();
      if (event.type === 'BOOKMARK') continue;
      const { name, object } = event.entry;
      const known = this.#state.has(name);
      if (event.type === (known ? 'ADDED' : 'MODIFIED')) this.problems.push(`${event.type} ${name}`);
      if (event.type === 'DELETED') this.#state.delete(name);
      else this.#state.set(name, object.metadata.resourceVersion ?? '');
    }
  }

  /** Reads all there is; then what the client believes, and what is so. */
  async settle(): Promise<{ believed: string[]; actual: string[] }> {
    for (let i = 0; i < 50; i++) await this.read(100);
    const list = await this.#api.ok('GET', `${everywhere}?${this.#query}`);
    const items = list['items'] as { metadata: { name: string; resourceVersion: string } }[];
    const actual = items.map((item) => `${item.metadata.name}@${item.metadata.resourceVersion}`);
    const believed = [...this.#state].map(([name, version]) => `${name}@${version}`).toSorted();
    return { believed, actual };
  }
}

async function put(api: ApiFixture, step: { name: string; x: string; y: boolean }): Promise<void> {
  const labels = { ...(step.x && { x: step.x }), ...(step.y && { y: '1' }) };
  const body = { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: step.name, labels } };
  const created = await api.call('POST', configMaps, { body });
  // With or without a deletion in between: both answers are fine.
  if (created.status === 409) await api.call('PUT', `${configMaps}/${step.name}`, { body });
}

/** In a directory that goes with the stack; the fixture closes the store. */
async function embedded(stack: AsyncDisposableStack): ReturnType<typeof openEmbeddedStore> {
  const dataDir = mkdtempSync(join(tmpdir(), 'kubets-registry-'));
  stack.defer(() => rmSync(dataDir, { recursive: true, force: true }));
  return await openEmbeddedStore({ dataDir, clock: new FakeClock(), compactionIntervalMs: 0 });
}

describe('list and watch', () => {
  it.each(['model', 'embedded'])('leave every client with the state of the %s store', async (kind) => {
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 2, max: 30 }), async (plan, maxEvents) => {
        const historyLimits = { maxEvents, maxBytes: 1e9, maxAgeMs: 1e9, minEvents: 1 };
        await using directory = new AsyncDisposableStack();
        const options = kind === 'embedded' ? { storage: await embedded(directory) } : {};
        const api = directory.use(await ApiFixture.open({ historyLimits, ...options }));
        const clients = selectors.map((query) => new Client(api, query));
        for (const client of clients) await client.start();
        for (const step of plan) {
          if (step.type === 'write') await put(api, step);
          else if (step.type === 'delete') await api.call('DELETE', `${configMaps}/${step.name}`);
          else if (step.type === 'burst') await Promise.all(step.writes.map((one) => put(api, one)));
          else await clients[step.client]?.read(step.max);
        }
        for (const client of clients) {
          const { believed, actual } = await client.settle();
          expect(believed).toEqual(actual);
          expect(client.problems).toEqual([]);
        }
      }),
      { numRuns: kind === 'embedded' ? 8 : 60 },
    );
  });
});
