import { newConflict } from '@kubets/apimachinery/status';
import { describe, expect, it } from 'vitest';
import { FakeCacheDirectory } from '../../authorization/testing/fake-cache.ts';
import { RbacAuthorizer } from '../../authorization/rbac/rbac-authorizer.ts';
import { RbacIndex } from '../../authorization/rbac/rbac-index.ts';
import { rbacGroup, type BindingObject, type RoleObject } from '../../authorization/rbac/types.ts';
import { FakeClient } from '../testing/fake-client.ts';
import { ClusterRoleAggregation, withAggregatedRules } from './aggregation.ts';
import { bootstrapClusterRoles, ensureBootstrapRoles, nodeRules } from './bootstrap-roles.ts';
import { reconcileBinding, reconcileRole } from './reconcile.ts';

const role = (over: Partial<RoleObject> = {}, metadata: object = {}): RoleObject => ({
  metadata: { name: 'r', ...metadata },
  rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }],
  ...over,
});
const binding = (over: Partial<BindingObject> = {}, metadata: object = {}): BindingObject => ({
  metadata: { name: 'b', ...metadata },
  roleRef: { apiGroup: rbacGroup, kind: 'ClusterRole', name: 'r' },
  subjects: [{ apiGroup: rbacGroup, kind: 'Group', name: 'g' }],
  ...over,
});

describe('reconcileRole', () => {
  it('creates, leaves alone what is enough, and adds what is missing', () => {
    expect(reconcileRole(role(), undefined).action).toBe('create');
    expect(reconcileRole(role(), role({ rules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }] })).action).toBe(
      'none',
    );
    expect(
      reconcileRole(role({ rules: [{ verbs: ['get', 'list'], apiGroups: [''], resources: ['pods'] }] }), role()),
    ).toMatchObject({
      action: 'update',
      object: { rules: [...(role().rules ?? []), { verbs: ['list'], apiGroups: [''], resources: ['pods'] }] },
    });
  });

  it('keeps labels and annotations of users, and protected roles', () => {
    const expected = role({}, { labels: { a: 'built-in', b: 'x' } });
    expect(reconcileRole(expected, role({}, { labels: { a: 'mine' } }))).toMatchObject({
      action: 'update',
      object: { metadata: { labels: { a: 'mine', b: 'x' } } },
    });
    expect(
      reconcileRole(
        expected,
        role({ rules: [] }, { annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'false' } }),
      ),
    ).toEqual({ action: 'none' });
  });

  it('adds missing selectors only to aggregated roles', () => {
    const selector = { matchLabels: { x: 'true' } };
    const expected = role({ rules: [], aggregationRule: { clusterRoleSelectors: [selector] } });
    const other = { matchLabels: { y: 'true' } };
    expect(reconcileRole(expected, role({ aggregationRule: { clusterRoleSelectors: [other] } }))).toMatchObject({
      object: { rules: role().rules, aggregationRule: { clusterRoleSelectors: [other, selector] } },
    });
  });
});

describe('reconcileBinding', () => {
  it('adds missing subjects and makes bindings to another role anew', () => {
    expect(reconcileBinding(binding(), binding()).action).toBe('none');
    expect(
      reconcileBinding(binding(), binding({ subjects: [{ kind: 'User', name: 'u', apiGroup: rbacGroup }] })),
    ).toMatchObject({
      action: 'update',
      object: { subjects: [{ name: 'u' }, { name: 'g' }] },
    });
    const elsewhere = binding(
      { roleRef: { apiGroup: rbacGroup, kind: 'ClusterRole', name: 'other' } },
      { uid: 'u', resourceVersion: '4' },
    );
    const result = reconcileBinding(binding(), elsewhere);
    expect(result).toMatchObject({ action: 'recreate', object: { roleRef: { name: 'r' } } });
    expect(result.action === 'none' ? undefined : result.object.metadata.resourceVersion).toBeUndefined();
  });
});

describe('ensureBootstrapRoles', () => {
  it('creates everything once, resolved, and nothing the second time', async () => {
    const caches = new FakeCacheDirectory();
    const client = new FakeClient(caches);
    await ensureBootstrapRoles(client, caches);
    const first = client.log.length;
    expect(first).toBeGreaterThan(120);
    await ensureBootstrapRoles(client, caches);
    expect(client.log).toHaveLength(first);
    const authorizer = new RbacAuthorizer(RbacIndex.start(caches));
    caches.put(rbacGroup, 'rolebindings', {
      metadata: { name: 'x', namespace: 'ns' },
      roleRef: { apiGroup: rbacGroup, kind: 'ClusterRole', name: 'view' },
      subjects: [{ kind: 'User', name: 'u' }],
    });
    const ask = {
      user: { name: 'u', groups: [] },
      verb: 'list',
      isResourceRequest: true,
      path: '',
      namespace: 'ns',
      group: 'apps',
      version: 'v1',
      resource: 'deployments',
      subresource: '',
      name: '',
    };
    expect(authorizer.authorize(ask).decision).toBe('allow');
    expect(authorizer.authorize({ ...ask, verb: 'create' }).decision).toBe('no-opinion');
  });

  it('resolves admin as edit and more', () => {
    const byName = new Map(bootstrapClusterRoles().map((r) => [r.metadata.name, r.rules?.length ?? 0]));
    expect(byName.get('admin')).toBeGreaterThan(byName.get('edit') ?? 0);
    expect(byName.get('edit')).toBeGreaterThan(0);
    expect(nodeRules().length).toBeGreaterThan(5);
  });
});

describe('ClusterRoleAggregation', () => {
  const label = { 'rbac.example.com/aggregate': 'true' };
  const aggregate = role(
    { rules: [], aggregationRule: { clusterRoleSelectors: [{ matchLabels: label }] } },
    { name: 'agg' },
  );

  it('follows the selected roles', async () => {
    const caches = new FakeCacheDirectory();
    const client = new FakeClient(caches);
    const errors: unknown[] = [];
    await using aggregation = new ClusterRoleAggregation({ caches, client, onError: (e) => errors.push(e) });
    const rulesOf = () =>
      (caches.of({ group: rbacGroup, resource: 'clusterroles' }).get('', 'agg')!.object as RoleObject).rules;
    caches.put(rbacGroup, 'clusterroles', aggregate);
    aggregation.start();
    caches.put(rbacGroup, 'clusterroles', role({}, { name: 'part', labels: label }));
    await aggregation.idle();
    expect(rulesOf()).toEqual(role().rules);
    caches.of({ group: rbacGroup, resource: 'clusterroles' }).remove('', 'part');
    client.failNext = newConflict({ group: rbacGroup, resource: 'clusterroles' }, 'agg', 'modified');
    await aggregation.idle();
    caches.put(rbacGroup, 'clusterroles', role({}, { name: 'unrelated' }));
    await aggregation.idle();
    expect(rulesOf()).toEqual([]);
    expect(errors).toEqual([]);
  });

  it('resolves aggregates of aggregates', () => {
    const outer = role(
      { rules: null, aggregationRule: { clusterRoleSelectors: [{ matchLabels: { outer: 'true' } }] } },
      { name: 'outer' },
    );
    const inner = { ...aggregate, metadata: { name: 'agg', labels: { outer: 'true' } } };
    const resolved = withAggregatedRules([outer, inner, role({}, { name: 'part', labels: label })]);
    expect(resolved[0]?.rules).toEqual(role().rules);
  });
});
