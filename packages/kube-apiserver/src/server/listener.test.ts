import { describe, expect, it } from 'vitest';
import { Http2Client, http1 } from './testing/test-client.ts';
import { fakeEntry, fakePod } from './testing/fake-objects.ts';
import { startTestServer } from './testing/test-server.ts';
import type { ApiResult, Next } from './types.ts';

const gvk = { group: '', version: 'v1', kind: 'Pod' };
const entry = fakeEntry(fakePod('a', 7));
const one: ApiResult = { type: 'cached', status: 200, entry, gvk };

describe('Listener', () => {
  it.each(['http1', 'http2'] as const)('answers a cached object over %s', async (version) => {
    const server = await startTestServer(() => one);
    await using _ = server.listener;
    await using client = new Http2Client(server);
    const ask = { path: '/api/v1/namespaces/default/pods/a' };
    const answer = version === 'http1' ? await http1(server, ask) : await client.ask(ask);
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json');
    expect(answer.body.equals(entry.json)).toBe(true);
  });

  it.each(['http1', 'http2'] as const)('tells the pipeline who the peer is over %s', async (version) => {
    const seen: unknown[] = [];
    const pipeline: Next = (request) => {
      seen.push(request.peer.transport === 'tls' ? request.peer.certificate : undefined);
      return one;
    };
    const server = await startTestServer(pipeline);
    await using _ = server.listener;
    await using client = new Http2Client(server);
    await (version === 'http1' ? http1(server, { path: '/x' }) : client.ask({ path: '/x' }));
    expect(seen).toMatchObject([{ commonName: 'admin', organizations: ['system:masters'], issuer: 'client-ca' }]);
  });

  it.each(['http1', 'http2'] as const)('hands over a body over %s', async (version) => {
    const pipeline: Next = async (request) => {
      const body = await request.body();
      if (body.type !== 'bytes') throw new Error('no body');
      return { type: 'bytes', status: 201, contentType: body.contentType, bytes: body.bytes };
    };
    const server = await startTestServer(pipeline);
    await using _ = server.listener;
    await using client = new Http2Client(server);
    const ask = { method: 'POST', path: '/x', body: 'hello', headers: { 'content-type': 'text/plain' } };
    const answer = version === 'http1' ? await http1(server, ask) : await client.ask(ask);
    expect(answer).toMatchObject({ status: 201, text: 'hello' });
  });
});
