/** How many pods a second get bound, with the API server in the same process. */
import type { Clock } from '@kubets/apimachinery/clock';
import { silentLog } from '@kubets/apimachinery/log';
import { systemClock, systemRandom } from '@kubets/apimachinery/system-clock';
import { featureGateLookup } from '@kubets/api/feature-gates';
import type { ReplicaSet } from '@kubets/api/types/apps-v1';
import type { Node, Pod, PodSpec } from '@kubets/api/types/core-v1';
import { TestControlPlane } from '@kubets/kube-apiserver/testing/test-control-plane';
import { defaultConfiguration } from '../config/configuration.ts';
import { createScheduler } from '../scheduler.ts';

export type Shape =
  | 'basic'
  | 'zone-spread'
  | 'preferred-anti-affinity'
  | 'required-anti-affinity'
  /** Owned by a ReplicaSet: spread by default over zones and nodes. */
  | 'owned'
  /** Every other pod fits nowhere. */
  | 'half-unschedulable';

const selector = { matchLabels: { app: 'bench' } };

const specs: Readonly<Record<Shape, Partial<PodSpec>>> = {
  basic: {},
  'zone-spread': {
    topologySpreadConstraints: [
      {
        maxSkew: 5,
        topologyKey: 'topology.kubernetes.io/zone',
        whenUnsatisfiable: 'DoNotSchedule',
        labelSelector: selector,
      },
    ],
  },
  'required-anti-affinity': {
    affinity: {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { group: 'g' } } },
        ],
      },
    },
  },
  owned: {},
  'half-unschedulable': {},
  'preferred-anti-affinity': {
    affinity: {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: 1, podAffinityTerm: { topologyKey: 'kubernetes.io/hostname', labelSelector: selector } },
        ],
      },
    },
  },
};

function nodeOf(i: number): Node {
  const name = `node-${i}`;
  const amounts = { cpu: '32', memory: '256Gi', pods: '110' };
  return {
    metadata: {
      name,
      labels: { 'kubernetes.io/hostname': name, 'topology.kubernetes.io/zone': `zone-${i % 3}` },
    },
    status: { capacity: amounts, allocatable: amounts, conditions: [{ type: 'Ready', status: 'True' }] },
  } as Node;
}

const replicaSet: ReplicaSet = {
  metadata: { name: 'owner', namespace: 'default' },
  spec: {
    replicas: 0,
    selector,
    template: { metadata: { labels: selector.matchLabels }, spec: { containers: [{ name: 'c', image: 'i' }] } },
  },
};

/** Pods of one group keep apart: as many groups as it takes for all to find room. */
const groupOf = (i: number, nodes: number): string => `g${Math.floor(i / nodes)}`;

function podOf(i: number, shape: Shape, nodes: number): Pod {
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'owner', uid: 'owner', controller: true };
  const impossible = shape === 'half-unschedulable' && i % 2 === 1;
  return {
    metadata: {
      name: `pod-${i}`,
      namespace: 'default',
      labels: { app: 'bench', ...(shape === 'required-anti-affinity' ? { group: groupOf(i, nodes) } : {}) },
      ...(shape === 'owned' ? { ownerReferences: [owner] } : {}),
    },
    spec: {
      containers: [
        {
          name: 'pause',
          image: 'registry.k8s.io/pause:3.10',
          resources: { requests: { cpu: '100m', memory: '500Mi' } },
        },
      ],
      ...specFor(shape, i, nodes),
      ...(impossible ? { nodeSelector: { no: 'where' } } : {}),
    },
  };
}

function specFor(shape: Shape, i: number, nodes: number): Partial<PodSpec> {
  const text = JSON.stringify(specs[shape]);
  return JSON.parse(text.replaceAll('"group":"g"', `"group":"${groupOf(i, nodes)}"`)) as Partial<PodSpec>;
}

async function inParallel(count: number, run: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await run(next++);
  };
  await Promise.all(Array.from({ length: 32 }, worker));
}

async function fill(plane: TestControlPlane, nodes: number): Promise<void> {
  await inParallel(nodes, async (i) => {
    const node = nodeOf(i);
    const created = await plane.client.nodes().create(node);
    const body = { spec: { taints: null }, status: node.status };
    const type = 'application/merge-patch+json';
    await plane.client.nodes().patch(created.metadata.name ?? '', { type, body });
    await plane.client.nodes().patch(created.metadata.name ?? '', { type, body, subresource: 'status' });
  });
}

/** Resolves when so many pods have a node; follows a watch, which costs little. */
async function allBound(plane: TestControlPlane, pods: number, clock: Clock): Promise<number> {
  const bound = new Set<string>();
  const watch = await plane.client.pods('default').watch({ resourceVersion: '0' });
  for await (const { object } of watch) {
    if (((object as Readonly<Pod>).spec?.nodeName ?? '') !== '') bound.add(object.metadata.name ?? '');
    if (bound.size === pods) return clock.monotonic();
  }
  throw new Error('the watch has ended');
}

export interface Throughput {
  /** From the scheduler's start, the pods being there already. */
  readonly podsPerSecond: number;
  readonly seconds: number;
  /** Of this process, for each pod: on a busy machine it says more than the rate. */
  readonly cpuMicros: number;
  /** Events that were not sent. */
  readonly droppedEvents: number;
}

/** All pods are there when the scheduler starts, as in upstream's own measurements the queue is full most of the time. */
export async function measureThroughput(shape: Shape, nodes: number, pods: number): Promise<Throughput> {
  await using plane = await TestControlPlane.start({ clock: systemClock });
  await fill(plane, nodes);
  await inParallel(pods, (i) => plane.client.pods('default').create(podOf(i, shape, nodes)));
  if (shape === 'owned') await plane.client.replicaSets('default').create(replicaSet);
  let dropped = 0;
  const configuration = defaultConfiguration(featureGateLookup());
  const scheduler = createScheduler({
    clock: systemClock,
    random: systemRandom,
    log: { ...silentLog, warn: () => void dropped++ },
    transport: plane.transport(),
    identity: 'bench',
    configuration: { ...configuration, leaderElection: { ...configuration.leaderElection, leaderElect: false } },
  });
  const stop = new AbortController();
  const done = allBound(plane, shape === 'half-unschedulable' ? Math.ceil(pods / 2) : pods, systemClock);
  const cpu = process.cpuUsage();
  const started = systemClock.monotonic();
  const running = scheduler.run(stop.signal);
  const seconds = ((await done) - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const used = user + system;
  stop.abort(new Error('measured'));
  await running;
  return { podsPerSecond: pods / seconds, seconds, cpuMicros: used / pods, droppedEvents: dropped };
}
