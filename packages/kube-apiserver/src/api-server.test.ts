import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { systemClock, systemRandom } from '@kubets/apimachinery/system-clock';
import { openEmbeddedStore } from '@kubets/etcd';
import { afterEach, describe, expect, it } from 'vitest';
import { createApiServer, type ApiServer, type ApiServerConfig } from './api-server.ts';
import { internalUser } from './bootstrap/internal-client.ts';
import { silentLog } from '@kubets/apimachinery/log';
import { testPki } from './server/testing/certificates.ts';
import { Http2Client, http1 } from './server/testing/test-client.ts';

const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function start(config: Partial<ApiServerConfig> = {}) {
  const dataDir = mkdtempSync(join(tmpdir(), 'kubets-apiserver-'));
  const storage = await openEmbeddedStore({ dataDir, clock: systemClock });
  const pki = await testPki();
  const server = await createApiServer({
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    storage,
    listen: { host: '127.0.0.1', port: 0, tls: pki.material },
    ...config,
  });
  cleanups.push(async () => {
    await server.stop();
    await storage[Symbol.asyncDispose]();
    rmSync(dataDir, { recursive: true, force: true });
  });
  const address = await server.start();
  return { server, port: address?.port ?? 0, pki };
}

const configMap = (name: string): ApiObject => ({
  kind: 'ConfigMap',
  apiVersion: 'v1',
  metadata: { name },
  data: { a: 'b' },
});

const path = '/api/v1/namespaces/default/configmaps';
const json = { 'content-type': 'application/json' };

async function firstEvents(server: ApiServer, count: number): Promise<string[]> {
  const transport = server.transport(internalUser);
  const seen: string[] = [];
  await using stream = await transport.watch({ method: 'GET', path, query: { watch: 'true' } });
  for await (const event of stream) {
    seen.push(`${event.type} ${event.object.metadata.name}`);
    if (seen.length === count) break;
  }
  return seen;
}

describe('createApiServer', () => {
  it('creates, gets, lists and deletes over HTTP/2', async () => {
    const target = await start();
    await using client = new Http2Client(target);
    const created = await client.ask({ method: 'POST', path, body: JSON.stringify(configMap('a')), headers: json });
    expect(created).toMatchObject({ status: 201 });
    const got = await client.ask({ path: `${path}/a` });
    expect(JSON.parse(got.text)).toMatchObject({ kind: 'ConfigMap', metadata: { name: 'a' }, data: { a: 'b' } });
    expect(got.headers['audit-id']).toMatch(/^[-0-9a-f]{36}$/);
    expect(got.headers['cache-control']).toBe('no-cache, private');
    const list = JSON.parse((await client.ask({ path })).text) as { kind: string; items: ApiObject[] };
    expect(list.kind).toBe('ConfigMapList');
    expect(list.items[0]).not.toHaveProperty('kind');
    const gone = await client.ask({ method: 'DELETE', path: `${path}/a` });
    expect(gone.status).toBe(200);
    expect((await client.ask({ path: `${path}/a` })).status).toBe(404);
  });

  it('answers as YAML, protobuf and Table', async () => {
    const target = await start();
    await using client = new Http2Client(target);
    await client.ask({ method: 'POST', path, body: JSON.stringify(configMap('a')), headers: json });
    const yaml = await client.ask({ path: `${path}/a`, headers: { accept: 'application/yaml' } });
    expect(yaml.headers['content-type']).toBe('application/yaml');
    expect(yaml.text).toMatch(/^apiVersion: v1\ndata:\n {2}a: b\nkind: ConfigMap\n/);
    const protobuf = await client.ask({ path, headers: { accept: 'application/vnd.kubernetes.protobuf' } });
    expect(protobuf.body.subarray(0, 4).toString('latin1')).toBe('k8s\0');
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
    const table = JSON.parse((await client.ask({ path, headers: { accept } })).text) as {
      kind: string;
      rows: object[];
    };
    expect(table).toMatchObject({ kind: 'Table', apiVersion: 'meta.k8s.io/v1' });
    expect(table.rows).toMatchObject([
      { cells: ['a', 1, expect.any(String)], object: { kind: 'PartialObjectMetadata' } },
    ]);
  });

  it('refuses strangers and the unauthorized', async () => {
    const target = await start();
    const stranger = await http1({ ...target, identity: null }, { path });
    expect(stranger.status).toBe(401);
    const identity = await target.pki.ca.issue('CN=jane', 'client');
    const jane = await http1({ ...target, identity }, { path });
    expect(jane.status).toBe(403);
    const message =
      'configmaps is forbidden: User "jane" cannot list resource "configmaps" in API group "" in the namespace "default"';
    expect(JSON.parse(jane.text)).toMatchObject({ reason: 'Forbidden', message, details: { kind: 'configmaps' } });
    const health = await http1({ ...target, identity: null }, { path: '/readyz' });
    expect(health).toMatchObject({ status: 403 });
  });

  it('serves health, version, metrics and the list of paths', async () => {
    const target = await start();
    await using client = new Http2Client(target);
    expect((await client.ask({ path: '/readyz' })).text).toBe('ok');
    expect((await client.ask({ path: '/livez?verbose' })).text).toBe(
      '[+]ping ok\n[+]log ok\n[+]etcd ok\nlivez check passed\n',
    );
    expect(JSON.parse((await client.ask({ path: '/version' })).text)).toMatchObject({ major: '1', minor: '36' });
    expect((await client.ask({ path: '/metrics' })).text).toContain('apiserver_storage_objects{resource="pods"} 0');
    expect(JSON.parse((await client.ask({ path: '/' })).text)).toHaveProperty('paths');
  });

  it('has a transport in process', async () => {
    const { server } = await start();
    const transport = server.transport(internalUser);
    const body = configMap('x');
    const { object, status } = await transport.request({ method: 'POST', path, body });
    expect(status).toBe(201);
    expect(object.metadata.uid).toBeDefined();
    await expect(transport.request({ method: 'GET', path: `${path}/y` })).rejects.toMatchObject({
      status: { reason: 'NotFound' },
    });
    expect(await firstEvents(server, 1)).toEqual(['ADDED x']);
  });

  it('streams a watch until the server stops', async () => {
    const target = await start();
    await using client = new Http2Client(target);
    const watching = client.ask({ path: `${path}?watch=true` });
    await client.ask({ method: 'POST', path, body: JSON.stringify(configMap('a')), headers: json });
    await target.server.stop();
    const answer = await watching;
    expect(answer.status).toBe(200);
    expect(answer.text).toMatch(/^\{"type":"ADDED","object":\{"kind":"ConfigMap",.*\}\}\n$/);
  });
});
