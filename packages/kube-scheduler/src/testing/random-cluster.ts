/** Random clusters and pods for property tests: few names, so that things meet. */
import fc from 'fast-check';
import type {
  Affinity,
  Node,
  Pod,
  PodAffinityTerm,
  PodSpec,
  Taint,
  Toleration,
  TopologySpreadConstraint,
} from '@kubets/api/types/core-v1';

const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq: 2 });

/** Without what is undefined, as JSON has it. */
const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

const app = fc.constantFrom('a', 'b');
const zoneKey = 'topology.kubernetes.io/zone';
const hostKey = 'kubernetes.io/hostname';
const topologyKey = fc.constantFrom(zoneKey, hostKey, 'rack');
const labels = fc.record({ app, tier: fc.constantFrom('x', 'y') }, { requiredKeys: ['app'] });

const taint: fc.Arbitrary<Taint> = fc.record(
  {
    key: fc.constantFrom('t', 'u'),
    value: fc.constantFrom('1', '2'),
    effect: fc.constantFrom('NoSchedule' as const, 'PreferNoSchedule' as const, 'NoExecute' as const),
  },
  { requiredKeys: ['key', 'effect'] },
);
const toleration: fc.Arbitrary<Toleration> = fc.record(
  {
    key: fc.constantFrom('t', 'u'),
    operator: fc.constantFrom('Exists' as const, 'Equal' as const),
    value: fc.constantFrom('1', '2'),
    effect: fc.constantFrom('NoSchedule' as const, 'PreferNoSchedule' as const),
  },
  { requiredKeys: ['key'] },
);

const images = fc.subarray(['img-1:latest', 'img-2:v1'], { minLength: 0 });

/** The node `n<i>`. */
export const randomNode = (i: number): fc.Arbitrary<Node> =>
  fc
    .record({
      zone: maybe(fc.constantFrom('z1', 'z2', 'z3')),
      rack: maybe(fc.constantFrom('r1', 'r2')),
      disk: fc.constantFrom('ssd', 'hdd'),
      taints: maybe(fc.array(taint, { maxLength: 2 })),
      unschedulable: fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, fc.constant(true)),
      cpu: fc.constantFrom('1', '2', '4', '3500m'),
      memory: fc.constantFrom('1Gi', '4Gi', '8Gi'),
      gpu: maybe(fc.constantFrom('0', '2')),
      pods: fc.constantFrom('2', '5', '110'),
      images,
      features: fc.subarray(['RestartAllContainersOnContainerExits', 'UserNamespacesHostNetworkSupport']),
    })
    .map(({ zone, rack, disk, taints, unschedulable, cpu, memory, gpu, pods, images: names, features }) =>
      plain({
        metadata: {
          name: `n${i}`,
          labels: { [hostKey]: `n${i}`, disk, [zoneKey]: zone, rack } as unknown as Record<string, string>,
        },
        spec: { taints, unschedulable },
        status: {
          allocatable: { cpu, memory, pods, 'ephemeral-storage': '10Gi', 'example.com/gpu': gpu },
          images: names.map((name) => ({ names: [name], sizeBytes: 300 * 1024 * 1024 })),
          declaredFeatures: features.length === 0 ? undefined : features,
        },
      } as unknown as Node),
    );

const term: fc.Arbitrary<PodAffinityTerm> = fc
  .record({
    topologyKey,
    labelSelector: fc.oneof(
      app.map((value) => ({ matchLabels: { app: value } })),
      fc.constant({ matchExpressions: [{ key: 'tier', operator: 'Exists' as const }] }),
      fc.constant(undefined),
    ),
    namespaces: maybe(fc.subarray(['default', 'other'], { minLength: 1 })),
    namespaceSelector: maybe(fc.constantFrom({}, { matchLabels: { team: 'red' } }, { matchLabels: { team: 'blue' } })),
  })
  .map((value) => plain(value) as PodAffinityTerm);

const weighted = fc.record({ weight: fc.integer({ min: 1, max: 10 }), podAffinityTerm: term });
const few = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T[] | undefined> =>
  maybe(fc.array(arbitrary, { minLength: 1, maxLength: 2 }));
const seldom = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
const rarely = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T[] | undefined> =>
  seldom(fc.array(arbitrary, { minLength: 1, maxLength: 1 }));

const nodeTerm = fc.record({
  matchExpressions: fc.array(
    fc.oneof(
      fc.record({
        key: fc.constantFrom('disk', zoneKey),
        operator: fc.constantFrom('In' as const, 'NotIn' as const),
        values: fc.subarray(['ssd', 'z1', 'z2'], { minLength: 1 }),
      }),
      fc.record({ key: fc.constant('rack'), operator: fc.constantFrom('Exists' as const, 'DoesNotExist' as const) }),
    ),
    { minLength: 1, maxLength: 2 },
  ),
});

