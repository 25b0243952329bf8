/**
 * Random clusters and pods for property tests (fast-check). The universe is small on purpose: few labels, zones, ports and
 * sizes, so that everything meets everything. Objects are as the API server stores them, defaults filled in.
 */
import fc from 'fast-check';
import type {
  Affinity,
  Container,
  ContainerPort,
  Namespace,
  Node,
  NodeSelectorTerm,
  Pod,
  PodAffinityTerm,
  PodSpec,
  PodStatus,
  Service,
  Taint,
  Toleration,
  TopologySpreadConstraint,
} from '@kubets/api/types/core-v1';
import type { ReplicaSet } from '@kubets/api/types/apps-v1';
import type { LabelSelector } from '@kubets/apimachinery/label-selector';
import type { ReferenceCluster } from '../reference/cluster.ts';

const zone = 'topology.kubernetes.io/zone';
const hostname = 'kubernetes.io/hostname';
const namespaces = ['default', 'one', 'two'] as const;
const mebibyte = 1024 * 1024;

/** Something in `weight` of `weight + 4` cases: an object in which every field is set meets nothing. */
const seldom = <T>(arbitrary: fc.Arbitrary<T>, weight = 3): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight, arbitrary });

/** Drops absent fields, as JSON does. */
function present<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}

const nonEmpty = <T>(list: T[]): T[] | undefined => (list.length === 0 ? undefined : list);

const podLabels = fc
  .record({ app: seldom(fc.constantFrom('a', 'b', 'c'), 1), tier: seldom(fc.constantFrom('x', 'y')) })
  .map((labels) => present(labels) as Record<string, string>);

const labelSelector: fc.Arbitrary<LabelSelector> = fc.oneof(
  fc.constantFrom('a', 'b', 'c').map((app) => ({ matchLabels: { app } })),
  fc.constant({}),
  fc.constantFrom('x', 'y').map((tier) => ({ matchExpressions: [{ key: 'tier', operator: 'In', values: [tier] }] })),
  fc.constant({ matchExpressions: [{ key: 'tier', operator: 'DoesNotExist' }] }),
  fc.constant({ matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['a', 'b'] }] }),
);

// ---- Nodes -----------------------------------------------------------------------------------------------------------------

const taint: fc.Arbitrary<Taint> = fc
  .record({
    key: fc.constantFrom('dedicated', 'old'),
    value: seldom(fc.constantFrom('a', 'b')),
    effect: fc.constantFrom('NoSchedule' as const, 'PreferNoSchedule' as const, 'NoExecute' as const),
  })
  .map(present);

/** Sizes are the same wherever an image is. */
const imageSizes: Readonly<Record<string, number>> = {
  'small:latest': 10 * mebibyte,
  'example.com/middle:v1': 300 * mebibyte,
  'large:latest': 1500 * mebibyte,
};

/** Those that pods may need. */
const features = ['RestartAllContainersOnContainerExits', 'UserNamespacesHostNetworkSupport'] as const;

