/**
 * What the reference looks at. The reference says, slowly and plainly, which nodes a pod fits on and how they score; the
 * scheduler proper is tested against it. No caches, no indexes: every question is answered by walking over the objects.
 */
import type {
  Namespace,
  Node,
  NodeSelector,
  Pod,
  PreferredSchedulingTerm,
  ReplicationController,
  Service,
  TopologySpreadConstraint,
} from '@kubets/api/types/core-v1';
import type { ReplicaSet, StatefulSet } from '@kubets/api/types/apps-v1';

/** Objects as the API has them. Pods are on a node when `spec.nodeName` says so. */
export interface ReferenceCluster {
  readonly nodes: readonly Node[];
  readonly pods: readonly Pod[];
  readonly namespaces: readonly Namespace[];
  readonly services: readonly Service[];
  readonly replicationControllers: readonly ReplicationController[];
  readonly replicaSets: readonly ReplicaSet[];
  readonly statefulSets: readonly StatefulSet[];
}

export const emptyCluster: ReferenceCluster = {
  nodes: [],
  pods: [],
  namespaces: [],
  services: [],
  replicationControllers: [],
  replicaSets: [],
  statefulSets: [],
};

/** One resource and how much it counts. */
export interface WeightedResource {
  readonly name: string;
  readonly weight: number;
}

/** How NodeResourcesFit compares nodes. */
export type ScoringStrategy =
  | { readonly type: 'LeastAllocated' | 'MostAllocated'; readonly resources: readonly WeightedResource[] }
  | {
      readonly type: 'RequestedToCapacityRatio';
      readonly resources: readonly WeightedResource[];
      /** Points of a broken line: `utilization` in percent, `score` 0 to 10. */
      readonly shape: readonly { readonly utilization: number; readonly score: number }[];
    };

/** A profile's plugin arguments and weights. */
export interface ReferenceProfile {
  readonly scoringStrategy: ScoringStrategy;
  readonly ignoredResources: readonly string[];
  readonly ignoredResourceGroups: readonly string[];
  readonly balancedResources: readonly string[];
  readonly addedAffinity: {
    readonly required?: NodeSelector;
    readonly preferred?: readonly PreferredSchedulingTerm[];
  };
  /** Constraints of pods that have none of their own; undefined: the system's (`defaultingType: System`). */
  readonly defaultConstraints: readonly TopologySpreadConstraint[] | undefined;
  readonly hardPodAffinityWeight: number;
  readonly ignorePreferredTermsOfExistingPods: boolean;
  /** By plugin name; what is missing does not score. */
  readonly weights: Readonly<Record<string, number>>;
}

const cpuAndMemory: readonly WeightedResource[] = [
  { name: 'cpu', weight: 1 },
  { name: 'memory', weight: 1 },
];

/** The default profile (upstream `pkg/scheduler/apis/config/v1/default_plugins.go`, `defaults.go`). */
export const defaultReferenceProfile: ReferenceProfile = {
  scoringStrategy: { type: 'LeastAllocated', resources: cpuAndMemory },
  ignoredResources: [],
  ignoredResourceGroups: [],
  balancedResources: ['cpu', 'memory'],
  addedAffinity: {},
  defaultConstraints: undefined,
  hardPodAffinityWeight: 1,
  ignorePreferredTermsOfExistingPods: false,
  weights: {
    TaintToleration: 3,
    NodeAffinity: 2,
    NodeResourcesFit: 1,
    PodTopologySpread: 2,
    InterPodAffinity: 2,
    NodeResourcesBalancedAllocation: 1,
    ImageLocality: 1,
  },
};

/** Everything a rule may look at. */
export interface Question {
  readonly pod: Pod;
  readonly cluster: ReferenceCluster;
  readonly profile: ReferenceProfile;
}

/** Pods on the node; those that have ended hold nothing any more. */
export function podsOn(cluster: ReferenceCluster, node: Node): Pod[] {
  return cluster.pods.filter(
    (pod) =>
      pod.spec?.nodeName === node.metadata.name && pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed',
  );
}

export const labelsOf = (object: Node | Pod | Namespace): Readonly<Record<string, string>> =>
  object.metadata.labels ?? {};

export const namespaceOf = (pod: Pod): string => pod.metadata.namespace ?? '';

/** Go's integer division: towards zero. */
export const div = (a: number, b: number): number => Math.trunc(a / b);

/** Why a node is no good: whether removing pods from it might help, and in words. */
export interface Rejection {
  readonly code: 'Unschedulable' | 'UnschedulableAndUnresolvable';
  readonly reasons: readonly string[];
}

export const unschedulable = (...reasons: string[]): Rejection => ({ code: 'Unschedulable', reasons });
export const unresolvable = (...reasons: string[]): Rejection => ({ code: 'UnschedulableAndUnresolvable', reasons });
