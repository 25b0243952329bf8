import { describe, expect, it } from 'vitest';
import { changed, created, createErrors, updateErrors, updated, type Change } from '../testing/strategy-check.ts';
import type { Strategy } from '../strategy.ts';
import { mutatingWebhookStrategy, validatingWebhookStrategy } from './webhook-strategies.ts';

const validating = validatingWebhookStrategy as Strategy;
const mutating = mutatingWebhookStrategy as Strategy;
const rule = { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] };
const hook = {
  name: 'check.example.com',
  clientConfig: { url: 'https://example.com/check' },
  rules: [rule],
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
};
const configuration = (kind: string, ...webhooks: object[]) => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind,
  webhooks,
});
const errorsOf = (...changes: Change[]): string[] =>
  createErrors(validating, configuration('ValidatingWebhookConfiguration', changed(hook, ...changes)));
const rules = (change: object): Change => ['rules', [{ ...rule, ...change }]];
const service = (change: object): Change => ['clientConfig', { service: { namespace: 'ns', name: 'svc', ...change } }];
const url = (text: string): Change => ['clientConfig.url', text];
const form = '; desired format: https://host[/path]';
const bad = (field: string, value: string, detail: string) =>
  `webhooks[0].${field}: Invalid value: ${value}: ${detail}`;

