import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { ApiFixture } from '../../testing/api-fixture.ts';
import { componentStatuses, type ComponentProbe } from './component-statuses.ts';
import { httpsHealthProbe } from './health-probe.ts';

const probes: Record<string, ComponentProbe> = {
  scheduler: () => Promise.resolve({ healthy: false, message: 'Get "https://127.0.0.1:10259/healthz": refused' }),
  'controller-manager': () => Promise.reject(new Error('no idea')),
  'etcd-0': () => Promise.resolve({ healthy: true, message: 'ok' }),
};

function open(): Promise<ApiFixture> {
  return ApiFixture.open({ handlers: { extraResources: { '/componentstatuses': componentStatuses(probes) } } });
}

describe('component statuses', () => {
  it('tell each component s health', async () => {
    await using api = await open();
    const { object, warnings, result } = await api.call('GET', '/api/v1/componentstatuses');
    expect(result).toMatchObject({ type: 'list', gvk: { kind: 'ComponentStatus' }, resourceVersion: '' });
    expect(warnings).toEqual(['v1 ComponentStatus is deprecated in v1.19+']);
    expect(object['items']).toMatchObject([
      { metadata: { name: 'scheduler' }, conditions: [{ type: 'Healthy', status: 'False' }] },
      { metadata: { name: 'controller-manager' }, conditions: [{ status: 'Unknown', error: 'no idea' }] },
      { metadata: { name: 'etcd-0' }, conditions: [{ type: 'Healthy', status: 'True', message: 'ok' }] },
    ]);
  });

  it.each([
    ['fieldSelector=metadata.name%3Detcd-0', ['etcd-0']],
    ['labelSelector=a%3Db', []],
  ])('are selected by %s', async (query, names) => {
    await using api = await open();
    const { object } = await api.call('GET', `/api/v1/componentstatuses?${query}`);
    expect((object['items'] as { metadata: { name: string } }[]).map((i) => i.metadata.name)).toEqual(names);
  });

  it.each([
    ['GET', '/etcd-0', 200],
    ['GET', '/etcd-1', 404],
    ['GET', '/toString', 404],
    ['GET', '?fieldSelector=foo%3Db', 400],
    ['POST', '', 405],
    ['DELETE', '/etcd-0', 405],
  ])('answer %s %s with %i', async (method, path, status) => {
    await using api = await open();
    expect((await api.call(method, `/api/v1/componentstatuses${path}`)).status).toBe(status);
  });
});

describe('a health probe', () => {
  it('says in the words of Go that nobody listens', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    expect(await httpsHealthProbe('127.0.0.1', port)()).toEqual({
      healthy: false,
      message: `Get "https://127.0.0.1:${port}/healthz": dial tcp 127.0.0.1:${port}: connect: connection refused`,
    });
  });
});
