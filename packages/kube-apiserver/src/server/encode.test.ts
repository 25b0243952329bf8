import { gunzipSync } from 'node:zlib';
import { encodeYaml } from '@kubets/apimachinery/codec/yaml';
import { newConflict, newTooManyRequests } from '@kubets/apimachinery/status';
import { describe, expect, it, vi } from 'vitest';
import { apiCodecs } from './api-codecs.ts';
import { fakeEntry, fakePod, FakeWatchSource } from './testing/fake-objects.ts';
import { Http2Client, http1 } from './testing/test-client.ts';
import { startTestServer } from './testing/test-server.ts';
import type { ApiResult, Next, WatchResultEvent } from './types.ts';

const gvk = { group: '', version: 'v1', kind: 'Pod' };
const a = fakeEntry(fakePod('a', 7));
const b = fakeEntry(fakePod('b', 8));
const one: ApiResult = { type: 'cached', status: 200, entry: a, gvk };

function list(entries = [a, b], more: Partial<Extract<ApiResult, { type: 'list' }>> = {}): ApiResult {
  return {
    type: 'list',
    status: 200,
    gvk,
    entries,
    resourceVersion: '9',
    continue: '',
    remainingItemCount: undefined,
    ...more,
  };
}

async function answer(result: ApiResult | Next, headers: Record<string, string> = {}, path = '/x') {
  const pipeline: Next = typeof result === 'function' ? result : () => result;
  const server = await startTestServer(pipeline, { environment: { codecs: apiCodecs } });
  await using _ = server.listener;
  await using client = new Http2Client(server);
  return await client.ask({ path, headers });
}

const withoutType = ({ kind: _kind, apiVersion: _apiVersion, ...rest }: Readonly<Record<string, unknown>>) => rest;

