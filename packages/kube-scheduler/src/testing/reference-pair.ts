/** A cluster as the reference sees it, and the scheduler that is told of every change: the two must agree. */
import fc from 'fast-check';
import type { Namespace, Node, Pod, ReplicationController, Service } from '@kubets/api/types/core-v1';
import type { ReplicaSet } from '@kubets/api/types/apps-v1';
import {
  defaultReferenceProfile,
  emptyCluster,
  type ReferenceCluster,
  type ReferenceProfile,
} from '../reference/cluster.ts';
import { feasible, scores } from '../reference/reference.ts';
import { OfflineScheduler } from './offline-scheduler.ts';
import { randomNode } from './random-cluster.ts';

const namespaces: readonly Namespace[] = [
  { metadata: { name: 'default', labels: { team: 'red' } } },
  { metadata: { name: 'other', labels: { team: 'blue' } } },
];
const replicaSet = {
  metadata: { name: 'rs', namespace: 'default' },
  spec: { selector: { matchLabels: { app: 'a' } } },
} as unknown as ReplicaSet;
const controller = {
  metadata: { name: 'rc', namespace: 'default' },
  spec: { selector: { app: 'b' } },
} as unknown as ReplicationController;
const service = {
  metadata: { name: 's', namespace: 'default' },
  spec: { selector: { tier: 'x' } },
} as unknown as Service;

/** The same profile in the words of configuration files. */
function pluginConfigOf(profile: ReferenceProfile): Record<string, Record<string, unknown>> {
  const { scoringStrategy, addedAffinity, defaultConstraints } = profile;
  const { resources } = scoringStrategy;
  const strategy =
    scoringStrategy.type === 'RequestedToCapacityRatio'
      ? { type: scoringStrategy.type, resources, requestedToCapacityRatio: { shape: scoringStrategy.shape } }
      : scoringStrategy;
  const required = addedAffinity.required && { requiredDuringSchedulingIgnoredDuringExecution: addedAffinity.required };
  const preferred = addedAffinity.preferred && {
    preferredDuringSchedulingIgnoredDuringExecution: addedAffinity.preferred,
  };
  return {
    NodeResourcesFit: {
      scoringStrategy: strategy,
      ignoredResources: profile.ignoredResources,
      ignoredResourceGroups: profile.ignoredResourceGroups,
    },
    NodeResourcesBalancedAllocation: { resources: profile.balancedResources.map((name) => ({ name, weight: 1 })) },
    NodeAffinity: { addedAffinity: { ...required, ...preferred } },
    PodTopologySpread:
      defaultConstraints === undefined ? { defaultingType: 'System' } : { defaultingType: 'List', defaultConstraints },
    InterPodAffinity: {
      hardPodAffinityWeight: profile.hardPodAffinityWeight,
      ignorePreferredTermsOfExistingPods: profile.ignorePreferredTermsOfExistingPods,
    },
  };
}

/** Profiles with other arguments than the default. */
export const randomProfile: fc.Arbitrary<ReferenceProfile> = fc
  .record({
    scoringStrategy: fc.constantFrom<ReferenceProfile['scoringStrategy']>(
      defaultReferenceProfile.scoringStrategy,
      {
        type: 'MostAllocated',
        resources: [
          { name: 'cpu', weight: 1 },
          { name: 'example.com/gpu', weight: 3 },
        ],
      },
      {
        type: 'RequestedToCapacityRatio',
        resources: [
          { name: 'cpu', weight: 2 },
          { name: 'memory', weight: 1 },
          { name: 'ephemeral-storage', weight: 1 },
        ],
        shape: [
          { utilization: 0, score: 0 },
          { utilization: 40, score: 7 },
          { utilization: 100, score: 10 },
        ],
      },
    ),
    ignoredResources: fc.constantFrom<string[]>([], ['example.com/gpu']),
    ignoredResourceGroups: fc.constantFrom<string[]>([], ['example.com']),
    balancedResources: fc.constantFrom<string[]>(['cpu', 'memory'], ['cpu', 'memory', 'example.com/gpu'], ['cpu']),
    addedAffinity: fc.constantFrom<ReferenceProfile['addedAffinity']>(
      {},
      {
        required: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'disk', operator: 'In', values: ['ssd'] }] }],
        },
      },
      {
        preferred: [
          { weight: 5, preference: { matchExpressions: [{ key: 'disk', operator: 'In', values: ['hdd'] }] } },
        ],
      },
    ),
    defaultConstraints: fc.constantFrom<ReferenceProfile['defaultConstraints']>(undefined, [
      { maxSkew: 1, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'DoNotSchedule' },
      { maxSkew: 2, topologyKey: 'rack', whenUnsatisfiable: 'ScheduleAnyway' },
    ]),
    hardPodAffinityWeight: fc.constantFrom(0, 1, 50),
    ignorePreferredTermsOfExistingPods: fc.boolean(),
  })
  .map((given) => ({ ...defaultReferenceProfile, ...given }));

export class ReferencePair {
  readonly scheduler: OfflineScheduler;
  readonly nodes = new Map<string, Node>();
  readonly pods = new Map<string, Pod>();
  readonly namespaces = new Map<string, Namespace>();

  readonly #profile: ReferenceProfile;

