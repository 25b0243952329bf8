import { describe, expect, it } from 'vitest';
import { changed, created, createErrors, updateErrors, updated, type Change } from '../testing/strategy-check.ts';
import type { Strategy } from '../strategy.ts';
import { deviceClassStrategy, resourceSliceStrategy } from './device-strategies.ts';

const apiVersion = 'resource.k8s.io/v1';
const slices = resourceSliceStrategy as Strategy;
const slice = {
  apiVersion,
  kind: 'ResourceSlice',
  spec: {
    driver: 'example.com',
    pool: { name: 'node-a', generation: 1, resourceSliceCount: 1 },
    nodeName: 'node-a',
    devices: [{ name: 'd0', attributes: { model: { string: 'x' } }, capacity: { memory: { value: '8Gi' } } }],
  },
};
const device = (value: object): Change => ['spec.devices', [{ name: 'd0', ...value }]];
const attribute = (value: object): Change => device({ attributes: { a: value } });
const policy = (requestPolicy: object): Change =>
  device({ allowMultipleAllocations: true, capacity: { memory: { value: '8', requestPolicy } } });
const at = 'spec.devices[0]';
const values = `${at}.capacity[memory].requestPolicy.validValues`;
const range = `${at}.capacity[memory].requestPolicy.validRange`;
const places = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';
const term = { matchExpressions: [{ key: 'a', operator: 'Exists' }] };
const many = (count: number, make: (i: number) => unknown): Record<string, unknown> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, make(i)]));

