import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultKubeconfigPaths, inClusterConfig, loadKubeconfig } from './kubeconfig.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kubets-kubeconfig-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

const main = `
current-context: one
contexts:
- name: one
  context: {cluster: c, user: u, namespace: ns}
- name: two
  context: {cluster: c, user: token}
- name: lost
  context: {cluster: nowhere, user: u}
- name: odd
  context: {cluster: c, user: plugin}
clusters:
- name: c
  cluster: {server: 'https://host:6443', certificate-authority-data: ${base64('CA')}, tls-server-name: other}
users:
- name: u
  user: {client-certificate: cert.pem, client-key-data: ${base64('KEY')}}
- name: token
  user: {tokenFile: token}
- name: plugin
  user: {exec: {command: x}}
`;

describe('loadKubeconfig', () => {
  it('reads inline data and files beside it', () => {
    write('cert.pem', 'CERT');
    const config = loadKubeconfig(write('config', main));
    expect(config).toMatchObject({
      server: 'https://host:6443',
      ca: 'CA',
      cert: 'CERT',
      key: 'KEY',
      serverName: 'other',
      insecureSkipTlsVerify: false,
      namespace: 'ns',
    });
    expect(config.token).toBeUndefined();
  });

  it('reads a token file at every use', () => {
    write('token', 'first\n');
    const config = loadKubeconfig(write('config', main), 'two');
    expect(config.token?.()).toBe('first');
    write('token', 'second');
    expect(config.token?.()).toBe('second');
    expect(config.namespace).toBe('default');
  });

  it('says what is wrong', () => {
    const file = write('config', main);
    expect(() => loadKubeconfig(file, 'none')).toThrow(`${file}: context "none" does not exist`);
    expect(() => loadKubeconfig(file, 'lost')).toThrow('context "lost" names no cluster with a server');
    expect(() => loadKubeconfig(file, 'odd')).toThrow('user field "exec" is not supported');
    expect(() => loadKubeconfig(join(folder, 'missing'))).toThrow('ENOENT');
    expect(() => loadKubeconfig(write('empty', ''))).toThrow('context "" does not exist');
  });

  it('merges several files: the first of a name counts', () => {
    const first = write('first', 'current-context: two\nusers: [{name: token, user: {token: mine}}]');
    const config = loadKubeconfig([first, join(folder, 'missing'), write('config', main)]);
    expect(config.server).toBe('https://host:6443');
    expect(config.token?.()).toBe('mine');
    expect(() => loadKubeconfig([join(folder, 'a'), join(folder, 'b')])).toThrow('none of the kubeconfig files exists');
  });
});

describe('where configurations come from', () => {
  it('knows the places', () => {
    expect(defaultKubeconfigPaths({ KUBECONFIG: '/a:/b' })).toEqual(['/a', '/b']);
    expect(defaultKubeconfigPaths({})[0]).toMatch(/\.kube\/config$/);
    expect(() => inClusterConfig({})).toThrow('not running in a cluster');
  });
});
