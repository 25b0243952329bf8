/**
 * The whole process is killed again and again while a Deployment of 200 pods rolls out, at moments that nobody chose:
 * afterwards everything is as if nothing had happened. `KUBETS_KILLS=50` for the long run.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient, readKubeconfig } from './harness/api-client.ts';
import { KubetsProcess, temporaryDirectory } from './harness/kubets-process.ts';

const kills = Number(process.env['KUBETS_KILLS'] ?? 4);
const replicas = 200;
const namespace = 'default';

interface Meta {
  readonly name: string;
  readonly uid: string;
  readonly generation?: number;
  readonly namespace?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly { readonly kind: string; readonly name: string; readonly uid: string }[];
}

interface Thing {
  readonly metadata: Meta;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status: Readonly<Record<string, unknown>>;
}

interface Pod extends Thing {
  readonly spec: { readonly nodeName?: string; readonly containers: readonly { readonly image: string }[] };
  readonly status: { readonly phase: string; readonly podIP?: string };
}

interface Slice extends Thing {
  readonly endpoints: readonly { readonly addresses: readonly string[]; readonly conditions: { ready: boolean } }[];
}

const deploymentPath = `/apis/apps/v1/namespaces/${namespace}/deployments/web`;
const podsPath = `/api/v1/namespaces/${namespace}/pods`;

const template = (image: string) => ({
  metadata: { labels: { app: 'web' } },
  spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'c', image }] },
});

const objects: readonly (readonly [path: string, body: object])[] = [
  [
    `/apis/apps/v1/namespaces/${namespace}/deployments`,
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec: { replicas, selector: { matchLabels: { app: 'web' } }, template: template('web:0') },
    },
  ],
  [
    `/api/v1/namespaces/${namespace}/services`,
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web' },
      spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
    },
  ],
  [
    `/api/v1/namespaces/${namespace}/resourcequotas`,
    { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'pods' }, spec: { hard: { pods: '1000' } } },
  ],
];

/** A process and a client of it; killed without a warning. */
class Victim implements AsyncDisposable {
  readonly process: KubetsProcess;
  readonly client: ApiClient;

  private constructor(process: KubetsProcess, client: ApiClient) {
    this.process = process;
    this.client = client;
  }

  static async start(dataDir: string): Promise<Victim> {
    const process = await KubetsProcess.start(dataDir, ['--simulate-nodes', '10']);
    return new Victim(process, await ApiClient.connect(readKubeconfig(process.kubeconfig)));
  }

  async list<T extends Thing>(path: string): Promise<readonly T[]> {
    const { body } = await this.client.must({ method: 'GET', path });
    return (JSON.parse(body.toString()) as { items: readonly T[] }).items;
  }

  async get(path: string): Promise<Thing> {
    return JSON.parse((await this.client.must({ method: 'GET', path })).body.toString()) as Thing;
  }

  async setImage(image: string): Promise<void> {
    const body = JSON.stringify({ spec: { template: { spec: { containers: [{ name: 'c', image }] } } } });
    const contentType = 'application/strategic-merge-patch+json';
    await this.client.must({ method: 'PATCH', path: deploymentPath, body, contentType });
  }

