import { describe, expect, it } from 'vitest';
import {
  changed,
  created,
  createErrors,
  strategyContext,
  updateErrors,
  type Change,
} from '../testing/strategy-check.ts';
import type { Strategy } from '../strategy.ts';
import { leaseCandidateStrategy, leaseStrategy } from './lease-strategy.ts';

const strategy = leaseStrategy as Strategy;
const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', spec: { holderIdentity: 'me' } };
const coordinated = { ...strategyContext, featureEnabled: () => true };

describe('leases', () => {
  it.each<[Change[], string[]]>([
    [[], []],
    [[['spec', undefined]], []],
    [[['spec.leaseDurationSeconds', 0]], ['spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0']],
    [[['spec.leaseTransitions', -1]], ['spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0']],
    [
      [['spec.strategy', 'Newest']],
      ['spec.strategy.strategy: Unsupported value: "Newest": supported values: "OldestEmulationVersion"'],
    ],
    [[['spec.strategy', 'example.com/mine']], []],
    [
      [['spec.preferredHolder', 'you']],
      ['spec.preferredHolder: Forbidden: may only be specified if `strategy` is defined'],
    ],
  ])('%j', (changes, errors) => {
    expect(createErrors(strategy, changed(lease, ...changes), coordinated)).toEqual(errors);
  });

  it('drops the fields of coordinated leader election while its gate is off', () => {
    const full = changed(lease, ['spec.strategy', 'OldestEmulationVersion'], ['spec.preferredHolder', 'you']);
    expect(created(strategy, full)['spec']).toEqual({ holderIdentity: 'me' });
    expect(created(strategy, full, coordinated)['spec']).toHaveProperty('preferredHolder', 'you');
  });

  it('is created by PUT, and updated only at a known version', () => {
    expect([strategy.allowCreateOnUpdate, strategy.allowUnconditionalUpdate]).toEqual([true, false]);
  });
});

describe('lease candidates', () => {
  const candidate = {
    apiVersion: 'coordination.k8s.io/v1beta1',
    kind: 'LeaseCandidate',
    spec: { leaseName: 'l', binaryVersion: '1.36.0', emulationVersion: '1.35.0', strategy: 'OldestEmulationVersion' },
  };
  it.each<[Change[], string[]]>([
    [[], []],
    [[['spec.leaseName', '']], ['spec.leaseName: Required value']],
    [[['spec.binaryVersion', '']], ['spec.binaryVersion: Required value']],
    [[['spec.binaryVersion', 'v1']], ['spec.binaryVersion: Invalid value: "v1": must be a valid semantic version']],
    [
      [['spec.emulationVersion', '01.2.3']],
      ['spec.emulationVersion: Invalid value: "01.2.3": must be a valid semantic version'],
    ],
    [
      [['spec.binaryVersion', '1.35.0-rc.1']],
      ['spec.binaryVersion: Invalid value: "1.35.0-rc.1": must be greater than or equal to `emulationVersion`'],
    ],
    [[['spec.strategy', '']], ['spec.strategy: Required value']],
    [
      [['spec.emulationVersion', undefined]],
      ["spec.emulationVersion: Required value: must be specified when `strategy` is 'OldestEmulationVersion'"],
    ],
  ])('%j', (changes, errors) => {
    expect(createErrors(leaseCandidateStrategy as Strategy, changed(candidate, ...changes))).toEqual(errors);
  });

  it('keep their lease', () => {
    const moved = changed(candidate, ['spec.leaseName', 'other']);
    expect(updateErrors(leaseCandidateStrategy as Strategy, moved, candidate)).toEqual([
      'spec.leaseName: Invalid value: "other": field is immutable',
    ]);
  });
});
