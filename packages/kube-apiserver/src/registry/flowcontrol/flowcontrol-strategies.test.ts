import { flowcontrolBootstrap } from '@kubets/api/facts';
import { describe, expect, it } from 'vitest';
import { changed, created, createErrors, updateErrors, updated, type Change } from '../testing/strategy-check.ts';
import type { Strategy } from '../strategy.ts';
import { flowSchemaStrategy, priorityLevelStrategy } from './flowcontrol-strategies.ts';

const schemas = flowSchemaStrategy as Strategy;
const levels = priorityLevelStrategy as Strategy;
const apiVersion = 'flowcontrol.apiserver.k8s.io/v1';

const user = { kind: 'User', user: { name: 'jane' } };
const pods = { verbs: ['get'], apiGroups: [''], resources: ['pods'], namespaces: ['*'] };
const schema = {
  apiVersion,
  kind: 'FlowSchema',
  spec: {
    priorityLevelConfiguration: { name: 'global-default' },
    matchingPrecedence: 50,
    rules: [
      { subjects: [user], resourceRules: [pods], nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['/a/*'] }] },
    ],
  },
};
const rules = (rule: object): Change => ['spec.rules', [{ subjects: [user], resourceRules: [pods], ...rule }]];
const subject = (value: object): Change => rules({ subjects: [value] });
const resource = (rule: object): Change => rules({ resourceRules: [{ ...pods, ...rule }] });
const urls = (...nonResourceURLs: string[]): Change =>
  rules({ nonResourceRules: [{ verbs: ['get'], nonResourceURLs }] });
const allVerbs = '"create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"';
const url = 'spec.rules[0].nonResourceRules[0].nonResourceURLs';

