import { describe, expect, it } from 'vitest';
import {
  changed,
  created,
  createErrors,
  decoded,
  strategyContext,
  updated,
  updateErrors,
  type Change,
} from '../testing/strategy-check.ts';
import type { Strategy } from '../strategy.ts';
import { resourceClaimStrategy, resourceClaimTemplateStrategy } from './resource-claim-strategy.ts';

const strategy = resourceClaimStrategy as Strategy;
const status = strategy.subresources['status']!;
const apiVersion = 'resource.k8s.io/v1';
const exactly = { deviceClassName: 'gpu.example.com', selectors: [{ cel: { expression: 'true' } }] };
const devices = {
  requests: [
    { name: 'r0', exactly },
    { name: 'r1', firstAvailable: [{ name: 's0', deviceClassName: 'a' }] },
  ],
  constraints: [{ requests: ['r0', 'r1/s0'], matchAttribute: 'example.com/numa' }],
  config: [{ requests: ['r0'], opaque: { driver: 'example.com', parameters: { a: 1 } } }],
};
const claim = { apiVersion, kind: 'ResourceClaim', spec: { devices } };
const request = (value: object): Change => [
  'spec.devices',
  { requests: [{ name: 'r0', exactly: { ...exactly, ...value } }] },
];
const requests = (...list: object[]): Change => ['spec.devices', { requests: list }];
const constraint = (value: object): Change => ['spec.devices.constraints', [value]];
const config = (value: object): Change => ['spec.devices.config', [value]];
const at = 'spec.devices.requests[0]';
const label = expect.stringContaining('a lowercase RFC 1123 label must') as string;
const one = 'exactly one of `exactly` or `firstAvailable` is required';
const reference =
  "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";

describe('resource claims', () => {
  it.each<[Change, string[]]>([
    [['spec', {}], []],
    [['spec.devices.requests', devices.requests], []],
    [requests({ exactly }), [label]],
    [requests({ name: 'r' }), [`${at}: Required value: ${one}`]],
    [
      requests({ name: 'r', exactly, firstAvailable: devices.requests[1]!.firstAvailable }),
      [`${at}: Invalid value: null: ${one}, but multiple fields are set`],
    ],
    [requests({ name: 'r', exactly }, { name: 'r', exactly }), ['spec.devices.requests[1]: Duplicate value: "r"']],
    [
      requests(...Array.from({ length: 33 }, () => ({}))),
      ['spec.devices.requests: Too many: 33: must have at most 32 items'],
    ],
    [
      requests({ name: 'r', firstAvailable: Array.from({ length: 9 }, () => ({})) }),
      [`${at}.firstAvailable: Too many: 9: must have at most 8 items`],
    ],
    [request({ deviceClassName: '' }), [`${at}.exactly.deviceClassName: Required value`]],
    [
      request({ deviceClassName: 'A' }),
      [expect.stringMatching(/exactly\.deviceClassName: Invalid value: "A": a lowercase RFC 1123 subdomain/) as string],
    ],
    [request({ selectors: [{}] }), [`${at}.exactly.selectors[0].cel: Required value`]],
    [request({ selectors: [{ cel: {} }] }), [`${at}.exactly.selectors[0].cel.expression: Required value`]],
    [
      request({ selectors: [{ cel: { expression: 'x'.repeat(10241) } }] }),
      [`${at}.exactly.selectors[0].cel.expression: Too long: may not be more than 10240 bytes`],
    ],
    [
      request({ allocationMode: 'All', count: 2 }),
      [`${at}.exactly.count: Invalid value: 2: must not be specified when allocationMode is 'All'`],
    ],
    [request({ count: -1 }), [`${at}.exactly.count: Invalid value: -1: must be greater than zero`]],
    [
      request({ allocationMode: 'Some' }),
      [`${at}.exactly.allocationMode: Unsupported value: "Some": supported values: "All", "ExactCount"`],
    ],
    [
      request({ tolerations: [{ key: 'a', operator: 'Exists', value: 'b', effect: 'Never' }] }),
      [
        `${at}.exactly.tolerations[0].value: Invalid value: "b": must be empty for operator \`Exists\``,
        `${at}.exactly.tolerations[0].effect: Unsupported value: "Never": supported values: "NoExecute", "NoSchedule", "None"`,
      ],
    ],
    [
      request({ tolerations: [{ operator: 'Like' }] }),
      [`${at}.exactly.tolerations[0].operator: Unsupported value: "Like": supported values: "Equal", "Exists"`],
    ],
    [
      request({ adminAccess: true }),
      [
        `${at}.exactly.adminAccess: Forbidden: admin access to devices requires the \`resource.kubernetes.io/admin-access: true\` label on the containing namespace`,
      ],
    ],
    [
      constraint({}),
      [
        'spec.devices.constraints[0]: Required value: exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set',
      ],
    ],
    [
      constraint({ matchAttribute: 'numa' }),
      [
        'spec.devices.constraints[0].matchAttribute: Invalid value: "numa": a fully qualified name must be a domain and a name separated by a slash',
      ],
    ],
    [
      constraint({ distinctAttribute: 'a/b/c' }),
      ['spec.devices.constraints[0].distinctAttribute: Invalid value: "a/b/c": must not contain more than one slash'],
    ],
    [
      constraint({ requests: ['r0', 'r0', 'r9', 'a/b/c'], matchAttribute: 'a/b' }),
      [
        `spec.devices.constraints[0].requests[2]: Invalid value: "r9": ${reference}`,
        `spec.devices.constraints[0].requests[3]: Invalid value: "a/b/c": ${reference}`,
        'spec.devices.constraints[0].requests[1]: Duplicate value: "r0"',
      ],
    ],
    [config({}), ['spec.devices.config[0].opaque: Required value']],
    [
      config({ opaque: {} }),
      [
        'spec.devices.config[0].opaque.driver: Required value',
        'spec.devices.config[0].opaque.parameters: Required value',
      ],
    ],
    [
      config({ opaque: { driver: 'a', parameters: [1] } }),
      ['spec.devices.config[0].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON object'],
    ],
    [
      config({ opaque: { driver: 'a'.repeat(64), parameters: { a: 'x'.repeat(10240) } } }),
      [
        'spec.devices.config[0].opaque.driver: Too long: may not be more than 63 bytes',
        'spec.devices.config[0].opaque.parameters: Too long: may not be more than 10240 bytes',
      ],
    ],
  ])('%j', (change, errors) => {
    expect(createErrors(strategy, changed(claim, change))).toEqual(errors);
  });

  it('keep their spec', () => {
    expect(updateErrors(strategy, changed(claim, ['metadata', { labels: { a: 'b' } }]), claim)).toEqual([]);
    expect(updateErrors(strategy, changed(claim, ['spec.devices.config', []]), claim)).toEqual([
      expect.stringMatching(/^spec: Invalid value: \{.*\}: field is immutable$/),
    ]);
  });

  it('start without a status', () => {
    expect(created(strategy, changed(claim, ['status', { reservedFor: [] }]))['status']).toEqual({});
  });

  it('lose fields whose gate is off, unless they are in use', () => {
    const object = changed(claim, request({ tolerations: [{ operator: 'Exists' }] }));
    const off = { ...strategyContext, featureEnabled: () => false };
    const specOf = (value: unknown) => JSON.stringify(value);
    expect(specOf(created(strategy, object, off))).not.toContain('tolerations');
    const result = decoded(object);
    strategy.prepareForUpdate(off, result, decoded(object));
    expect(specOf(result)).toContain('tolerations');
  });
});

