/**
 * A scheduler under test against a whole API server in memory, on a clock that the test advances.
 *
 *     await using fixture = await SchedulerFixture.start();
 *     await fixture.node('n1');
 *     await fixture.pod('a');
 *     await fixture.until(async () => (await fixture.nodeOf('a')) === 'n1');
 */
import type { Clock } from '@kubets/apimachinery/clock';
import type { FakeClock } from '@kubets/apimachinery/fake-clock';
import { silentLog, type Log } from '@kubets/apimachinery/log';
import { MetricsRegistry } from '@kubets/apimachinery/metrics';
import { systemRandom } from '@kubets/apimachinery/system-clock';
import { featureGateLookup } from '@kubets/api/feature-gates';
import type { Node, Pod, PodSpec } from '@kubets/api/types/core-v1';
import type { KubeClient, Transport } from '@kubets/client';
import { settle } from '@kubets/client/testing';
import { TestControlPlane } from '@kubets/kube-apiserver/testing/test-control-plane';
import { createScheduler, type Scheduler, type SchedulerOptions } from '../scheduler.ts';
import { defaultConfiguration } from '../config/configuration.ts';

export interface SchedulerFixtureOptions extends Partial<SchedulerOptions> {
  /** Goes on with a plane that runs already. It is not disposed of then. */
  readonly plane?: TestControlPlane;
  /** Of the plane; default: one that stands still. */
  readonly planeClock?: Clock;
  readonly wrap?: (transport: Transport) => Transport;
}

export interface NodeShape {
  readonly labels?: Record<string, string>;
  readonly taints?: NonNullable<Node['spec']>['taints'];
  readonly cpu?: string;
  readonly memory?: string;
  readonly pods?: string;
}

export function nodeObject(name: string, shape: NodeShape = {}): Node {
  const { labels, taints, cpu = '4', memory = '32Gi', pods = '110' } = shape;
  const amounts = { cpu, memory, pods };
  return {
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
    ...(taints === undefined ? {} : { spec: { taints } }),
    status: {
      capacity: amounts,
      allocatable: amounts,
      conditions: [{ type: 'Ready', status: 'True' }],
    } as Node['status'],
  } as Node;
}

export function podObject(name: string, spec: Partial<PodSpec> = {}, labels?: Record<string, string>): Pod {
  return {
    metadata: { name, namespace: 'default', ...(labels === undefined ? {} : { labels }) },
    spec: { containers: [{ name: 'c', image: 'registry.k8s.io/pause:3.10' }], ...spec },
  };
}

export class SchedulerFixture implements AsyncDisposable {
  readonly plane: TestControlPlane;
  readonly client: KubeClient;
  readonly scheduler: Scheduler;
  readonly metrics: MetricsRegistry;
  /** What the scheduler logged as errors. */
  readonly errors: string[] = [];
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  readonly #ownsPlane: boolean;

  private constructor(plane: TestControlPlane, options: SchedulerFixtureOptions) {
    this.plane = plane;
    this.client = plane.client;
    this.#ownsPlane = options.plane === undefined;
    this.metrics = new MetricsRegistry();
    const keep = (fields: object, message: string): void =>
      void this.errors.push(`${message} ${JSON.stringify(fields)}`);
    const log: Log = { ...silentLog, error: keep, warn: keep };
    const configuration = defaultConfiguration(featureGateLookup(options.featureGates));
    const transport = plane.transport();
    this.scheduler = createScheduler({
      clock: options.clock ?? plane.clock,
      random: systemRandom,
      log,
      transport: options.wrap?.(transport) ?? transport,
      identity: 'test',
      metrics: this.metrics,
      configuration: {
        ...configuration,
        leaderElection: { ...configuration.leaderElection, leaderElect: false },
      },
      ...options,
    });
    this.#running = this.scheduler.run(this.#stop.signal);
  }

  static async start(options: SchedulerFixtureOptions = {}): Promise<SchedulerFixture> {
    const clock = options.planeClock;
    const plane = options.plane ?? (await TestControlPlane.start(clock === undefined ? {} : { clock }));
    const fixture = new SchedulerFixture(plane, options);
    await settle(30);
    return fixture;
  }

  get clock(): FakeClock {
    return this.plane.clock;
  }

  async node(name: string, shape: NodeShape = {}): Promise<void> {
    const node = nodeObject(name, shape);
    await this.client.nodes().create(node);
    const created = await this.client.nodes().get(name);
    await this.client.nodes().updateStatus({ ...created, status: node.status ?? {} } as Node);
    if ((created.spec?.taints ?? []).some(({ key }) => key === 'node.kubernetes.io/not-ready')) {
      const taints = shape.taints ?? [];
      const body = { spec: { taints: taints.length === 0 ? null : taints } };
      await this.client.nodes().patch(name, { type: 'application/merge-patch+json', body });
    }
  }

  async pod(name: string, spec: Partial<PodSpec> = {}, labels?: Record<string, string>): Promise<void> {
    await this.client.pods('default').create(podObject(name, spec, labels));
  }

  async nodeOf(name: string): Promise<string> {
    return (await this.client.pods('default').get(name)).spec?.nodeName ?? '';
  }

  /** The message of the PodScheduled condition. */
  async message(name: string): Promise<string> {
    const { status } = await this.client.pods('default').get(name);
    return status?.conditions?.find(({ type }) => type === 'PodScheduled')?.message ?? '';
  }

  /** Notes of the Events about a pod. */
  async events(name: string): Promise<{ reason: string; note: string; type: string }[]> {
    const { items } = await this.client.eventsV1('default').list();
    return items
      .filter(({ regarding }) => regarding?.name === name)
      .map(({ reason = '', note = '', type = '' }) => ({ reason, note, type }));
  }

  async settle(): Promise<void> {
    await settle(30);
  }

  /** Resolves when the condition holds: first at the present time of the clock, then advancing it in steps. */
  async until(condition: () => boolean | Promise<boolean>, { stepMs = 500, steps = 100 } = {}): Promise<void> {
    for (let i = 0; i < steps; i++) {
      await this.settle();
      if (await condition()) return;
      this.clock.advance(stepMs);
    }
    throw new Error(`not within ${(steps * stepMs) / 1000} s: ${condition.toString()}\n${this.errors.join('\n')}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('the test is over'));
    await this.#running;
    if (this.#ownsPlane) await this.plane[Symbol.asyncDispose]();
  }
}
