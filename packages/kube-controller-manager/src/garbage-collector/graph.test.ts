import { describe, expect, it } from 'vitest';
import type { ObjectMeta, OwnerReference } from '@kubets/apimachinery/meta';
import { AbsentOwners } from './absent-owners.ts';
import { DependencyGraph } from './graph.ts';
import { identityText, type Identity, type NodeType } from './graph-node.ts';

const type: NodeType = { apiVersion: 'v1', kind: 'ConfigMap', followed: true };
const clusterType: NodeType = { apiVersion: 'v1', kind: 'Node', followed: true };

const owner = (uid: string, more: Partial<OwnerReference> = {}): OwnerReference => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  name: uid,
  uid,
  ...more,
});

const meta = (uid: string, owners: OwnerReference[] = [], more: ObjectMeta = {}): ObjectMeta => ({
  name: uid,
  namespace: 'a',
  uid,
  ...(owners.length > 0 && { ownerReferences: owners }),
  ...more,
});

const identity = (uid: string, more: Partial<Identity> = {}): Identity => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  namespace: 'a',
  name: uid,
  uid,
  ...more,
});

function setup() {
  const told: string[] = [];
  const absent = new AbsentOwners();
  const graph = new DependencyGraph(absent, {
    examine: (uid) => told.push(`examine ${uid}`),
    examineLater: (uid) => told.push(`later ${uid}`),
    orphan: (uid) => told.push(`orphan ${uid}`),
    invalidNamespace: (node, reference) => told.push(`namespace ${node.uid} ${reference.uid}`),
  });
  const take = (): string[] => told.splice(0);
  return { graph, absent, take };
}