describe('objects and lists', () => {
  it('joins a list from the bytes of its entries', async () => {
    const { text } = await answer(list());
    expect(text).toBe(
      JSON.stringify({
        kind: 'PodList',
        apiVersion: 'v1',
        metadata: { resourceVersion: '9' },
        items: [withoutType(a.object), withoutType(b.object)],
      }),
    );
  });

  it('keeps the type of custom resources, and says what is left', async () => {
    const entry = fakeEntry({ kind: 'Foo', apiVersion: 'acme.io/v1', metadata: { name: 'f' } });
    const custom = { group: 'acme.io', version: 'v1', kind: 'Foo' };
    const { text } = await answer(list([entry], { gvk: custom, continue: 'abc', remainingItemCount: 3 }));
    expect(JSON.parse(text)).toEqual({
      kind: 'FooList',
      apiVersion: 'acme.io/v1',
      metadata: { resourceVersion: '9', continue: 'abc', remainingItemCount: 3 },
      items: [entry.object],
    });
  });

  it.each([0, 1, 3, 2000])('writes %i entries, large ones among them', async (count) => {
    const entries = Array.from({ length: count }, (_, i) => {
      const pod = fakePod(`pod-${i}`, i + 1);
      pod.metadata.annotations = { x: 'x'.repeat(i % 500 === 2 ? 900_000 : 300) };
      return fakeEntry(pod);
    });
    const { text, headers, body } = await answer(list(entries));
    expect(headers['content-length']).toBe(String(body.length));
    expect((JSON.parse(text) as { items: unknown[] }).items).toEqual(entries.map((e) => withoutType(e.object)));
  });

  it.each(['http1', 'http2'])('sends large lists side by side without mixing them up over %s', async (version) => {
    const results = Array.from({ length: 4 }, (_, n) =>
      list(
        Array.from({ length: 1500 }, (_unused, i) => {
          const pod = fakePod(`pod-${n}-${i}`, i + 1);
          pod.metadata.annotations = { x: `${n}${i}`.repeat(400) };
          return fakeEntry(pod);
        }),
      ),
    );
    const server = await startTestServer((request) => results[Number(request.path.slice(1))] as ApiResult);
    await using _ = server.listener;
    await using client = new Http2Client(server);
    const answers = await Promise.all(
      results.map((_result, n) =>
        version === 'http1' ? http1(server, { path: `/${n}` }) : client.ask({ path: `/${n}` }),
      ),
    );
    for (const [n, result] of results.entries()) {
      const entries = (result as Extract<ApiResult, { type: 'list' }>).entries;
      const { items } = JSON.parse(answers[n]?.text ?? '') as { items: unknown[] };
      expect(items).toEqual(entries.map((e) => withoutType(e.object)));
    }
  });

  it('indents for people', async () => {
    const { text } = await answer(one, {}, '/x?pretty=true');
    expect(text).toBe(JSON.stringify(a.object, null, 2));
  });

  it('compresses what is large, when asked', async () => {
    const entries = Array.from({ length: 1200 }, (_, i) => fakeEntry(fakePod(`pod-${i}`, i + 1)));
    const small = await answer(list(), { 'accept-encoding': 'gzip' });
    expect(small.headers['content-encoding']).toBeUndefined();
    const plain = await answer(list(entries));
    const large = await answer(list(entries), { 'accept-encoding': 'deflate, gzip' });
    expect(large.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
    expect(gunzipSync(large.body).equals(plain.body)).toBe(true);
  });

  it('speaks YAML', async () => {
    const { text, headers } = await answer(one, { accept: 'application/yaml' });
    expect(headers['content-type']).toBe('application/yaml');
    expect(text).toBe(encodeYaml(a.object));
  });

  it('refuses what it cannot give', async () => {
    const refused = await answer(one, { accept: 'text/html' });
    expect([refused.status, JSON.parse(refused.text).reason]).toEqual([406, 'NotAcceptable']);
  });

  it('shows metadata only', async () => {
    const accept = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';
    const { text } = await answer(list(), { accept });
    expect(JSON.parse(text)).toEqual({
      kind: 'PartialObjectMetadataList',
      apiVersion: 'meta.k8s.io/v1',
      metadata: { resourceVersion: '9' },
      items: [a, b].map((e) => ({
        kind: 'PartialObjectMetadata',
        apiVersion: 'meta.k8s.io/v1',
        metadata: e.object.metadata,
      })),
    });
  });

  it.each([
    ['', 'PartialObjectMetadata'],
    ['?includeObject=Object', 'Pod'],
    ['?includeObject=None', undefined],
  ])('shows tables with objects %s', async (query, kind) => {
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
    const table = JSON.parse((await answer(list(), { accept }, `/x${query}`)).text) as {
      columnDefinitions: { name: string }[];
      rows: { cells: unknown[]; object: { kind: string } | null }[];
    };
    expect(table.columnDefinitions[0]?.name).toBe('Name');
    expect(table.rows.map((r) => r.cells[0])).toEqual(['a', 'b']);
    expect(table.rows[0]?.object?.kind).toBe(kind);
  });

  it('adds warnings and the headers of filters', async () => {
    const { headers } = await answer((request) => {
      request.warnings.push('old "x"\n');
      request.responseHeaders['x-kubernetes-pf-flowschema-uid'] = 'u';
      return one;
    });
    expect(headers['warning']).toBe('299 - "old \\"x\\" "');
    expect(headers['x-kubernetes-pf-flowschema-uid']).toBe('u');
  });
});

describe('ready bytes', () => {
  const bytes: ApiResult = {
    type: 'bytes',
    status: 200,
    contentType: 'text/plain',
    bytes: 'x'.repeat(200_000),
    headers: { 'Cache-Control': 'public', etag: '"1"' },
  };

  it('may set headers of their own, and are compressed too', async () => {
    const { headers, body } = await answer(bytes, { 'accept-encoding': 'gzip' });
    expect(headers).toMatchObject({ 'cache-control': 'public', etag: '"1"', 'content-encoding': 'gzip' });
    expect(gunzipSync(body).length).toBe(200_000);
  });

  it.each(['http1', 'http2'])('have no body with 304 over %s', async (version) => {
    const server = await startTestServer(() => ({ ...bytes, status: 304, bytes: '' }));
    await using _ = server.listener;
    await using client = new Http2Client(server);
    const ask = { path: '/x' };
    for (let i = 0; i < 2; i++) {
      const got = version === 'http1' ? await http1(server, ask) : await client.ask(ask);
      expect(got).toMatchObject({ status: 304, text: '' });
    }
  });

  it.each(['http1', 'http2'])('are left out for HEAD over %s', async (version) => {
    const server = await startTestServer(() => bytes);
    await using _ = server.listener;
    await using client = new Http2Client(server);
    const ask = { path: '/x', method: 'HEAD' };
    const got = version === 'http1' ? await http1(server, ask) : await client.ask(ask);
    expect(got).toMatchObject({ status: 200, text: '', headers: { 'content-length': '200000' } });
  });
});

describe('errors', () => {
  it('are Statuses, in the form asked for', async () => {
    const fail: Next = () => {
      throw newConflict({ group: '', resource: 'pods' }, 'a', 'why');
    };
    const json = await answer(fail);
    expect([json.status, JSON.parse(json.text).reason]).toEqual([409, 'Conflict']);
    const protobuf = await answer(fail, { accept: 'application/vnd.kubernetes.protobuf' });
    expect(protobuf.headers['content-type']).toBe('application/vnd.kubernetes.protobuf');
    const table = await answer(fail, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' });
    expect(JSON.parse(table.text).kind).toBe('Status');
  });

  it('come with Retry-After', async () => {
    const { headers, status } = await answer(() => Promise.reject(newTooManyRequests('slow down', 3)));
    expect([status, headers['retry-after']]).toEqual([429, '3']);
  });

  it.each([
    [() => Promise.reject(new TypeError('oops'))],
    [
      () => {
        throw 'a string';
      },
    ],
  ] as [Next][])('of any kind become a 500 with a line in the log', async (pipeline) => {
    const error = vi.fn<(fields: object, message: string) => void>();
    const log = { debug() {}, info() {}, warn() {}, error };
    const server = await startTestServer(pipeline, { environment: { log } });
    await using _ = server.listener;
    const got = await http1(server, { path: '/x' });
    expect([got.status, JSON.parse(got.text).reason]).toEqual([500, 'InternalError']);
    expect(error).toHaveBeenCalledWith(expect.objectContaining({ path: '/x' }), 'request failed');
  });
});

describe('watches', () => {
  const added = (entry = a): WatchResultEvent => ({ type: 'ADDED', entry, eventRevision: entry.resourceVersion });
  const bookmark: WatchResultEvent = { type: 'BOOKMARK', resourceVersion: 20, initialEventsEnd: true };

  async function watched(events: WatchResultEvent[], headers: Record<string, string> = {}) {
    const source = new FakeWatchSource();
    source.push(...events);
    source.finish();
    return await answer({ type: 'watch', gvk, source }, headers, '/x?watch=1');
  }

  it('are lines of JSON', async () => {
    const events: WatchResultEvent[] = [
      added(),
      { type: 'DELETED', entry: a, eventRevision: 19 },
      bookmark,
      { type: 'ERROR', status: { kind: 'Status' } },
    ];
    const { text, headers } = await watched(events);
    expect(headers['content-type']).toBe('application/json');
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; object: typeof a.object });
    expect(lines.map((l) => l.type)).toEqual(['ADDED', 'DELETED', 'BOOKMARK', 'ERROR']);
    expect(lines[0]?.object).toEqual(a.object);
    expect(lines[1]?.object.metadata.resourceVersion).toBe('19');
    expect(lines[2]?.object).toEqual({
      kind: 'Pod',
      apiVersion: 'v1',
      metadata: {
        resourceVersion: '20',
        annotations: { 'k8s.io/initial-events-end': 'true' },
      },
    });
  });

  it('are length-delimited frames of protobuf', async () => {
    const { body, headers } = await watched([added(), added(b)], {
      accept: 'application/vnd.kubernetes.protobuf;stream=watch',
    });
    expect(headers['content-type']).toBe('application/vnd.kubernetes.protobuf;stream=watch');
    const first = body.readUInt32BE(0);
    const second = body.readUInt32BE(4 + first);
    expect(8 + first + second).toBe(body.length);
    expect(body.subarray(4, 8).toString('latin1')).toBe('k8s\0');
    expect(body.subarray(4, 4 + first).toString('latin1')).toContain('\n\x05ADDED\x12');
  });

  it('are tables, with columns in the first only', async () => {
    const { text } = await watched([added(), added(b)], { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' });
    const tables = text
      .trimEnd()
      .split('\n')
      .map((l) => JSON.parse(l).object as { columnDefinitions: unknown; rows: unknown[] });
    expect(tables.map((t) => t.columnDefinitions !== null)).toEqual([true, false]);
    expect(tables[1]?.rows).toHaveLength(1);
  });

  it('cannot be YAML', async () => {
    const { status, text } = await watched([], { accept: 'application/yaml' });
    expect(status).toBe(406);
    expect(text).toContain('application/json;stream=watch');
  });
});
