/** What `npm run bench -- scheduler` measures: the shapes of upstream's scheduler_perf, scaled by how many nodes and pods there are. */
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod, PodSpec } from '@kubets/api/types/core-v1';

const zoneKey = 'topology.kubernetes.io/zone';
const hostKey = 'kubernetes.io/hostname';

/** Everything but the name. */
export interface PodTemplate {
  readonly labels?: Record<string, string>;
  readonly namespace?: string;
  /** By priority class of the same value. */
  readonly priority?: number;
  readonly spec?: Partial<PodSpec>;
  readonly requests?: Record<string, string>;
  /** Each pod has a volume of its own, of the pod's name, that is bound already. */
  readonly volume?: boolean;
}

/** How large the cluster is. */
export interface Scale {
  readonly nodes: number;
  readonly pods: number;
}

export interface InitialPods {
  readonly template: PodTemplate;
  count(scale: Scale): number;
  /** They stay without a node. */
  readonly waits?: boolean;
}

export interface Shape {
  readonly name: string;
  /** As upstream names it, with its rate on 5,000 nodes that the project's own tests demand. */
  readonly upstream: string;
  /** Zones that nodes are spread over. */
  readonly zones?: readonly string[];
  /** Namespaces besides `default`. */
  readonly namespaces?: readonly { readonly name: string; readonly labels?: Record<string, string> }[];
  /** One node that takes all pods, instead of many. */
  readonly singleNode?: boolean;
  readonly initial?: readonly InitialPods[];
  /** Goes on while pods are measured. */
  readonly churn?: 'high-priority' | 'unschedulable' | 'mixed' | 'deletes';
  readonly measured: PodTemplate;
  /** How many are measured; default: `pods`. */
  count?(scale: Scale): number;
}

const small = { cpu: '100m', memory: '500Mi' };
const plain: PodTemplate = { requests: small };
const light: PodTemplate = { spec: { terminationGracePeriodSeconds: 0 } };
/** Nine tenths of a core; four of them leave a node without room for more. */
const low: PodTemplate = { requests: { cpu: '900m', memory: '500Mi' }, spec: { terminationGracePeriodSeconds: 0 } };
const high: PodTemplate = { requests: { cpu: '3000m', memory: '500Mi' }, priority: 10 };
/** More than any node has. */
export const impossible: PodTemplate = { requests: { cpu: '9', memory: '500Mi' }, priority: 10 };
export const highPriority = high;

const affinityNamespaces = [{ name: 'sched-0' }, { name: 'sched-1' }];
const both = ['sched-1', 'sched-0'];

const term = (color: string, topologyKey: string) => ({
  labelSelector: { matchLabels: { color } },
  topologyKey,
  namespaces: both,
});

const required = (kind: 'podAffinity' | 'podAntiAffinity', color: string, key: string): PodTemplate => ({
  labels: { color },
  requests: small,
  spec: { affinity: { [kind]: { requiredDuringSchedulingIgnoredDuringExecution: [term(color, key)] } } },
});

const preferred = (kind: 'podAffinity' | 'podAntiAffinity', color: string): PodTemplate => ({
  labels: { color },
  requests: small,
  spec: {
    affinity: {
      [kind]: {
        preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: term(color, hostKey) }],
      },
    },
  },
});

const spread = (whenUnsatisfiable: 'DoNotSchedule' | 'ScheduleAnyway'): PodTemplate => ({
  labels: { color: 'blue' },
  requests: small,
  spec: {
    topologySpreadConstraints: [
      { maxSkew: 5, topologyKey: zoneKey, whenUnsatisfiable, labelSelector: { matchLabels: { color: 'blue' } } },
    ],
  },
});

const inNamespace = (template: PodTemplate, namespace: string): PodTemplate => ({ ...template, namespace });

/** A fifth of the pods are there before. */
const before = (template: PodTemplate): readonly InitialPods[] => [
  { template, count: ({ pods }) => Math.ceil(pods / 5) },
];

const moons = ['moon-1', 'moon-2', 'moon-3'];

