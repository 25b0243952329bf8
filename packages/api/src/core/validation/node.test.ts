import { describe, expect, it } from 'vitest';
import type { Node } from '../../generated/types/core-v1.ts';
import { nodeWarnings, validateNode, validateNodeUpdate } from './node.ts';
import { changed, texts } from './resource-names-testing.ts';

const node: Node = {
  metadata: { name: 'n' },
  spec: { podCIDR: '10.1.0.0/24', podCIDRs: ['10.1.0.0/24', 'fd00::/64'], providerID: 'p', taints: [] },
  status: { capacity: { cpu: '500m', pods: '110' }, addresses: [{ type: 'InternalIP', address: '10.0.0.1' }] },
};
const qualified =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const effects = 'supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"';
const keepsCIDR = 'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid';

describe('nodes', () => {
  it('accepts a valid one', () => {
    expect(validateNode(node, { strictCIDR: true })).toEqual([]);
    expect(validateNodeUpdate(node, node)).toEqual([]);
  });

  it.each<[string, Record<string, unknown>, string[]]>([
    [
      'a taint key',
      { 'spec.taints': [{ key: '-', effect: 'NoSchedule' }] },
      [`metadata.taints[0].key: Invalid value: "-": name part ${qualified}`],
    ],
    [
      'a taint value',
      { 'spec.taints': [{ key: 'a', value: '-', effect: 'NoSchedule' }] },
      [
        "metadata.taints[0].value: Invalid value: \"-\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
      ],
    ],
    ['no effect', { 'spec.taints': [{ key: 'a' }] }, ['metadata.taints[0].effect: Required value']],
    [
      'an effect',
      { 'spec.taints': [{ key: 'a', effect: 'Never' }] },
      [`metadata.taints[0].effect: Unsupported value: "Never": ${effects}`],
    ],
    [
      'a taint twice',
      {
        'spec.taints': [
          { key: 'a', effect: 'NoSchedule' },
          { key: 'a', value: 'b', effect: 'NoSchedule' },
        ],
      },
      [
        'metadata.taints[1]: Duplicate value: {"key":"a","value":"b","effect":"NoSchedule"}: taints must be unique by key and effect pair',
      ],
    ],
    [
      'a negative capacity',
      { 'status.capacity.cpu': '-1' },
      ['status.capacity.cpu: Invalid value: "-1": must be greater than or equal to 0'],
    ],
    [
      'half a pod',
      { 'status.allocatable': { pods: '1500m' } },
      ['status.allocatable.pods: Invalid value: "1500m": must be an integer'],
    ],
    [
      'swap below zero',
      { 'status.nodeInfo': { swap: { capacity: 0 } } },
      ['metadata.nodeSwapStatus.capacity: Invalid value: 0: must be greater than 0'],
    ],
    [
      'a bad CIDR',
      { 'spec.podCIDRs': ['x'] },
      ['spec.podCIDRs[0]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'],
    ],
    [
      'host bits',
      { 'spec.podCIDRs': ['10.0.0.1/24'] },
      ['spec.podCIDRs[0]: Invalid value: "10.0.0.1/24": must not have bits set beyond the prefix length'],
    ],
    [
      'one family twice',
      { 'spec.podCIDRs': ['10.1.0.0/24', '10.1.0.0/24'] },
      [
        'spec.podCIDRs: Invalid value: ["10.1.0.0/24","10.1.0.0/24"]: may specify no more than one CIDR for each IP family',
        'spec.podCIDRs[1]: Duplicate value: "10.1.0.0/24"',
      ],
    ],
  ])('refuses %s', (_what, changes, expected) => {
    expect(texts(validateNode(changed(node, changes), { strictCIDR: true }))).toEqual(expected);
  });

  it.each<[string, Record<string, unknown>, string[]]>([
    ['fewer podCIDRs', { 'spec.podCIDRs': [] }, [keepsCIDR]],
    ['other podCIDRs', { 'spec.podCIDRs': ['10.2.0.0/24', 'fd00::/64'] }, [keepsCIDR]],
    [
      'another provider',
      { 'spec.providerID': 'q' },
      ['spec.providerID: Forbidden: node updates may not change providerID except from "" to valid'],
    ],
    ['another external id', { 'spec.externalID': 'q' }, ['spec.externalID: Forbidden: may not be updated']],
    [
      'an address twice',
      {
        'status.addresses': [
          { type: 'A', address: 'b' },
          { type: 'A', address: 'b' },
        ],
      },
      ['status.addresses[1]: Duplicate value: {"type":"A","address":"b"}'],
    ],
    [
      'an empty configuration source',
      { 'spec.configSource': {} },
      ['spec.configSource: Invalid value: {}: exactly one reference subfield must be non-nil'],
    ],
    [
      'an incomplete configuration source',
      { 'spec.configSource': { configMap: { uid: 'u', name: 'a' } } },
      [
        'spec.configSource.configMap.uid: Forbidden: uid must not be set in spec',
        'spec.configSource.configMap.namespace: Required value: namespace must be set',
        'spec.configSource.configMap.kubeletConfigKey: Required value: kubeletConfigKey must be set',
      ],
    ],
  ])('refuses to change to %s', (_what, changes, expected) => {
    expect(texts(validateNodeUpdate(changed(node, changes), node))).toEqual(expected);
  });

  it('warns', () => {
    expect(nodeWarnings(changed(node, { 'spec.externalID': 'x', 'spec.podCIDRs': ['10.0.0.01/24'] }))).toEqual([
      'spec.externalID: this field is deprecated, and is unused by Kubernetes',
      'spec.podCIDRs[0]: CIDR value "10.0.0.01/24" is ambiguous in this context (should be "10.0.0.0/24" or "10.0.0.1/32"?)',
      'spec.podCIDRs[0]: non-standard CIDR value "10.0.0.01/24" will be considered invalid in a future Kubernetes release: use "10.0.0.0/24"',
    ]);
  });
});