describe('flow schemas', () => {
  it.each<[Change, string[]]>([
    [['spec.matchingPrecedence', 1000], []],
    [['spec.matchingPrecedence', -1], ['spec.matchingPrecedence: Invalid value: -1: must be a positive value']],
    [
      ['spec.matchingPrecedence', 10001],
      ['spec.matchingPrecedence: Invalid value: 10001: must not be greater than 10000'],
    ],
    [
      ['spec.matchingPrecedence', 1],
      ["spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1"],
    ],
    [
      ['spec.distinguisherMethod', { type: 'ByAge' }],
      ['spec.distinguisherMethod.type: Unsupported value: {"type":"ByAge"}: supported values: "ByNamespace", "ByUser"'],
    ],
    [
      ['spec.priorityLevelConfiguration', {}],
      ['spec.priorityLevelConfiguration.name: Required value: must reference a priority level'],
    ],
    [
      ['spec.priorityLevelConfiguration.name', 'A'],
      [expect.stringMatching(/^spec\.priorityLevelConfiguration\.name: Invalid value: "A": a lowercase/) as string],
    ],
    [rules({ subjects: [] }), ['spec.rules[0].subjects: Required value: subjects must contain at least one value']],
    [
      rules({ resourceRules: [] }),
      ['spec.rules[0]: Required value: at least one of resourceRules and nonResourceRules has to be non-empty'],
    ],
    [
      subject({ kind: 'Robot' }),
      [
        'spec.rules[0].subjects[0].kind: Unsupported value: "Robot": supported values: "Group", "ServiceAccount", "User"',
      ],
    ],
    [
      subject({ kind: 'User' }),
      ["spec.rules[0].subjects[0].user: Required value: user is required when subject kind is 'User'"],
    ],
    [subject({ kind: 'Group', group: {} }), ['spec.rules[0].subjects[0].group.name: Required value']],
    [
      subject({ ...user, group: { name: 'g' } }),
      ["spec.rules[0].subjects[0].group: Forbidden: group is forbidden when subject kind is not 'Group'"],
    ],
    [
      subject({ kind: 'ServiceAccount', serviceAccount: {} }),
      [
        'spec.rules[0].subjects[0].serviceAccount.name: Required value',
        'spec.rules[0].subjects[0].serviceAccount.namespace: Required value: must specify namespace for service account',
      ],
    ],
    [subject({ kind: 'ServiceAccount', serviceAccount: { name: '*', namespace: 'ns' } }), []],
    [
      resource({ verbs: [] }),
      ['spec.rules[0].resourceRules[0].verbs: Required value: verbs must contain at least one value'],
    ],
    [
      resource({ verbs: ['*', 'get'] }),
      [
        `spec.rules[0].resourceRules[0].verbs: Invalid value: ["*","get"]: if '*' is present, must not specify other verbs`,
      ],
    ],
    [
      resource({ verbs: ['fly'] }),
      [`spec.rules[0].resourceRules[0].verbs: Unsupported value: ["fly"]: supported values: ${allVerbs}`],
    ],
    [
      resource({ apiGroups: [] }),
      ['spec.rules[0].resourceRules[0].apiGroups: Required value: resource rules must supply at least one api group'],
    ],
    [
      resource({ apiGroups: ['*', 'a'] }),
      [
        `spec.rules[0].resourceRules[0].apiGroups: Invalid value: ["*","a"]: if '*' is present, must not specify other api groups`,
      ],
    ],
    [
      resource({ resources: [] }),
      ['spec.rules[0].resourceRules[0].resources: Required value: resource rules must supply at least one resource'],
    ],
    [
      resource({ resources: ['*', 'a'] }),
      [
        `spec.rules[0].resourceRules[0].resources: Invalid value: ["*","a"]: if '*' is present, must not specify other resources`,
      ],
    ],
    [
      resource({ namespaces: [] }),
      [
        'spec.rules[0].resourceRules[0].namespaces: Required value: resource rules that are not cluster scoped must supply at least one namespace',
      ],
    ],
    [resource({ namespaces: [], clusterScope: true }), []],
    [
      resource({ namespaces: ['*', 'a'] }),
      [
        `spec.rules[0].resourceRules[0].namespaces: Invalid value: ["*","a"]: if '*' is present, must not specify other namespaces`,
      ],
    ],
    [
      resource({ namespaces: ['a.b'] }),
      [
        `spec.rules[0].resourceRules[0].namespaces[0]: Invalid value: "a.b": each member of this list must be '*' or a DNS-1123 label; must not contain dots`,
      ],
    ],
    [urls(), [`${url}: Required value: nonResourceURLs must contain at least one value`]],
    [urls('*', '/'), [`${url}: Invalid value: ["*","/"]: if '*' is present, must not specify other non-resource URLs`]],
    [urls('/', '/*'), []],
    [urls(''), [`${url}[0]: Invalid value: "": must not be empty`]],
    [urls('a'), [`${url}[0]: Invalid value: "a": must start with slash`]],
    [urls('/a b'), [`${url}[0]: Invalid value: "/a b": must not contain white-space`]],
    [urls('/a//b'), [`${url}[0]: Invalid value: "/a//b": must not contain double slash`]],
    [urls('/a*'), [`${url}[0]: Invalid value: "/a*": wildcard can only do suffix matching`]],
  ])('%j', (change, errors) => {
    expect(createErrors(schemas, changed(schema, change))).toEqual(errors);
  });

  it('of conditions in the status, each has a type of its own', () => {
    const conditions = [{ type: 'A' }, { type: 'A' }, {}];
    expect(updateErrors(schemas.subresources['status']!, changed(schema, ['status', { conditions }]), schema)).toEqual([
      'status.conditions[1].type: Duplicate value: "A"',
      'status.conditions[2].type: Required value: must not be empty',
    ]);
  });

  it('status updates change neither spec nor labels', () => {
    const other = changed(schema, ['spec.matchingPrecedence', 7], ['metadata', { labels: { a: 'b' } }]);
    const result = updated(schemas.subresources['status']!, changed(other, ['status', { conditions: [] }]), schema);
    expect(result['spec']).toMatchObject({ matchingPrecedence: 50 });
    expect(result.metadata.labels).toBeUndefined();
  });

  it('count spec changes', () => {
    expect(created(schemas, schema).metadata.generation).toBe(1);
    const old = changed(schema, ['metadata', { generation: 3 }]);
    expect(updated(schemas, old, old).metadata.generation).toBe(3);
    expect(updated(schemas, changed(old, ['spec.matchingPrecedence', 9]), old).metadata.generation).toBe(4);
  });
});

const queuing = { queues: 64, handSize: 8, queueLengthLimit: 50 };
const level = {
  apiVersion,
  kind: 'PriorityLevelConfiguration',
  spec: {
    type: 'Limited',
    limited: { nominalConcurrencyShares: 0, limitResponse: { type: 'Queue', queuing }, borrowingLimitPercent: 0 },
  },
};
const onlyExempt = "spec.type: Invalid value: \"Exempt\": type must be 'Exempt' if and only if name is 'exempt'";
const q = 'spec.limited.limitResponse.queuing';