/** A pod template whose first is in one namespace and the measured in another. */
const affinityShape = (name: string, upstream: string, template: PodTemplate, zones?: readonly string[]): Shape => ({
  name,
  upstream,
  namespaces: affinityNamespaces,
  ...(zones && { zones }),
  initial: before(inNamespace(template, 'sched-0')),
  measured: inNamespace(template, 'sched-1'),
});

const antiAffinity = required('podAntiAffinity', 'green', hostKey);

export const shapes: readonly Shape[] = [
  { name: 'basic', upstream: 'SchedulingBasic, 270/s', initial: before(plain), measured: plain },
  {
    name: 'node-affinity',
    upstream: 'SchedulingNodeAffinity, 220/s',
    zones: ['zone1'],
    initial: before(plain),
    measured: {
      requests: small,
      spec: {
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchExpressions: [{ key: zoneKey, operator: 'In', values: ['zone1', 'zone2'] }] }],
            },
          },
        },
      },
    },
  },
  {
    name: 'daemonset',
    upstream: 'SchedulingDaemonset, 390/s',
    measured: {
      spec: {
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [
                { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['scheduler-perf-node'] }] },
              ],
            },
          },
        },
      },
    },
  },
  {
    ...affinityShape('anti-affinity', 'SchedulingPodAntiAffinity, 60/s', antiAffinity),
    // One pod for each node at most.
    initial: [{ template: inNamespace(antiAffinity, 'sched-0'), count: ({ nodes }) => Math.floor(nodes / 5) }],
    count: ({ nodes, pods }) => Math.min(pods, Math.floor(nodes / 2)),
  },
  affinityShape('affinity', 'SchedulingPodAffinity, 35/s', required('podAffinity', 'blue', zoneKey), ['zone1']),
  affinityShape('preferred-affinity', 'SchedulingPreferredPodAffinity, 90/s', preferred('podAffinity', 'red')),
  affinityShape(
    'preferred-anti-affinity',
    'SchedulingPreferredPodAntiAffinity, 90/s',
    preferred('podAntiAffinity', 'yellow'),
  ),
  {
    name: 'mixed-affinity',
    upstream: 'MixedSchedulingBasePod, 140/s',
    zones: ['zone1'],
    namespaces: affinityNamespaces,
    initial: [
      plain,
      required('podAffinity', 'blue', zoneKey),
      antiAffinity,
      preferred('podAffinity', 'red'),
      preferred('podAntiAffinity', 'yellow'),
    ].map((template) => ({
      template: inNamespace(template, 'sched-0'),
      count: ({ nodes, pods }) => Math.min(Math.ceil(pods / 5), Math.floor(nodes / 3)),
    })),
    measured: plain,
  },
  {
    name: 'anti-affinity-namespaces',
    upstream: 'SchedulingRequiredPodAntiAffinityWithNSSelector, 24/s',
    namespaces: [
      { name: 'init-0', labels: { team: 'devops' } },
      { name: 'init-1', labels: { team: 'devops' } },
      { name: 'measure', labels: { team: 'devops' } },
    ],
    initial: ['init-0', 'init-1'].map((namespace) => ({
      template: { ...namespaceSelected(), namespace },
      count: ({ nodes }) => Math.floor(nodes / 5),
    })),
    measured: { ...namespaceSelected(), namespace: 'measure' },
    count: ({ nodes, pods }) => Math.min(pods, Math.floor(nodes / 3)),
  },
  {
    name: 'spread',
    upstream: 'TopologySpreading, 85/s',
    zones: moons,
    initial: before(plain),
    measured: spread('DoNotSchedule'),
  },
  {
    name: 'preferred-spread',
    upstream: 'PreferredTopologySpreading, 125/s',
    zones: moons,
    initial: before(plain),
    measured: spread('ScheduleAnyway'),
  },
  {
    name: 'preemption',
    upstream: 'PreemptionBasic',
    initial: [{ template: low, count: ({ nodes }) => 4 * nodes }],
    measured: high,
    count: ({ nodes, pods }) => Math.min(nodes, pods),
  },
  {
    name: 'preemption-async',
    upstream: 'PreemptionAsync, 160/s',
    initial: [{ template: low, count: ({ nodes }) => 4 * nodes }],
    churn: 'high-priority',
    measured: { requests: { cpu: '100m', memory: '500Mi' } },
    count: ({ nodes, pods }) => Math.min(2 * nodes, pods),
  },
  {
    name: 'unschedulable',
    upstream: 'Unschedulable, 140/s',
    initial: before(plain),
    churn: 'unschedulable',
    measured: plain,
  },
  { name: 'mixed-churn', upstream: 'SchedulingWithMixedChurn, 265/s', churn: 'mixed', measured: plain },
  { name: 'volumes', upstream: 'SchedulingCSIPVs', measured: { ...plain, volume: true } },
  {
    name: 'gated',
    upstream: 'SchedulingWhileGated, 130/s',
    singleNode: true,
    initial: [
      {
        template: { spec: { schedulingGates: [{ name: 'test.k8s.io/hold' }] } },
        count: ({ pods }) => 2 * pods,
        waits: true,
      },
      { template: { ...light, namespace: 'deleting' }, count: ({ pods }) => pods },
    ],
    namespaces: [{ name: 'deleting' }],
    churn: 'deletes',
    measured: light,
  },
];