  constructor(nodes: readonly Node[], profile: ReferenceProfile = defaultReferenceProfile) {
    this.#profile = profile;
    this.scheduler = new OfflineScheduler({ pluginConfig: pluginConfigOf(profile) });
    for (const namespace of namespaces) this.setNamespace(namespace);
    this.scheduler.set('replicasets', replicaSet);
    this.scheduler.set('replicationcontrollers', controller);
    this.scheduler.set('services', service);
    for (const node of nodes) this.setNode(node);
  }

  get cluster(): ReferenceCluster {
    return {
      ...emptyCluster,
      nodes: [...this.nodes.values()],
      pods: [...this.pods.values()],
      namespaces: [...this.namespaces.values()],
      services: [service],
      replicaSets: [replicaSet],
      replicationControllers: [controller],
    };
  }

  setNamespace(namespace: Namespace): void {
    this.namespaces.set(namespace.metadata.name ?? '', namespace);
    this.scheduler.set('namespaces', namespace);
  }

  setNode(node: Node): void {
    this.nodes.set(node.metadata.name ?? '', node);
    this.scheduler.setNode(node);
  }

  bind(pod: Pod, nodeName: string): void {
    const bound = { ...pod, spec: { ...pod.spec, nodeName } } as Pod;
    this.pods.set(pod.metadata.uid ?? '', bound);
    this.scheduler.setPod(bound);
  }

  terminate(uid: string): void {
    const pod = this.pods.get(uid);
    if (pod === undefined) return;
    const metadata = { ...pod.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' };
    const ending = { ...pod, metadata };
    this.pods.set(uid, ending);
    this.scheduler.setPod(ending);
  }

  remove(uid: string): void {
    const pod = this.pods.get(uid);
    if (pod === undefined) return;
    this.pods.delete(uid);
    this.scheduler.removePod(pod);
  }

  /** Asks both, and binds the pod to one of the best nodes. Answers what they disagree about. */
  differences(pod: Pod): string[] {
    const { cluster } = this;
    const expected = feasible(pod, cluster, this.#profile);
    const answer = this.scheduler.ask(pod);
    const found: string[] = [];
    const compare = (what: string, ours: unknown, theirs: unknown): void => {
      const [a, b] = [JSON.stringify(ours), JSON.stringify(theirs)];
      if (a !== b) found.push(`${pod.metadata.name}: ${what}: ${a}, reference: ${b}`);
    };
    compare('feasible', [...answer.feasible].sort(), [...expected.nodes].sort());
    for (const { metadata } of cluster.nodes) {
      const { name = '' } = metadata;
      const { code, reasons } = expected.reasons.get(name) ?? {};
      const [status, alone] = [answer.reasons.get(name), this.scheduler.askNode(pod, name)];
      compare(`${name} among all`, [status?.code, status?.reasons], [code, reasons]);
      compare(`${name} by itself`, [alone?.code, alone?.reasons], [code, reasons]);
    }
    for (const victim of this.pods.values()) {
      const { nodeName = '' } = victim.spec ?? {};
      const { uid = '' } = victim.metadata;
      const left = { ...cluster, pods: cluster.pods.filter((other) => other !== victim) };
      const ours = this.scheduler.askWithout(pod, nodeName, uid);
      compare(
        `${nodeName} without ${uid}`,
        ours?.reasons,
        feasible(pod, left, this.#profile).reasons.get(nodeName)?.reasons,
      );
    }
    const [first] = expected.nodes;
    if (first === undefined || found.length > 0) return found;
    const totals = scores(pod, cluster, this.#profile, expected.nodes).total;
    // Plugins that make all nodes alike are left out by the fast path: differences must be the same.
    const base = (answer.totals.get(first) ?? 0) - (totals.get(first) ?? 0);
    for (const name of expected.nodes)
      compare(`score of ${name}`, (answer.totals.get(name) ?? 0) - base, totals.get(name));
    this.bind(
      pod,
      expected.nodes.reduce((a, b) => ((totals.get(b) ?? 0) > (totals.get(a) ?? 0) ? b : a)),
    );
    return found;
  }
}

/** What may happen between two pods. */
export type Disturbance =
  | { readonly type: 'none' }
  | { readonly type: 'remove' | 'terminate'; readonly pod: number }
  | { readonly type: 'node'; readonly node: Node }
  | { readonly type: 'namespace'; readonly team: string };

/** Of a cluster of so many nodes; may add one. */
export const disturbance = (nodes: number): fc.Arbitrary<Disturbance> =>
  fc.oneof(
    fc.constant({ type: 'none' } as const),
    fc.record({ type: fc.constantFrom('remove' as const, 'terminate' as const), pod: fc.nat({ max: 8 }) }),
    fc.nat({ max: nodes }).chain((i) => randomNode(i).map((node) => ({ type: 'node' as const, node }))),
    fc.constantFrom('red', 'blue', 'green').map((team) => ({ type: 'namespace' as const, team })),
  );

export function disturb(pair: ReferencePair, change: Disturbance): void {
  switch (change.type) {
    case 'none':
      return;
    case 'remove':
      return pair.remove(`p${change.pod}`);
    case 'terminate':
      return pair.terminate(`p${change.pod}`);
    case 'node':
      return pair.setNode(change.node);
    case 'namespace':
      return pair.setNamespace({ metadata: { name: 'other', labels: { team: change.team } } });
  }
}
