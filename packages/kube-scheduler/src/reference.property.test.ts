import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Namespace, Node, Pod, ReplicationController, Service } from '@kubets/api/types/core-v1';
import type { ReplicaSet } from '@kubets/api/types/apps-v1';
import { compareCache } from './cache/compare.ts';
import { defaultReferenceProfile, emptyCluster, type ReferenceCluster } from './reference/cluster.ts';
import { feasible, scores } from './reference/reference.ts';
import { OfflineScheduler } from './testing/offline-scheduler.ts';
import { randomNode, randomPod } from './testing/random-cluster.ts';

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

/** A cluster as the reference sees it, and the scheduler that is told of every change. */
class Pair {
  readonly scheduler = new OfflineScheduler();
  readonly nodes = new Map<string, Node>();
  readonly pods = new Map<string, Pod>();
  readonly namespaces = new Map<string, Namespace>();

  constructor(nodes: readonly Node[]) {
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

  /** Asks both, and binds the pod to one of the best nodes. */
  check(pod: Pod): void {
    const { cluster } = this;
    const expected = feasible(pod, cluster);
    const answer = this.scheduler.ask(pod);
    expect([...answer.feasible].sort()).toEqual([...expected.nodes].sort());
    for (const [node, status] of answer.reasons) {
      expect({ node, code: status.code, reasons: status.reasons }).toEqual({
        node,
        code: expected.reasons.get(node)?.code,
        reasons: expected.reasons.get(node)?.reasons,
      });
    }
    for (const { metadata } of cluster.nodes) {
      const { name = '' } = metadata;
      const status = this.scheduler.askNode(pod, name);
      expect({ name, reasons: status?.reasons }).toEqual({ name, reasons: expected.reasons.get(name)?.reasons });
    }
    this.checkScores(pod, cluster, { among: expected.nodes, totals: answer.totals });
  }

  checkScores(
    pod: Pod,
    cluster: ReferenceCluster,
    { among, totals }: { among: readonly string[]; totals: ReadonlyMap<string, number> },
  ): void {
    const [first] = among;
    if (first === undefined) return;
    const expected = scores(pod, cluster, defaultReferenceProfile, among).total;
    // Plugins that make all nodes alike are left out by the fast path: differences must be the same.
    const base = (totals.get(first) ?? 0) - (expected.get(first) ?? 0);
    for (const name of among) {
      expect({ name, total: (totals.get(name) ?? 0) - base }).toEqual({ name, total: expected.get(name) });
    }
    const best = among.reduce((a, b) => ((expected.get(b) ?? 0) > (expected.get(a) ?? 0) ? b : a));
    this.bind(pod, best);
  }
}

/** What may happen between two pods. */
type Disturbance =
  | { readonly type: 'none' }
  | { readonly type: 'remove' | 'terminate'; readonly pod: number }
  | { readonly type: 'node'; readonly node: Node }
  | { readonly type: 'namespace'; readonly team: string };

const disturbance = (nodes: number): fc.Arbitrary<Disturbance> =>
  fc.oneof(
    fc.constant({ type: 'none' } as const),
    fc.record({ type: fc.constantFrom('remove' as const, 'terminate' as const), pod: fc.nat({ max: 8 }) }),
    fc.nat({ max: nodes }).chain((i) => randomNode(i).map((node) => ({ type: 'node' as const, node }))),
    fc.constantFrom('red', 'blue', 'green').map((team) => ({ type: 'namespace' as const, team })),
  );

const scenario = fc.integer({ min: 1, max: 5 }).chain((count) =>
  fc.record({
    nodes: fc.tuple(...Array.from({ length: count }, (_, i) => randomNode(i))),
    steps: fc.tuple(
      ...Array.from({ length: 10 }, (_, i) => fc.record({ pod: randomPod(i), before: disturbance(count) })),
    ),
  }),
);

function disturb(pair: Pair, change: Disturbance): void {
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

describe('filters and scores', () => {
  it('agree with the reference, whatever happens in between', () => {
    fc.assert(
      fc.property(scenario, ({ nodes, steps }) => {
        const pair = new Pair(nodes);
        for (const { pod, before } of steps) {
          disturb(pair, before);
          pair.check(pod);
        }
        const { cluster } = pair;
        const comparison = compareCache(
          { cache: pair.scheduler.cache, queued: [] },
          { nodes: cluster.nodes, pods: cluster.pods },
        );
        expect(Object.values(comparison).flat()).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});