function namespaceSelected(): PodTemplate {
  const selected = {
    labelSelector: { matchLabels: { color: 'green' } },
    topologyKey: hostKey,
    namespaceSelector: { matchLabels: { team: 'devops' } },
  };
  return {
    labels: { color: 'green' },
    requests: small,
    spec: { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [selected] } } },
  };
}

export function nodeOf(shape: Shape, i: number): Node {
  const single = shape.singleNode === true || (shape.name === 'daemonset' && i === 0);
  const name = single ? 'scheduler-perf-node' : `node-${i}`;
  const amounts = { cpu: '4', memory: '32Gi', pods: single ? '90000' : '110' };
  const zone = shape.zones?.[i % shape.zones.length];
  return {
    kind: 'Node',
    apiVersion: 'v1',
    metadata: { name, labels: { [hostKey]: name, ...(zone !== undefined && { [zoneKey]: zone }) } },
    spec: {},
    status: { capacity: amounts, allocatable: amounts, conditions: [{ type: 'Ready', status: 'True' }] },
  };
}

export function podOf(template: PodTemplate, name: string): Pod {
  const { labels, namespace = 'default', priority, requests, spec, volume } = template;
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { name, namespace, ...(labels && { labels }) },
    spec: {
      containers: [
        {
          name: 'pause',
          image: 'registry.k8s.io/pause:3.10.2',
          ports: [{ containerPort: 80 }],
          ...(requests && { resources: { limits: requests, requests } }),
        },
      ],
      ...(volume === true && { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: name } }] }),
      ...(priority !== undefined && { priorityClassName: `priority-${priority}` }),
      ...spec,
    },
  };
}

/** A volume that every node can reach, and the claim that it is bound to. */
export function volumeOf(name: string): { readonly volume: PersistentVolume; readonly claim: PersistentVolumeClaim } {
  const shared = { accessModes: ['ReadOnlyMany' as const], storageClassName: '' };
  const claimRef = { kind: 'PersistentVolumeClaim', namespace: 'default', name };
  return {
    volume: {
      kind: 'PersistentVolume',
      apiVersion: 'v1',
      metadata: { name },
      spec: {
        ...shared,
        capacity: { storage: '1Gi' },
        csi: { driver: 'ebs.csi.aws.com', volumeHandle: name },
        claimRef,
        persistentVolumeReclaimPolicy: 'Retain',
      },
    },
    claim: {
      kind: 'PersistentVolumeClaim',
      apiVersion: 'v1',
      metadata: { name, namespace: 'default', annotations: { 'pv.kubernetes.io/bind-completed': 'true' } },
      spec: { ...shared, volumeName: name, resources: { requests: { storage: '1Gi' } } },
    },
  };
}
