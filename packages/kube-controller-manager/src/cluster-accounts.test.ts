/** Controllers of the cluster's own objects, together and under their own service accounts. */
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { FakeClock } from '@kubets/apimachinery/fake-clock';
import type { Log } from '@kubets/apimachinery/log';
import { systemRandom } from '@kubets/apimachinery/system-clock';
import { isNotFound } from '@kubets/apimachinery/status';
import type { KubeClient } from '@kubets/client';
import { settle } from '@kubets/client/testing';
import { TestControlPlane } from '@kubets/kube-apiserver/testing/test-control-plane';
import { createControllerManager } from './manager.ts';
import { accountTransports } from './testing/service-accounts.ts';

const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});

const controllers = [
  'namespace-controller',
  'garbage-collector-controller',
  'resourcequota-controller',
  'serviceaccount-controller',
  'serviceaccount-token-controller',
  'root-ca-certificate-publisher-controller',
  'clusterrole-aggregation-controller',
  'deployment-controller',
  'replicaset-controller',
];

async function until(clock: FakeClock, condition: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 120; i++) {
    await settle(20);
    if (await condition()) return;
    clock.advance(500);
  }
  throw new Error(`not within a minute of the clock: ${condition.toString()}`);
}

/** Everything that these controllers do, once. */
async function exercise(client: KubeClient, clock: FakeClock): Promise<void> {
  await client.namespaces().create({ metadata: { name: 'a' } });
  await until(clock, async () => (await client.configMaps('a').list()).items.length === 1);
  await until(clock, async () => (await client.serviceAccounts('a').list()).items.length === 1);
  await client.secrets('a').create({
    metadata: { name: 'token', annotations: { 'kubernetes.io/service-account.name': 'default' } },
    type: 'kubernetes.io/service-account-token',
  });
  await until(clock, async () => (await client.secrets('a').get('token')).data?.['token'] !== undefined);
  await client.resourceQuotas('a').create({ metadata: { name: 'q' }, spec: { hard: { pods: '10' } } });
  await until(clock, async () => (await client.resourceQuotas('a').get('q')).status?.used?.['pods'] === '0');
  const owner = await client.deployments('a').create({
    metadata: { name: 'd' },
    spec: {
      replicas: 3,
      selector: { matchLabels: { a: 'b' } },
      template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    },
  });
  await until(clock, async () => (await client.resourceQuotas('a').get('q')).status?.used?.['pods'] === '3');
  await client.deployments('a').delete(owner.metadata.name ?? '', { propagationPolicy: 'Foreground' });
  await until(clock, async () => (await client.deployments('a').list()).items.length === 0);
  await until(clock, async () => (await client.resourceQuotas('a').get('q')).status?.used?.['pods'] === '0');
  await client.namespaces().delete('a');
  await until(clock, () =>
    client
      .namespaces()
      .get('a')
      .then(() => false, isNotFound),
  );
}

describe('service accounts of the controllers of the cluster', () => {
  it('may do what they do', async () => {
    await using plane = await TestControlPlane.start({ server: { standIns: undefined } });
    const { client, clock } = plane;
    const { refused, ...transports } = accountTransports(plane);
    const errors: string[] = [];
    const log: Log = {
      debug() {},
      info() {},
      warn() {},
      error: (fields, message) => errors.push(`${message} ${JSON.stringify(fields)}`),
    };
    const stop = new AbortController();
    const manager = createControllerManager({
      clock,
      controllers,
      random: systemRandom,
      log,
      ...transports,
      options: { rootCa: 'CA', serviceAccountPrivateKey: privateKey },
    });
    const running = manager.run(stop.signal);
    await until(clock, async () => (await client.clusterRoles().get('admin')).rules !== undefined);
    await exercise(client, clock);
    stop.abort(new Error('the test is over'));
    await running;
    expect(refused).toEqual([]);
    // A replica set that goes while its status is written is no concern of these.
    expect(errors.filter((text) => !text.includes('replicaset-controller'))).toEqual([]);
  });
});
