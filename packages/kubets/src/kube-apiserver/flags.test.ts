import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@kubets/apimachinery/system-clock';
import { createAuthority } from '@kubets/kubeadm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kubeApiserverFlags } from '../generated/flags.ts';
import { flags, flagsHelp, parseFlags } from './flags.ts';

let folder: string;
let required: string[];

let certificate: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kubets-flags-'));
  const pair = await createAuthority({ commonName: 'x', years: 1, clock: systemClock });
  certificate = pair.certificate;
  const pem = join(folder, 'x.pem');
  const key = join(folder, 'x.key');
  writeFileSync(pem, pair.certificate);
  writeFileSync(key, pair.key);
  required = [
    `--data-dir=${folder}`,
    `--tls-cert-file=${pem}`,
    '--tls-private-key-file',
    key,
    '--service-account-issuer=https://a',
    `--service-account-signing-key-file=${key}`,
  ];
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('flags of kube-apiserver', () => {
  it('have the names of upstream, but for --data-dir', () => {
    const ours = Object.keys(flags).filter((name) => !kubeApiserverFlags.includes(name));
    expect(ours).toEqual(['data-dir']);
  });

  it('are read with their defaults', () => {
    const values = parseFlags([
      ...required,
      '--secure-port',
      '7443',
      '--anonymous-auth=false',
      '--feature-gates=A=true,B=false',
    ]);
    expect(values).toMatchObject({
      'secure-port': 7443,
      'anonymous-auth': false,
      'feature-gates': { A: true, B: false },
      'bind-address': '0.0.0.0',
      'event-ttl': 3_600_000,
      'tls-cert-file': certificate,
    });
  });

  it('may be given several times, and booleans bare', () => {
    const values = parseFlags([...required, '--service-account-issuer=https://b', '--enable-bootstrap-token-auth']);
    expect(values['service-account-issuer']).toEqual(['https://a', 'https://b']);
    expect(values['enable-bootstrap-token-auth']).toBe(true);
  });

  it.each([
    ['--nonsense=1', 'unknown flag: --nonsense'],
    ['--etcd-servers=http://x', "--etcd-servers is a flag of upstream's kube-apiserver that kubets has not built yet"],
    ['--secure-port=70000', '--secure-port: "70000" is no port'],
    ['--bind-address=here', '--bind-address: "here" is no IP address'],
    ['--event-ttl=long', '--event-ttl: "long" is no duration'],
    ['--anonymous-auth=maybe', '--anonymous-auth: "maybe" is neither true nor false'],
    ['--client-ca-file=/not/there', '--client-ca-file: ENOENT'],
    ['stray', 'takes no arguments: "stray"'],
    ['--secure-port', 'flag needs an argument: --secure-port'],
  ])('refuse %s', (arg, message) => {
    expect(() => parseFlags([...required, arg])).toThrow(message);
  });

  it('say which is missing', () => {
    expect(() => parseFlags([])).toThrow('required flag --data-dir is not set');
    expect(flagsHelp()).toContain('--secure-port');
  });
});