describe('DependencyGraph', () => {
  it('has nothing to look into while owners are there', () => {
    const { graph, take } = setup();
    graph.observe(type, meta('owner'));
    graph.observe(type, meta('child', [owner('owner')]));
    graph.observe(type, meta('child', [owner('owner')], { labels: {} }));
    expect(take()).toEqual([]);
    expect([...(graph.get('owner')?.dependents ?? [])].map((n) => n.uid)).toEqual(['child']);
  });

  it('has unknown owners looked up, once, whoever comes first', () => {
    const { graph, take } = setup();
    graph.observe(type, meta('child', [owner('owner')]));
    graph.observe(type, meta('sister', [owner('owner')]));
    expect(take()).toEqual(['examine owner']);
    expect(graph.get('owner')?.virtual).toBe(true);
    graph.observe(type, meta('owner'));
    expect(graph.get('owner')?.virtual).toBe(false);
    expect(take()).toEqual([]);
  });

  it('has dependents looked into when their owner has gone, and remembers that', () => {
    const { graph, absent, take } = setup();
    graph.observe(type, meta('owner'));
    graph.observe(type, meta('child', [owner('owner')]));
    graph.gone(type, meta('owner'));
    expect(take()).toEqual(['examine child']);
    expect(absent.has(identity('owner'))).toBe(true);
    expect(graph.get('owner')).toBeUndefined();
  });

  it('removes a virtual owner that does not exist', () => {
    const { graph, absent, take } = setup();
    graph.observe(type, meta('child', [owner('owner')]));
    take();
    graph.absent(identity('owner'));
    expect(take()).toEqual(['examine child']);
    expect(absent.has(identity('owner'))).toBe(true);
    expect(graph.get('owner')).toBeUndefined();
  });

  it('asks about all names that an unknown uid is given', () => {
    const { graph, absent, take } = setup();
    graph.observe(type, meta('child', [owner('owner', { name: 'one' })]));
    graph.observe(type, meta('other', [owner('owner', { name: 'two' })]));
    expect(take()).toEqual(['examine owner', 'examine other']);
    graph.absent(identity('owner', { name: 'one' }));
    // The first is known to be wrong, the other may still be right.
    expect(take()).toEqual(['examine child', 'later owner']);
    expect(graph.get('owner')?.identity.name).toBe('two');
    expect(absent.has(identity('owner', { name: 'one' }))).toBe(true);
    expect(absent.has(identity('owner', { name: 'two' }))).toBe(false);
    graph.observe(type, meta('owner', [], { name: 'two' }));
    expect(graph.get('owner')?.virtual).toBe(false);
    expect(take()).toEqual([]);
  });

  it('does not remove what was seen because of what somebody else calls it', () => {
    const { graph, take } = setup();
    graph.observe(type, meta('owner'));
    graph.observe(type, meta('child', [owner('owner', { kind: 'Secret' })]));
    expect(take()).toEqual(['examine child']);
    graph.absent(identity('owner', { kind: 'Secret' }));
    expect(graph.get('owner')).toBeDefined();
    expect(take()).toEqual(['examine child']);
  });

  it('reports owners in other namespaces', () => {
    const { graph, take } = setup();
    graph.observe(type, meta('owner'));
    graph.observe(type, meta('child', [owner('owner')], { namespace: 'b' }));
    expect(take()).toEqual(['namespace child owner', 'examine child']);
  });

  it('reports owners in other namespaces that are seen later', () => {
    const { graph, take } = setup();
    graph.observe(type, meta('child', [owner('owner')], { namespace: 'b' }));
    graph.observe(type, meta('owner'));
    expect(take()).toEqual(['examine owner', 'namespace child owner', 'examine child']);
  });

  it('lets cluster-scoped objects own what is in namespaces', () => {
    for (const ownerFirst of [true, false]) {
      const { graph, take } = setup();
      const node = { name: 'n', uid: 'n' };
      if (ownerFirst) graph.observe(clusterType, node);
      graph.observe(type, meta('child', [owner('n', { kind: 'Node' })]));
      graph.observe(clusterType, node);
      expect(take()).toEqual(ownerFirst ? [] : ['examine n']);
    }
  });

  it('looks into an owner when what blocks it is gone, or blocks it no more', () => {
    const { graph, take } = setup();
    const waiting = { deletionTimestamp: 'now', finalizers: ['foregroundDeletion'] };
    graph.observe(type, meta('owner'));
    graph.observe(type, meta('x', [owner('owner', { blockOwnerDeletion: true })]));
    graph.observe(type, meta('y', [owner('owner', { blockOwnerDeletion: true })]));
    graph.observe(type, meta('owner', [], waiting));
    expect(take()).toEqual(['examine x', 'examine y', 'examine owner']);
    graph.observe(type, meta('owner', [], { ...waiting, labels: {} }));
    expect(take()).toEqual([]);
    graph.observe(type, meta('x', [owner('owner')]));
    expect(take()).toEqual(['examine owner']);
    expect(
      graph
        .get('owner')
        ?.blockingDependents()
        .map((n) => n.uid),
    ).toEqual(['y']);
    graph.gone(type, meta('y', [owner('owner', { blockOwnerDeletion: true })]));
    expect(take()).toEqual(['examine owner']);
    expect(graph.get('owner')?.isBlocked).toBe(false);
  });

  it('has dependents looked into that come when their owner waits already', () => {
    const { graph, take } = setup();
    graph.observe(type, meta('owner', [], { deletionTimestamp: 'now', finalizers: ['foregroundDeletion'] }));
    take();
    graph.observe(type, meta('late', [owner('owner', { blockOwnerDeletion: true })]));
    expect(take()).toEqual(['examine late']);
  });

  it('orphans before it deletes', () => {
    const { graph, take } = setup();
    const dying = { deletionTimestamp: 'now', finalizers: ['orphan', 'foregroundDeletion'] };
    graph.observe(type, meta('owner', [], dying));
    expect(take()).toEqual(['orphan owner']);
    graph.observe(type, meta('owner', [], { ...dying, finalizers: ['foregroundDeletion'] }));
    expect(take()).toEqual(['examine owner']);
  });

  it('follows changes of references', () => {
    const { graph, take } = setup();
    graph.observe(type, meta('a'));
    graph.observe(type, meta('b'));
    graph.observe(type, meta('child', [owner('a')]));
    graph.observe(type, meta('child', [owner('b')]));
    graph.gone(type, meta('a'));
    expect(take()).toEqual([]);
    graph.gone(type, meta('b'));
    expect(take()).toEqual(['examine child']);
  });

  it('prints identities as upstream does', () => {
    expect(identityText(identity('x'))).toBe('[v1/ConfigMap, namespace: a, name: x, uid: x]');
  });
});

describe('AbsentOwners', () => {
  it('forgets those that were not asked about for longest', () => {
    const absent = new AbsentOwners(2);
    absent.add(identity('a'));
    absent.add(identity('b'));
    expect(absent.has(identity('a'))).toBe(true);
    absent.add(identity('c'));
    expect(absent.has(identity('b'))).toBe(false);
    expect(absent.has(identity('a'))).toBe(true);
    expect(absent.has(identity('c'))).toBe(true);
  });
});
