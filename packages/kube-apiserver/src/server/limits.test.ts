import { once } from 'node:events';
import { connect as tlsConnect, type TLSSocket } from 'node:tls';
import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { describe, expect, it, vi } from 'vitest';
import type { TestPki } from './testing/certificates.ts';
import { fakeEntry, fakePod, FakeWatchSource } from './testing/fake-objects.ts';
import { Http2Client, http1 } from './testing/test-client.ts';
import { startTestServer } from './testing/test-server.ts';
import type { ApiResult, Next } from './types.ts';

/** The default of a second is too short where other tests take the processors. */
const patient = { timeout: 15_000 };

const gvk = { group: '', version: 'v1', kind: 'Pod' };
const ok: ApiResult = { type: 'bytes', status: 200, contentType: 'text/plain', bytes: 'ok' };
const versions = ['http1', 'http2'] as const;

const echo: Next = async (request) => {
  const body = await request.body();
  return { ...ok, bytes: String(body.type === 'bytes' ? body.bytes.length : 0) } as ApiResult;
};

async function rawSocket(target: { port: number; pki: TestPki }, alpn: string): Promise<TLSSocket> {
  const socket = tlsConnect({
    port: target.port,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: target.pki.ca.pem,
    ALPNProtocols: [alpn],
  });
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  return socket;
}

async function exchange(socket: TLSSocket, text: string): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.write(text);
  await once(socket, 'close');
  return Buffer.concat(chunks).toString();
}

describe('limits', () => {
  it.each(versions)('refuses a body above the limit over %s', async (version) => {
    const server = await startTestServer(echo, { limits: { maxBodyBytes: 1000 } });
    await using _ = server.listener;
    await using client = new Http2Client(server);
    const send = (size: number) => {
      const ask = { method: 'POST', path: '/x', body: Buffer.alloc(size, 'x') };
      return version === 'http1' ? http1(server, ask) : client.ask(ask);
    };
    expect(await send(1000)).toMatchObject({ status: 200, text: '1000' });
    const refused = await send(1001);
    expect(refused.status).toBe(413);
    expect(JSON.parse(refused.text)).toMatchObject({
      reason: 'RequestEntityTooLarge',
      message: 'Request entity too large: limit is 1000',
    });
  });

  it.each(versions)('refuses long targets and large heads over %s', async (version) => {
    const server = await startTestServer(() => ok, { limits: { maxTargetBytes: 2000, maxHeaderBytes: 4000 } });
    await using _ = server.listener;
    await using client = new Http2Client(server);
    const send = (ask: { path: string; headers?: Record<string, string> }) =>
      version === 'http1' ? http1(server, ask) : client.ask(ask);
    const long = await send({ path: `/${'x'.repeat(2000)}` });
    expect([long.status, JSON.parse(long.text).kind]).toEqual([414, 'Status']);
    const large = await send({ path: '/', headers: { a: 'x'.repeat(4100) } });
    expect([large.status, JSON.parse(large.text).kind]).toEqual([431, 'Status']);
    expect(await send({ path: '/' })).toMatchObject({ status: 200 });
  });

  it.each(versions)('refuses a path that cannot be decoded over %s', async (version) => {
    const server = await startTestServer(() => ok);
    await using _ = server.listener;
    await using client = new Http2Client(server);
    const ask = { path: '/%zz' };
    const answer = version === 'http1' ? await http1(server, ask) : await client.ask(ask);
    expect([answer.status, JSON.parse(answer.text).reason]).toEqual([400, 'BadRequest']);
  });

  it('survives what is no HTTP', async () => {
    const server = await startTestServer(() => ok);
    await using _ = server.listener;
    const garbage = [
      '\0\x01\x02\x03',
      'GET\r\n\r\n',
      'GET / HTTP/9.9\r\n\r\n',
      'CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n',
    ];
    for (const text of garbage) {
      const answer = await exchange(await rawSocket(server, 'http/1.1'), text);
      expect(answer).toMatch(/^HTTP\/1.1 400 Bad Request\r\n[^]*"kind":"Status"/);
      await exchange(await rawSocket(server, 'h2'), text.repeat(20));
    }
    const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
    await exchange(await rawSocket(server, 'h2'), `${preface}\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff`);
    expect(await http1(server, { path: '/' })).toMatchObject({ status: 200 });
  });

  it('closes connections whose request does not come, and idle ones', async () => {
    const clock = new FakeClock();
    const server = await startTestServer(() => ok, { clock });
    await using _ = server.listener;
    const silent = await rawSocket(server, 'http/1.1');
    silent.write('GET / HTTP/1.1\r\nhost:');
    await vi.waitFor(() => expect(server.listener.connections).toBe(1), patient);
    clock.advance(31_000);
    expect(server.listener.connections).toBe(1);
    clock.advance(2_000);
    await once(silent, 'close');
    await using client = new Http2Client(server);
    await client.ask({ path: '/' });
    clock.advance(5 * 60_000);
    if (!client.session.closed) await once(client.session, 'close');
    await vi.waitFor(() => expect(server.listener.connections).toBe(0), patient);
  });

  it('gives up on a body that does not come over http1', async () => {
    const clock = new FakeClock();
    const server = await startTestServer(echo, { clock, limits: { bodyTimeoutMs: 10_000 } });
    await using _ = server.listener;
    const socket = await rawSocket(server, 'http/1.1');
    const timers = clock.timers;
    const answer = exchange(socket, 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc');
    await vi.waitFor(() => expect(clock.timers).toBeGreaterThan(timers), patient);
    clock.advance(10_000);
    expect(await answer).toContain('HTTP/1.1 504');
  });

  it('gives up on a body that does not come over http2', async () => {
    const clock = new FakeClock();
    const server = await startTestServer(echo, { clock, limits: { bodyTimeoutMs: 10_000, pingIntervalMs: 1e9 } });
    await using _ = server.listener;
    await using client = new Http2Client(server);
    const stream = client.session.request({ ':method': 'POST', ':path': '/' });
    stream.write('abc');
    const response = once(stream, 'response');
    // One for the connection, one for its pings, one for the body.
    await vi.waitFor(() => expect(clock.timers).toBe(3), patient);
    clock.advance(10_000);
    expect((await response)[0][':status']).toBe(504);
  });

  it('stops taking events for a watcher that does not read, and cuts it off', async () => {
    const clock = new FakeClock();
    const source = new FakeWatchSource();
    const server = await startTestServer(() => ({ type: 'watch', gvk, source }), {
      clock,
      limits: { pingIntervalMs: 1e9 },
    });
    await using _ = server.listener;
    await using client = new Http2Client(server);
    const stream = client.session.request({ ':path': '/api/v1/pods?watch=true' });
    stream.on('error', () => {});
    await once(stream, 'response');
    const pod = fakePod('a', 1);
    pod.metadata.annotations = { x: 'x'.repeat(100_000) };
    const events = Array.from({ length: 1000 }, () => ({
      type: 'ADDED' as const,
      entry: fakeEntry(pod),
      eventRevision: 1,
    }));
    source.push(...events);
    await vi.waitFor(() => expect(source.taken).toBeGreaterThan(0), patient);
    expect(source.taken).toBeLessThan(1000);
    expect(source.closed).toBe(false);
    clock.advance(61_000);
    await vi.waitFor(() => expect(source.closed).toBe(true), patient);
    await vi.waitFor(() => expect(stream.rstCode).toBe(2), patient);
  });
});
