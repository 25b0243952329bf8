/** Clients that abuse the protocols: the server stays up, answers others, and its memory bounded. */
import { connect as connectHttp2, constants, type ClientHttp2Session } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient, readKubeconfig, type Credentials } from './harness/api-client.ts';
import { KubetsProcess, residentMegabytes, temporaryDirectory } from './harness/kubets-process.ts';

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let server: KubetsProcess;
let credentials: Credentials;
let address: { host: string; port: number };
const maps = '/api/v1/namespaces/default/configmaps';

beforeAll(async () => {
  directory = await temporaryDirectory();
  server = await KubetsProcess.start(join(directory.path, 'data'));
  credentials = readKubeconfig(server.kubeconfig);
  const { hostname, port } = new URL(credentials.server);
  address = { host: hostname, port: Number(port) };
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await directory?.[Symbol.asyncDispose]();
});

/** `well`, or what is wrong: whatever was done, another client is served, and memory is as it should be. */
async function health(): Promise<string> {
  await using client = await ApiClient.connect(credentials);
  const ready = (await client.must({ method: 'GET', path: '/readyz' })).body.toString();
  await client.must({ method: 'GET', path: maps });
  const resident = residentMegabytes(server.pid);
  if (ready !== 'ok') return ready;
  return resident < 500 ? 'well' : `${resident} MB resident`;
}

afterEach(async () => {
  const found = await health();
  if (found !== 'well') throw new Error(found);
});

function tls(protocol: 'h2' | 'http/1.1'): Promise<TLSSocket> {
  const { ca, cert, key } = credentials;
  return new Promise((resolve, reject) => {
    const socket = connect({ ...address, ca, cert, key, ALPNProtocols: [protocol] }, () => resolve(socket));
    socket.on('error', reject);
  });
}

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** One HTTP/2 frame (RFC 9113 section 4.1). */
function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

const headersType = 1;
const resetType = 3;
const settingsType = 4;
const pingType = 6;
const windowUpdateType = 8;
const continuationType = 9;
const endStream = 1;
const endHeaders = 4;

function literal(name: string, value: string): Buffer {
  const part = (text: string): Buffer => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
  return Buffer.concat([Buffer.from([0]), part(name), part(value)]);
}

const getHeaders = Buffer.concat([Buffer.from([0x82, 0x87]), literal(':path', '/version'), literal(':authority', 'x')]);

async function h2(): Promise<TLSSocket> {
  const socket = await tls('h2');
  socket.on('error', () => {});
  socket.resume();
  socket.write(Buffer.concat([preface, frame(settingsType, 0, 0)]));
  return socket;
}

/** Writes the same bytes again and again, until the server closes the connection or `times` is reached. */
async function flood(socket: TLSSocket, times: number, bytes: (i: number) => Buffer): Promise<'closed' | 'sent'> {
  const closed = new Promise<'closed'>((resolve) => socket.once('close', () => resolve('closed')));
  for (let i = 0; i < times && !socket.destroyed; i++) {
    if (!socket.write(bytes(i))) await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), closed]);
  }
  // The server may be behind with reading.
  const patience = new Promise<'sent'>((resolve) => setTimeout(() => resolve('sent'), 5000).unref());
  return await Promise.race([closed, patience]);
}

