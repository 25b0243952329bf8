import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AuthorizationAttributes } from '../authorizer.ts';
import { FakeCacheDirectory } from '../testing/fake-cache.ts';
import { RbacAuthorizer } from './rbac-authorizer.ts';
import { RbacIndex } from './rbac-index.ts';
import { ruleAllows } from './rule-matching.ts';
import { subjectAppliesTo } from './subjects.ts';
import { rbacGroup, type PolicyRule, type RoleRef, type Subject } from './types.ts';

const ref = (kind: string, name: string): RoleRef => ({ apiGroup: rbacGroup, kind, name });
const role = (name: string, rules: PolicyRule[], namespace?: string) => ({ metadata: { name, namespace }, rules });
const bind = (name: string, roleRef: RoleRef, subjects: Subject[], namespace?: string) => ({
  metadata: { name, namespace },
  roleRef,
  subjects,
});
const group = (name: string): Subject => ({ apiGroup: rbacGroup, kind: 'Group', name });
const user = (name: string): Subject => ({ apiGroup: rbacGroup, kind: 'User', name });

function ask(over: Partial<AuthorizationAttributes> & { groups?: string[]; as?: string }): AuthorizationAttributes {
  const { groups = [], as = 'jane', ...rest } = over;
  return {
    user: { name: as, groups },
    verb: 'get',
    isResourceRequest: true,
    path: '',
    namespace: 'ns',
    group: '',
    version: 'v1',
    resource: 'pods',
    subresource: '',
    name: 'p',
    ...rest,
  };
}

function setup() {
  const caches = new FakeCacheDirectory();
  const index = RbacIndex.start(caches);
  return { caches, index, authorizer: new RbacAuthorizer(index) };
}

const readPods: PolicyRule = { verbs: ['get', 'list'], apiGroups: [''], resources: ['pods', '*/scale'] };

