import { describe, expect, it } from 'vitest';
import { changed, createErrors, updateErrors, updated, type Change } from '../testing/strategy-check.ts';
import type { Strategy } from '../strategy.ts';
import {
  mutatingPolicyBindingStrategy,
  mutatingPolicyStrategy,
  validatingPolicyBindingStrategy,
  validatingPolicyStrategy,
} from './policy-strategies.ts';

const apiVersion = 'admissionregistration.k8s.io/v1';
const rule = { operations: ['CREATE'], apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments'] };
const matchConstraints = { resourceRules: [rule] };
const conditions = (...list: object[]): Change => ['spec.matchConditions', list];

const policy = {
  apiVersion,
  kind: 'ValidatingAdmissionPolicy',
  spec: { matchConstraints, validations: [{ expression: 'object.spec.replicas < 5' }] },
};
const validations = (value: object): Change => ['spec.validations', [{ expression: 'true', ...value }]];
const none = 'Required value: validations or auditAnnotations must contain at least one item';
const annotations = (...list: object[]): Change => ['spec.auditAnnotations', list];

/** What both kinds of policy share. */
const shared: [Change, unknown[]][] = [
  [
    ['spec.failurePolicy', 'Maybe'],
    ['spec.failurePolicy: Unsupported value: "Maybe": supported values: "Fail", "Ignore"'],
  ],
  [
    ['spec.paramKind', {}],
    ['spec.paramKind.apiVersion: Required value', 'spec.paramKind.kind: Required value'],
  ],
  [
    ['spec.paramKind', { apiVersion: 'a/b/c', kind: 'K' }],
    ['spec.paramKind.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c'],
  ],
  [
    ['spec.paramKind', { apiVersion: 'A/', kind: '1' }],
    [
      expect.stringMatching(/^spec\.paramKind\.apiVersion: Invalid value: "A": a lowercase RFC 1123 subdomain/),
      'spec.paramKind.apiVersion: Invalid value: "A/": version must be specified',
      expect.stringMatching(
        /^spec\.paramKind\.kind: Invalid value: "1": may have mixed case, but should otherwise match: a DNS-1035/,
      ),
    ],
  ],
  [['spec.matchConstraints', undefined], ['spec.matchConstraints: Required value']],
  [['spec.matchConstraints', {}], ['spec.matchConstraints.resourceRules: Required value']],
  [
    ['spec.matchConstraints.resourceRules', [{ ...rule, resourceNames: ['a', 'a', 'b/c'] }]],
    [
      'spec.matchConstraints.resourceRules[0].resourceNames[1]: Duplicate value: "a"',
      `spec.matchConstraints.resourceRules[0].resourceNames[2]: Invalid value: "b/c": may not contain '/'`,
    ],
  ],
  [
    ['spec.matchConstraints.excludeResourceRules', [{ ...rule, apiGroups: [] }]],
    ['spec.matchConstraints.excludeResourceRules[0].apiGroups: Required value'],
  ],
  [
    ['spec.matchConstraints.matchPolicy', 'Roughly'],
    ['spec.matchConstraints.matchPolicy: Unsupported value: "Roughly": supported values: "Equivalent", "Exact"'],
  ],
  [conditions({ name: 'a' }), ['spec.matchConditions[0].expression: Required value']],
  [
    ['spec.variables', [{ name: 'in', expression: 'x' }, {}]],
    [
      'spec.variables[0].name: Invalid value: "in": name is not a valid CEL identifier',
      'spec.variables[1].name: Required value: name is not specified',
      'spec.variables[1].expression: Required value: expression is not specified',
    ],
  ],
];

describe('validating admission policies', () => {
  const strategy = validatingPolicyStrategy as Strategy;
  it.each<[Change, unknown[]]>([
    [['spec.failurePolicy', undefined], []],
    ...shared,
    [
      ['spec.validations', undefined],
      [`spec.validations: ${none}`, `spec.auditAnnotations: ${none}`],
    ],
    [
      ['spec.validations', [{ expression: ' ' }]],
      ['spec.validations[0].expression: Required value: expression is not specified'],
    ],
    [
      validations({ messageExpression: ' ' }),
      ['spec.validations[0].messageExpression: Invalid value: " ": must be non-empty if specified'],
    ],
    [
      validations({ message: ' ' }),
      ['spec.validations[0].message: Invalid value: " ": message must be non-empty if specified'],
    ],
    [
      validations({ message: 'a\nb' }),
      ['spec.validations[0].message: Invalid value: "a\\nb": message must not contain line breaks'],
    ],
    [
      validations({ reason: 'Because' }),
      [
        'spec.validations[0].reason: Unsupported value: "Because": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge"',
      ],
    ],
    [
      annotations({ key: 'a', valueExpression: 'x' }, { key: 'a', valueExpression: '' }),
      [
        'spec.auditAnnotations[1].valueExpression: Required value: valueExpression is not specified',
        'spec.auditAnnotations[1].key: Duplicate value: "a"',
      ],
    ],
    [
      annotations({ key: 'a b', valueExpression: 'x'.repeat(5121) }),
      [
        expect.stringMatching(/^spec\.auditAnnotations\[0\]\.key: Invalid value: "example\/a b": name part must/),
        'spec.auditAnnotations[0].valueExpression: Required value: must not exceed 5120 bytes in length',
      ],
    ],
    [
      annotations(...Array.from({ length: 21 }, (_, i) => ({ key: `k${i}`, valueExpression: 'x' }))),
      [expect.stringMatching(/^spec\.auditAnnotations: Invalid value: .*must not have more than 20 auditAnnotations$/)],
    ],
  ])('%j', (change, errors) => {
    expect(createErrors(strategy, changed(policy, change))).toEqual(errors);
  });

  it('conditions that did not change are not checked again', () => {
    const old = changed(policy, conditions({ name: 'a' }));
    expect(updateErrors(strategy, old, old)).toEqual([]);
    expect(updateErrors(strategy, changed(old, ['spec.paramKind', { apiVersion: 'v1', kind: 'K' }]), old)).toEqual([
      'spec.matchConditions[0].expression: Required value',
    ]);
  });

  it('the status has warnings and conditions, and leaves the spec alone', () => {
    const status = strategy.subresources['status']!;
    const object = changed(policy, ['status', { typeChecking: { expressionWarnings: [{}] } }]);
    expect(updateErrors(status, object, policy)).toEqual([
      'status.typeChecking.expressionWarnings[0].warning: Required value',
      'status.typeChecking.expressionWarnings[0].fieldRef: Required value',
    ]);
    expect(updated(status, changed(object, validations({ expression: 'false' })), policy)['spec']).toMatchObject({
      validations: policy.spec.validations,
    });
    expect(status.resetFields).toEqual(['spec', 'metadata']);
  });
});

/** What both kinds of binding share. */
const sharedBinding: [Change, unknown[]][] = [
  [['spec.policyName', undefined], ['spec.policyName: Required value']],
  [['spec.policyName', 'A'], [expect.stringMatching(/^spec\.policyName: Invalid value: "A": a lowercase/)]],
  [
    ['spec.paramRef', {}],
    [
      'spec.paramRef: Required value: one of name or selector must be specified',
      'spec.paramRef.parameterNotFoundAction: Required value',
    ],
  ],
  [
    ['spec.paramRef', { name: 'a/b', selector: {}, parameterNotFoundAction: 'Skip' }],
    [
      `spec.paramRef.name: Invalid value: "a/b": may not contain '/'`,
      'spec.paramRef.name: Forbidden: name and selector are mutually exclusive',
      'spec.paramRef.selector: Forbidden: name and selector are mutually exclusive',
      'spec.paramRef.parameterNotFoundAction: Unsupported value: "Skip": supported values: "Deny", "Allow"',
    ],
  ],
];

describe('validating admission policy bindings', () => {
  const strategy = validatingPolicyBindingStrategy as Strategy;
  const binding = {
    apiVersion,
    kind: 'ValidatingAdmissionPolicyBinding',
    spec: { policyName: 'p', validationActions: ['Deny'] },
  };
  it.each<[Change, unknown[]]>([
    [['spec.matchResources', {}], []],
    ...sharedBinding,
    [
      ['spec.matchResources', { resourceRules: [{ ...rule, operations: [] }] }],
      ['spec.matchResouces.resourceRules[0].operations: Required value'],
    ],
    [
      ['spec.validationActions', []],
      ['spec.validationActions: Required value: at least one validation action is required'],
    ],
    [
      ['spec.validationActions', ['Deny', 'Deny', 'Cry']],
      [
        'spec.validationActions[1]: Duplicate value: "Deny"',
        'spec.validationActions[2]: Unsupported value: "Cry": supported values: "Audit", "Deny", "Warn"',
      ],
    ],
    [
      ['spec.validationActions', ['Deny', 'Warn']],
      [
        'spec.validationActions: Invalid value: ["Deny","Warn"]: must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
      ],
    ],
  ])('%j', (change, errors) => {
    expect(createErrors(strategy, changed(binding, change))).toEqual(errors);
  });
});

describe('mutating admission policies', () => {
  const strategy = mutatingPolicyStrategy as Strategy;
  const patch = { patchType: 'JSONPatch', jsonPatch: { expression: '[]' } };
  const object = {
    apiVersion,
    kind: 'MutatingAdmissionPolicy',
    spec: { matchConstraints, mutations: [patch], reinvocationPolicy: 'Never' },
  };
  const mutation = (value: object): Change => ['spec.mutations', [value]];
  it.each<[Change, unknown[]]>([
    [['spec.failurePolicy', undefined], []],
    ...shared,
    [['spec.mutations', []], ['spec.mutations: Required value: mutations must contain at least one item']],
    [['spec.reinvocationPolicy', undefined], ['spec.reinvocationPolicy: Required value']],
    [
      ['spec.reinvocationPolicy', 'Often'],
      ['spec.reinvocationPolicy: Unsupported value: "Often": supported values: "IfNeeded", "Never"'],
    ],
    [
      mutation({ patchType: 'Merge' }),
      ['spec.mutations[0].patchType: Unsupported value: "Merge": supported values: "ApplyConfiguration", "JSONPatch"'],
    ],
    [mutation({}), ['spec.mutations[0].patchType: Required value']],
    [
      mutation({ patchType: 'JSONPatch', applyConfiguration: { expression: 'x' } }),
      [
        'spec.mutations[0].applyConfiguration: Invalid value: "{applyConfiguration}": must not be specified when patchType is JSONPatch',
        'spec.mutations[0].jsonPatch: Required value: must be specified when patchType is JSONPatch',
      ],
    ],
    [
      mutation({ patchType: 'ApplyConfiguration', applyConfiguration: {} }),
      ['spec.mutations[0].applyConfiguration.expression: Required value'],
    ],
    [
      ['spec.matchConstraints.resourceRules', [{ ...rule, operations: ['DELETE'] }]],
      [
        'spec.matchConstraints.resourceRules.operations: Unsupported value: "DELETE": supported values: "*", "CONNECT", "CREATE", "UPDATE"',
      ],
    ],
  ])('%j', (change, errors) => {
    expect(createErrors(strategy, changed(object, change))).toEqual(errors);
  });
});

describe('mutating admission policy bindings', () => {
  const binding = { apiVersion, kind: 'MutatingAdmissionPolicyBinding', spec: { policyName: 'p' } };
  it.each<[Change, unknown[]]>([
    [['spec.matchResources', {}], []],
    ...sharedBinding,
    [
      ['spec.matchResources', { resourceRules: [{ ...rule, operations: ['DELETE'] }] }],
      [
        'spec.matchResources.resourceRules.operations: Unsupported value: "DELETE": supported values: "*", "CONNECT", "CREATE", "UPDATE"',
      ],
    ],
  ])('%j', (change, errors) => {
    expect(createErrors(mutatingPolicyBindingStrategy as Strategy, changed(binding, change))).toEqual(errors);
  });
});
