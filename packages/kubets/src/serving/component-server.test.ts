import { request } from 'node:https';
import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { systemClock } from '@kubets/apimachinery/system-clock';
import { silentLog } from '@kubets/kube-apiserver';
import { TestControlPlane } from '@kubets/kube-apiserver/testing/test-control-plane';
import { createAuthority, createLeaf, type KeyPair } from '@kubets/kubeadm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ComponentServer } from './component-server.ts';
import { DelegatedAccess } from './delegated-access.ts';

let plane: TestControlPlane;
let authority: KeyPair;
let server: ComponentServer;
let port: number;
let ill: Error | undefined;
const clock = new FakeClock();

beforeAll(async () => {
  plane = await TestControlPlane.start();
  authority = await createAuthority({ commonName: 'ca', years: 1, clock: systemClock });
  const usages = ['server'] as const;
  const leaf = { commonName: 'x', usages, ipAddresses: ['127.0.0.1'], days: 1, clock: systemClock };
  const transport = plane.transport();
  server = new ComponentServer({
    host: '127.0.0.1',
    port: 0,
    ...(await createLeaf(authority, leaf)),
    clientCa: authority.certificate,
    log: silentLog,
    metrics: () => 'up 1\n',
    healthChecks: () => [{ name: 'leaderElection', check }],
    access: new DelegatedAccess({
      clock,
      authentication: transport,
      authorization: transport,
      alwaysAllowPaths: ['/healthz', '/readyz', '/livez'],
      tokenTtlMs: 1000,
      allowedTtlMs: 1000,
      deniedTtlMs: 1000,
    }),
  });
  port = await server.start();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await plane[Symbol.asyncDispose]();
});

function check(): void {
  if (ill !== undefined) throw ill;
}

function get(path: string, { token, client }: { token?: string; client?: KeyPair } = {}): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const identity = client === undefined ? {} : { cert: client.certificate, key: client.key };
  const options = { host: '127.0.0.1', port, path, ca: authority.certificate, headers, agent: false, ...identity };
  request(options, (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('end', () => resolve(`${response.statusCode} ${Buffer.concat(chunks).toString()}`));
  })
    .on('error', reject)
    .end();
  return promise;
}

const client = (commonName: string, organizations: string[] = []): Promise<KeyPair> =>
  createLeaf(authority, { commonName, organizations, usages: ['client'], days: 1, clock: systemClock });

async function tokenOf(account: string): Promise<string> {
  await plane.client.serviceAccounts('default').create({ metadata: { name: account } });
  const body = { kind: 'TokenRequest', apiVersion: 'authentication.k8s.io/v1', metadata: {}, spec: { audiences: [] } };
  const answer = await plane.client.serviceAccounts('default').createSubresource(account, 'token', body);
  return (answer as unknown as { status: { token: string } }).status.token;
}

describe('ComponentServer', () => {
  it('shows its health to everybody', async () => {
    expect(await get('/healthz')).toBe('200 ok');
    expect(await get('/livez?verbose')).toBe('200 [+]ping ok\n[+]leaderElection ok\nlivez check passed\n');
    ill = new Error('the lease is lost');
    expect(await get('/readyz')).toContain('500 [+]ping ok\n[-]leaderElection failed');
    ill = undefined;
  });

  it('knows no other paths', async () => {
    const admin = await client('admin', ['system:masters']);
    expect(await get('/nonsense', { client: admin })).toBe('404 404 page not found\n');
    expect(await get('/healthz/nonsense', { client: admin })).toMatch(/^404 /);
  });

  it('shows metrics to those who may see them', async () => {
    expect(await get('/metrics')).toBe('403 forbidden: User "system:anonymous" cannot get path "/metrics"\n');
    expect(await get('/metrics', { token: 'nonsense' })).toBe('401 Unauthorized\n');
    expect(await get('/metrics', { client: await client('admin', ['system:masters']) })).toBe('200 up 1\n');
    const token = await tokenOf('scraper');
    expect(await get('/metrics', { token })).toMatch(/^403 forbidden: User "system:serviceaccount:default:scraper"/);
    await plane.client.clusterRoleBindings().create({
      metadata: { name: 'scraper' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:monitoring' },
      subjects: [{ kind: 'ServiceAccount', name: 'scraper', namespace: 'default' }],
    });
    // The no is kept for a while.
    expect(await get('/metrics', { token })).toMatch(/^403/);
    clock.advance(1001);
    expect(await get('/metrics', { token })).toBe('200 up 1\n');
  });
});
