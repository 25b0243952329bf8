import { describe, expect, it } from 'vitest';
import type { Endpoints } from '../../generated/types/core-v1.ts';
import { endpointsWarnings, validateEndpoints } from './endpoints.ts';
import { changed, texts } from './resource-names-testing.ts';

const endpoints: Endpoints = {
  metadata: { name: 'e', namespace: 'default' },
  subsets: [
    {
      addresses: [{ ip: '10.1.0.1', hostname: 'h', nodeName: 'n' }],
      notReadyAddresses: [{ ip: 'fd00::1' }],
      ports: [{ port: 80, protocol: 'TCP' }],
    },
  ],
};
const at = 'subsets[0].addresses[0].ip';
const address = (ip: string): Record<string, unknown> => ({ [at]: ip });

describe('endpoints', () => {
  it('accepts valid ones', () => {
    expect(validateEndpoints(endpoints, { strictIP: true })).toEqual([]);
  });

  it.each<[string, Record<string, unknown>, string[]]>([
    [
      'a subset without addresses',
      { subsets: [{ ports: [] }] },
      ['subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`'],
    ],
    [
      'a bad address',
      address('x'),
      [
        `${at}: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)`,
        `${at}: Invalid value: "x": must be a valid IP address`,
      ],
    ],
    ['leading zeros', address('10.0.0.01'), [`${at}: Invalid value: "10.0.0.01": must not have leading 0s`]],
    ['no address', address('0.0.0.0'), [`${at}: Invalid value: "0.0.0.0": may not be unspecified (0.0.0.0)`]],
    [
      'loopback',
      address('::1'),
      [`${at}: Invalid value: "::1": may not be in the loopback range (127.0.0.0/8, ::1/128)`],
    ],
    [
      'link-local',
      address('169.254.1.1'),
      [`${at}: Invalid value: "169.254.1.1": may not be in the link-local range (169.254.0.0/16, fe80::/10)`],
    ],
    [
      'link-local multicast',
      address('224.0.0.1'),
      [`${at}: Invalid value: "224.0.0.1": may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)`],
    ],
    [
      'a bad host name',
      { 'subsets[0].addresses[0].hostname': 'a.b' },
      ['subsets[0].addresses[0].hostname: Invalid value: "a.b": must not contain dots'],
    ],
    [
      'a bad port',
      { 'subsets[0].ports[0].port': 0 },
      ['subsets[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive'],
    ],
    [
      'two ports without names',
      {
        'subsets[0].ports': [
          { port: 1, protocol: 'TCP' },
          { name: 'b', port: 2 },
        ],
      },
      ['subsets[0].ports[0].name: Required value', 'subsets[0].ports[1].protocol: Required value'],
    ],
    [
      'an unknown protocol',
      { 'subsets[0].ports[0].protocol': 'X' },
      ['subsets[0].ports[0].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"'],
    ],
  ])('refuses %s', (_what, changes, expected) => {
    expect(texts(validateEndpoints(changed(endpoints, changes), { strictIP: true }))).toEqual(expected);
  });

  it('lets old mistakes stay', () => {
    const old = changed(endpoints, address('10.0.0.01'));
    expect(validateEndpoints(old, { old, strictIP: true })).toEqual([]);
    expect(endpointsWarnings(old)).toEqual([
      `${at}: non-standard IP address "10.0.0.01" will be considered invalid in a future Kubernetes release: use "10.0.0.1"`,
    ]);
  });
});
