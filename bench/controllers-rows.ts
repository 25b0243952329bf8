/** What `npm run bench -- controllers` measures: each row on a kubets of its own, with simulated nodes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { ApiClient, readKubeconfig } from '../test/harness/api-client.ts';
import { cpuSeconds, KubetsProcess, residentMegabytes, temporaryDirectory } from '../test/harness/kubets-process.ts';
import { percentile, run } from './measure.ts';
import { PodCounter } from './pod-counter.ts';

/** A figure with its unit and what it is to be. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly target?: string;
}

export interface ControllerRow {
  readonly name: string;
  readonly title: string;
  /** Only when asked for by name. */
  readonly long?: boolean;
  run(): Promise<Figure[]>;
}

/** A cluster with simulated nodes. */
class Cluster implements AsyncDisposable {
  readonly client: ApiClient;
  readonly process: KubetsProcess;
  readonly #stack: AsyncDisposableStack;

  private constructor(client: ApiClient, process: KubetsProcess, stack: AsyncDisposableStack) {
    this.client = client;
    this.process = process;
    this.#stack = stack;
  }

  static async start(nodes: number, ...flags: string[]): Promise<Cluster> {
    const stack = new AsyncDisposableStack();
    const directory = stack.use(await temporaryDirectory());
    const all = ['--simulate-nodes', String(nodes), ...flags];
    const process = stack.use(await KubetsProcess.start(join(directory.path, 'data'), all));
    const client = stack.use(await ApiClient.connect(readKubeconfig(process.kubeconfig)));
    const cluster = new Cluster(client, process, stack);
    // Without controllers, nobody takes the taint of a new node away.
    if (flags.includes('--no-controllers')) return cluster;
    await cluster.until('the nodes to be ready', 120, async () => {
      const { items } = await cluster.get<{ items: { spec: { taints?: { key: string }[] } }[] }>('/api/v1/nodes');
      const waiting = items.filter(({ spec }) =>
        spec.taints?.some(({ key }) => key === 'node.kubernetes.io/not-ready'),
      );
      return items.length === nodes && waiting.length === 0;
    });
    return cluster;
  }

  async get<T>(path: string): Promise<T> {
    return JSON.parse((await this.client.must({ method: 'GET', path })).body.toString()) as T;
  }

  async post(path: string, body: object): Promise<void> {
    await this.client.must({ method: 'POST', path, body: JSON.stringify(body) });
  }

  async namespace(name: string): Promise<void> {
    await this.post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    const path = `/api/v1/namespaces/${name}/serviceaccounts/default`;
    await this.until(
      'the service account',
      10,
      async () => (await this.client.send({ method: 'GET', path })).status === 200,
    );
  }

  /** How often each kind of request was made so far, watches left out. */
  async requests(): Promise<Map<string, number>> {
    const text = (await this.client.must({ method: 'GET', path: '/metrics' })).body.toString();
    const counts = new Map<string, number>();
    for (const [, labels = '', value] of text.matchAll(/^apiserver_request_total\{(.*)\} (\d+)$/gm)) {
      const label = (name: string): string => new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1] ?? '';
      if (label('verb') === 'WATCH') continue;
      const subresource = label('subresource');
      const what = `${label('verb')} ${label('resource')}${subresource === '' ? '' : `/${subresource}`} ${label('code')}`;
      counts.set(what, (counts.get(what) ?? 0) + Number(value));
    }
    return counts;
  }

  async until(what: string, seconds: number, holds: () => Promise<boolean>, pauseMs = 50): Promise<void> {
    const end = performance.now() + seconds * 1000;
    while (!(await holds())) {
      if (performance.now() > end) throw new Error(`waited ${seconds} s for ${what}`);
      await sleep(pauseMs);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

const since = (started: number): number => (performance.now() - started) / 1000;

const template = (app: string, image: string) => ({
  metadata: { labels: { app } },
  spec: {
    terminationGracePeriodSeconds: 5,
    containers: [{ name: 'c', image, resources: { requests: { cpu: '10m', memory: '16Mi' } } }],
  },
});

const deployment = (name: string, replicas: number, image = 'nginx:1') => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: { replicas, selector: { matchLabels: { app: name } }, template: template(name, image) },
});

interface DeploymentState {
  readonly metadata: { readonly generation: number };
  readonly status: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly readyReplicas?: number;
  };
}

/** Whether a rollout to so many replicas is over, as `kubectl rollout status` sees it. */
const isComplete = ({ metadata, status }: DeploymentState, replicas: number): boolean =>
  status.observedGeneration === metadata.generation &&
  status.replicas === replicas &&
  status.updatedReplicas === replicas &&
  status.readyReplicas === replicas;

