import { describe, expect, it } from 'vitest';
import { changed, texts } from '../../core/validation/resource-names-testing.ts';
import type { EndpointSlice } from '../../generated/types/discovery-v1.ts';
import { endpointSliceWarnings, validateEndpointSlice, validateEndpointSliceUpdate } from './endpoint-slice.ts';

const slice: EndpointSlice = {
  metadata: { name: 's', namespace: 'default' },
  addressType: 'IPv4',
  endpoints: [{ addresses: ['10.0.0.1'], hostname: 'h', nodeName: 'n', hints: { forZones: [{ name: 'z' }] } }],
  ports: [{ name: '', protocol: 'TCP', port: 80 }],
};
const many = (count: number): string[] => Array.from({ length: count }, (_, i) => `10.0.1.${i}`);

describe('endpoint slices', () => {
  it.each<[Record<string, unknown>, string[]]>([
    [{}, []],
    [{ addressType: '' }, ['addressType: Required value']],
    [{ addressType: 'X' }, ['addressType: Unsupported value: "X": supported values: "FQDN", "IPv4", "IPv6"']],
    [{ addressType: 'IPv6' }, ['endpoints[0].addresses[0]: Invalid value: "10.0.0.1": must be a valid IPv6 address']],
    [{ 'endpoints[0].addresses': [] }, ['endpoints[0].addresses: Required value: must contain at least 1 address']],
    [{ 'endpoints[0].addresses': many(101) }, ['endpoints[0].addresses: Too many: 101: must have at most 100 items']],
    [
      { 'endpoints[0].addresses[0]': '127.0.0.1' },
      [
        'endpoints[0].addresses[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      ],
    ],
    [{ 'endpoints[0].hostname': 'a.b' }, ['endpoints[0].hostname: Invalid value: "a.b": must not contain dots']],
    [
      { 'endpoints[0].hints.forZones[1]': { name: 'z' } },
      ['endpoints[0].hints.forZones[1].name: Duplicate value: "z"'],
    ],
    [{ 'ports[0].port': 0 }, ['ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive']],
    [{ 'ports[1]': { name: '', protocol: 'TCP' } }, ['ports[1].name: Duplicate value: ""']],
    [
      { 'ports[0].protocol': 'X' },
      ['ports[0].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"'],
    ],
  ])('with %j', (changes, expected) => {
    expect(texts(validateEndpointSlice(changed(slice, changes)))).toEqual(expected);
  });

  it('keep their address type, and warn', () => {
    const names = changed(slice, { addressType: 'FQDN', 'endpoints[0].addresses': ['a.example.com'] });
    expect(texts(validateEndpointSliceUpdate(names, slice))).toEqual([
      'addressType: Invalid value: "FQDN": field is immutable',
    ]);
    expect(endpointSliceWarnings(names)).toEqual(['spec.addressType: FQDN endpoints are deprecated']);
    expect(endpointSliceWarnings(slice)).toEqual([]);
  });
});
