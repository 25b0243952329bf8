/**
 * Plugins under test without a scheduler: an API server in memory, informers, and a handle whose nodes are what the server has.
 *
 *     await using fixture = await PluginFixture.start();
 *     await fixture.addNode(node);
 *     const plugin = volumeBinding({}, fixture.handle);
 *     await fixture.sync();
 *     plugin.preFilter(new CycleState(), podInfo(pod), fixture.handle.nodes);
 */
import type { FakeClock } from '@kubets/apimachinery/fake-clock';
import { silentLog } from '@kubets/apimachinery/log';
import { MetricsRegistry } from '@kubets/apimachinery/metrics';
import { systemRandom } from '@kubets/apimachinery/system-clock';
import { featureGateLookup } from '@kubets/api/feature-gates';
import type { Node, Pod } from '@kubets/api/types/core-v1';
import {
  kubeClient,
  referenceTo,
  SharedInformerFactory,
  type EventNote,
  type KubeClient,
  type Transport,
} from '@kubets/client';
import { settle } from '@kubets/client/testing';
import { TestControlPlane } from '@kubets/kube-apiserver/testing/test-control-plane';
import { NodeInfo } from '../framework/node-info.ts';
import { PodInfo } from '../framework/pod-info.ts';
import { Status } from '../framework/status.ts';
import type { Extender, Handle, NodeInfoLister, NodeStatuses, Outcome, WaitingPod } from '../framework/types.ts';
import { emptyCluster, type ReferenceCluster } from '../reference/cluster.ts';
import { feasible } from '../reference/reference.ts';

/** Pods on nodes, by hand. */
export class FakeNodes implements NodeInfoLister {
  readonly #byName = new Map<string, NodeInfo>();

  constructor({ nodes, pods }: Pick<ReferenceCluster, 'nodes' | 'pods'> = emptyCluster) {
    for (const node of nodes) {
      const { name = '' } = node.metadata;
      this.#byName.set(name, new NodeInfo(name, -1, node));
    }
    for (const pod of pods) this.#byName.get(pod.spec?.nodeName ?? '')?.addPod(new PodInfo(pod));
  }

  get size(): number {
    return this.#byName.size;
  }

  list(): readonly NodeInfo[] {
    return [...this.#byName.values()];
  }

  get(nodeName: string): NodeInfo | undefined {
    return this.#byName.get(nodeName);
  }

  havingPodsWithAffinity(): readonly NodeInfo[] {
    return this.list().filter((node) => node.podsWithAffinity.length > 0);
  }

  havingPodsWithRequiredAntiAffinity(): readonly NodeInfo[] {
    return this.list().filter((node) => node.podsWithRequiredAntiAffinity.length > 0);
  }

  isClaimUsed(key: string): boolean {
    return this.list().some((node) => node.claimUsers.has(key));
  }
}

/** Whether the pod fits on one node by itself, as the reference sees it. */
export function fitsByReference(pod: PodInfo, node: NodeInfo): Outcome {
  const name = node.name;
  const cluster = {
    ...emptyCluster,
    nodes: node.node === undefined ? [] : [node.node],
    pods: node.pods.map((info) => ({ ...info.pod, spec: { containers: [], ...info.pod.spec, nodeName: name } })),
  };
  const rejection = feasible(pod.pod, cluster).reasons.get(name);
  return rejection === undefined ? undefined : new Status(rejection.code, rejection.reasons).by(rejection.plugin);
}

/** The statuses of all nodes, as the filters of one attempt left them. */
export function statusesOf(nodes: NodeInfoLister, filter: (node: NodeInfo) => Outcome): NodeStatuses {
  const get = (name: string): Status => {
    const node = nodes.get(name);
    return (node === undefined ? undefined : filter(node)) ?? Status.unresolvable();
  };
  return { get, nodesWithCode: (code) => nodes.list().filter((node) => get(node.name).code === code) };
}

export interface RecordedEvent extends EventNote {
  /** `namespace/name` of what it is about. */
  readonly about: string;
}

export interface PluginFixtureOptions {
  readonly featureGates?: Readonly<Record<string, boolean>>;
  readonly extenders?: readonly Extender[];
  /** Wraps the plugin's way to the server: faults, delays, counts. */
  readonly wrap?: (transport: Transport) => Transport;
}

export class PluginFixture implements AsyncDisposable {
  readonly plane: TestControlPlane;
  readonly client: KubeClient;
  readonly clock: FakeClock;
  readonly handle: Handle;
  nodes = new FakeNodes();
  /** What decides whether a pod fits on a node. */
  filter: (pod: PodInfo, node: NodeInfo) => Outcome = fitsByReference;
  readonly events: RecordedEvent[] = [];
  readonly activated: string[] = [];
  readonly waiting = new Map<string, WaitingPod>();
  readonly nominated = new Map<string, PodInfo[]>();
  readonly #informers: SharedInformerFactory;
  readonly #stop = new AbortController();
  #background: Promise<void>[] = [];