describe('priority levels', () => {
  it.each<[Change, string[]]>([
    [['spec.limited.lendablePercent', 100], []],
    [['spec', { type: 'Exempt' }], [onlyExempt]],
    [['spec', { type: 'Free' }], ['spec.type: Unsupported value: "Free": supported values: "Exempt", "Limited"']],
    [['spec', { type: 'Limited' }], ['spec.limited: Required value: must not be empty when type is Limited']],
    [
      ['spec.type', 'Exempt'],
      [onlyExempt, 'spec.limited: Forbidden: must be nil if the type is not Limited'],
    ],
    [['spec.exempt', {}], ['spec.exempt: Forbidden: must be nil if the type is Limited']],
    [
      ['spec.limited.nominalConcurrencyShares', -1],
      ['spec.limited.nominalConcurrencyShares: Invalid value: -1: must be a non-negative integer'],
    ],
    [
      ['spec.limited.lendablePercent', 101],
      ['spec.limited.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive'],
    ],
    [
      ['spec.limited.borrowingLimitPercent', -1],
      ['spec.limited.borrowingLimitPercent: Invalid value: -1: if specified, must be a non-negative integer'],
    ],
    [
      ['spec.limited.limitResponse', { type: 'Drop' }],
      ['spec.limited.limitResponse.type: Unsupported value: "Drop": supported values: "Queue", "Reject"'],
    ],
    [
      ['spec.limited.limitResponse', { type: 'Queue' }],
      [`${q}: Required value: must not be empty if limited.limitResponse.type is Limited`],
    ],
    [
      ['spec.limited.limitResponse', { type: 'Reject', queuing }],
      [`${q}: Forbidden: must be nil if limited.limitResponse.type is not Limited`],
    ],
    [[`${q}.queueLengthLimit`, -1], [`${q}.queueLengthLimit: Invalid value: -1: must be positive`]],
    [
      [`${q}.queues`, -1],
      [
        `${q}.queues: Invalid value: -1: must be positive`,
        `${q}.handSize: Invalid value: 8: should not be greater than queues (-1)`,
      ],
    ],
    [
      [`${q}`, { queues: 10_000_001, handSize: 1, queueLengthLimit: 1 }],
      [`${q}.queues: Invalid value: 10000001: must not be greater than 10000000`],
    ],
    [[`${q}.handSize`, -1], [`${q}.handSize: Invalid value: -1: must be positive`]],
    [
      [`${q}.handSize`, 11],
      [
        `${q}.handSize: Invalid value: 11: required entropy bits of deckSize 64 and handSize 11 should not be greater than 60`,
      ],
    ],
  ])('%j', (change, errors) => {
    expect(createErrors(levels, changed(level, change))).toEqual(errors);
  });
});

describe('built-in objects', () => {
  const strategyOf = { FlowSchema: schemas, PriorityLevelConfiguration: levels };
  it.each(flowcontrolBootstrap().objects)('$kind $name passes', ({ kind, name, spec }) => {
    expect(createErrors(strategyOf[kind], { apiVersion, kind, metadata: { name }, spec })).toEqual([]);
  });

  const catchAll = flowcontrolBootstrap().objects.find((o) => o.kind === 'FlowSchema' && o.name === 'catch-all')!;
  const exempt = flowcontrolBootstrap().objects.find(
    (o) => o.kind === 'PriorityLevelConfiguration' && o.name === 'exempt',
  )!;

  it('the mandatory ones cannot be changed', () => {
    const object = { apiVersion, kind: 'FlowSchema', metadata: { name: 'catch-all' }, spec: catchAll.spec };
    expect(createErrors(schemas, changed(object, ['spec.matchingPrecedence', 9000]))).toEqual([
      expect.stringMatching(/^spec: Invalid value: \{.*\}: spec of 'catch-all' must equal the fixed value$/),
    ]);
  });

  it('the shares of the exempt level can be changed, nothing else', () => {
    const object = { apiVersion, kind: exempt.kind, metadata: { name: 'exempt' }, spec: exempt.spec };
    expect(createErrors(levels, changed(object, ['spec.exempt', { nominalConcurrencyShares: 7 }]))).toEqual([]);
    expect(createErrors(levels, changed(object, ['spec.exempt', { lendablePercent: 101 }]))).toEqual([
      'spec.exempt.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive',
    ]);
    expect(createErrors(levels, changed(object, ['spec.limited', level.spec.limited]))).toEqual([
      'spec.limited: Forbidden: must be nil if the type is not Limited',
      expect.stringMatching(/spec of 'exempt' except the 'spec\.exempt' field must equal the fixed value$/),
    ]);
  });
});