describe('RbacAuthorizer', () => {
  it('says which binding, role and subject allowed a request', () => {
    const { caches, authorizer } = setup();
    caches.put(rbacGroup, 'clusterroles', role('y', [readPods]));
    caches.put(rbacGroup, 'clusterrolebindings', bind('x', ref('ClusterRole', 'y'), [group('z')]));
    expect(authorizer.authorize(ask({ groups: ['z'] }))).toEqual({
      decision: 'allow',
      reason: 'RBAC: allowed by ClusterRoleBinding "x" of ClusterRole "y" to Group "z"',
    });
    expect(authorizer.authorize(ask({}))).toEqual({ decision: 'no-opinion', reason: '' });
  });

  it('describes role bindings and service accounts with their namespaces', () => {
    const { caches, authorizer } = setup();
    caches.put(rbacGroup, 'roles', role('r', [readPods], 'ns'));
    caches.put(
      rbacGroup,
      'rolebindings',
      bind('b', ref('Role', 'r'), [{ kind: 'ServiceAccount', name: 'sa', namespace: 'other' }], 'ns'),
    );
    expect(authorizer.authorize(ask({ as: 'system:serviceaccount:other:sa' })).reason).toBe(
      'RBAC: allowed by RoleBinding "b/ns" of Role "r" to ServiceAccount "sa/other"',
    );
    expect(authorizer.authorize(ask({ as: 'system:serviceaccount:other:sa', namespace: 'other' })).decision).toBe(
      'no-opinion',
    );
  });

  it('reports missing roles when nothing else allows', () => {
    const { caches, authorizer } = setup();
    caches.put(rbacGroup, 'clusterrolebindings', bind('x', ref('ClusterRole', 'gone'), [user('jane')]));
    expect(authorizer.authorize(ask({})).reason).toBe('RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found');
    caches.put(rbacGroup, 'rolebindings', bind('y', ref('Role', 'lost'), [user('jane')], 'ns'));
    expect(authorizer.authorize(ask({})).reason).toBe(
      'RBAC: [clusterrole.rbac.authorization.k8s.io "gone" not found, role.rbac.authorization.k8s.io "lost" not found]',
    );
  });

  it.each([
    ['subresource wildcard', { resource: 'widgets', subresource: 'scale', group: '' }, true],
    ['another subresource', { subresource: 'log' }, false],
    ['another verb', { verb: 'delete' }, false],
    ['another group', { group: 'apps' }, false],
  ])('%s', (_, over, allowed) => {
    const { caches, authorizer } = setup();
    caches.put(rbacGroup, 'clusterroles', role('y', [readPods]));
    caches.put(rbacGroup, 'clusterrolebindings', bind('x', ref('ClusterRole', 'y'), [user('jane')]));
    expect(authorizer.authorize(ask(over)).decision).toBe(allowed ? 'allow' : 'no-opinion');
  });

  it.each([
    ['/healthz', true],
    ['/healthz/etcd', true],
    ['/version', false],
  ])('non-resource path %s', (path, allowed) => {
    const { caches, authorizer } = setup();
    caches.put(rbacGroup, 'clusterroles', role('y', [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/healthz/*'] }]));
    caches.put(rbacGroup, 'clusterrolebindings', bind('x', ref('ClusterRole', 'y'), [user('jane')]));
    expect(authorizer.authorize(ask({ isResourceRequest: false, path, namespace: '' })).decision === 'allow').toBe(
      allowed,
    );
  });

  it('follows changes and stops when disposed', () => {
    const { caches, index, authorizer } = setup();
    caches.put(rbacGroup, 'clusterroles', role('y', [readPods]));
    caches.put(rbacGroup, 'clusterrolebindings', bind('x', ref('ClusterRole', 'y'), [user('jane'), user('joe')]));
    caches.put(rbacGroup, 'clusterrolebindings', bind('x', ref('ClusterRole', 'y'), [user('joe')]));
    expect(authorizer.authorize(ask({})).decision).toBe('no-opinion');
    expect(authorizer.authorize(ask({ as: 'joe' })).decision).toBe('allow');
    caches.of({ group: rbacGroup, resource: 'clusterrolebindings' }).remove('', 'x');
    expect(authorizer.authorize(ask({ as: 'joe' })).decision).toBe('no-opinion');
    index[Symbol.dispose]();
    expect(caches.of({ group: rbacGroup, resource: 'clusterroles' }).listeners).toBe(0);
  });

  it('enumerates rules of all bindings, each once', () => {
    const { caches, authorizer } = setup();
    caches.put(rbacGroup, 'clusterroles', role('y', [readPods, { verbs: ['get'], nonResourceURLs: ['/x'] }]));
    caches.put(rbacGroup, 'clusterrolebindings', bind('x', ref('ClusterRole', 'y'), [user('jane'), group('g')]));
    caches.put(rbacGroup, 'clusterrolebindings', bind('z', ref('ClusterRole', 'gone'), [group('g')]));
    expect(authorizer.rulesFor({ name: 'jane', groups: ['g'] }, 'ns')).toEqual({
      resourceRules: [{ verbs: ['get', 'list'], apiGroups: [''], resources: ['pods', '*/scale'], resourceNames: [] }],
      nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/x'] }],
      incomplete: false,
      evaluationError: 'clusterrole.rbac.authorization.k8s.io "gone" not found',
    });
  });
});

const pick = <T>(...values: T[]) => fc.constantFrom(...values);
const some = <T>(...values: T[]) => fc.subarray(values, { minLength: 1, maxLength: 2 });
const ruleArb: fc.Arbitrary<PolicyRule> = fc.oneof(
  fc.record({
    verbs: some('get', 'list', '*'),
    apiGroups: some('', 'apps', '*'),
    resources: some('pods', 'pods/log', '*', '*/log', 'nodes'),
    resourceNames: fc.subarray(['p', 'q']),
  }),
  fc.record({ verbs: some('get', '*'), nonResourceURLs: some('/a', '/a/*', '*') }),
);
const subjectArb: fc.Arbitrary<Subject> = fc.oneof(
  fc.record({ kind: pick('User', 'Group', 'Other'), name: pick('jane', 'g1', 'g2', 'system:serviceaccount:n1:sa') }),
  fc.record({ kind: fc.constant('ServiceAccount'), name: pick('sa', 'sb'), namespace: pick('', 'n1', 'n2') }),
);
const bindingArb = fc.record({
  name: pick('a', 'b', 'c'),
  namespace: pick('', 'n1', 'n2'),
  roleRef: fc.record({
    apiGroup: fc.constant(rbacGroup),
    kind: pick('Role', 'ClusterRole'),
    name: pick('r1', 'r2', 'gone'),
  }),
  subjects: fc.array(subjectArb, { maxLength: 3 }),
  gone: fc.boolean(),
});
const roleArb = fc.record({
  name: pick('r1', 'r2'),
  namespace: pick('', 'n1', 'n2'),
  rules: fc.array(ruleArb, { maxLength: 3 }),
});
const askArb = fc.record({
  as: pick('jane', 'joe', 'system:serviceaccount:n1:sa', 'system:serviceaccount:n2:sb'),
  groups: fc.subarray(['g1', 'g2', 'jane']),
  verb: pick('get', 'list', 'delete'),
  isResourceRequest: fc.boolean(),
  path: pick('/a', '/a/b', '/b'),
  namespace: pick('', 'n1', 'n2'),
  group: pick('', 'apps'),
  resource: pick('pods', 'nodes'),
  subresource: pick('', 'log'),
  name: pick('', 'p', 'x'),
});

describe('the index', () => {
  it('decides as a naive evaluation over all bindings', () => {
    fc.assert(
      fc.property(
        fc.array(roleArb, { maxLength: 6 }),
        fc.array(bindingArb, { maxLength: 8 }),
        fc.array(askArb, { maxLength: 12 }),
        (roles, bindings, asks) => {
          const { caches, index, authorizer } = setup();
          for (const r of roles)
            caches.put(rbacGroup, r.namespace === '' ? 'clusterroles' : 'roles', role(r.name, r.rules, r.namespace));
          for (const b of bindings) {
            const resource = b.namespace === '' ? 'clusterrolebindings' : 'rolebindings';
            caches.put(rbacGroup, resource, bind(b.name, b.roleRef, b.subjects, b.namespace));
            if (b.gone) caches.of({ group: rbacGroup, resource }).remove(b.namespace, b.name);
          }
          for (const one of asks) {
            const attributes = ask(one);
            expect(authorizer.authorize(attributes).decision === 'allow').toBe(naive(caches, attributes));
          }
          index[Symbol.dispose]();
        },
      ),
      { numRuns: 300 },
    );
  });
});

function naive(caches: FakeCacheDirectory, attributes: AuthorizationAttributes): boolean {
  const of = (resource: string) => caches.of({ group: rbacGroup, resource });
  const bindings = [
    ...of('clusterrolebindings').list(),
    ...(attributes.namespace === '' ? [] : of('rolebindings').list(attributes.namespace)),
  ];
  return bindings.some((entry) => {
    const { roleRef, subjects } = entry.object as unknown as { roleRef: RoleRef; subjects: Subject[] };
    if (!subjects.some((s) => subjectAppliesTo(s, attributes.user, entry.namespace))) return false;
    const found =
      roleRef.kind === 'ClusterRole'
        ? of('clusterroles').get('', roleRef.name)
        : of('roles').get(entry.namespace, roleRef.name);
    return ((found?.object as { rules?: PolicyRule[] } | undefined)?.rules ?? []).some((rule) =>
      ruleAllows(attributes, rule),
    );
  });
}