describe('resource slices', () => {
  it.each<[Change, unknown[]]>([
    [['spec.devices', undefined], []],
    [['spec.driver', ''], ['spec.driver: Required value']],
    [
      ['spec.pool', {}],
      ['spec.pool.name: Required value', 'spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero'],
    ],
    [['spec.pool.generation', -1], ['spec.pool.generation: Invalid value: -1: must be greater than or equal to zero']],
    [['spec.nodeName', undefined], [`spec: Required value: ${places}`]],
    [
      ['spec.nodeName', ''],
      [
        'spec.nodeName: Invalid value: "": must be either unset or set to a non-empty string',
        `spec: Required value: ${places}`,
      ],
    ],
    [
      ['spec.allNodes', true],
      [`spec: Invalid value: "{\`nodeName\`, \`allNodes\`}": ${places}, but multiple fields are set`],
    ],
    [['spec.allNodes', false], ['spec.allNodes: Invalid value: false: must be either unset or set to true']],
    [
      ['spec.nodeSelector', { nodeSelectorTerms: [term, term] }],
      [
        expect.stringMatching(/^spec\.nodeSelector\.nodeSelectorTerms: Invalid value: .*must have exactly one node/),
        expect.stringContaining('but multiple fields are set'),
      ],
    ],
    [
      ['spec.sharedCounters', [{ name: 'c', counters: { a: { value: '1' } } }]],
      ['spec: Invalid value: "": only one of `sharedCounters` or `devices` is allowed'],
    ],
    [['spec.devices', [{ name: 'a' }, { name: 'a' }]], ['spec.devices[1]: Duplicate value: "a"']],
    [
      ['spec.devices', Array.from({ length: 129 }, (_, i) => ({ name: `d${i}` }))],
      ['spec.devices: Too many: 129: must have at most 128 items'],
    ],
    [
      [
        'spec.devices',
        Array.from({ length: 65 }, (_, i) => ({ name: `d${i}`, taints: [{ key: 'a', effect: 'None' }] })),
      ],
      ['spec.devices: Too many: 65: must have at most 64 items'],
    ],
    [device({ name: 'A' }), [expect.stringMatching(/^spec\.devices\[0\]\.name: Invalid value: "A": a lowercase/)]],
    [
      device({ attributes: many(33, () => ({ int: 1 })) }),
      [`${at}: Invalid value: 33: the total number of attributes and capacities must not exceed 32`],
    ],
    [attribute({}), [`${at}.attributes[a]: Invalid value: "": exactly one value must be specified`]],
    [
      attribute({ int: 1, bool: true }),
      [`${at}.attributes[a]: Invalid value: {"int":1,"bool":true}: exactly one value must be specified`],
    ],
    [attribute({ string: 'x'.repeat(65) }), [`${at}.attributes[a].string: Too long: may not be more than 64 bytes`]],
    [
      attribute({ version: 'v1' }),
      [`${at}.attributes[a].version: Invalid value: "v1": must be a string compatible with semver.org spec 2.0.0`],
    ],
    [
      device({ attributes: { '1a': { int: 1 }, 'b/c/d': { int: 1 }, '/x': { int: 1 }, 'a/': { int: 1 } } }),
      [
        `${at}.attributes: Invalid value: "": the domain must not be empty`,
        expect.stringMatching(/^spec\.devices\[0\]\.attributes: Invalid value: "1a": a valid C identifier/),
        `${at}.attributes: Invalid value: "": the name must not be empty`,
        `${at}.attributes: Invalid value: "b/c/d": must not contain more than one slash`,
      ],
    ],
    [
      device({ capacity: { ['m'.repeat(33)]: { value: '1' } } }),
      [`${at}.capacity: Too long: may not be more than 32 bytes`],
    ],
    [
      device({ capacity: { memory: { value: '1', requestPolicy: {} } } }),
      [`${at}.capacity[memory].requestPolicy: Forbidden: allowMultipleAllocations must be true`],
    ],
    [policy({ default: '2', validValues: ['1', '2'] }), []],
    [policy({ default: '2', validRange: { min: '1', step: '1' } }), []],
    [
      policy({ default: '1', validValues: ['1'], validRange: { min: '1' } }),
      [
        `${at}.capacity[memory].requestPolicy: Forbidden: exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time`,
      ],
    ],
    [
      policy({ validValues: ['1'] }),
      [`${at}.capacity[memory].requestPolicy.default: Required value: required when validValues is defined`],
    ],
    [
      policy({ validRange: { min: '1' } }),
      [`${at}.capacity[memory].requestPolicy.default: Required value: required when validRange is defined`],
    ],
    [
      policy({ default: '3', validValues: ['2', '1', '9', '9'] }),
      [
        `${values}[1]: Invalid value: "1": values must be sorted in ascending order`,
        `${values}[2]: Invalid value: "9": option is larger than capacity value: 8`,
        `${values}[3]: Invalid value: "9": option is larger than capacity value: 8`,
        `${values}[3]: Duplicate value: "9"`,
        `${values}: Invalid value: "3": default value is not valid according to the requestPolicy`,
      ],
    ],
    [
      policy({ default: '1', validRange: { min: '9', max: '8' } }),
      [
        `${range}.min: Invalid value: "9": min is larger than capacity value: 8`,
        `${range}.default: Invalid value: "1": default is less than min: 9`,
        `${range}.max: Invalid value: "9": min is larger than max: 8`,
      ],
    ],
    [
      policy({ default: '10', validRange: { min: '1', max: '9' } }),
      [
        `${range}.max: Invalid value: "9": max is larger than capacity value: 8`,
        `${range}.default: Invalid value: "10": default is more than max: 9`,
      ],
    ],
    [
      policy({ default: '2', validRange: { min: '1', max: '8', step: '3' } }),
      [
        `${range}.step: Invalid value: "2": value is not a multiple of a given step (3) from (1)`,
        `${range}.step: Invalid value: "8": value is not a multiple of a given step (3) from (1)`,
      ],
    ],
    [
      policy({ default: '1', validRange: { min: '1', step: '8' } }),
      [`${range}.step: Invalid value: "8": one step 9 is larger than capacity value: 8`],
    ],
    [
      policy({ default: '1', validRange: { min: '1', step: '0' } }),
      [`${range}.step: Invalid value: "0": must be greater than zero`],
    ],
    [
      device({ taints: [{ key: 'a b', value: 'c d' }] }),
      [
        expect.stringMatching(/taints\[0\]\.key: Invalid value: "a b": name part must/),
        expect.stringMatching(/taints\[0\]\.value: Invalid value: "c d": a valid label must/),
        `${at}.taints[0].effect: Required value`,
      ],
    ],
    [
      device({ taints: [{ key: 'a', effect: 'Soon' }] }),
      [`${at}.taints[0].effect: Unsupported value: "Soon": supported values: "NoExecute", "NoSchedule", "None"`],
    ],
    [
      device({ consumesCounters: [{}, { counterSet: 'c', counters: { A: { value: '1' } } }] }),
      [
        `${at}.consumesCounters[0].counterSet: Required value`,
        `${at}.consumesCounters[0].counters: Required value`,
        expect.stringMatching(/consumesCounters\[1\]\.counters: Invalid value: "A": a lowercase RFC 1123 label/),
      ],
    ],
    [device({ consumesCounters: [{}, {}, {}] }), [`${at}.consumesCounters: Too many: 3: must have at most 2 items`]],
    [
      device({ allNodes: true }),
      [
        `${at}: Invalid value: null: \`nodeName\`, \`nodeSelector\` and \`allNodes\` can only be set if \`perDeviceNodeSelection\` is set to true in the ResourceSlice spec`,
      ],
    ],
    [
      device({ bindingConditions: ['a'] }),
      [
        `${at}.bindingFailureConditions: Invalid value: []: bindingFailureConditions are required to use bindingConditions`,
      ],
    ],
  ])('%j', (change, errors) => {
    expect(createErrors(slices, changed(slice, change))).toEqual(errors);
  });

  it('may leave the place to the devices', () => {
    const open = changed(slice, ['spec.nodeName', undefined], ['spec.perDeviceNodeSelection', true]);
    const rule =
      'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec';
    expect(createErrors(slices, changed(open, device({ allNodes: true })))).toEqual([]);
    expect(createErrors(slices, changed(open, device({ allNodes: false })))).toEqual([
      `${at}.allNodes: Invalid value: false: must be either unset or set to true`,
      `${at}: Required value: ${rule}`,
    ]);
    expect(createErrors(slices, changed(open, device({ allNodes: true, nodeName: 'a' })))).toEqual([
      `${at}: Invalid value: "{\`nodeName\`, \`allNodes\`}": ${rule}`,
    ]);
  });

  it('keep driver, pool and node', () => {
    const moved = changed(slice, ['spec.driver', 'b.com'], ['spec.pool.name', 'p'], ['spec.nodeName', 'b']);
    expect(updateErrors(slices, moved, slice)).toEqual([
      'spec.pool.name: Invalid value: "p": field is immutable',
      'spec.driver: Invalid value: "b.com": field is immutable',
      'spec.nodeName: Invalid value: "b": field is immutable',
    ]);
  });

  it('have fields to select by, and a generation', () => {
    const object = created(slices, slice);
    expect(slices.selectableFields?.(object)).toEqual({ 'spec.driver': 'example.com', 'spec.nodeName': 'node-a' });
    expect(object.metadata.generation).toBe(1);
  });

  it('lose lists of values while their gate is off', () => {
    const object = created(slices, changed(slice, attribute({ ints: [1] })));
    expect(object['spec']).toMatchObject({ devices: [{ attributes: { a: {} } }] });
    const stored = { ...slice, spec: { ...slice.spec, devices: [{ name: 'd0', attributes: { a: { ints: [1] } } }] } };
    expect(updated(slices, stored, stored)['spec']).toMatchObject(stored.spec);
  });
});

describe('device classes', () => {
  const classes = deviceClassStrategy as Strategy;
  const object = { apiVersion, kind: 'DeviceClass', spec: { selectors: [{ cel: { expression: 'true' } }] } };
  it.each<[Change, unknown[]]>([
    [['spec', {}], []],
    [['spec.extendedResourceName', 'example.com/gpu'], []],
    [
      ['spec.extendedResourceName', 'cpu'],
      ['spec.extendedResourceName: Invalid value: "cpu": must be a valid extended resource name'],
    ],
    [['spec.selectors', [{}]], ['spec.selectors[0].cel: Required value']],
    [['spec.config', [{}]], ['spec.config[0].opaque: Required value']],
  ])('%j', (change, errors) => {
    expect(createErrors(classes, changed(object, change))).toEqual(errors);
  });

  it('what did not change is not checked again', () => {
    const old = changed(object, ['spec.selectors', [{ cel: { expression: 'x'.repeat(20_000) } }]]);
    expect(updateErrors(classes, changed(old, ['spec.extendedResourceName', 'a.b/c']), old)).toEqual([]);
  });
});