  async complete(seconds: number): Promise<void> {
    const end = performance.now() + seconds * 1000;
    for (;;) {
      const { metadata, status } = await this.get(deploymentPath);
      const wanted = {
        observedGeneration: metadata.generation,
        replicas,
        updatedReplicas: replicas,
        readyReplicas: replicas,
      };
      const same = Object.entries(wanted).every(([field, value]) => status[field] === value);
      const pods = same ? await this.list(podsPath) : [];
      if (same && pods.length === replicas) return;
      if (performance.now() > end) throw new Error(`the rollout has not ended: ${JSON.stringify(status)}`);
      await sleep(100);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process.stop('SIGKILL');
    await this.client[Symbol.asyncDispose]();
  }
}

const owners: Readonly<Record<string, string>> = {
  Deployment: `/apis/apps/v1/namespaces/${namespace}/deployments`,
  ReplicaSet: `/apis/apps/v1/namespaces/${namespace}/replicasets`,
  Service: `/api/v1/namespaces/${namespace}/services`,
  Node: '/api/v1/nodes',
};

const owned: readonly string[] = [
  podsPath,
  `/apis/apps/v1/namespaces/${namespace}/replicasets`,
  `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`,
  '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases',
];

/** Objects whose owner does not exist. */
async function orphans(victim: Victim): Promise<string[]> {
  const uids = new Set<string>();
  for (const path of Object.values(owners)) for (const { metadata } of await victim.list(path)) uids.add(metadata.uid);
  const found: string[] = [];
  for (const path of owned) {
    for (const { metadata } of await victim.list(path)) {
      const references = metadata.ownerReferences ?? [];
      const kept = references.some(({ uid }) => uids.has(uid));
      // The API server's own Endpoints have no owner.
      if (!kept && references.length > 0) found.push(`${path}/${metadata.name}`);
      if (path === podsPath && references.length !== 1)
        found.push(`${path}/${metadata.name} has ${references.length} owners`);
    }
  }
  return found;
}

const duplicates = (values: readonly string[]): string[] => values.filter((value, i) => values.indexOf(value) !== i);

async function checkPods(victim: Victim, image: string): Promise<string[]> {
  const pods = await victim.list<Pod>(podsPath);
  expect(pods.filter(({ status }) => status.phase !== 'Running').map(({ metadata }) => metadata.name)).toEqual([]);
  expect(new Set(pods.map(({ spec }) => spec.containers[0]?.image))).toEqual(new Set([image]));
  expect(pods).toHaveLength(replicas);
  const addresses = pods.map(({ status }) => status.podIP ?? '');
  expect(duplicates(addresses)).toEqual([]);
  return addresses.toSorted();
}

async function checkReplicaSets(victim: Victim): Promise<void> {
  const sets = await victim.list(owners['ReplicaSet'] ?? '');
  expect(duplicates(sets.map(({ metadata }) => metadata.labels?.['pod-template-hash'] ?? ''))).toEqual([]);
  expect(sets.map(({ spec }) => spec['replicas']).filter((count) => count !== 0)).toEqual([replicas]);
  // The history keeps ten.
  expect(sets.length).toBeLessThanOrEqual(11);
}

async function addressesOfService(victim: Victim): Promise<string[]> {
  const slices = await victim.list<Slice>(`/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`);
  return slices
    .filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === 'web')
    .flatMap(({ endpoints }) => endpoints.flatMap(({ addresses, conditions }) => (conditions.ready ? addresses : [])))
    .toSorted();
}

async function eventuallyEqual<T>(look: () => Promise<T>, wanted: T): Promise<void> {
  for (let i = 0; i < 200 && JSON.stringify(await look()) !== JSON.stringify(wanted); i++) await sleep(100);
  expect(await look()).toEqual(wanted);
}

describe('a process that is killed during a rollout', () => {
  const stack = new AsyncDisposableStack();
  let dataDir: string;
  beforeAll(async () => {
    dataDir = join(stack.use(await temporaryDirectory()).path, 'data');
  });
  afterAll(() => stack.disposeAsync());

  it(
    `goes on where it was: ${kills} times`,
    async () => {
      {
        await using first = await Victim.start(dataDir);
        for (const [path, object] of objects)
          await first.client.must({ method: 'POST', path, body: JSON.stringify(object) });
        await first.complete(60);
      }
      let image = 'web:0';
      for (let i = 1; i <= kills; i++) {
        await using victim = await Victim.start(dataDir);
        // A rollout is on its way at every kill; now and then a new one overtakes it.
        if (i % 3 === 1) await victim.setImage((image = `web:${i}`));
        await sleep(Math.random() * 1500);
      }
      await using last = await Victim.start(dataDir);
      await last.complete(120);
      const addresses = await checkPods(last, image);
      await checkReplicaSets(last);
      await eventuallyEqual(() => orphans(last), []);
      await eventuallyEqual(() => addressesOfService(last), addresses);
      const quota = `/api/v1/namespaces/${namespace}/resourcequotas/pods`;
      const used = async () => (await last.get(quota)).status['used'];
      await eventuallyEqual(used, { pods: String(replicas) });
      expect(await last.process.stop('SIGTERM')).toBe(0);
    },
    120_000 + kills * 15_000,
  );
});
