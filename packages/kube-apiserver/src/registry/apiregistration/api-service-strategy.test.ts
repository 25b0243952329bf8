import { describe, expect, it } from 'vitest';
import { changed, created, createErrors, updateErrors, updated, type Change } from '../testing/strategy-check.ts';
import type { Strategy } from '../strategy.ts';
import { apiServiceStrategy } from './api-service-strategy.ts';

const strategy = apiServiceStrategy as Strategy;
const local = {
  apiVersion: 'apiregistration.k8s.io/v1',
  kind: 'APIService',
  metadata: { name: 'v1.example.com' },
  spec: { group: 'example.com', version: 'v1', groupPriorityMinimum: 1000, versionPriority: 15 },
};
const remote = changed(local, ['spec.service', { namespace: 'ns', name: 'svc' }], ['spec.caBundle', 'YWJj']);
const caBundle = 'YWJj';

describe('API services', () => {
  it.each<[object, Change[], string[]]>([
    [local, [], []],
    [remote, [], []],
    [
      local,
      [['metadata.name', 'v2.example.com']],
      ['metadata.name: Invalid value: "v2.example.com": must be `spec.version+"."+spec.group`: "v1.example.com"'],
    ],
    [
      local,
      [
        ['spec.group', undefined],
        ['spec.version', 'v2'],
        ['metadata.name', 'v2.'],
      ],
      ['spec.group: Required value: only v1 may have an empty group and it better be legacy kube'],
    ],
    [
      local,
      [
        ['spec.group', 'A'],
        ['metadata.name', 'v1.A'],
      ],
      [expect.stringMatching(/^spec\.group: Invalid value: "A": a lowercase RFC 1123 subdomain/) as string],
    ],
    [
      local,
      [
        ['spec.version', '1'],
        ['metadata.name', '1.example.com'],
      ],
      [expect.stringMatching(/^spec\.version: Invalid value: "1": a DNS-1035 label/) as string],
    ],
    [
      local,
      [['spec.groupPriorityMinimum', 20_001]],
      ['spec.groupPriorityMinimum: Invalid value: 20001: must be positive and less than 20000'],
    ],
    [
      local,
      [['spec.versionPriority', 0]],
      ['spec.versionPriority: Invalid value: 0: must be positive and less than 1000'],
    ],
    [
      local,
      [['spec.caBundle', caBundle]],
      ['spec.caBundle: Invalid value: "3 bytes": local APIServices may not have a caBundle'],
    ],
    [
      local,
      [['spec.insecureSkipTLSVerify', true]],
      ['spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify'],
    ],
    [
      remote,
      [['spec.insecureSkipTLSVerify', true]],
      ['spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present'],
    ],
    [remote, [['spec.service', {}]], ['spec.service.namespace: Required value', 'spec.service.name: Required value']],
    [
      remote,
      [['spec.service.port', 70_000]],
      ['spec.service.port: Invalid value: 70000: port is not valid: must be between 1 and 65535, inclusive'],
    ],
  ])('%#', (object, changes, errors) => {
    expect(createErrors(strategy, changed(object, ...changes))).toEqual(errors);
  });

  it('are available from the start when this server serves them', () => {
    expect(created(strategy, local)['status']).toEqual({
      conditions: [
        {
          type: 'Available',
          status: 'True',
          lastTransitionTime: '2026-01-01T00:00:00Z',
          reason: 'Local',
          message: 'Local APIServices are always available',
        },
      ],
    });
    expect(created(strategy, remote)['status']).toEqual({});
    expect(created(strategy, remote).metadata.generation).toBeUndefined();
  });

  it('have conditions that hold, do not hold, or may hold', () => {
    const status = strategy.subresources['status']!;
    const object = changed(local, ['status', { conditions: [{ type: 'Available', status: 'Maybe' }] }]);
    expect(updateErrors(status, object, local)).toEqual([
      'status.conditions[0].status: Unsupported value: "Maybe": supported values: "True", "False", "Unknown"',
    ]);
    expect(updated(status, changed(object, ['spec.versionPriority', 3]), local)['spec']).toMatchObject(local.spec);
  });
});
