/** `kubets up` and `kubets kube-apiserver` as a user meets them. */
import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiClient, readKubeconfig } from './harness/api-client.ts';
import { Command } from './harness/command.ts';
import { freePort } from './harness/kubets-process.ts';

let parent: string;
let dataDir: string;
let port: number;

beforeEach(async () => {
  parent = mkdtempSync(join(tmpdir(), 'kubets-up-'));
  dataDir = join(parent, 'data');
  port = await freePort();
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

const upArgs = (...flags: string[]): string[] => [
  'up',
  '--control-plane-only',
  '--data-dir',
  dataDir,
  '--secure-port',
  String(port),
  ...flags,
];

async function up(...flags: string[]): Promise<Command> {
  const command = await Command.kubets(upArgs(...flags));
  await command.until('kubectl get namespaces');
  return command;
}

/** Runs to the end, which is to be a failure of one line. */
async function failureOf(args: readonly string[], options: object = {}): Promise<string> {
  const command = await Command.kubets(args, options);
  const code = await command.ended;
  expect([code, command.stderr.trimEnd().split('\n').length, command.stderr]).toEqual([1, 1, command.stderr]);
  return command.stderr.trimEnd();
}

const maps = '/api/v1/namespaces/default/configmaps';
const configMap = (name: string): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { a: '1' } });

async function withClient<T>(work: (client: ApiClient) => Promise<T>): Promise<T> {
  await using client = await ApiClient.connect(readKubeconfig(join(dataDir, 'admin.conf')));
  return await work(client);
}

const create = (name: string): Promise<unknown> =>
  withClient((client) => client.must({ method: 'POST', path: maps, body: configMap(name) }));
const statusOf = (name: string): Promise<number> =>
  withClient(async (client) => (await client.send({ method: 'GET', path: `${maps}/${name}` })).status);

/** Starts again and finds what was written before. */
async function expectIntact(): Promise<void> {
  await using _again = await up();
  expect(await statusOf('kept')).toBe(200);
}