const result = { request: 'r0', driver: 'example.com', pool: 'p', device: 'd' };
const allocation = { devices: { results: [result] } };
const consumer = { resource: 'pods', name: 'a', uid: 'u' };
const results = (value: object): Change => ['status.allocation', { devices: { results: [{ ...result, ...value }] } }];
const device = (value: object): Change => [
  'status',
  { allocation, devices: [{ driver: 'example.com', pool: 'p', device: 'd', ...value }] },
];
const r = 'status.allocation.devices.results[0]';
const d = 'status.devices[0]';

describe('the status of resource claims', () => {
  it.each<[Change, unknown[]]>([
    [['status', { allocation, reservedFor: [consumer] }], []],
    [
      ['status', { reservedFor: [consumer] }],
      ['status.reservedFor: Forbidden: may not be specified when `allocated` is not set'],
    ],
    [
      ['status', { allocation, reservedFor: [{}, consumer, consumer] }],
      [
        'status.reservedFor[0].resource: Required value',
        'status.reservedFor[0].name: Required value',
        'status.reservedFor[0].uid: Required value',
        'status.reservedFor[2]: Duplicate value: "u"',
      ],
    ],
    [results({ request: 'x' }), [`${r}.request: Invalid value: "x": ${reference}`]],
    [
      results({ driver: '', pool: '', device: '' }),
      [`${r}.driver: Required value`, `${r}.pool: Required value`, label],
    ],
    [results({ pool: 'a/B' }), [expect.stringMatching(/results\[0\]\.pool: Invalid value: "B": a lowercase/)]],
    [
      results({ bindingConditions: ['a', 'a'] }),
      [
        `${r}.bindingConditions[1]: Duplicate value: "a"`,
        `${r}.bindingFailureConditions: Invalid value: []: bindingFailureConditions are required to use bindingConditions`,
      ],
    ],
    [
      results({ bindingConditions: ['a'], bindingFailureConditions: ['a'] }),
      [
        `${r}.bindingFailureConditions[0]: Invalid value: "a": bindingFailureConditions must not overlap with bindingConditions`,
      ],
    ],
    [
      results({ bindingFailureConditions: ['a', 'b', 'c', 'd', 'e'] }),
      [
        `${r}.bindingFailureConditions: Too many: 5: must have at most 4 items`,
        `${r}.bindingConditions: Invalid value: []: bindingConditions are required to use bindingFailureConditions`,
      ],
    ],
    [results({ shareID: 'x' }), [`${r}.shareID: Invalid value: "x": error validating uid: invalid UUID length: 1`]],
    [
      results({ shareID: 'AAAAAAAA-AAAA-AAAA-AAAA-AAAAAAAAAAAA' }),
      [expect.stringContaining('uid must be in RFC 4122 normalized form')],
    ],
    [
      ['status.allocation', { devices: { config: [{ opaque: { driver: 'a', parameters: {} } }] } }],
      ['status.allocation.devices.config[0].source: Required value'],
    ],
    [
      ['status.allocation', { devices: { config: [{ source: 'Sky', opaque: { driver: 'a', parameters: {} } }] } }],
      [
        'status.allocation.devices.config[0].source: Unsupported value: "Sky": supported values: "FromClaim", "FromClass"',
      ],
    ],
    [
      ['status.allocation', { nodeSelector: { nodeSelectorTerms: [] } }],
      ['status.allocation.nodeSelector.nodeSelectorTerms: Required value: must have at least one node selector term'],
    ],
    [device({}), []],
    [device({ device: 'e' }), [`${d}: Invalid value: "example.com/p/e": must be an allocated device in the claim`]],
    [device({ data: 'x' }), [`${d}.data: Invalid value: "<value omitted>": must be a valid JSON object`]],
    [
      device({ networkData: { interfaceName: 'x'.repeat(257), ips: ['10.0.0.1'], hardwareAddress: 'x'.repeat(129) } }),
      [
        `${d}.networkData.interfaceName: Too long: may not be more than 256 bytes`,
        `${d}.networkData.hardwareAddress: Too long: may not be more than 128 bytes`,
        expect.stringContaining(`${d}.networkData.ips[0]: Invalid value: "10.0.0.1"`),
      ],
    ],
    [
      device({ conditions: [{ type: 'A' }] }),
      expect.arrayContaining([
        `${d}.conditions[0].status: Unsupported value: "": supported values: "False", "True", "Unknown"`,
      ]) as string[],
    ],
  ])('%j', (change, errors) => {
    expect(updateErrors(status, changed(claim, change), claim)).toEqual(errors);
  });

  it('an allocation does not change, and nothing is reserved for a claim that is going away', () => {
    const old = changed(claim, ['status', { allocation, reservedFor: [consumer] }]);
    expect(updateErrors(status, changed(old, results({ device: 'e' })), old)).toEqual([
      expect.stringMatching(/^status\.allocation: Invalid value: \{.*\}: field is immutable$/),
    ]);
    const going: Change = ['metadata', { deletionTimestamp: '2026-01-01T00:00:00Z' }];
    const more = changed(old, going, ['status.reservedFor', [consumer, { ...consumer, uid: 'v' }]]);
    expect(updateErrors(status, more, changed(old, going))).toEqual([
      'status.reservedFor: Forbidden: new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set',
    ]);
  });

  it('loses what drivers said about devices that are no longer allocated', () => {
    const old = changed(claim, device({}));
    expect(updated(status, changed(old, ['status.allocation', undefined]), old)['status']).toEqual({});
    expect(updated(status, changed(old, ['spec', {}]), old)['spec']).toEqual(decoded(claim)['spec']);
  });
});

describe('resource claim templates', () => {
  const templates = resourceClaimTemplateStrategy as Strategy;
  const template = { apiVersion, kind: 'ResourceClaimTemplate', spec: { spec: { devices } } };
  it.each<[Change, unknown[]]>([
    [['spec.metadata', { labels: { a: 'b' } }], []],
    [['spec.metadata', { name: 'a' }], ['spec.metadata.name: Forbidden: cannot be set']],
    [
      ['spec.metadata', { labels: { a: 'b c' } }],
      [expect.stringMatching(/^spec\.metadata\.labels: Invalid value: "b c"/)],
    ],
    [['spec.spec.devices.config', [{}]], ['spec.spec.devices.config[0].opaque: Required value']],
  ])('%j', (change, errors) => {
    expect(createErrors(templates, changed(template, change))).toEqual(errors);
  });
  it('do not change', () => {
    expect(updateErrors(templates, changed(template, ['spec.metadata', { labels: { a: 'b' } }]), template)).toEqual([
      expect.stringMatching(/^spec: Invalid value: \{.*\}: field is immutable$/),
    ]);
  });
});
