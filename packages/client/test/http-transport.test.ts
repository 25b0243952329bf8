import type { ServerHttp2Stream } from 'node:http2';
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { systemClock } from '@kubets/apimachinery/system-clock';
import { HttpTransport, TransportError, type HttpTransportOptions, type WatchStreamEvent } from '@kubets/client';
import { TestCa, testPki } from '@kubets/kube-apiserver/server/testing/certificates';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { FaultyProxy } from './harness/faulty-proxy.ts';
import { until } from './harness/until.ts';

let pki: Awaited<ReturnType<typeof testPki>>;
const stack: AsyncDisposable[] = [];

beforeAll(async () => {
  pki = await testPki();
});

afterEach(async () => {
  for (const item of stack.splice(0).toReversed()) await item[Symbol.asyncDispose]();
});

async function listen(server: Server): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  const sockets = new Set<{ destroy(): void }>();
  server.on('connection', (socket) => sockets.add(socket));
  stack.push({
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      for (const socket of sockets) socket.destroy();
      await closed.promise;
    },
  });
  return (server.address() as AddressInfo).port;
}

type Handler = (stream: ServerHttp2Stream, path: string, method: string) => void;

async function start(handler: Handler, options: Partial<HttpTransportOptions> = {}) {
  const { certificate: cert, key } = pki.material;
  const server: Http2SecureServer = createSecureServer({ cert, key, allowHTTP1: false });
  const sessions: ServerHttp2Session[] = [];
  server.on('session', (session) => {
    sessions.push(session);
    session.on('error', () => undefined);
  });
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => undefined);
    handler(stream, String(headers[':path']), String(headers[':method']));
  });
  const port = await listen(server as unknown as Server);
  const proxy = await FaultyProxy.to(port);
  stack.push(proxy);
  const transport = connectTo(proxy.port, options);
  return { transport, proxy, sessions };
}

function connectTo(port: number, options: Partial<HttpTransportOptions> = {}): HttpTransport {
  const transport = new HttpTransport({
    server: `https://127.0.0.1:${port}`,
    ca: pki.ca.pem,
    clock: systemClock,
    ...options,
  });
  stack.push(transport);
  return transport;
}

const get = (path = '/x', signal?: AbortSignal) =>
  ({ method: 'GET', path, ...(signal === undefined ? {} : { signal }) }) as const;
const ok = (stream: ServerHttp2Stream, object: object = { kind: 'X', metadata: {} }): void => {
  stream.respond({ ':status': 200, 'content-type': 'application/json' });
  stream.end(JSON.stringify(object));
};

