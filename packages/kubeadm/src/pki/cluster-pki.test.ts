import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureClusterPki } from './cluster-pki.ts';
import { writePrivateFile } from './files.ts';

const day = 86_400_000;
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kubets-pki-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

const options = (clock: FakeClock, extra: object = {}) => ({
  directory,
  clock,
  dnsNames: ['localhost', 'kubernetes.default.svc'],
  ipAddresses: ['127.0.0.1', '10.96.0.1'],
  server: 'https://127.0.0.1:6443',
  ...extra,
});

describe('ensureClusterPki', () => {
  it('makes everything once, private to its owner', async () => {
    const clock = new FakeClock();
    const first = await ensureClusterPki(options(clock));
    const second = await ensureClusterPki(options(clock));
    expect(first.changed.toSorted()).toEqual(
      ['admin.conf', 'apiserver', 'ca', 'controller-manager.conf', 'front-proxy-ca', 'front-proxy-client', 'sa', 'scheduler.conf'], // prettier-ignore
    );
    expect(second.changed).toEqual([]);
    expect(second.serving).toEqual(first.serving);
    for (const name of ['ca.key', 'ca.crt', 'apiserver.key', 'sa.key']) {
      expect((await stat(join(directory, 'pki', name))).mode & 0o777).toBe(0o600);
    }
    expect((await stat(first.kubeconfigs.admin)).mode & 0o777).toBe(0o600);
  });

  it('makes certificates that verify, with names, addresses and usages', async () => {
    const pki = await ensureClusterPki(options(new FakeClock()));
    const authority = new X509Certificate(pki.authority);
    const serving = new X509Certificate(pki.serving.certificate);
    expect(serving.checkIssued(authority)).toBe(true);
    expect(serving.verify(authority.publicKey)).toBe(true);
    expect(serving.checkHost('kubernetes.default.svc')).toBe('kubernetes.default.svc');
    expect(serving.checkIP('10.96.0.1')).toBe('10.96.0.1');
    expect(serving.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    const admin = await readFile(pki.kubeconfigs.admin, 'utf8');
    const pem = Buffer.from(/client-certificate-data: (\S+)/.exec(admin)![1]!, 'base64').toString();
    expect(new X509Certificate(pem).subject).toBe('O=system:masters\nCN=kubernetes-admin');
  });

  it('renews leaves before they run out and keeps the authority', async () => {
    const clock = new FakeClock();
    const first = await ensureClusterPki(options(clock));
    clock.advance(200 * day);
    expect((await ensureClusterPki(options(clock))).changed).toEqual([]);
    clock.advance(100 * day);
    const renewed = await ensureClusterPki(options(clock));
    expect(renewed.authority).toBe(first.authority);
    expect(renewed.serving.certificate).not.toBe(first.serving.certificate);
    expect(renewed.changed).not.toContain('ca');
  });

  it('makes a new serving certificate for a new address and new kubeconfigs for a new port', async () => {
    const clock = new FakeClock();
    await ensureClusterPki(options(clock));
    const moved = await ensureClusterPki(options(clock, { ipAddresses: ['127.0.0.1', '10.0.0.1'] }));
    expect(moved.changed).toEqual(['apiserver']);
    const port = await ensureClusterPki(
      options(clock, { ipAddresses: ['10.0.0.1'], server: 'https://127.0.0.1:7443' }),
    );
    expect(port.changed.toSorted()).toEqual(['admin.conf', 'controller-manager.conf', 'scheduler.conf']);
  });

  it('refuses to replace an authority whose key is lost', async () => {
    const clock = new FakeClock();
    await ensureClusterPki(options(clock));
    await rm(join(directory, 'pki', 'ca.key'));
    await expect(ensureClusterPki(options(clock))).rejects.toThrow('restore it or remove ca.crt');
  });

  it('gets over a first start that was cut short after any file', async () => {
    const clock = new FakeClock();
    const first = await ensureClusterPki(options(clock));
    for (const name of ['ca', 'front-proxy-ca']) await rm(join(directory, 'pki', `${name}.crt`));
    await rm(join(directory, 'pki', 'sa.pub'));
    const second = await ensureClusterPki(options(clock));
    expect(second.changed.toSorted()).toEqual(['ca', 'front-proxy-ca', 'sa']);
    expect(second.authorityKey).toBe(first.authorityKey);
    expect(second.serviceAccountKey).toEqual(first.serviceAccountKey);
    expect(second.serving).toEqual(first.serving);
    const authority = new X509Certificate(second.authority);
    expect(new X509Certificate(first.serving.certificate).checkIssued(authority)).toBe(true);
  });

  it('signs with an RSA authority made by others', async () => {
    const clock = new FakeClock(Date.now());
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    await mkdir(join(directory, 'pki'), { recursive: true });
    const key = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
    await writeFile(join(directory, 'pki', 'ca.key'), key);
    const pki = await ensureClusterPki(options(clock));
    expect(pki.authorityKey).toBe(key);
    expect(new X509Certificate(pki.serving.certificate).verify(new X509Certificate(pki.authority).publicKey)).toBe(
      true,
    );
  });

  it('warns of an authority that runs out, and refuses one that has', async () => {
    const clock = new FakeClock();
    expect((await ensureClusterPki(options(clock))).warnings).toEqual([]);
    clock.advance(3500 * day);
    const late = await ensureClusterPki(options(clock));
    expect(late.changed).toContain('apiserver');
    expect(late.warnings).toHaveLength(2);
    expect(late.warnings[0]).toMatch(/ca\.crt expires on \d{4}-\d\d-\d\d$/);
    clock.advance(200 * day);
    await expect(ensureClusterPki(options(clock))).rejects.toThrow(/ca\.crt has expired on/);
  });
});

describe('writePrivateFile', () => {
  it('follows a link, and leaves nothing behind when it fails', async () => {
    await writeFile(join(directory, 'real'), 'old', { mode: 0o644 });
    await symlink('real', join(directory, 'link'));
    await writePrivateFile(join(directory, 'link'), 'new');
    expect(await readFile(join(directory, 'real'), 'utf8')).toBe('new');
    expect((await stat(join(directory, 'real'))).mode & 0o777).toBe(0o600);
    await mkdir(join(directory, 'folder'));
    await expect(writePrivateFile(join(directory, 'folder'), 'x')).rejects.toThrow('EISDIR');
    expect((await readdir(directory)).toSorted()).toEqual(['folder', 'link', 'real']);
  });
});
