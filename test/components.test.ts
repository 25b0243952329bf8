/** The controller manager and the scheduler as programs of their own, against an API server over HTTP. */
import { request } from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient, readKubeconfig } from './harness/api-client.ts';
import { Command } from './harness/command.ts';
import { freePort, KubetsProcess, temporaryDirectory } from './harness/kubets-process.ts';

const stack = new AsyncDisposableStack();
let dataDir: string;
let client: ApiClient;

beforeAll(async () => {
  const directory = stack.use(await temporaryDirectory());
  dataDir = join(directory.path, 'data');
  const flags = ['--no-controllers', '--no-scheduler', '--simulate-nodes', '2'];
  const server = stack.use(await KubetsProcess.start(dataDir, flags));
  client = stack.use(await ApiClient.connect(readKubeconfig(server.kubeconfig)));
});
afterAll(() => stack.disposeAsync());

/** Of the port of a component, whose certificate nobody knows. */
function get(port: number, path: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  request({ host: '127.0.0.1', port, path, rejectUnauthorized: false, agent: false }, (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('end', () => resolve(`${response.statusCode} ${Buffer.concat(chunks).toString()}`));
  })
    .on('error', reject)
    .end();
  return promise;
}

async function eventually<T>(look: () => Promise<T>, holds: (seen: T) => boolean): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (holds(await look().catch(() => undefined as T))) return;
    await sleep(100);
  }
  throw new Error(`not within 20 s: ${holds.toString()}; last: ${JSON.stringify(await look())}`);
}

const pki = (name: string): string => join(dataDir, 'pki', name);

describe('kube-controller-manager and kube-scheduler by themselves', () => {
  it('make a Deployment true', async () => {
    const [managerPort, schedulerPort] = [await freePort(), await freePort()];
    await using manager = await Command.kubets([
      'kube-controller-manager',
      `--kubeconfig=${join(dataDir, 'controller-manager.conf')}`,
      `--secure-port=${managerPort}`,
      '--bind-address=127.0.0.1',
      '--use-service-account-credentials',
      `--root-ca-file=${pki('ca.crt')}`,
      `--service-account-private-key-file=${pki('sa.key')}`,
      `--cluster-signing-cert-file=${pki('ca.crt')}`,
      `--cluster-signing-key-file=${pki('ca.key')}`,
      '--allocate-node-cidrs',
      '--cluster-cidr=10.244.0.0/16',
      '--controllers=*,-cronjob-controller',
    ]);
    await using scheduler = await Command.kubets([
      'kube-scheduler',
      `--kubeconfig=${join(dataDir, 'scheduler.conf')}`,
      `--secure-port=${schedulerPort}`,
      '--bind-address=127.0.0.1',
      `--authentication-kubeconfig=${join(dataDir, 'scheduler.conf')}`,
      `--authorization-kubeconfig=${join(dataDir, 'scheduler.conf')}`,
    ]);
    const body = JSON.stringify({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec: {
        replicas: 3,
        selector: { matchLabels: { app: 'web' } },
        template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'nginx' }] } },
      },
    });
    const path = '/apis/apps/v1/namespaces/default/deployments';
    await client.must({ method: 'POST', path, body });
    const ready = async (): Promise<number> => {
      const { body: answer } = await client.must({ method: 'GET', path: `${path}/web` });
      return (JSON.parse(answer.toString()) as { status: { readyReplicas?: number } }).status.readyReplicas ?? 0;
    };
    await eventually(ready, (seen) => seen === 3);
    expect(await get(managerPort, '/healthz')).toBe('200 ok');
    expect(await get(managerPort, '/healthz?verbose')).toMatch(/\[\+\]leaderElection ok\n[^]*deployment-controller ok/);
    expect(await get(schedulerPort, '/readyz')).toBe('200 ok');
    expect(await get(managerPort, '/metrics')).toMatch(/^403 /);
    expect(await get(schedulerPort, '/metrics')).toMatch(/^403 forbidden: User "system:anonymous"/);
    for (const command of [manager, scheduler]) {
      command.child.kill('SIGTERM');
      expect([await command.ended, command.stderr.includes('Error')]).toEqual([0, false]);
    }
  });

  it.each([
    [['kube-controller-manager', '--frob'], 'unknown flag: --frob'],
    [
      ['kube-controller-manager', '--controllers=frob', '--kubeconfig=ADMIN'],
      '"frob" is not in the list of known controllers',
    ],
    [['kube-controller-manager', '--kubeconfig=/not/there'], '--kubeconfig: ENOENT'],
    [['kube-scheduler', '--frob'], 'unknown flag: --frob'],
    [['kube-scheduler', '--config=/not/there'], '--config: /not/there: ENOENT'],
  ])('%j says what is wrong, in one line', async (args, message) => {
    await using command = await Command.kubets(args.map((arg) => arg.replace('ADMIN', join(dataDir, 'admin.conf'))));
    expect(await command.ended).toBe(1);
    expect(command.stderr.trimEnd().split('\n')).toEqual([expect.stringContaining(message)]);
  });
});