describe('HttpTransport', () => {
  it('decodes answers, failures and warnings', async () => {
    const { transport } = await start((stream, path) => {
      if (path === '/text') {
        stream.respond({ ':status': 503, 'retry-after': '7' });
        return stream.end('no backend\n');
      }
      if (path === '/no-json') {
        stream.respond({ ':status': 200 });
        return stream.end('hello');
      }
      if (path === '/status') {
        stream.respond({ ':status': 429, 'retry-after': '3' });
        const status = { kind: 'Status', reason: 'TooManyRequests', message: 'slow down', code: 429 };
        return stream.end(JSON.stringify(status));
      }
      stream.respond({ ':status': 200, warning: '299 - "old \\"thing\\"", 299 - "other"' });
      stream.end(JSON.stringify({ kind: 'X', path }));
    });
    expect(await transport.request({ ...get('/a'), query: { q: 'a b' } })).toMatchObject({
      status: 200,
      object: { path: '/a?q=a+b' },
      warnings: ['old "thing"', 'other'],
    });
    await expect(transport.request(get('/text'))).rejects.toMatchObject({
      status: { reason: 'ServiceUnavailable', message: 'no backend', code: 503, details: { retryAfterSeconds: 7 } },
    });
    await expect(transport.request(get('/status'))).rejects.toMatchObject({
      status: { message: 'slow down', details: { retryAfterSeconds: 3 } },
    });
    await expect(transport.request(get('/no-json'))).rejects.toThrow('the answer is not JSON');
  });

  it('opens a new connection after the old one is lost', async () => {
    const { transport, proxy } = await start((stream) => ok(stream));
    await transport.request(get());
    await transport.request(get());
    expect(proxy.accepted).toBe(1);
    proxy.reset();
    await until(() => proxy.open === 0);
    const again = async (): Promise<number> => (await transport.request(get())).status;
    // The reset may reach us only with the next request.
    expect(await again().catch(again)).toBe(200);
    expect(proxy.accepted).toBe(2);
  });

  it('a lost connection fails what is under way, and says so', async () => {
    const { transport, proxy } = await start((stream, path) => {
      if (path.startsWith('/part')) {
        stream.respond({ ':status': 200 });
        stream.write('{"kind":');
      }
    });
    const waiting = transport.request(get('/never')).catch((error: unknown) => error);
    const part = transport.request(get('/part')).catch((error: unknown) => error);
    const watch = transport.watch(get('/part'));
    const stream = await watch;
    const reading = Array.fromAsync(stream).catch((error: unknown) => error);
    await until(() => proxy.open === 1);
    proxy.reset();
    expect(await waiting).toMatchObject({ name: 'TransportError', lost: true });
    expect(await part).toMatchObject({ name: 'TransportError', message: expect.stringContaining('/part') });
    expect(await reading).toMatchObject({
      name: 'TransportError',
      message: expect.stringContaining('watch broke off'),
    });
  });

  it('closes with requests and watches under way', async () => {
    const { transport, proxy } = await start((stream, path) => {
      if (path.startsWith('/part')) stream.respond({ ':status': 200 });
    });
    const waiting = transport.request(get('/never')).catch((error: unknown) => error);
    const reading = Array.fromAsync(await transport.watch(get('/part'))).catch((error: unknown) => error);
    await transport[Symbol.asyncDispose]();
    expect(await waiting).toBeInstanceOf(TransportError);
    expect(await reading).toBeInstanceOf(TransportError);
    await until(() => proxy.open === 0);
  });

  it('after GOAWAY lets a watch go on, and sends new requests over a new connection', async () => {
    const clock = new FakeClock();
    const watchers: ServerHttp2Stream[] = [];
    const { transport, proxy, sessions } = await start(
      (stream, path) => {
        if (!path.includes('watch=1')) return ok(stream);
        stream.respond({ ':status': 200 });
        watchers.push(stream);
      },
      { clock },
    );
    const stream = await transport.watch(get());
    const events: WatchStreamEvent[] = [];
    const reading = (async () => {
      for await (const event of stream) events.push(event);
    })();
    reading.catch(() => undefined);
    sessions[0]?.goaway(0, 1);
    for (let i = 0; i < 50 && proxy.accepted === 1; i++) await transport.request(get());
    expect(proxy.accepted).toBe(2);
    watchers[0]?.write('{"type":"ADDED","object":{"metadata":{"name":"late"}}}\n');
    await until(() => events.length === 1);
    // The draining connection is watched still, though not by pings: silence ends it.
    proxy.stall(true);
    let ended = false;
    reading.catch(() => (ended = true));
    await until(() => ended, { tick: () => clock.advance(45_000), seconds: 3 });
    await expect(reading).rejects.toThrow('the watch broke off');
    proxy.stall(false);
  });

  it('sends again what the server has refused to process', async () => {
    let refusals = 2;
    const { transport } = await start((stream) => {
      if (refusals-- > 0) stream.close(7);
      else ok(stream);
    });
    expect((await transport.request({ method: 'POST', path: '/x', body: { a: 1 } })).status).toBe(200);
  });

  it('notices a half-open connection by pings, and leaves a living one alone', async () => {
    const clock = new FakeClock();
    let pings = 0;
    const { transport, proxy, sessions } = await start(
      (stream, path) => (path.includes('watch=1') ? stream.respond({ ':status': 200 }) : ok(stream)),
      { clock },
    );
    const stream = await transport.watch(get());
    sessions[0]?.on('ping', () => pings++);
    const reading = Array.fromAsync(stream);
    reading.catch(() => undefined);
    // Server and proxy run in this process: thirty turns of its loop are time enough for an answer.
    await until(() => pings === 5, { tick: () => clock.advance(500) });
    expect(proxy.accepted).toBe(1);
    proxy.stallOpen();
    clock.advance(30_000);
    clock.advance(30_000);
    clock.advance(15_000);
    await expect(reading).rejects.toThrow('the server no longer answers pings');
    expect((await transport.watch(get())).warnings).toEqual([]);
    expect(proxy.accepted).toBe(2);
  });

  it('gives up a connection that does not come about', async () => {
    const clock = new FakeClock();
    const { transport, proxy } = await start((stream) => ok(stream), { clock });
    proxy.stall(true);
    const asking = transport.request(get());
    asking.catch(() => undefined);
    await until(() => proxy.accepted === 1);
    clock.advance(30_000);
    await expect(asking).rejects.toThrow('no connection within 30 s');
    proxy.stall(false);
    expect((await transport.request(get())).status).toBe(200);
    expect(clock.timers).toBe(1);
  });

  it('obeys abort signals: before, while connecting, waiting, reading and watching', async () => {
    const arrived: string[] = [];
    const { transport, proxy } = await start((stream, path) => {
      arrived.push(path);
      if (path === '/wait') return;
      stream.respond({ ':status': 200 });
      stream.write('{"kind"');
    });
    const reason = new Error('enough');
    await expect(transport.request(get('/x', AbortSignal.abort(reason)))).rejects.toBe(reason);
    proxy.stall(true);
    const connecting = new AbortController();
    const asking = transport.request(get('/x', connecting.signal));
    connecting.abort(reason);
    await expect(asking).rejects.toBe(reason);
    proxy.stall(false);
    for (const path of ['/wait', '/part']) {
      const abort = new AbortController();
      const request = transport.request(get(path, abort.signal));
      request.catch(() => undefined);
      await until(() => arrived.includes(path));
      abort.abort(reason);
      await expect(request).rejects.toBe(reason);
    }
    const abort = new AbortController();
    const stream = await transport.watch(get('/part', abort.signal));
    const reading = Array.fromAsync(stream);
    abort.abort(reason);
    await expect(reading).rejects.toBe(reason);
  });

  it('refuses a server whose certificate it does not trust, and one of another name', async () => {
    const { proxy } = await start((stream) => ok(stream));
    const other = { ca: await TestCa.create('other') };
    const stranger = connectTo(proxy.port, { ca: other.ca.pem });
    await expect(stranger.request(get())).rejects.toThrow(/certificate/);
    const misnamed = connectTo(proxy.port, { serverName: 'elsewhere.example' });
    await expect(misnamed.request(get())).rejects.toThrow(/Hostname\/IP does not match/);
    const careless = connectTo(proxy.port, { ca: other.ca.pem, insecureSkipTlsVerify: true });
    expect((await careless.request(get())).status).toBe(200);
  });

  it('says so when a server knows HTTP/1.1 only', async () => {
    const { certificate: cert, key } = pki.material;
    const http1 = await listen(createHttpsServer({ cert, key }, (_, response) => response.end('{}')));
    await expect(connectTo(http1).request(get())).rejects.toThrow('does not speak HTTP/2');
    const silent = await listen(createTlsServer({ cert, key }, (socket) => void socket.on('error', () => undefined)));
    await expect(connectTo(silent).request(get())).rejects.toThrow('does not speak HTTP/2');
  });

  it('says so when nobody listens, and when it is closed', async () => {
    const server = createTcpServer();
    const { promise, resolve } = Promise.withResolvers<void>();
    server.listen(0, '127.0.0.1', resolve);
    await promise;
    const { port } = server.address() as AddressInfo;
    server.close();
    const transport = connectTo(port);
    await expect(transport.request(get())).rejects.toThrow('ECONNREFUSED');
    await transport[Symbol.asyncDispose]();
    await expect(transport.request(get())).rejects.toThrow('the transport is closed');
  });

  it('reads big lists, and notices one that breaks off', async () => {
    const items = Array.from({ length: 20_000 }, (_, i) => ({ metadata: { name: `n${i}` }, pad: 'x'.repeat(2000) }));
    const { transport } = await start((stream, path) => {
      if (path === '/list') return ok(stream, { kind: 'List', metadata: {}, items });
      stream.respond({ ':status': 200 });
      stream.write('{"kind":"List","items":[{"metadata"', () => stream.close(path === '/cancel' ? 8 : 2));
    });
    const { object } = await transport.request(get('/list'));
    expect(object['items']).toHaveLength(20_000);
    await expect(transport.request(get('/cancel'))).rejects.toThrow(TransportError);
    await expect(transport.request(get('/error'))).rejects.toThrow(TransportError);
  });

  it('a watch that ends within an event is no clean end; leaving the loop closes it', async () => {
    const closed: string[] = [];
    const { transport } = await start((stream, path) => {
      stream.on('close', () => closed.push(path));
      stream.respond({ ':status': 200 });
      stream.write('{"type":"ADDED","object":{"metadata":{}}}\n{"type":"MODI');
      if (path.startsWith('/half')) stream.end();
    });
    const half = await transport.watch(get('/half'));
    await expect(Array.fromAsync(half)).rejects.toThrow('in the middle of an event');
    const stream = await transport.watch(get('/left'));
    for await (const event of stream) {
      expect(event.type).toBe('ADDED');
      break;
    }
    await until(() => closed.includes('/left?watch=1'));
  });
});
