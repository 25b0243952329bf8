import { fieldErrorText } from '@kubets/apimachinery/field';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { describe, expect, it } from 'vitest';
import { rbacGroup } from '../../authorization/rbac/types.ts';
import type { StrategyContext } from '../strategy.ts';
import { rbacStrategies } from './strategies.ts';

const context: StrategyContext = {
  user: { name: 'u', groups: [] },
  namespace: 'ns',
  now: '2026-01-01T00:00:00Z',
  dryRun: false,
  featureEnabled: () => true,
};
const check = (resource: string, obj: object, old?: object): string[] => {
  const strategy = rbacStrategies[`${rbacGroup}/${resource}`]!;
  const errors =
    old === undefined
      ? strategy.validate(context, obj as ApiObject)
      : strategy.validateUpdate(context, obj as ApiObject, old as ApiObject);
  return errors.map(fieldErrorText);
};
const roleRef = { apiGroup: rbacGroup, kind: 'Role', name: 'r' };

describe('RBAC strategies', () => {
  it.each<[string, string, object, string[]]>([
    ['a fine role', 'roles', { rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }] }, []],
    [
      'no verbs',
      'roles',
      { rules: [{ verbs: [], apiGroups: [''], resources: ['pods'] }] },
      ['rules[0].verbs: Required value: verbs must contain at least one value'],
    ],
    [
      'no groups and resources',
      'clusterroles',
      { rules: [{ verbs: ['get'] }] },
      [
        'rules[0].apiGroups: Required value: resource rules must supply at least one api group',
        'rules[0].resources: Required value: resource rules must supply at least one resource',
      ],
    ],
    [
      'urls in a role',
      'roles',
      { rules: [{ verbs: ['get'], nonResourceURLs: ['/x'] }] },
      ['rules[0].nonResourceURLs: Invalid value: ["/x"]: namespaced rules cannot apply to non-resource URLs'],
    ],
    [
      'empty aggregation',
      'clusterroles',
      { aggregationRule: {} },
      [
        'aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil',
      ],
    ],
    ['a fine binding', 'rolebindings', { roleRef, subjects: [{ kind: 'ServiceAccount', name: 'sa' }] }, []],
    [
      'a cluster binding to a role',
      'clusterrolebindings',
      { roleRef, subjects: [{ kind: 'ServiceAccount', name: 'sa' }] },
      [
        'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
        'subjects[0].namespace: Required value: ',
      ],
    ],
    [
      'an odd subject',
      'rolebindings',
      { roleRef, subjects: [{ kind: 'Robot', name: 'r' }] },
      ['subjects[0].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"'],
    ],
  ])('%s', (_, resource, obj, expected) => {
    expect(check(resource, obj).map((e) => e.trimEnd())).toEqual(expected.map((e) => e.replace(/: $/, '')));
  });

  it('keeps roleRef', () => {
    expect(check('rolebindings', { roleRef: { ...roleRef, name: 'other' } }, { roleRef })).toEqual([
      `roleRef: Invalid value: {"apiGroup":"${rbacGroup}","kind":"Role","name":"other"}: cannot change roleRef`,
    ]);
  });
});