  private constructor(plane: TestControlPlane, options: PluginFixtureOptions) {
    this.plane = plane;
    this.client = plane.client;
    this.clock = plane.clock;
    this.#informers = new SharedInformerFactory({
      transport: plane.transport(),
      clock: plane.clock,
      random: systemRandom,
      onError: (error) => {
        throw error;
      },
    });
    this.handle = this.#makeHandle(options);
  }

  static async start(options: PluginFixtureOptions = {}): Promise<PluginFixture> {
    return new PluginFixture(await TestControlPlane.start(), options);
  }

  /** Creates a node as given: without the taint that new nodes get until they are ready. */
  async addNode(node: Node): Promise<void> {
    const created = await this.client.nodes().create(structuredClone(node));
    await this.client.nodes().update({ ...created, spec: { ...created.spec, taints: node.spec?.taints } });
  }

  /** Starts informers that were asked for meanwhile, and reads nodes and pods anew. */
  async sync(): Promise<void> {
    this.#informers.start(this.#stop.signal);
    await this.#informers.waitForCacheSync(this.#stop.signal);
    await settle(30);
    const [nodes, pods] = await Promise.all([this.client.nodes().list(), this.client.pods('').list()]);
    this.nodes = new FakeNodes({ nodes: [...nodes.items], pods: [...pods.items] });
  }

  /** Resolves when all work in the background has ended. */
  async idle(): Promise<void> {
    const work = this.#background;
    this.#background = [];
    await Promise.all(work);
  }

  #makeHandle({ featureGates, extenders = [], wrap }: PluginFixtureOptions): Handle {
    const transport = this.plane.transport();
    const lister = (): FakeNodes => this.nodes;
    return {
      profileName: 'default-scheduler',
      client: wrap === undefined ? this.client : kubeClient(wrap(transport)),
      informers: this.#informers,
      clock: this.clock,
      random: { float: () => 0, uuid: () => systemRandom.uuid() },
      log: silentLog,
      metrics: new MetricsRegistry(),
      get nodes() {
        return lister();
      },
      nominator: {
        nominatedPodsFor: (nodeName) => this.nominated.get(nodeName) ?? [],
        addNominatedPod: () => {},
        deleteNominatedPod: () => {},
      },
      extenders,
      featureEnabled: featureGateLookup(featureGates),
      serves: () => true,
      event: (regarding, note) => {
        const { namespace, name } = referenceTo(regarding);
        this.events.push({ ...note, about: `${namespace}/${name}` });
      },
      runFilterPluginsWithNominatedPods: (_state, pod, node) => this.filter(pod, node),
      runAddPod: () => undefined,
      runRemovePod: () => undefined,
      waitingPod: (uid) => this.waiting.get(uid),
      waitingPods: () => this.waiting.values(),
      activate: (pods) => {
        for (const pod of pods) this.activated.push(pod.metadata.name ?? '');
      },
      background: (work) => void this.#background.push(work),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('the test is over'));
    await this.#informers[Symbol.asyncDispose]();
    await this.plane[Symbol.asyncDispose]();
  }
}

export const podInfo = (pod: Readonly<Pod>): PodInfo => new PodInfo(pod);
