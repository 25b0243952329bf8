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

  /** Asks both, and binds the pod to one of the best nodes. Answers what they disagree about. */
  differences(pod: Pod): string[] {
    const { cluster } = this;
    const expected = feasible(pod, cluster);
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
      compare(`${nodeName} without ${uid}`, ours?.reasons, feasible(pod, left).reasons.get(nodeName)?.reasons);
    }
    const [first] = expected.nodes;
    if (first === undefined || found.length > 0) return found;
    const totals = scores(pod, cluster, defaultReferenceProfile, expected.nodes).total;
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
          expect(pair.differences(pod)).toEqual([]);
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