describe('webhook configurations', () => {
  it.each<[Change, string[]]>([
    [['timeoutSeconds', 30], []],
    [['name', ''], ['webhooks[0].name: Required value']],
    [['name', 'check'], [bad('name', '"check"', 'should be a domain with at least three segments separated by dots')]],
    [['timeoutSeconds', 31], [bad('timeoutSeconds', '31', 'the timeout value must be between 1 and 30 seconds')]],
    [
      ['failurePolicy', 'Maybe'],
      ['webhooks[0].failurePolicy: Unsupported value: "Maybe": supported values: "Fail", "Ignore"'],
    ],
    [
      ['matchPolicy', 'Maybe'],
      ['webhooks[0].matchPolicy: Unsupported value: "Maybe": supported values: "Equivalent", "Exact"'],
    ],
    [['sideEffects', undefined], ['webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun']],
    [
      ['sideEffects', 'Some'],
      ['webhooks[0].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"'],
    ],
    [
      ['admissionReviewVersions', []],
      ['webhooks[0].admissionReviewVersions: Required value: must specify one of v1, v1beta1'],
    ],
    [
      ['admissionReviewVersions', ['v2', 'v2']],
      [
        bad('admissionReviewVersions[1]', '"v2"', 'duplicate version'),
        bad('admissionReviewVersions', '["v2","v2"]', 'must include at least one of v1, v1beta1'),
      ],
    ],
    [
      ['namespaceSelector', { matchLabels: { a: 'b c' } }],
      [expect.stringContaining('webhooks[0].namespaceSelector.matchLabels: Invalid value: "b c"') as string],
    ],
    [
      ['objectSelector', { matchExpressions: [{ key: 'a', operator: 'In' }] }],
      [
        "webhooks[0].objectSelector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
      ],
    ],
    [['clientConfig', {}], ['webhooks[0].clientConfig: Required value: exactly one of url or service is required']],
    [
      ['clientConfig.service', { namespace: 'ns', name: 'svc' }],
      ['webhooks[0].clientConfig: Required value: exactly one of url or service is required'],
    ],
    [url('http://example.com'), [bad('clientConfig.url', '"http"', `'https' is the only allowed URL scheme${form}`)]],
    [url('https:///x'), [bad('clientConfig.url', '""', `host must be specified${form}`)]],
    [
      url('https://u:p@h/x?a=b#f'),
      [
        bad('clientConfig.url', '"u:p"', 'user information is not permitted in the URL'),
        bad('clientConfig.url', '"f"', 'fragments are not permitted in the URL'),
        bad('clientConfig.url', '"a=b"', 'query parameters are not permitted in the URL'),
      ],
    ],
    [
      url('https://h:x'),
      [
        `webhooks[0].clientConfig.url: Required value: url must be a valid URL: parse "https://h:x": invalid port ":x" after host${form}`,
      ],
    ],
    [service({ path: '/a/b/' }), []],
    [
      service({ name: '', namespace: '', port: 0 }),
      [
        'webhooks[0].clientConfig.service.name: Required value: service name is required',
        'webhooks[0].clientConfig.service.namespace: Required value: service namespace is required',
        bad('clientConfig.service.port', '0', 'port is not valid: must be between 1 and 65535, inclusive'),
      ],
    ],
    [service({ path: '//' }), [bad('clientConfig.service.path', '"//"', 'segment[0] may not be empty')]],
    [service({ path: '/a//b' }), [bad('clientConfig.service.path', '"/a//b"', 'segment[1] may not be empty')]],
    [
      service({ path: 'a/B' }),
      [
        bad('clientConfig.service.path', '"a/B"', "must start with a '/'"),
        expect.stringContaining('"a/B": segment[0] may not be empty') as string,
        expect.stringContaining('"a/B": segment[1]: a lowercase RFC 1123 subdomain') as string,
      ],
    ],
    [rules({ operations: [] }), ['webhooks[0].rules[0].operations: Required value']],
    [
      rules({ operations: ['*', 'CREATE'] }),
      [bad('rules[0].operations', '["*","CREATE"]', "if '*' is present, must not specify other operations")],
    ],
    [
      rules({ operations: ['GET'] }),
      [
        'webhooks[0].rules[0].operations[0]: Unsupported value: "GET": supported values: "*", "CONNECT", "CREATE", "DELETE", "UPDATE"',
      ],
    ],
    [
      rules({ apiGroups: [], apiVersions: [''] }),
      ['webhooks[0].rules[0].apiGroups: Required value', 'webhooks[0].rules[0].apiVersions[0]: Required value'],
    ],
    [
      rules({ apiGroups: ['a', '*'] }),
      [bad('rules[0].apiGroups', '["a","*"]', "if '*' is present, must not specify other API groups")],
    ],
    [
      rules({ apiVersions: ['a', '*'] }),
      [bad('rules[0].apiVersions', '["a","*"]', "if '*' is present, must not specify other API versions")],
    ],
    [rules({ resources: [] }), ['webhooks[0].rules[0].resources: Required value']],
    [rules({ resources: [''] }), ['webhooks[0].rules[0].resources[0]: Required value']],
    [
      rules({ resources: ['a/*', 'a/b'] }),
      [bad('rules[0].resources[1]', '"a/b"', "if 'a/*' is present, must not specify a/b")],
    ],
    [
      rules({ resources: ['*/x', 'a/x'] }),
      [bad('rules[0].resources[1]', '"a/x"', "if '*/x' is present, must not specify a/x")],
    ],
    [
      rules({ resources: ['*/*', 'a'] }),
      [bad('rules[0].resources', '["*/*","a"]', "if '*/*' is present, must not specify other resources")],
    ],
    [
      rules({ resources: ['*', 'a'] }),
      [
        bad(
          'rules[0].resources',
          '["*","a"]',
          "if '*' is present, must not specify other resources without subresources",
        ),
      ],
    ],
    [
      rules({ scope: 'World' }),
      ['webhooks[0].rules[0].scope: Unsupported value: "World": supported values: "*", "Cluster", "Namespaced"'],
    ],
    [
      ['matchConditions', [{ name: 'a', expression: ' ' }, { name: 'a', expression: 'true' }, { expression: 'true' }]],
      [
        'webhooks[0].matchConditions[0].expression: Required value',
        'webhooks[0].matchConditions[1].name: Duplicate value: "a"',
        'webhooks[0].matchConditions[2].name: Required value',
      ],
    ],
    [
      ['matchConditions', Array.from({ length: 65 }, (_, i) => ({ name: `c${i}`, expression: 'true' }))],
      ['webhooks[0].matchConditions: Too many: 65: must have at most 64 items'],
    ],
  ])('%j', (change, errors) => {
    expect(errorsOf(change)).toEqual(errors);
  });

  it('mutating ones may ask to be called again', () => {
    const object = (policy: string) =>
      configuration('MutatingWebhookConfiguration', { ...hook, reinvocationPolicy: policy });
    expect(createErrors(mutating, object('IfNeeded'))).toEqual([]);
    expect(createErrors(mutating, object('Often'))).toEqual([
      'webhooks[0].reinvocationPolicy: Unsupported value: "Often": supported values: "IfNeeded", "Never"',
    ]);
  });

  it('webhooks have different names', () => {
    expect(createErrors(validating, configuration('ValidatingWebhookConfiguration', hook, hook))).toEqual([
      'webhooks[1].name: Duplicate value: "check.example.com"',
    ]);
  });

  it('an update may keep what an earlier release has let in', () => {
    const legacy = changed(
      hook,
      ['sideEffects', 'Some'],
      ['admissionReviewVersions', ['v2']],
      ['matchConditions', [{ name: 'a' }]],
    );
    const old = configuration('ValidatingWebhookConfiguration', legacy, legacy);
    expect(createErrors(validating, old)).toHaveLength(7);
    expect(updateErrors(validating, old, old)).toEqual([]);
  });

  it('the generation counts changes of the webhooks', () => {
    const old = { ...configuration('ValidatingWebhookConfiguration', hook), metadata: { generation: 2 } };
    expect(created(validating, old).metadata.generation).toBe(1);
    expect(updated(validating, old, old).metadata.generation).toBe(2);
    expect(updated(validating, { ...old, webhooks: [] }, old).metadata.generation).toBe(3);
  });
});
