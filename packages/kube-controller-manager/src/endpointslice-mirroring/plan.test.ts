import { describe, expect, it } from 'vitest';
import type { Endpoints } from '@kubets/api/types/core-v1';
import type { EndpointSlice } from '@kubets/api/types/discovery-v1';
import { planMirror, shouldMirror } from './plan.ts';

const endpoints = (subsets: Endpoints['subsets'], metadata: object = {}): Endpoints => ({
  metadata: { name: 's', namespace: 'n', uid: 'u', labels: { app: 'x' }, ...metadata },
  ...(subsets && { subsets }),
});
const named = (slice: EndpointSlice, name: string): EndpointSlice => ({
  ...slice,
  metadata: { ...slice.metadata, name },
});
const ports = [{ name: 'http', port: 80, protocol: 'TCP' as const }];

describe('planMirror', () => {
  const both = endpoints(
    [
      {
        addresses: [{ ip: '10.0.0.1', nodeName: 'a', hostname: 'h' }, { ip: 'fd00:0::1' }],
        notReadyAddresses: [{ ip: '10.0.0.2' }],
        ports,
      },
    ],
    { annotations: { note: 'y', 'endpoints.kubernetes.io/last-change-trigger-time': 't' } },
  );

  it('makes a slice for each family', () => {
    const { create, counts } = planMirror(both, [], 1000);
    expect(create).toMatchObject([
      {
        metadata: {
          generateName: 's-',
          namespace: 'n',
          labels: {
            app: 'x',
            'kubernetes.io/service-name': 's',
            'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
          },
          annotations: { note: 'y' },
          ownerReferences: [{ apiVersion: 'v1', kind: 'Endpoints', name: 's', uid: 'u', controller: true }],
        },
        addressType: 'IPv4',
        endpoints: [
          { addresses: ['10.0.0.1'], conditions: { ready: true }, hostname: 'h', nodeName: 'a' },
          { addresses: ['10.0.0.2'], conditions: { ready: false } },
        ],
        ports,
      },
      { addressType: 'IPv6', endpoints: [{ addresses: ['fd00::1'] }] },
    ]);
    expect(create[0]?.metadata.annotations).toEqual({ note: 'y' });
    expect(counts.size).toBe(2);
  });

  it('rests, and follows changes of endpoints, labels and annotations', () => {
    const slices = planMirror(both, [], 1000).create.map((slice, i) => named(slice, `s-${i}`));
    const writes = (next: Endpoints): string => {
      const { create, update, delete: doomed } = planMirror(next, slices, 1000);
      return `${create.length} ${update.map((s) => s.metadata.name).join()} ${doomed.map((s) => s.metadata.name).join()}`;
    };
    expect(writes(both)).toBe('0  ');
    expect(writes({ ...both, metadata: { ...both.metadata, labels: { app: 'z' } } })).toBe('0 s-0,s-1 ');
    expect(writes({ ...both, metadata: { ...both.metadata, annotations: {} } })).toBe('0 s-0,s-1 ');
    const four = { ...both, subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports }] };
    expect(writes(four)).toBe('0 s-0 s-1');
    const otherPorts = { ...both, subsets: both.subsets!.map((s) => ({ ...s, ports: [{ port: 81 }] })) };
    expect(writes(otherPorts)).toBe('0 s-0,s-1 ');
    expect(writes(endpoints(undefined))).toBe('0  s-0,s-1');
  });

  it('leaves out what is no address, and what is too much', () => {
    const addresses = ['10.0.0.1', 'x', '10.0.0.2', '10.0.0.3'].map((ip) => ({ ip }));
    const { create, invalid, skipped } = planMirror(endpoints([{ addresses, ports }]), [], 2);
    expect(create[0]?.endpoints).toHaveLength(2);
    expect([invalid, skipped]).toEqual([1, 2]);
  });

  it('leaves some Endpoints alone', () => {
    expect(shouldMirror(both)).toBe(true);
    expect(shouldMirror(endpoints([], { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } }))).toBe(false);
    expect(shouldMirror(endpoints([], { annotations: { 'control-plane.alpha.kubernetes.io/leader': '' } }))).toBe(
      false,
    );
  });
});
