/** Bad requests get a 4xx with a Status; the server neither falls over nor grows. */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient, readKubeconfig, type Credentials } from './harness/api-client.ts';
import { KubetsProcess, residentMegabytes, temporaryDirectory } from './harness/kubets-process.ts';
import { malformedRequests, type BadRequest } from './harness/malformed.ts';

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let server: KubetsProcess;
let credentials: Credentials;
let client: ApiClient;

beforeAll(async () => {
  directory = await temporaryDirectory();
  server = await KubetsProcess.start(join(directory.path, 'data'));
  credentials = readKubeconfig(server.kubeconfig);
  client = await ApiClient.connect(credentials);
  const body = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'target' }, data: { a: '1' } });
  await client.must({ method: 'POST', path: '/api/v1/namespaces/default/configmaps', body });
});

afterAll(async () => {
  await client?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
  await directory?.[Symbol.asyncDispose]();
});

/** An answer that does not come is an answer too: a wrong one. */
async function after(ms: number): Promise<string> {
  await sleep(ms, undefined, { ref: false });
  return `no answer within ${ms} ms`;
}

/** What is wrong with the answer to a bad request; `undefined` when it is as it should be. */
async function judge(request: BadRequest): Promise<string | undefined> {
  const answer = await Promise.race([client.send(request).catch(String), after(15_000)]);
  if (typeof answer === 'string') return `${request.what}: ${answer}`;
  const { status, body } = answer;
  const line = `${request.what}: ${status} ${body.toString('utf8', 0, 200)}`;
  if (status < 400 || status > 499) return line;
  try {
    const parsed = JSON.parse(body.toString()) as { kind?: string; status?: string; code?: number; message?: string };
    const good =
      parsed.kind === 'Status' && parsed.status === 'Failure' && parsed.code === status && parsed.message !== '';
    return good ? undefined : line;
  } catch {
    return line;
  }
}

async function send(requests: readonly BadRequest[]): Promise<string[]> {
  const wrong: string[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let request = requests[next++]; request !== undefined; request = requests[next++]) {
      const verdict = await judge(request);
      if (verdict !== undefined) wrong.push(verdict);
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return wrong;
}

/** Sends raw bytes over TLS as HTTP/1.1, and resolves to what comes back until the server closes. */
function raw(bytes: string | Buffer): Promise<string> {
  const { hostname, port } = new URL(credentials.server);
  return new Promise((resolve, reject) => {
    const { ca, cert, key } = credentials;
    const socket = connect({ host: hostname, port: Number(port), ca, cert, key, ALPNProtocols: ['http/1.1'] });
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.on('close', () => resolve(text));
    socket.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNRESET' ? resolve(text) : reject(error)));
    socket.end(bytes);
  });
}

describe('malformed requests', () => {
  it('5,000 of them get a 4xx with a Status body, and memory stays flat', async () => {
    // The first thousand warm the server up: code, schemas, caches.
    expect(await send(malformedRequests(1000, 1))).toEqual([]);
    const before = residentMegabytes(server.pid);
    expect(await send(malformedRequests(5000, 2))).toEqual([]);
    const after = residentMegabytes(server.pid);
    // Bodies of 3 MB and garbage not yet collected come and go; a leak of 20 kB a request would show.
    expect(after - before).toBeLessThan(100);
    expect((await client.must({ method: 'GET', path: '/readyz' })).body.toString()).toBe('ok');
  });

  it.each([
    ['no HTTP', '\u0000\u0001\u0002 garbage\r\n\r\n'],
    ['no version', 'GET /api/v1/pods\r\n\r\n'],
    ['a space in the header name', 'GET / HTTP/1.1\r\nHo st: x\r\n\r\n'],
    [
      'two lengths',
      'POST /api/v1/namespaces/default/pods HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
    ],
    [
      'length and chunks',
      'POST /api HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['a huge header', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(2_000_000)}\r\n\r\n`],
    [
      'a chunk that is none',
      'POST /api/v1/namespaces/default/pods HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    ],
  ])('broken HTTP/1.1: %s', async (_, bytes) => {
    const answer = await raw(bytes);
    expect(answer === '' || /^HTTP\/1\.1 4\d\d /.test(answer)).toBe(true);
    expect((await client.must({ method: 'GET', path: '/livez' })).body.toString()).toBe('ok');
  });
});