describe('kubets up', () => {
  it('shows its steps with their times, then the ready line and what to type', async () => {
    await using command = await up();
    const lines = command.stdout.trimEnd().split('\n');
    expect(lines.slice(0, -3).map((line) => line.replace(/:.*? {2}/, '  ').replace(/\d+ ms$/, 'N ms'))).toEqual(
      ['data directory', 'store', 'keys and certificates', 'API server', 'controllers', 'scheduler'].map(
        (step) => `  ✓ ${step}  N ms`,
      ),
    );
    expect(lines.at(-3)).toMatch(/^kubets ready in \d+\.\d\d s$/);
    expect(lines.at(-2)).toBe(`  export KUBECONFIG=${dataDir}/admin.conf`);
    expect(lines.at(-1)).toBe('  kubectl get namespaces');
    expect(command.stdout).not.toContain('\u001B');
    expect(command.stderr).toBe('');
    command.child.kill('SIGTERM');
    expect(await command.ended).toBe(0);
  });

  it.skipIf(spawnSync('script', ['--version']).error !== undefined)('is live on a terminal', async () => {
    // `exec`: a shell that stays would die of the same Ctrl-C, and its code would be script's.
    const line = `exec '${process.execPath}' '${join(import.meta.dirname, '../dist/kubets.mjs')}' ${upArgs().join(' ')}`;
    await (
      await Command.kubets(['--version'])
    ).ended;
    await using command = Command.run('script', ['-qec', line, '/dev/null'], { stdio: ['pipe', 'pipe', 'pipe'] });
    await command.until('kubectl get namespaces');
    expect(command.stdout).toContain('  ⠙ data directory');
    expect(command.stdout).toContain('\r\u001B[2K  ✓ data directory');
    command.child.stdin?.write('\u0003');
    expect(await command.ended).toBe(0);
    expect(command.stdout).toContain('SIGINT: stopping');
  });

  it('runs by npm start, where Ctrl-C arrives twice', async () => {
    await using command = Command.run('npm', ['start', '--', ...upArgs().slice(1)], {
      cwd: join(import.meta.dirname, '..'),
      detached: true,
    });
    await command.until('kubectl get namespaces');
    process.kill(-command.pid, 'SIGINT');
    // npm itself dies of the signal; its output closes when kubets has ended too, in order.
    await command.ended;
    expect(command.stdout).toContain('SIGINT: stopping');
    expect(readdirSync(join(dataDir, 'etcd'))).not.toContain('lock.pid');
  });

  it('writes a kubeconfig where it is asked to, for its owner alone', async () => {
    const file = join(parent, 'kubeconfig');
    await using command = await up('--write-kubeconfig', file);
    expect(command.stdout).toContain(`export KUBECONFIG=${file}`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toBe(readFileSync(join(dataDir, 'admin.conf'), 'utf8'));
    expect(await failureOf(upArgs('--write-kubeconfig', join(parent, 'no', 'such')))).toBe(
      `kubets: --write-kubeconfig: the folder ${join(parent, 'no')} does not exist: make it or choose another file`,
    );
    expect(await failureOf(upArgs('--write-kubeconfig', parent))).toContain('is a folder');
  });

  it('takes one service range or one of each family', async () => {
    await using _command = await up('--service-cluster-ip-range', '10.7.0.0/16,fd00:7::/108');
    const serving = new X509Certificate(readFileSync(join(dataDir, 'pki', 'apiserver.crt')));
    for (const ip of ['127.0.0.1', '10.7.0.1', 'fd00:7::1']) expect(serving.checkIP(ip)).toBe(ip);
    const { body } = await withClient((client) =>
      client.must({ method: 'GET', path: '/api/v1/namespaces/default/services/kubernetes' }),
    );
    expect(JSON.parse(body.toString())).toMatchObject({ spec: { clusterIP: '10.7.0.1' } });
  });

  it.each([
    ['--service-cluster-ip-range', '10.0.0.0', 'is no CIDR range'],
    ['--service-cluster-ip-range', '10.0.0.0/30', 'is too small'],
    ['--service-cluster-ip-range', '10.0.0.0/16,10.1.0.0/16', 'give one range, or one of IPv4 and one of IPv6'],
    ['--service-cluster-ip-range', '', 'is no CIDR range'],
    ['--secure-port', '70000', 'is not a number from 1 to 65535'],
    ['--bind-address', 'localhost', 'is no IP address'],
    ['--log-format', 'xml', 'is neither text nor json'],
    ['-v', 'much', 'is not a number from 0 to 10'],
  ])('refuses %s %s', async (flag, value, message) => {
    const failure = await failureOf(upArgs(flag, value));
    expect(failure).toContain(`kubets: ${flag}: `);
    expect(failure).toContain(message);
    expect(existsSync(dataDir)).toBe(false);
  });

  it('logs as text or JSON, as much as is asked for', async () => {
    await using command = await up('--log-format', 'json', '-v', '4');
    // A handshake that is none is worth a line at this level.
    const socket = connect(port, '127.0.0.1', () => socket.end('no TLS'));
    socket.on('error', () => {});
    socket.resume();
    await command.until('TLS handshake failed');
    for (const line of command.stderr.trimEnd().split('\n')) expect(JSON.parse(line)).toHaveProperty('msg');
  });
});

describe('what is in the way', () => {
  it('a used port', async () => {
    await using server = createServer();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    expect(await failureOf(upArgs())).toBe(
      `kubets: port ${port} of 127.0.0.1 is in use: stop what listens there or choose another --secure-port`,
    );
  });

  it('a second process on the same data', async () => {
    await using first = await up();
    await create('kept');
    const other = await freePort();
    const failure = await failureOf([...upArgs(), '--secure-port', String(other)]);
    expect(failure).toMatch(/^kubets: data directory .*\/etcd is in use by process \d+$/);
    expect(failure).toContain(String(first.pid));
    expect(await statusOf('kept')).toBe(200);
    await create('later');
  });

  it('data of a newer version, of either format', async () => {
    const first = await up();
    await create('kept');
    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);
    for (const [file, from, to] of [
      ['version.json', '{"format":1}\n', '{"format":2}\n'],
      ['etcd/format', 'kubets-store 1\n', 'kubets-store 2\n'],
    ] as const) {
      const path = join(dataDir, file);
      expect(readFileSync(path, 'utf8')).toBe(from);
      writeFileSync(path, to);
      expect(await failureOf(upArgs())).toMatch(/^kubets: .*(newer kubets|reads up to 1)/);
      expect(readFileSync(path, 'utf8')).toBe(to);
      writeFileSync(path, from);
    }
    await expectIntact();
  });

  it.skipIf(process.getuid?.() !== 0)('a directory that may not be written to', async () => {
    const first = await up();
    await create('kept');
    first.child.kill('SIGINT');
    expect(await first.ended).toBe(0);
    const nobody = { uid: 65_534, gid: 65_534 };
    expect(await failureOf(upArgs(), nobody)).toMatch(/^kubets: cannot use the data directory .*EACCES/);
    await expectIntact();
  });

  it('half an authority', async () => {
    const first = await up();
    await create('kept');
    first.child.kill('SIGINT');
    await first.ended;
    const key = join(dataDir, 'pki', 'ca.key');
    const text = readFileSync(key);
    rmSync(key);
    expect(await failureOf(upArgs())).toContain('restore it or remove ca.crt');
    writeFileSync(key, text);
    await expectIntact();
  });
});