/** The commonest requests since `before`: what the time went into. */
async function requestsSince(cluster: Cluster, before: ReadonlyMap<string, number>): Promise<Figure[]> {
  const after = await cluster.requests();
  return Array.from(after, ([what, count]) => ({ what: `  ${what}`, value: count - (before.get(what) ?? 0), unit: '' }))
    .filter(({ value }) => value > 0)
    .toSorted((a, b) => b.value - a.value)
    .slice(0, 14);
}

async function oneDeployment(): Promise<Figure[]> {
  const replicas = 2000;
  await using cluster = await Cluster.start(1000);
  await cluster.namespace('bench');
  using bound = await PodCounter.start(cluster.client, 'bench', 'spec.nodeName!=');
  using running = await PodCounter.start(cluster.client, 'bench', 'status.phase=Running');
  const requests = await cluster.requests();
  const started = performance.now();
  await cluster.post('/apis/apps/v1/namespaces/bench/deployments', deployment('web', replicas));
  await bound.until(replicas, 120);
  const boundSeconds = since(started);
  await running.until(replicas, 120);
  const runningSeconds = since(started);
  await cluster.until('the rollout', 60, async () =>
    isComplete(await cluster.get('/apis/apps/v1/namespaces/bench/deployments/web'), replicas),
  );
  return [
    { what: 'all bound', value: boundSeconds, unit: 's', target: '4 s' },
    { what: 'all Running', value: runningSeconds, unit: 's', target: '6 s' },
    { what: 'rollout complete', value: since(started), unit: 's' },
    { what: 'CPU of the process from its start', value: cpuSeconds(cluster.process.pid), unit: 's' },
    { what: 'resident after it', value: residentMegabytes(cluster.process.pid), unit: 'MB' },
    ...(await requestsSince(cluster, requests)),
  ];
}

const configMap = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { a: 'b' } });

async function untilGone(cluster: Cluster, name: string): Promise<number> {
  const started = performance.now();
  await cluster.client.must({ method: 'DELETE', path: `/api/v1/namespaces/${name}` });
  await cluster.until('the namespace to be gone', 180, async () => {
    const { status } = await cluster.client.send({ method: 'GET', path: `/api/v1/namespaces/${name}` });
    return status === 404;
  });
  return since(started);
}

async function namespaces(): Promise<Figure[]> {
  await using cluster = await Cluster.start(100);
  const fill = async (name: string, maps: number, pods: number): Promise<void> => {
    await cluster.namespace(name);
    const path = `/api/v1/namespaces/${name}/configmaps`;
    await run(maps, 32, (i) => cluster.post(path, configMap(`m-${i}`)));
    if (pods === 0) return;
    await cluster.post(`/apis/apps/v1/namespaces/${name}/deployments`, deployment('web', pods));
    using running = await PodCounter.start(cluster.client, name, 'status.phase=Running');
    await running.until(pods, 60);
  };
  await fill('maps', 5000, 0);
  const maps = await untilGone(cluster, 'maps');
  await fill('mixed', 4000, 1000);
  const mixed = await untilGone(cluster, 'mixed');
  return [
    { what: '5,000 ConfigMaps gone', value: maps, unit: 's', target: '5 s' },
    { what: '4,000 ConfigMaps and 1,000 running pods gone', value: mixed, unit: 's', target: '5 s' },
  ];
}

async function rollouts(): Promise<Figure[]> {
  const count = 500;
  const replicas = 4;
  await using cluster = await Cluster.start(1000);
  await cluster.namespace('bench');
  const path = '/apis/apps/v1/namespaces/bench/deployments';
  const complete = async (): Promise<boolean> => {
    const { items } = await cluster.get<{ items: DeploymentState[] }>(path);
    return items.length === count && items.every((item) => isComplete(item, replicas));
  };
  const created = performance.now();
  await run(count, 32, (i) => cluster.post(path, deployment(`web-${i}`, replicas)));
  await cluster.until('the first rollouts', 120, complete, 1000);
  const createSeconds = since(created);
  const started = performance.now();
  const cpu = cpuSeconds(cluster.process.pid);
  const requests = await cluster.requests();
  const patch = JSON.stringify({ spec: { template: { spec: { containers: [{ name: 'c', image: 'nginx:2' }] } } } });
  const contentType = 'application/strategic-merge-patch+json';
  await run(count, 32, (i) =>
    cluster.client.must({ method: 'PATCH', path: `${path}/web-${i}`, body: patch, contentType }),
  );
  await cluster.until('the rollouts', 180, complete, 1000);
  return [
    { what: '500 Deployments of 4 created and ready', value: createSeconds, unit: 's' },
    { what: 'a new image for all of them', value: since(started), unit: 's', target: '20 s' },
    { what: 'CPU of it', value: cpuSeconds(cluster.process.pid) - cpu, unit: 's' },
    ...(await requestsSince(cluster, requests)),
  ];
}