describe('HTTP/2', () => {
  it('rapid reset: streams opened and reset at once are bounded', async () => {
    const socket = await h2();
    const outcome = await flood(socket, 2000, (i) => {
      const pairs = Array.from({ length: 20 }, (_, j) => {
        const stream = (i * 20 + j) * 2 + 1;
        return Buffer.concat([
          frame(headersType, endStream | endHeaders, stream, getHeaders),
          frame(resetType, 0, stream, Buffer.from([0, 0, 0, constants.NGHTTP2_CANCEL])),
        ]);
      });
      return Buffer.concat(pairs);
    });
    socket.destroy();
    expect(outcome).toBe('closed');
  });

  it('a flood of CONTINUATION frames is cut off', async () => {
    const socket = await h2();
    socket.write(frame(headersType, endStream, 1, getHeaders));
    const more = frame(
      continuationType,
      0,
      1,
      Buffer.concat(Array.from({ length: 100 }, () => literal('x-a', 'y'.repeat(100)))),
    );
    expect(await flood(socket, 5000, () => more)).toBe('closed');
  });

  it.each([
    ['PING', frame(pingType, 0, 0, Buffer.alloc(8))],
    ['SETTINGS', frame(settingsType, 0, 0)],
    ['WINDOW_UPDATE of 0', frame(windowUpdateType, 0, 0, Buffer.alloc(4))],
    ['WINDOW_UPDATE beyond 2^31', frame(windowUpdateType, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff]))],
    ['empty DATA of an idle stream', frame(0, 0, 7)],
    ['frames of unknown types', frame(0x77, 0, 0, Buffer.alloc(16_000))],
  ])('a flood of %s', async (_, bytes) => {
    const socket = await h2();
    for (let i = 0; i < 2000 && !socket.destroyed; i++)
      socket.write(Buffer.concat([bytes, bytes, bytes, bytes, bytes]));
    socket.destroySoon();
    expect(await health()).toBe('well');
  });

  it('more streams than allowed are refused, the others answered', async () => {
    const { ca, cert, key } = credentials;
    const session: ClientHttp2Session = connectHttp2(credentials.server, { ca, cert, key } as object);
    session.on('error', () => {});
    await new Promise((resolve) => session.once('remoteSettings', resolve));
    expect(session.remoteSettings.maxConcurrentStreams).toBeLessThanOrEqual(250);
    const outcomes = await Promise.all(
      Array.from(
        { length: 1000 },
        () =>
          new Promise<string>((resolve) => {
            const stream = session.request({ ':path': '/version' });
            stream.once('response', (headers) => resolve(String(headers[':status'])));
            stream.once('error', () => resolve('refused'));
            stream.resume();
          }),
      ),
    );
    session.destroy();
    expect(outcomes.filter((outcome) => outcome === '200').length).toBeGreaterThan(200);
  });

  it.each([
    ['CONNECT', { ':method': 'CONNECT', ':authority': 'evil:1' }],
    ['TRACE', { ':method': 'TRACE', ':path': '/version' }],
    ['an absolute URL as path', { ':path': 'http://evil/version' }],
    ['a path that is none', { ':path': '*' }],
    ['a path of dots', { ':path': '/api/v1/../../version' }],
    ['a header of 100 kB', { ':path': '/version', 'x-large': 'y'.repeat(100_000) }],
    ['a query of 100 kB', { ':path': `/version?${'y'.repeat(100_000)}` }],
  ])('%s gets no 5xx and nothing of value', async (_, headers) => {
    const { ca, cert, key } = credentials;
    const session = connectHttp2(credentials.server, { ca, cert, key } as object);
    session.on('error', () => {});
    const status = await new Promise<number>((resolve) => {
      const stream = session.request(headers);
      stream.once('response', (answer) => resolve(Number(answer[':status'])));
      stream.once('error', () => resolve(400));
      stream.once('close', () => resolve(400));
      stream.resume();
    });
    session.destroy();
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
  });
});

describe('HTTP/1.1', () => {
  const exchange = async (bytes: string, until: RegExp): Promise<string> => {
    const socket = await tls('http/1.1');
    let text = '';
    socket.on('error', () => {});
    const answered = new Promise<void>((resolve) => {
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (until.test(text)) resolve();
      });
      socket.once('close', () => resolve());
    });
    socket.write(bytes);
    await answered;
    socket.destroy();
    return text;
  };

  it.each([
    ['TRACE', 'TRACE /version HTTP/1.1\r\nHost: x\r\n\r\n', /^HTTP\/1\.1 4/],
    ['CONNECT', 'CONNECT evil:443 HTTP/1.1\r\nHost: x\r\n\r\n', /^HTTP\/1\.1 4/],
    ['an absolute URL', 'GET https://evil/version HTTP/1.1\r\nHost: x\r\n\r\n', /^HTTP\/1\.1 (200|4)/],
    [
      'a smuggled request behind two lengths',
      'POST /version HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n',
      /^HTTP\/1\.1 4/,
    ],
    [
      'an upgrade to h2c',
      'GET /version HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n',
      /^HTTP\/1\.1 (200|4)/,
    ],
  ])('%s', async (_, bytes, wanted) => {
    const text = await exchange(bytes, /\r\n\r\n/);
    expect(text).toMatch(wanted);
    expect(text.match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
  });

  it('Expect: 100-continue is answered, and the body taken', async () => {
    const body = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'expected' } });
    const text = await exchange(
      `POST ${maps} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nExpect: 100-continue\r\n\r\n${body}`,
      /HTTP\/1\.1 201/,
    );
    expect(text).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 201 Created/);
  });
});

