import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TopologySpreadConstraint } from '@kubets/api/types/core-v1';
import { arbitraryCluster, arbitraryPod } from '../testing/arbitraries.ts';
import { OfflineScheduler } from '../testing/offline-scheduler.ts';
import { defaultReferenceProfile, type ReferenceCluster, type ReferenceProfile } from './cluster.ts';
import { feasible, scores } from './reference.ts';
import { namedNodes } from './simple-filters.ts';

type Configuration = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

interface Case {
  readonly name: string;
  /** As a scheduler's configuration says it. */
  readonly pluginConfig: Configuration;
  readonly profile: Partial<ReferenceProfile>;
}

const weighted = [
  { name: 'cpu', weight: 3 },
  { name: 'memory', weight: 1 },
  { name: 'example.com/gpu', weight: 5 },
];
const shape = [
  { utilization: 0, score: 0 },
  { utilization: 60, score: 10 },
  { utilization: 100, score: 3 },
];
const required = {
  nodeSelectorTerms: [{ matchExpressions: [{ key: 'disk', operator: 'Exists' as const }] }],
};
const preferred = [
  { weight: 7, preference: { matchExpressions: [{ key: 'disk', operator: 'In' as const, values: ['ssd'] }] } },
];
const zones: TopologySpreadConstraint[] = [
  { maxSkew: 1, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'DoNotSchedule' },
  { maxSkew: 2, topologyKey: 'disk', whenUnsatisfiable: 'ScheduleAnyway' },
];

const cases: readonly Case[] = [
  { name: 'the default profile', pluginConfig: {}, profile: {} },
  {
    name: 'MostAllocated, with more resources',
    pluginConfig: {
      NodeResourcesFit: { scoringStrategy: { type: 'MostAllocated', resources: weighted } },
      NodeResourcesBalancedAllocation: {
        resources: [...weighted.map(({ name }) => ({ name, weight: 1 })), { name: 'ephemeral-storage', weight: 1 }],
      },
    },
    profile: {
      scoringStrategy: { type: 'MostAllocated', resources: weighted },
      balancedResources: [...weighted.map(({ name }) => name), 'ephemeral-storage'],
    },
  },
  {
    name: 'RequestedToCapacityRatio, ignoring devices',
    pluginConfig: {
      NodeResourcesFit: {
        scoringStrategy: { type: 'RequestedToCapacityRatio', resources: weighted, requestedToCapacityRatio: { shape } },
        ignoredResourceGroups: ['example.com'],
      },
    },
    profile: {
      scoringStrategy: { type: 'RequestedToCapacityRatio', resources: weighted, shape },
      ignoredResourceGroups: ['example.com'],
    },
  },
  {
    name: 'node affinity for all, constraints for those without',
    pluginConfig: {
      NodeAffinity: {
        addedAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: required,
          preferredDuringSchedulingIgnoredDuringExecution: preferred,
        },
      },
      PodTopologySpread: { defaultingType: 'List', defaultConstraints: zones },
    },
    profile: { addedAffinity: { required, preferred }, defaultConstraints: zones },
  },
  {
    name: 'weight for hard affinity, none for the preferences of others',
    pluginConfig: { InterPodAffinity: { hardPodAffinityWeight: 60, ignorePreferredTermsOfExistingPods: true } },
    profile: { hardPodAffinityWeight: 60, ignorePreferredTermsOfExistingPods: true },
  },
];

function schedulerFor(cluster: ReferenceCluster, pluginConfig: Configuration): OfflineScheduler {
  const scheduler = new OfflineScheduler({ pluginConfig });
  for (const namespace of cluster.namespaces) scheduler.set('namespaces', namespace);
  for (const service of cluster.services) scheduler.set('services', service);
  for (const set of cluster.replicaSets) scheduler.set('replicasets', set);
  for (const node of cluster.nodes) scheduler.setNode(node);
  for (const pod of cluster.pods) {
    // What has ended is taken out of the cache before it gets there.
    if (pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed') scheduler.setPod(pod);
  }
  return scheduler;
}

describe('the scheduler and the reference agree', () => {
  it.each(cases)('$name', ({ pluginConfig, profile: changes }) => {
    const profile = { ...defaultReferenceProfile, ...changes };
    fc.assert(
      fc.property(arbitraryCluster(), arbitraryPod(), (cluster, pod) => {
        const expected = feasible(pod, cluster, profile);
        const answer = schedulerFor(cluster, pluginConfig).ask(pod);
        expect([...answer.feasible].sort()).toEqual([...expected.nodes].sort());
        const words = (reasons: ReadonlyMap<string, { code: string; reasons: readonly string[] }>): object =>
          Object.fromEntries(
            cluster.nodes
              .map(({ metadata }) => metadata.name ?? '')
              .filter((name) => reasons.has(name))
              .map((name) => [name, [reasons.get(name)?.code, [...(reasons.get(name)?.reasons ?? [])].sort()]]),
          );
        // Of a pod that names its nodes, reasons are worked out only when it fits nowhere.
        const looked = namedNodes(pod) === undefined || expected.nodes.length === 0;
        expect(looked ? words(answer.reasons) : {}).toEqual(looked ? words(expected.reasons) : {});
        const { total } = scores(pod, cluster, profile, expected.nodes);
        const [first = ''] = expected.nodes;
        // Only differences count: what all nodes have in common may be left out.
        const above = (totals: ReadonlyMap<string, number>): number[] =>
          expected.nodes.map((name) => (totals.get(name) ?? 0) - (totals.get(first) ?? 0));
        expect(above(answer.totals)).toEqual(above(total));
      }),
      { numRuns: 100 },
    );
  });
});