const node = fc
  .record({
    zone: seldom(fc.constantFrom('z1', 'z2', 'z3'), 8),
    hasHostname: fc.constantFrom(true, true, true, false),
    disk: seldom(fc.constantFrom('ssd', 'hdd')),
    size: seldom(fc.constantFrom('1', '2', '10')),
    cpu: fc.constantFrom('500m', '1', '2', '4'),
    memory: fc.constantFrom('256Mi', '1Gi', '2Gi', '4G'),
    pods: fc.constantFrom('1', '3', '10', '110'),
    gpus: seldom(fc.constantFrom('0', '1', '4')),
    taints: fc.array(taint, { maxLength: 2 }),
    unschedulable: fc.constantFrom(false, false, false, true),
    images: fc.subarray(Object.keys(imageSizes)),
    features: fc.subarray([...features]),
  })
  .map((shape) => (name: string): Node => ({
    kind: 'Node',
    apiVersion: 'v1',
    metadata: {
      name,
      uid: `uid-${name}`,
      labels: present({
        ...(shape.hasHostname && { [hostname]: name }),
        [zone]: shape.zone as string,
        disk: shape.disk as string,
        size: shape.size as string,
      }),
    },
    spec: present({
      ...(shape.unschedulable && { unschedulable: true }),
      taints: nonEmpty([
        ...shape.taints,
        ...(shape.unschedulable ? [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' as const }] : []),
      ]),
    }),
    status: {
      allocatable: present({
        cpu: shape.cpu,
        memory: shape.memory,
        'ephemeral-storage': '10Gi',
        pods: shape.pods,
        'example.com/gpu': shape.gpus as string,
      }),
      images: shape.images.map((image) => ({ names: [image], sizeBytes: imageSizes[image] ?? 0 })),
      ...(shape.features.length > 0 && { declaredFeatures: shape.features }),
    },
  }));

// ---- Pods ------------------------------------------------------------------------------------------------------------------

const port: fc.Arbitrary<ContainerPort> = fc
  .record({
    hostPort: fc.constantFrom(80, 443),
    protocol: fc.constantFrom('TCP' as const, 'UDP' as const),
    hostIP: seldom(fc.constantFrom('0.0.0.0', '10.0.0.1', '10.0.0.2')),
  })
  .map((shape) => present({ ...shape, containerPort: shape.hostPort }));

const requests = fc
  .record({
    cpu: seldom(fc.constantFrom('0', '50m', '100m', '300m', '1'), 4),
    memory: seldom(fc.constantFrom('0', '64Mi', '200Mi', '512Mi', '1Gi'), 4),
    'ephemeral-storage': seldom(fc.constantFrom('1Gi', '6Gi')),
    'example.com/gpu': seldom(fc.constantFrom('1', '2'), 1),
  })
  .map((list) => present(list) as Record<string, string>);

const container: fc.Arbitrary<Container> = fc
  .record({
    image: fc.constantFrom('small', 'example.com/middle:v1', 'large:latest', 'absent'),
    requests,
    ports: fc.array(port, { maxLength: 1 }),
  })
  .map(({ image, requests: wanted, ports }) =>
    present({
      name: 'c',
      image,
      ports: nonEmpty(ports),
      resources: Object.keys(wanted).length === 0 ? undefined : { requests: wanted },
    }),
  );

const initContainer: fc.Arbitrary<Container> = fc
  .tuple(container, fc.boolean())
  .map(([plain, sidecar]) => ({ ...plain, ...(sidecar && { restartPolicy: 'Always' }) }));

const toleration: fc.Arbitrary<Toleration> = fc.oneof(
  fc
    .record({
      key: fc.constantFrom('dedicated', 'old', 'node.kubernetes.io/unschedulable'),
      effect: seldom(fc.constantFrom('NoSchedule' as const, 'PreferNoSchedule' as const)),
    })
    .map((shape) => present({ ...shape, operator: 'Exists' as const })),
  fc.constantFrom('a', 'b').map((value) => ({ key: 'dedicated', operator: 'Equal' as const, value })),
);

const nodeTerm = fc.oneof<fc.Arbitrary<NodeSelectorTerm>[]>(
  fc.constantFrom('ssd', 'hdd').map((disk) => ({
    matchExpressions: [{ key: 'disk', operator: 'In' as const, values: [disk] }],
  })),
  fc.constant({ matchExpressions: [{ key: 'size', operator: 'Gt' as const, values: ['1'] }] }),
  fc.constant({ matchExpressions: [{ key: 'disk', operator: 'DoesNotExist' as const }] }),
  fc
    .tuple(fc.constantFrom('In' as const, 'NotIn' as const), fc.constantFrom('n0', 'n1', 'n2'))
    .map(([operator, name]) => ({ matchFields: [{ key: 'metadata.name', operator, values: [name] }] })),
);

const podTerm: fc.Arbitrary<PodAffinityTerm> = fc
  .record({
    labelSelector: seldom(labelSelector, 9),
    topologyKey: fc.constantFrom(zone, hostname, 'disk'),
    namespaces: seldom(fc.subarray([...namespaces], { minLength: 1 })),
    namespaceSelector: seldom(
      fc.constantFrom<LabelSelector>(
        {},
        { matchLabels: { env: 'test' } },
        { matchExpressions: [{ key: 'env', operator: 'DoesNotExist' }] },
      ),
      1,
    ),
  })
  .map((shape) => present(shape) as PodAffinityTerm);

const weighted = podTerm.chain((podAffinityTerm) =>
  fc.integer({ min: 1, max: 100 }).map((weight) => ({ weight, podAffinityTerm })),
);

const podAffinity = fc
  .record({
    requiredDuringSchedulingIgnoredDuringExecution: fc.array(podTerm, { maxLength: 1 }).map(nonEmpty),
    preferredDuringSchedulingIgnoredDuringExecution: fc.array(weighted, { maxLength: 2 }).map(nonEmpty),
  })
  .map(present);

const nodeAffinity = fc
  .record({
    requiredDuringSchedulingIgnoredDuringExecution: seldom(
      fc.array(nodeTerm, { minLength: 1, maxLength: 2 }).map((nodeSelectorTerms) => ({ nodeSelectorTerms })),
    ),
    preferredDuringSchedulingIgnoredDuringExecution: fc
      .array(fc.record({ weight: fc.integer({ min: 1, max: 100 }), preference: nodeTerm }), { maxLength: 2 })
      .map(nonEmpty),
  })
  .map(present);

const affinity: fc.Arbitrary<Affinity> = fc
  .record({
    nodeAffinity: seldom(nodeAffinity),
    podAffinity: seldom(podAffinity, 1),
    podAntiAffinity: seldom(podAffinity),
  })
  .map(present);

const spreadConstraint: fc.Arbitrary<TopologySpreadConstraint> = fc
  .record({
    maxSkew: fc.integer({ min: 1, max: 3 }),
    topologyKey: fc.constantFrom(zone, hostname, 'disk'),
    whenUnsatisfiable: fc.constantFrom('DoNotSchedule' as const, 'ScheduleAnyway' as const),
    labelSelector: seldom(labelSelector, 9),
    minDomains: seldom(fc.integer({ min: 1, max: 4 })),
    nodeAffinityPolicy: seldom(fc.constantFrom('Honor' as const, 'Ignore' as const)),
    nodeTaintsPolicy: seldom(fc.constantFrom('Honor' as const, 'Ignore' as const)),
    matchLabelKeys: seldom(fc.constant(['tier'])),
  })
  .map((shape) => {
    // As validation demands.
    if (shape.whenUnsatisfiable !== 'DoNotSchedule') delete shape.minDomains;
    if (shape.labelSelector === undefined) delete shape.matchLabelKeys;
    return present(shape) as TopologySpreadConstraint;
  });

const podSpec: fc.Arbitrary<PodSpec> = fc
  .record({
    containers: fc.array(container, { minLength: 1, maxLength: 2 }),
    initContainers: fc.array(initContainer, { maxLength: 2 }),
    nodeSelector: seldom(fc.constantFrom<Record<string, string>>({ disk: 'ssd' }, { size: '2' }), 1),
    affinity: seldom(affinity, 2),
    tolerations: fc.array(toleration, { maxLength: 2 }),
    topologySpreadConstraints: fc.array(spreadConstraint, { maxLength: 2 }),
    overhead: seldom(fc.constant<Record<string, string>>({ cpu: '10m', memory: '10Mi' }), 1),
    podResources: seldom(fc.constantFrom<Record<string, string>>({ cpu: '500m' }, { memory: '100Mi' }), 1),
    priority: fc.constantFrom(0, 0, 10, 100),
    restartsAll: fc.constantFrom(undefined, undefined, undefined, 'containers' as const, 'initContainers' as const),
    hostNetwork: fc.constantFrom(undefined, undefined, true),
    hostUsers: fc.constantFrom(undefined, true, false),
  })
  .map(({ podResources, restartsAll, ...shape }) => {
    const named = (list: typeof restartsAll) => (c: Container, i: number) => ({
      ...c,
      name: `${list?.[0] ?? ''}${i}`,
      ...(list === restartsAll && { restartPolicyRules: [{ action: 'RestartAllContainers' }] }),
    });
    return present({
      ...shape,
      containers: shape.containers.map(named('containers')),
      initContainers: nonEmpty(shape.initContainers.map(named('initContainers'))),
      tolerations: nonEmpty(shape.tolerations),
      topologySpreadConstraints: nonEmpty(uniqueConstraints(shape.topologySpreadConstraints)),
      resources: podResources === undefined ? undefined : { requests: podResources },
      schedulerName: 'default-scheduler',
    });
  });

/** Key and action may come once only. */
function uniqueConstraints(constraints: readonly TopologySpreadConstraint[]): TopologySpreadConstraint[] {
  const keyOf = (c: TopologySpreadConstraint): string => `${c.topologyKey} ${c.whenUnsatisfiable}`;
  return [...new Map(constraints.map((constraint) => [keyOf(constraint), constraint])).values()];
}

const owners = [undefined, undefined, 'set-a', 'set-b'] as const;

interface PodShape {
  readonly namespace: (typeof namespaces)[number];
  readonly labels: Record<string, string>;
  readonly owner: (typeof owners)[number];
  readonly spec: PodSpec;
}

const podShape: fc.Arbitrary<PodShape> = fc.record({
  namespace: fc.constantFrom(...namespaces),
  labels: podLabels,
  owner: fc.constantFrom(...owners),
  spec: podSpec,
});

function makePod(name: string, { namespace, labels, owner, spec }: PodShape): Pod {
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: {
      name,
      namespace,
      uid: `uid-${name}`,
      labels,
      ...(owner !== undefined && {
        ownerReferences: [
          { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: owner, uid: `uid-${owner}`, controller: true },
        ],
      }),
    },
    spec,
  };
}

/** A pod that waits to be scheduled. */
export function arbitraryPod(name = 'incoming'): fc.Arbitrary<Pod> {
  return podShape.map((shape) => makePod(name, shape));
}

/** What the kubelet says of resizes under way; amounts of the first container, and of the pod as a whole. */
const resizeStatus: fc.Arbitrary<PodStatus> = fc
  .record({
    allocated: fc.constantFrom('50m', '300m', '2'),
    actual: fc.constantFrom('50m', '300m', '2'),
    reason: seldom(fc.constantFrom('Deferred', 'Infeasible'), 2),
    podLevel: fc.boolean(),
  })
  .map(({ allocated, actual, reason, podLevel }) => ({
    ...(reason !== undefined && {
      conditions: [{ type: 'PodResizePending', status: 'True', reason: reason as string }],
    }),
    containerStatuses: [
      {
        name: 'c0',
        ready: true,
        restartCount: 0,
        image: '',
        imageID: '',
        allocatedResources: { cpu: allocated },
        resources: { requests: { cpu: actual } },
      },
    ],
    ...(podLevel && { allocatedResources: { cpu: allocated }, resources: { requests: { cpu: actual } } }),
  }));

type Phase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

const placedPod = (nodeCount: number) =>
  fc
    .record({
      shape: podShape,
      node: fc.nat({ max: nodeCount - 1 }),
      phase: fc.constantFrom<Phase>('Pending', 'Running', 'Running', 'Running', 'Succeeded', 'Failed'),
      deleting: fc.constantFrom(false, false, false, false, true),
      resize: seldom(resizeStatus, 1),
    })
    .map(({ shape, node: at, phase, deleting, resize }) => (name: string): Pod => {
      const pod = makePod(name, shape);
      return {
        ...pod,
        metadata: { ...pod.metadata, ...(deleting && { deletionTimestamp: '2026-01-01T00:00:00Z' }) },
        spec: { ...pod.spec, containers: pod.spec?.containers ?? [], nodeName: `n${at}` },
        status: { phase, ...(resize as PodStatus | undefined) },
      };
    });

const cluster = (nodeCount: number, maxPods: number): fc.Arbitrary<ReferenceCluster> =>
  fc
    .record({
      nodes: fc.array(node, { minLength: nodeCount, maxLength: nodeCount }),
      pods: fc.array(placedPod(nodeCount), { maxLength: maxPods }),
      services: fc.subarray(['a', 'b']),
    })
    .map(({ nodes, pods, services }) => ({
      nodes: nodes.map((make, i) => make(`n${i}`)),
      pods: pods.map((make, i) => make(`p${i}`)),
      namespaces: namespaces.map(makeNamespace),
      services: services.map(makeService),
      replicationControllers: [],
      replicaSets: namespaces.flatMap((namespace) => [
        makeReplicaSet(namespace, 'set-a', { app: 'a' }),
        makeReplicaSet(namespace, 'set-b', { app: 'b', tier: 'x' }),
      ]),
      statefulSets: [],
    }));

const makeNamespace = (name: string): Namespace => ({
  kind: 'Namespace',
  apiVersion: 'v1',
  metadata: { name, ...(name === 'two' && { labels: { env: 'test' } }) },
});

const makeService = (app: string): Service => ({
  kind: 'Service',
  apiVersion: 'v1',
  metadata: { name: app, namespace: 'default' },
  spec: { selector: { app } },
});

const makeReplicaSet = (namespace: string, name: string, labels: Record<string, string>): ReplicaSet => ({
  kind: 'ReplicaSet',
  apiVersion: 'apps/v1',
  metadata: { name, namespace, uid: `uid-${name}` },
  spec: { selector: { matchLabels: labels } },
});

/** Nodes `n0` … and pods `p0` … on them, namespaces, services and ReplicaSets. */
export function arbitraryCluster({ maxNodes = 6, maxPods = 12 } = {}): fc.Arbitrary<ReferenceCluster> {
  return fc.integer({ min: 1, max: maxNodes }).chain((count) => cluster(count, maxPods));
}
