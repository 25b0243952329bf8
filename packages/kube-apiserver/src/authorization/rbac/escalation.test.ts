import { describe, expect, it } from 'vitest';
import type { ApiObject } from '@kubets/apimachinery/meta';
import type { AdmissionAttributes, Operation } from '../../admission/plugin.ts';
import { FakeCacheDirectory } from '../testing/fake-cache.ts';
import { breakdown, covers } from './covers.ts';
import { rbacEscalationCheck } from './escalation.ts';
import { RbacAuthorizer } from './rbac-authorizer.ts';
import { RbacIndex } from './rbac-index.ts';
import { compactRules, ruleText } from './rule-text.ts';
import { rbacGroup, type PolicyRule } from './types.ts';

const rule = (verbs: string[], resources: string[], resourceNames?: string[]): PolicyRule => ({
  verbs,
  apiGroups: [''],
  resources,
  ...(resourceNames && { resourceNames }),
});

describe('covers', () => {
  it.each<[string, PolicyRule[], PolicyRule[], number]>([
    ['same rule', [rule(['get'], ['pods'])], [rule(['get'], ['pods'])], 0],
    ['spread over rules', [rule(['get'], ['pods']), rule(['list'], ['pods'])], [rule(['get', 'list'], ['pods'])], 0],
    ['missing verb', [rule(['get'], ['pods'])], [rule(['get', 'list'], ['pods'])], 1],
    ['star resource', [rule(['*'], ['*'])], [rule(['get'], ['pods/log', 'nodes'])], 0],
    ['star subresource', [rule(['get'], ['*/log'])], [rule(['get'], ['pods/log', 'pods'])], 1],
    ['names do not cover all', [rule(['get'], ['pods'], ['a'])], [rule(['get'], ['pods'])], 1],
    ['all covers names', [rule(['get'], ['pods'])], [rule(['get'], ['pods'], ['a'])], 0],
    [
      'url prefix',
      [{ verbs: ['get'], nonResourceURLs: ['/a/*'] }],
      [{ verbs: ['get'], nonResourceURLs: ['/a/b', '/b'] }],
      1,
    ],
  ])('%s', (_, owner, wanted, missing) => {
    expect(covers(owner, wanted).missing).toHaveLength(missing);
  });

  it('breaks rules into atoms', () => {
    expect(breakdown(rule(['get', 'list'], ['pods', 'nodes'], ['a', 'b']))).toHaveLength(8);
  });
});

it('writes rules as kubectl users know them', () => {
  const atoms = breakdown({ verbs: ['get', 'list'], apiGroups: ['apps'], resources: ['deployments'] });
  expect(compactRules(atoms).map(ruleText)).toEqual([
    '{APIGroups:["apps"], Resources:["deployments"], Verbs:["get" "list"]}',
  ]);
});

function attributes(resource: string, object: object, over: Partial<AdmissionAttributes> = {}): AdmissionAttributes {
  const operation: Operation = over.oldObject === undefined ? 'CREATE' : 'UPDATE';
  const obj = object as ApiObject;
  return {
    operation,
    resource: { group: rbacGroup, version: 'v1', resource },
    subresource: '',
    kind: { group: rbacGroup, version: 'v1', kind: 'Role' },
    namespace: obj.metadata.namespace ?? '',
    name: obj.metadata.name ?? '',
    object: obj,
    oldObject: undefined,
    options: {},
    dryRun: false,
    user: { name: 'jane', groups: ['devs', 'system:authenticated'] },
    warn: () => undefined,
    annotate: () => undefined,
    ...over,
  };
}

function setup(held: PolicyRule[]) {
  const caches = new FakeCacheDirectory();
  caches.put(
    rbacGroup,
    'clusterroles',
    { metadata: { name: 'held' }, rules: held },
    { metadata: { name: 'wide' }, rules: [rule(['*'], ['*'])] },
  );
  caches.put(rbacGroup, 'clusterrolebindings', {
    metadata: { name: 'held' },
    roleRef: { apiGroup: rbacGroup, kind: 'ClusterRole', name: 'held' },
    subjects: [{ kind: 'Group', name: 'devs' }],
  });
  const rbac = new RbacAuthorizer(RbacIndex.start(caches));
  const plugin = rbacEscalationCheck({ rbac, authorizer: rbac });
  return async (a: AdmissionAttributes) => plugin.validate?.(a);
}

const roleObject = (rules: PolicyRule[], extra: object = {}) => ({
  metadata: { name: 'x', namespace: 'ns' },
  rules,
  ...extra,
});
const bindingTo = (name: string) => ({
  metadata: { name: 'b', namespace: 'ns' },
  roleRef: { apiGroup: rbacGroup, kind: 'ClusterRole', name },
  subjects: [],
});

describe('rbacEscalationCheck', () => {
  it('names the rules that are not held', async () => {
    const check = setup([rule(['get'], ['pods'])]);
    await expect(check(attributes('roles', roleObject([rule(['get', 'list', 'watch'], ['pods'])])))).rejects.toThrow(
      'roles.rbac.authorization.k8s.io "x" is forbidden: user "jane" (groups=["devs" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["pods"], Verbs:["list" "watch"]}',
    );
    await expect(check(attributes('roles', roleObject([rule(['get'], ['pods'])])))).resolves.toBeUndefined();
  });

  it('lets escalate and system:masters pass', async () => {
    const escalate: PolicyRule = { verbs: ['escalate'], apiGroups: [rbacGroup], resources: ['roles'] };
    await expect(setup([escalate])(attributes('roles', roleObject([rule(['*'], ['*'])])))).resolves.toBeUndefined();
    const masters = { user: { name: 'root', groups: ['system:masters'] } };
    await expect(setup([])(attributes('roles', roleObject([rule(['*'], ['*'])]), masters))).resolves.toBeUndefined();
  });

  it('does not check what an update leaves as it was', async () => {
    const obj = roleObject([rule(['*'], ['*'])]);
    await expect(
      setup([])(attributes('roles', obj, { oldObject: structuredClone(obj) as ApiObject })),
    ).resolves.toBeUndefined();
  });

  it('guards aggregation rules', async () => {
    const obj = { metadata: { name: 'agg' }, rules: [], aggregationRule: { clusterRoleSelectors: [{}] } };
    await expect(setup([rule(['*'], ['*'])])(attributes('clusterroles', obj))).rejects.toThrow(
      'must have cluster-admin privileges to use an aggregationRule',
    );
  });

  it('checks bindings, unless bind is allowed', async () => {
    await expect(setup([rule(['get'], ['pods'])])(attributes('rolebindings', bindingTo('wide')))).rejects.toThrow(
      /attempting to grant RBAC permissions not currently held:\n\{APIGroups:\[""\], Resources:\["\*"\], Verbs:\["\*"\]\}/,
    );
    const bind: PolicyRule = {
      verbs: ['bind'],
      apiGroups: [rbacGroup],
      resources: ['clusterroles'],
      resourceNames: ['wide'],
    };
    await expect(setup([bind])(attributes('rolebindings', bindingTo('wide')))).resolves.toBeUndefined();
    await expect(setup([])(attributes('rolebindings', bindingTo('gone')))).rejects.toThrow(
      'clusterrole.rbac.authorization.k8s.io "gone" not found',
    );
  });
});