describe('stopping', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    '%s ends hundreds of watches cleanly, answers what is running, and exits with 0',
    async (signal) => {
      await using command = await up();
      const credentials = readKubeconfig(join(dataDir, 'admin.conf'));
      const clients = await Promise.all(Array.from({ length: 3 }, () => ApiClient.connect(credentials)));
      const ends = clients.flatMap((client) =>
        Array.from({ length: 100 }, () => client.watchToEnd(`${maps}?watch=1&allowWatchBookmarks=true`)),
      );
      await Promise.all(ends.map(({ open }) => open));
      const writes = clients.map((client, i) =>
        client.send({ method: 'POST', path: maps, body: configMap(`flying-${i}`) }),
      );
      await Promise.race(writes);
      const asked = performance.now();
      command.child.kill(signal);
      const outcomes = await Promise.all(ends.map(({ end }) => end));
      expect(new Set(outcomes)).toEqual(new Set(['end']));
      expect(await command.ended).toBe(0);
      expect(performance.now() - asked).toBeLessThan(5000);
      expect(command.stdout).toContain(`${signal}: stopping\n`);
      const acknowledged = (await Promise.allSettled(writes)).flatMap((write, i) =>
        write.status === 'fulfilled' && write.value.status === 201 ? [`flying-${i}`] : [],
      );
      expect(acknowledged.length).toBeGreaterThan(0);
      expect(readdirSync(join(dataDir, 'etcd'))).not.toContain('lock.pid');
      await using _again = await up();
      for (const name of acknowledged) expect(await statusOf(name)).toBe(200);
    },
  );

  it('works while it starts', async () => {
    const command = await Command.kubets(upArgs());
    await command.until('keys and certificates');
    command.child.kill('SIGTERM');
    expect(await command.ended).toBe(0);
    await using again = await up();
    expect(again.stdout).toContain('kubets ready');
  });
});

describe('kubets', () => {
  it.each([
    [['--version'], 0, /^kubets \d+\.\d+\.\d+ \(Kubernetes v1\.36\.\d+\)$/m],
    [['--help'], 0, /^Usage: kubets .*kube-apiserver/s],
    [['up', '--help'], 0, /--service-cluster-ip-range <cidr>/],
    [['kube-apiserver', '--help'], 0, /--tls-cert-file .*\(required\)/],
    [['frob'], 1, /^error: unknown command 'frob'/],
    [['up', '--frob'], 1, /^error: unknown option '--frob'/],
    [['up', 'more'], 1, /^error: too many arguments/],
    [['kube-apiserver', '--frob'], 1, /^kubets: unknown flag: --frob$/m],
    [['kube-apiserver', '--etcd-servers=x'], 1, /^kubets: --etcd-servers is a flag of upstream's kube-apiserver/],
  ])('%j', async (args, code, output) => {
    const command = await Command.kubets(args);
    expect(await command.ended).toBe(code);
    expect(`${command.stdout}${command.stderr}`).toMatch(output);
  });
});
