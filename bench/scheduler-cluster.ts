/** The API server and the scheduler in one process, for measuring. */
import { systemClock, systemRandom } from '@kubets/apimachinery/system-clock';
import { silentLog } from '@kubets/apimachinery/log';
import { MetricsRegistry } from '@kubets/apimachinery/metrics';
import { featureGateLookup } from '@kubets/api/feature-gates';
import type { Pod } from '@kubets/api/types/core-v1';
import type { KubeClient } from '@kubets/client';
import { openEmbeddedStore } from '@kubets/etcd';
import { TestControlPlane } from '@kubets/kube-apiserver/testing/test-control-plane';
import { createScheduler } from '@kubets/kube-scheduler';
import { defaultConfiguration } from '@kubets/kube-scheduler/config/configuration';
import { temporaryDirectory } from '../test/harness/kubets-process.ts';
import { run } from './measure.ts';
import { nodeOf, podOf, volumeOf, type PodTemplate, type Shape } from './scheduler-shapes.ts';

/** How many requests are under way at a time. */
const callers = 16;

/** `embedded`: on disk, as `kubets up` has it. `memory`: the API server's own cost without the disk's. */
export type Store = 'embedded' | 'memory';

export class SchedulerCluster implements AsyncDisposable {
  readonly client: KubeClient;
  /** Of the scheduler that runs, or ran last. */
  metrics = new MetricsRegistry();
  readonly #plane: TestControlPlane;
  readonly #stack: AsyncDisposableStack;
  readonly #bound = new Set<string>();
  /** When each pod was asked for, and was seen with a node, in milliseconds. */
  readonly asked = new Map<string, number>();
  readonly boundAt = new Map<string, number>();
  #waiting: { readonly count: () => number; readonly wanted: number; resolve(): void } | undefined;
  #stop: AbortController | undefined;
  #running: Promise<void> | undefined;

  private constructor(plane: TestControlPlane, stack: AsyncDisposableStack) {
    this.#plane = plane;
    this.#stack = stack;
    this.client = plane.client;
  }

  static async start(store: Store): Promise<SchedulerCluster> {
    await using stack = new AsyncDisposableStack();
    let server = {};
    if (store === 'embedded') {
      const directory = stack.use(await temporaryDirectory());
      server = { storage: stack.use(await openEmbeddedStore({ dataDir: directory.path, clock: systemClock })) };
    }
    const plane = stack.use(await TestControlPlane.start({ clock: systemClock, server }));
    const cluster = new SchedulerCluster(plane, stack.move());
    await cluster.#follow();
    return cluster;
  }

  /** Nodes as they are once they are ready. */
  async addNodes(shape: Shape, count: number): Promise<void> {
    const nodes = this.client.nodes();
    await run(count, callers, async (i) => {
      const created = await nodes.create(nodeOf(shape, i));
      if (created.spec?.taints !== undefined) await nodes.update({ ...created, spec: { ...created.spec, taints: [] } });
    });
  }

  async addNamespaces(shape: Shape): Promise<void> {
    for (const { name, labels } of shape.namespaces ?? []) {
      const metadata = { name, ...(labels && { labels }) };
      await this.client.namespaces().create({ kind: 'Namespace', apiVersion: 'v1', metadata });
      // No controller makes it; pods need it.
      await this.client
        .serviceAccounts(name)
        .create({ kind: 'ServiceAccount', apiVersion: 'v1', metadata: { name: 'default', namespace: name } })
        .catch(() => undefined);
    }
    const metadata = { name: 'priority-10' };
    await this.client
      .priorityClasses()
      .create({ kind: 'PriorityClass', apiVersion: 'scheduling.k8s.io/v1', metadata, value: 10 });
  }

  /** Names of pods start with `prefix`. */
  async addPods(template: PodTemplate, count: number, prefix: string): Promise<void> {
    await run(count, callers, (i) => this.addPod(template, `${prefix}-${i}`));
  }

  /** The volumes of pods that are still to come. */
  async addVolumes(count: number, prefix: string): Promise<void> {
    await run(count, callers, async (i) => {
      const { volume, claim } = volumeOf(`${prefix}-${i}`);
      await this.client.persistentVolumes().create(volume);
      await this.client.persistentVolumeClaims('default').create(claim);
    });
  }

  async addPod(template: PodTemplate, name: string): Promise<void> {
    this.asked.set(name, performance.now());
    await this.client.pods(template.namespace ?? 'default').create(podOf(template, name));
  }

  startScheduler(): void {
    this.metrics = new MetricsRegistry();
    const configuration = defaultConfiguration(featureGateLookup());
    const scheduler = createScheduler({
      clock: systemClock,
      random: systemRandom,
      log: { ...silentLog, error: (fields, message) => process.stderr.write(`${message} ${JSON.stringify(fields)}\n`) },
      transport: this.#plane.transport('system:kube-scheduler', ['system:authenticated']),
      identity: 'bench',
      metrics: this.metrics,
      configuration: { ...configuration, leaderElection: { ...configuration.leaderElection, leaderElect: false } },
    });
    this.#stop = new AbortController();
    this.#running = scheduler.run(this.#stop.signal);
  }

  async stopScheduler(): Promise<void> {
    this.#stop?.abort(new Error('the measurement is over'));
    await this.#running;
  }

  /** Resolves when so many pods whose names start with `prefix` have got a node. */
  async untilBound(prefix: string, wanted: number, seconds = 300): Promise<void> {
    let count = 0;
    for (const name of this.#bound) if (name.startsWith(prefix)) count++;
    if (count >= wanted) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#prefix = prefix;
    this.#count = count;
    this.#waiting = { count: () => this.#count, wanted, resolve };
    const late = (): void => reject(new Error(`only ${this.#count} of ${wanted} pods bound within ${seconds} s`));
    const timer = setTimeout(late, seconds * 1000);
    await promise.finally(() => clearTimeout(timer));
    this.#waiting = undefined;
  }

  #prefix = '';
  #count = 0;

  async #follow(): Promise<void> {
    const stop = new AbortController();
    const watch = await this.client.pods('').watch({ resourceVersion: '0', signal: stop.signal });
    this.#stack.defer(() => stop.abort());
    void (async () => {
      for await (const { type, object } of watch) if (type !== 'DELETED') this.#see(object as Readonly<Pod>);
    })().catch(() => undefined);
  }

  #see({ metadata, spec }: Readonly<Pod>): void {
    const { name = '' } = metadata;
    if ((spec?.nodeName ?? '') === '' || this.#bound.has(name)) return;
    this.#bound.add(name);
    this.boundAt.set(name, performance.now());
    if (this.#waiting === undefined || !name.startsWith(this.#prefix)) return;
    if (++this.#count >= this.#waiting.wanted) this.#waiting.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopScheduler();
    await this.#stack.disposeAsync();
  }
}
