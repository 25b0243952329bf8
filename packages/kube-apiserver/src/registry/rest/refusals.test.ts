import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { openEmbeddedStore } from '@kubets/etcd';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ApiFixture, type Answer } from '../testing/api-fixture.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';
const key = '/registry/configmaps/default/a';
const body = { metadata: { name: 'a' } };
const merge = 'application/merge-patch+json';

/** An API on a store of its own in a directory that goes away with the scope. */
interface Subject extends AsyncDisposable {
  readonly api: ApiFixture;
  /** Starts a write, and resolves when the store has decided it, which is before it is durable. */
  decided(write: () => Promise<Answer>): Promise<Promise<Answer>[]>;
}

async function open(): Promise<Subject> {
  await using stack = new AsyncDisposableStack();
  const dataDir = mkdtempSync(join(tmpdir(), 'kubets-refusals-'));
  stack.defer(() => rmSync(dataDir, { recursive: true, force: true }));
  const clock = new FakeClock();
  const storage = stack.use(await openEmbeddedStore({ dataDir, clock, compactionIntervalMs: 0 }));
  const api = stack.use(await ApiFixture.open({ storage, clock }));
  const kept = stack.move();
  const decided = async (write: () => Promise<Answer>): Promise<Promise<Answer>[]> => {
    const before = storage.latestRevision(key);
    const answer = write();
    while (storage.latestRevision(key) === before) await Promise.resolve();
    return [answer];
  };
  return { api, decided, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** Writes are decided at once and durable later: whoever is refused because of one can read it by then. */
describe('refusals', () => {
  it('of a taken name come when the other object can be read', async () => {
    await using subject = await open();
    const { api, decided } = subject;
    const [first] = await decided(() => api.call('POST', configMaps, { body }));
    const second = await api.call('POST', configMaps, { body });
    expect(second.status).toBe(409);
    expect((await api.call('GET', `${configMaps}/a?resourceVersion=0`)).status).toBe(200);
    expect((await first)?.status).toBe(201);
  });

  it('of a stale update come when the newer state can be read', async () => {
    await using subject = await open();
    const { api, decided } = subject;
    const created = await api.ok('POST', configMaps, { body });
    const patch = { contentType: merge, body: { data: { k: 'v' } } };
    const [first] = await decided(() => api.call('PATCH', `${configMaps}/a`, patch));
    const second = await api.call('PUT', `${configMaps}/a`, { body: created });
    expect(second.status).toBe(409);
    expect((await api.ok('GET', `${configMaps}/a?resourceVersion=0`))['data']).toEqual({ k: 'v' });
    expect((await first)?.status).toBe(200);
  });

  it.each(['DELETE', 'PATCH'])('of a %s after a deletion come when the object is gone', async (method) => {
    await using subject = await open();
    const { api, decided } = subject;
    await api.ok('POST', configMaps, { body });
    const [first] = await decided(() => api.call('DELETE', `${configMaps}/a`));
    const call = method === 'PATCH' ? { contentType: merge, body: { data: {} } } : {};
    expect((await api.call(method, `${configMaps}/a`, call)).status).toBe(404);
    expect((await api.call('GET', `${configMaps}/a?resourceVersion=0`)).status).toBe(404);
    expect((await first)?.status).toBe(200);
  });
});