describe('connections', () => {
  it('a thousand that say nothing, and handshakes that hang, hold nobody up', async () => {
    const before = residentMegabytes(server.pid);
    const sockets = await Promise.all(
      Array.from(
        { length: 1000 },
        () =>
          new Promise<ReturnType<typeof connectTcp>>((resolve, reject) => {
            const socket = connectTcp(address, () => resolve(socket));
            socket.once('error', reject);
          }),
      ),
    );
    // Half of them begin a handshake and stop.
    for (const socket of sockets.slice(500)) socket.write(Buffer.from([22, 3, 1, 2, 0, 1]));
    await using client = await ApiClient.connect(credentials);
    expect((await client.must({ method: 'GET', path: '/livez' })).status).toBe(200);
    expect(residentMegabytes(server.pid) - before).toBeLessThan(150);
    for (const socket of sockets) socket.destroy();
  });

  it('a watcher that does not read costs its own buffers only', async () => {
    const socket = await h2();
    socket.pause();
    const watch = Buffer.concat([
      Buffer.from([0x82, 0x87]),
      literal(':path', `${maps}?watch=1`),
      literal(':authority', 'x'),
    ]);
    socket.write(frame(headersType, endStream | endHeaders, 1, watch));
    await using client = await ApiClient.connect(credentials);
    const data = { value: 'x'.repeat(100_000) };
    const make = (name: string): string =>
      JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data });
    await client.must({ method: 'POST', path: maps, body: make('busy') });
    const before = residentMegabytes(server.pid);
    for (let i = 0; i < 600; i++) {
      const body = make('busy').replace('xxx', String(i).padStart(3, 'y'));
      await client.must({ method: 'PUT', path: `${maps}/busy`, body });
    }
    // 60 MB of events went by.
    expect(residentMegabytes(server.pid) - before).toBeLessThan(120);
    socket.destroy();
  });
});

describe('bodies', () => {
  const post = async (body: string | Buffer, headers: Record<string, string>): Promise<number> => {
    await using client = await ApiClient.connect(credentials);
    const contentType = headers['content-type'] ?? 'application/json';
    return (await client.send({ method: 'POST', path: maps, body, contentType, headers })).status;
  };

  it('a YAML bomb of aliases', async () => {
    const levels = Array.from(
      { length: 12 },
      (_, i) => `l${i}: &l${i} [${Array.from({ length: 10 }, () => (i === 0 ? 'x' : `*l${i - 1}`)).join(', ')}]`,
    );
    const bomb = `apiVersion: v1\nkind: ConfigMap\n${levels.join('\n')}\n`;
    const status = await post(bomb, { 'content-type': 'application/yaml' });
    expect([400, 413]).toContain(status);
  });

  it('a million keys', async () => {
    const keys = Array.from({ length: 250_000 }, (_, i) => `"k${i}":""`).join(',');
    const status = await post(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"many"},"data":{${keys}}}`, {});
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
  });

  it('a compressed one is not taken for JSON', async () => {
    const status = await post(Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]), { 'content-encoding': 'gzip' });
    expect([400, 415]).toContain(status);
  });

  it.each([
    ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])],
    ['NUL bytes', Buffer.alloc(1000)],
    ['a byte order mark alone', Buffer.from([0xef, 0xbb, 0xbf])],
  ])('%s', async (_, body) => {
    const status = await post(body, {});
    // Go reads invalid UTF-8 as U+FFFD: that one is an object without a name.
    expect([400, 422]).toContain(status);
  });
});
