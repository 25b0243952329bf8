/** `kubets kube-apiserver` with files of others, and the certificates that `kubets up` makes. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiClient, readKubeconfig, type Credentials } from './harness/api-client.ts';
import { Command } from './harness/command.ts';
import { freePort } from './harness/kubets-process.ts';

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
let dir: string;
let port: number;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'kubets-files-'));
  port = await freePort();
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const openssl = (...args: string[]): string => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' }).toString();

/** A CA and a certificate of it, with RSA keys as most tools make them. */
function makeFiles(): void {
  openssl(
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=ca',
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
  );
  for (const [name, subject, extensions] of [
    ['server', '/CN=kube-apiserver', 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n'],
    ['admin', '/O=system:masters/CN=root', 'extendedKeyUsage=clientAuth\n'],
    ['nobody', '/CN=nobody', 'extendedKeyUsage=clientAuth\n'],
  ] as const) {
    writeFileSync(join(dir, `${name}.ext`), extensions);
    openssl(
      'req',
      '-new',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-subj',
      subject,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
    );
    openssl('x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '1', '-extfile', `${name}.ext`, '-out', `${name}.crt`); // prettier-ignore
  }
  openssl('genrsa', '-out', 'sa.key', '2048');
}

const file = (name: string): string => join(dir, name);

const apiserverArgs = (...more: string[]): string[] => [
  'kube-apiserver',
  `--data-dir=${file('etcd')}`,
  '--bind-address=127.0.0.1',
  `--secure-port=${port}`,
  `--tls-cert-file=${file('server.crt')}`,
  `--tls-private-key-file=${file('server.key')}`,
  `--client-ca-file=${file('ca.crt')}`,
  '--service-account-issuer=https://issuer.example',
  `--service-account-signing-key-file=${file('sa.key')}`,
  '--authorization-mode=Node,RBAC',
  ...more,
];

function credentialsOf(name: string): Credentials {
  const [ca, cert, key] = ['ca.crt', `${name}.crt`, `${name}.key`].map((f) => readFileSync(file(f), 'utf8'));
  return { server: `https://127.0.0.1:${port}`, ca, cert, key, token: undefined };
}

describe.skipIf(!hasOpenssl)('kubets kube-apiserver', () => {
  it('serves with certificates of openssl, and the flags have their effects', async () => {
    makeFiles();
    const flags = ['--service-cluster-ip-range=10.9.0.0/16', '--disable-admission-plugins=Priority'];
    await using command = await Command.kubets(apiserverArgs(...flags, '--anonymous-auth=false', '-v=2'));
    const ready = async (): Promise<number> => {
      await using client = await ApiClient.connect(credentialsOf('admin'));
      return (await client.send({ method: 'GET', path: '/readyz' })).status;
    };
    await expect.poll(ready, { timeout: 15_000 }).toBe(200);
    await using admin = await ApiClient.connect(credentialsOf('admin'));
    const { body } = await admin.must({ method: 'GET', path: '/api/v1/namespaces/default/services/kubernetes' });
    expect(JSON.parse(body.toString())).toMatchObject({ spec: { clusterIP: '10.9.0.1' } });
    await using nobody = await ApiClient.connect(credentialsOf('nobody'));
    expect((await nobody.send({ method: 'GET', path: '/api/v1/nodes' })).status).toBe(403);
    await using none = await ApiClient.connect({ ...credentialsOf('nobody'), cert: undefined, key: undefined });
    expect((await none.send({ method: 'GET', path: '/healthz' })).status).toBe(401);
    const discovery = await admin.must({ method: 'GET', path: '/.well-known/openid-configuration' });
    expect(JSON.parse(discovery.body.toString())).toMatchObject({ issuer: 'https://issuer.example' });
    command.child.kill('SIGTERM');
    expect(await command.ended).toBe(0);
  });

  it.each([
    [['--tls-cert-file=/nowhere'], /^kubets: --tls-cert-file: ENOENT/],
    [['--service-cluster-ip-range=10.0.0.0/30'], /^kubets: --service-cluster-ip-range: .* too small/],
    [['--service-cluster-ip-range=10.0.0.0/16,x'], /^kubets: --service-cluster-ip-range: "x" is no CIDR range/],
    [['--authorization-mode=Magic'], /^kubets: .*Magic/],
    [['--enable-admission-plugins=Magic'], /^kubets: .*Magic/],
    [['--feature-gates=Magic=true'], /^kubets: .*Magic/],
    [['--secure-port=0'], /^kubets: --secure-port: "0" is no port/],
  ])('refuses %j', async (flags, message) => {
    makeFiles();
    const command = await Command.kubets(apiserverArgs(...flags));
    expect(await command.ended).toBe(1);
    expect(command.stderr).toMatch(message);
    expect(command.stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  it('refuses the key of another certificate', async () => {
    makeFiles();
    const command = await Command.kubets(apiserverArgs(`--tls-private-key-file=${file('admin.key')}`));
    expect(await command.ended).toBe(1);
    expect(command.stderr).toContain('--tls-private-key-file: the key does not belong');
  });

  it.each(['tls-cert-file', 'tls-private-key-file', 'client-ca-file', 'service-account-signing-key-file'])(
    'names the flag of a file that is none: --%s',
    async (flag) => {
      makeFiles();
      writeFileSync(file('poem'), 'The woods are lovely, dark and deep\n');
      const command = await Command.kubets(apiserverArgs(`--${flag}=${file('poem')}`));
      expect(await command.ended).toBe(1);
      expect(command.stderr).toContain(`--${flag}`);
      expect(command.stderr.trimEnd().split('\n')).toHaveLength(1);
    },
  );
});

describe('the certificates of kubets up', () => {
  it.skipIf(!hasOpenssl)('verify, name all that the server goes by, and are private', async () => {
    const flags = ['--control-plane-only', '--data-dir', file('data'), '--secure-port', String(port)];
    await using command = await Command.kubets(['up', ...flags]);
    await command.until('kubectl get namespaces');
    const pki = join(dir, 'data', 'pki');
    expect(openssl('verify', '-CAfile', join(pki, 'ca.crt'), join(pki, 'apiserver.crt'))).toContain('OK');
    const client = ['-CAfile', join(pki, 'front-proxy-ca.crt'), join(pki, 'front-proxy-client.crt')];
    expect(openssl('verify', '-purpose', 'sslclient', ...client)).toContain('OK');
    const text = openssl('x509', '-in', join(pki, 'apiserver.crt'), '-noout', '-ext', 'subjectAltName');
    const names = ['localhost', hostname().toLowerCase(), 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local']; // prettier-ignore
    for (const name of names) expect(text).toMatch(new RegExp(`DNS:${RegExp.escape(name)}(,|\\n)`));
    for (const ip of ['127.0.0.1', '10.96.0.1']) expect(text).toContain(`IP Address:${ip}`);
    for (const name of readdirSync(pki)) expect([name, statSync(join(pki, name)).mode & 0o777]).toEqual([name, 0o600]);
    for (const path of [join(dir, 'data'), pki, join(dir, 'data', 'etcd')])
      expect(statSync(path).mode & 0o777).toBe(0o700);
  });

  it('of the controller manager and the scheduler give them their rights and no more', async () => {
    const flags = ['--control-plane-only', '--data-dir', file('data'), '--secure-port', String(port)];
    await using command = await Command.kubets(['up', ...flags]);
    await command.until('kubectl get namespaces');
    for (const [name, may, mayNot] of [
      ['controller-manager', '/api/v1/secrets', '/api/v1/nodes/x/proxy'],
      ['scheduler', '/api/v1/pods', '/api/v1/secrets'],
    ] as const) {
      await using client = await ApiClient.connect(readKubeconfig(join(dir, 'data', `${name}.conf`)));
      expect([name, may, (await client.send({ method: 'GET', path: may })).status]).toEqual([name, may, 200]);
      const refused = await client.send({ method: 'GET', path: mayNot });
      expect([name, mayNot, refused.status]).toEqual([name, mayNot, 403]);
    }
  });
});