const affinity: fc.Arbitrary<Affinity> = fc
  .record({
    nodeAffinity: maybe(
      fc.record({
        requiredDuringSchedulingIgnoredDuringExecution: maybe(
          fc.record({ nodeSelectorTerms: fc.array(nodeTerm, { minLength: 1, maxLength: 2 }) }),
        ),
        preferredDuringSchedulingIgnoredDuringExecution: few(
          fc.record({ weight: fc.integer({ min: 1, max: 10 }), preference: nodeTerm }),
        ),
      }),
    ),
    podAffinity: maybe(
      fc.record({
        requiredDuringSchedulingIgnoredDuringExecution: rarely(term),
        preferredDuringSchedulingIgnoredDuringExecution: few(weighted),
      }),
    ),
    podAntiAffinity: maybe(
      fc.record({
        requiredDuringSchedulingIgnoredDuringExecution: rarely(term),
        preferredDuringSchedulingIgnoredDuringExecution: few(weighted),
      }),
    ),
  })
  .map((value) => plain(value) as Affinity);

const constraint: fc.Arbitrary<TopologySpreadConstraint> = fc
  .record({
    maxSkew: fc.integer({ min: 1, max: 3 }),
    topologyKey,
    whenUnsatisfiable: fc.constantFrom('DoNotSchedule' as const, 'ScheduleAnyway' as const),
    labelSelector: app.map((value) => ({ matchLabels: { app: value } })),
    minDomains: maybe(fc.integer({ min: 1, max: 4 })),
    nodeAffinityPolicy: maybe(fc.constantFrom('Honor' as const, 'Ignore' as const)),
    nodeTaintsPolicy: maybe(fc.constantFrom('Honor' as const, 'Ignore' as const)),
    matchLabelKeys: maybe(fc.constant(['tier'])),
  })
  .map((value) => {
    // Only hard constraints may ask for a number of domains.
    const { minDomains, ...rest } = value;
    const all = value.whenUnsatisfiable === 'DoNotSchedule' ? { ...rest, minDomains } : rest;
    return plain(all) as TopologySpreadConstraint;
  });

/** One constraint for each topology and kind, as validation demands. */
const constraints = fc
  .array(constraint, { minLength: 1, maxLength: 2 })
  .map((all) => all.filter((one, i) => all.findIndex((other) => other.topologyKey === one.topologyKey) === i));

const owners = [
  { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'rs', uid: 'rs', controller: true },
  { apiVersion: 'v1', kind: 'ReplicationController', name: 'rc', uid: 'rc', controller: true },
];

const one = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T[]> => arbitrary.map((value) => [value]);

/** Pods with a single wish: where many wishes meet, few of them decide. */
const simpleSpec: fc.Arbitrary<PodSpec> = fc
  .oneof(
    fc.record({ podAffinity: fc.record({ requiredDuringSchedulingIgnoredDuringExecution: one(term) }) }),
    fc.record({ podAntiAffinity: fc.record({ requiredDuringSchedulingIgnoredDuringExecution: one(term) }) }),
    fc.record({ podAntiAffinity: fc.record({ preferredDuringSchedulingIgnoredDuringExecution: one(weighted) }) }),
    fc.record({ topologySpreadConstraints: constraints }),
    fc.constant({ hostNetwork: true, hostUsers: false }),
    fc.constant({}),
  )
  .map((wish) =>
    plain({
      containers: [{ name: 'c', image: 'img-1' }],
      tolerations: [{ operator: 'Exists' }],
      ...('topologySpreadConstraints' in wish || 'hostUsers' in wish ? wish : { affinity: wish }),
    } as PodSpec),
  );

const richSpec: fc.Arbitrary<PodSpec> = fc
  .record({
    cpu: maybe(fc.constantFrom('100m', '500m', '1', '5')),
    memory: maybe(fc.constantFrom('128Mi', '1Gi')),
    gpu: seldom(fc.constant('1')),
    image: fc.constantFrom('img-1', 'img-2:v1', 'img-3'),
    hostPort: seldom(fc.constantFrom(80, 81)),
    restartsAll: fc.constantFrom(false, false, false, true),
    initCpu: seldom(fc.constant('2')),
    tolerations: few(toleration),
    nodeSelector: seldom(fc.constantFrom({ disk: 'ssd' }, { disk: 'hdd' })),
    affinity: maybe(affinity),
    topologySpreadConstraints: maybe(constraints),
  })
  .map(({ cpu, memory, gpu, image, hostPort, restartsAll, initCpu, ...rest }) =>
    plain({
      containers: [
        {
          name: 'c',
          image,
          resources: { requests: { cpu, memory, 'example.com/gpu': gpu } as unknown as Record<string, string> },
          restartPolicyRules: restartsAll ? [{ action: 'RestartAllContainers' }] : undefined,
          ports: hostPort === undefined ? undefined : [{ containerPort: 80, hostPort, protocol: 'TCP' }],
        },
      ],
      initContainers: initCpu === undefined ? undefined : [{ name: 'i', resources: { requests: { cpu: initCpu } } }],
      ...rest,
    } as unknown as PodSpec),
  );

/** The pod `p<i>`, on no node yet. */
export const randomPod = (i: number): fc.Arbitrary<Pod> =>
  fc
    .record({
      namespace: fc.constantFrom('default', 'default', 'other'),
      labels,
      owner: maybe(fc.constantFrom(...owners)),
      spec: fc.oneof(simpleSpec, richSpec),
    })
    .map(({ namespace, labels: own, owner, spec: given }) =>
      plain({
        metadata: {
          name: `p${i}`,
          uid: `p${i}`,
          namespace,
          labels: own as Record<string, string>,
          ...(owner === undefined ? {} : { ownerReferences: [owner] }),
        },
        spec: given,
      } as Pod),
    );
