import { once } from 'node:events';
import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { systemClock } from '@kubets/apimachinery/system-clock';
import { describe, expect, it, vi } from 'vitest';
import { withAuthentication } from './filters/authentication.ts';
import { compose } from './pipeline.ts';
import { TestCa } from './testing/certificates.ts';
import { FakeWatchSource } from './testing/fake-objects.ts';
import { Http2Client, http1 } from './testing/test-client.ts';
import { startTestServer } from './testing/test-server.ts';
import type { ApiResult, Next } from './types.ts';

/** The default of a second is too short where other tests take the processors. */
const patient = { timeout: 15_000 };

const gvk = { group: '', version: 'v1', kind: 'Pod' };
const ok: ApiResult = { type: 'bytes', status: 200, contentType: 'text/plain', bytes: 'ok' };

describe('stopping', () => {
  it.each(['http1', 'http2'] as const)('lets running requests finish over %s', async (version) => {
    const { promise: started, resolve: start } = Promise.withResolvers<void>();
    const { promise: result, resolve: finish } = Promise.withResolvers<ApiResult>();
    const server = await startTestServer(() => {
      start();
      return result;
    });
    await using client = new Http2Client(server);
    const ask = { path: '/slow' };
    const answer = version === 'http1' ? http1(server, ask) : client.ask(ask);
    await started;
    const stopped = server.listener.stop(60_000);
    await expect(http1(server, { path: '/late' })).rejects.toThrow('ECONNREFUSED');
    finish(ok);
    expect(await answer).toMatchObject({ status: 200, text: 'ok' });
    await stopped;
    expect(server.listener.connections).toBe(0);
  });

  it('breaks off what does not finish in time', async () => {
    const clock = new FakeClock();
    const never = new Promise<ApiResult>(() => {});
    const server = await startTestServer(() => never, { clock });
    await using client = new Http2Client(server);
    const answer = client.ask({ path: '/never' });
    answer.catch(() => {});
    await vi.waitFor(() => expect(server.listener.connections).toBe(1), patient);
    const stopped = server.listener.stop(4_000);
    clock.advance(3_999);
    expect(server.listener.connections).toBe(1);
    clock.advance(1);
    await stopped;
    expect(server.listener.connections).toBe(0);
  });

  it('ends watches cleanly', async () => {
    const source = new FakeWatchSource();
    const server = await startTestServer(() => ({ type: 'watch', gvk, source }));
    await using client = new Http2Client(server);
    const over2 = client.ask({ path: '/w' });
    const over1 = http1(server, { path: '/w' });
    await vi.waitFor(() => expect(server.environment.openWatches.size).toBe(2), patient);
    await server.listener.stop(60_000);
    expect([(await over2).status, (await over1).status]).toEqual([200, 200]);
    expect(source.closed).toBe(true);
  });

  it('stops with connections that never sent a request', async () => {
    const server = await startTestServer(() => ok);
    await using client = new Http2Client(server);
    await once(client.session, 'connect');
    await server.listener.stop(60_000);
    expect(server.listener.connections).toBe(0);
  });
});

describe('certificates', () => {
  const whoami: Next = (request) => ({ ...ok, bytes: request.user.name }) as ApiResult;
  const pipeline = compose(
    [
      withAuthentication({
        authenticate: ({ peer }) => {
          const name = peer.transport === 'tls' ? peer.certificate?.commonName : undefined;
          return { name: name ?? 'system:anonymous', groups: [] };
        },
      }),
    ],
    whoami,
  );

  it('answers 401 to certificates that do not verify, and takes none for anonymous', async () => {
    const server = await startTestServer(pipeline);
    await using _ = server.listener;
    const foreign = await (await TestCa.create('foreign')).issue('CN=admin', 'client');
    const expired = await server.pki.ca.issue('CN=late', 'client', new Date(systemClock.now() - 60_000));
    const wrongUsage = await server.pki.ca.issue('CN=server', 'server');
    for (const identity of [foreign, expired, wrongUsage]) {
      expect(await http1({ ...server, identity }, { path: '/' })).toMatchObject({ status: 401 });
    }
    expect(await http1({ ...server, identity: null }, { path: '/' })).toMatchObject({ text: 'system:anonymous' });
    expect(await http1(server, { path: '/' })).toMatchObject({ text: 'admin' });
  });

  it('replaces certificates and CAs without a restart, for open connections too', async () => {
    const server = await startTestServer(pipeline);
    await using _ = server.listener;
    await using client = new Http2Client(server);
    expect(await client.ask({ path: '/' })).toMatchObject({ text: 'admin' });
    const other = await TestCa.create('other-ca');
    const serving = await other.issue('CN=kube-apiserver', 'server');
    server.listener.setTlsMaterial({ ...serving, clientCas: [other.pem], frontProxyCas: [] });
    expect(await client.ask({ path: '/' })).toMatchObject({ status: 401 });
    await expect(http1(server, { path: '/' })).rejects.toThrow(/certificate/);
    const identity = await other.issue('CN=new', 'client');
    const pki = { ...server.pki, ca: other };
    expect(await http1({ port: server.port, pki, identity }, { path: '/' })).toMatchObject({ text: 'new' });
    expect(() =>
      server.listener.setTlsMaterial({ ...serving, certificate: 'x', clientCas: [], frontProxyCas: [] }),
    ).toThrow(/PEM/);
    expect(await http1({ port: server.port, pki, identity }, { path: '/' })).toMatchObject({ text: 'new' });
  });

  it('tells which CA a certificate chains to', async () => {
    const seen: unknown[] = [];
    const server = await startTestServer((request) => {
      seen.push(request.peer.transport === 'tls' ? request.peer.certificate?.issuer : undefined);
      return ok;
    });
    await using _ = server.listener;
    const identity = await server.pki.frontProxyCa.issue('CN=proxy', 'client');
    await http1({ ...server, identity }, { path: '/' });
    await http1(server, { path: '/' });
    expect(seen).toEqual(['front-proxy-ca', 'client-ca']);
  });
});