/** Reads and writes at a steady pace, as somebody at a keyboard would; how long they take while the cluster is busy. */
class Probe {
  readonly reads: number[] = [];
  readonly writes: number[] = [];
  readonly #client: ApiClient;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(client: ApiClient) {
    this.#client = client;
    this.#running = this.#run();
  }

  async #run(): Promise<void> {
    const path = '/api/v1/namespaces/default/configmaps';
    await this.#client.must({ method: 'POST', path, body: JSON.stringify(configMap('probe')) });
    const contentType = 'application/merge-patch+json';
    for (let i = 0; !this.#stop.signal.aborted; i++) {
      const started = performance.now();
      await this.#client.must({ method: 'GET', path: `${path}/probe` });
      this.reads.push(performance.now() - started);
      const body = JSON.stringify({ data: { i: String(i) } });
      const written = performance.now();
      await this.#client.must({ method: 'PATCH', path: `${path}/probe`, body, contentType });
      this.writes.push(performance.now() - written);
      await sleep(25);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}

const p99 = (values: readonly number[]): number => percentile(Float64Array.from(values).toSorted(), 0.99);

function rehearsal(nodes: number, pods: number): () => Promise<Figure[]> {
  return async () => {
    const registered = performance.now();
    await using cluster = await Cluster.start(nodes);
    const nodeSeconds = since(registered);
    await cluster.namespace('bench');
    using running = await PodCounter.start(cluster.client, 'bench', 'status.phase=Running');
    await using client = await ApiClient.connect(readKubeconfig(cluster.process.kubeconfig));
    const probe = new Probe(client);
    const perDeployment = 500;
    const cpuBefore = cpuSeconds(cluster.process.pid);
    const started = performance.now();
    await run(pods / perDeployment, 8, (i) =>
      cluster.post('/apis/apps/v1/namespaces/bench/deployments', deployment(`web-${i}`, perDeployment)),
    );
    const report = setInterval(() => {
      const mb = residentMegabytes(cluster.process.pid).toFixed(0);
      process.stderr.write(`  ${since(started).toFixed(0)} s: ${running.count} pods Running, ${mb} MB\n`);
    }, 10_000);
    await running.until(pods, 900).finally(() => clearInterval(report));
    const seconds = since(started);
    await probe[Symbol.asyncDispose]();
    const resident = residentMegabytes(cluster.process.pid);
    const busy = cpuSeconds(cluster.process.pid) - cpuBefore;
    await sleep(20_000);
    const cpu = cpuSeconds(cluster.process.pid);
    await sleep(20_000);
    return [
      { what: `${nodes} nodes registered and ready`, value: nodeSeconds, unit: 's' },
      { what: `${pods} pods Running`, value: seconds, unit: 's' },
      { what: 'pods Running a second', value: pods / seconds, unit: '/s' },
      { what: 'API reads meanwhile, p99', value: p99(probe.reads), unit: 'ms' },
      { what: 'API writes meanwhile, p99', value: p99(probe.writes), unit: 'ms' },
      { what: 'CPU of it', value: busy, unit: 's' },
      { what: 'resident then', value: resident, unit: 'MB', target: '8,000 MB' },
      { what: 'CPU afterwards, at rest', value: (cpuSeconds(cluster.process.pid) - cpu) * 5, unit: '% of a core' },
    ];
  };
}

/** What simulated nodes alone can do: pods that are bound from the start. */
async function prebound(): Promise<Figure[]> {
  const pods = 10_000;
  await using cluster = await Cluster.start(1000, '--no-controllers', '--no-scheduler');
  using running = await PodCounter.start(cluster.client, 'default', 'status.phase=Running');
  const started = performance.now();
  const created = await run(pods, 32, (i) => {
    const { metadata, spec } = template('web', 'nginx:1');
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name: `p-${i}` } };
    return cluster.post('/api/v1/namespaces/default/pods', { ...pod, spec: { ...spec, nodeName: `sim-${i % 1000}` } });
  });
  await running.until(pods, 120);
  return [
    { what: '10,000 pods created', value: created.perSecond, unit: '/s' },
    { what: '10,000 pods Running', value: pods / since(started), unit: '/s' },
  ];
}

export const controllerRows: readonly ControllerRow[] = [
  { name: 'deployment', title: 'a Deployment of 2,000 replicas on 1,000 simulated nodes', run: oneDeployment },
  { name: 'namespace', title: 'a namespace with 5,000 objects', run: namespaces },
  { name: 'rollouts', title: '500 Deployments of 4 replicas', run: rollouts },
  { name: 'prebound', title: 'simulated nodes alone: pods bound from the start', long: true, run: prebound },
  { name: 'rehearsal', title: '5,000 nodes, 50,000 pods', long: true, run: rehearsal(5000, 50_000) },
  { name: 'rehearsal-small', title: '1,000 nodes, 10,000 pods', long: true, run: rehearsal(1000, 10_000) },
];
