import { describe, expect, it } from 'vitest';
import { changed, created, createErrors, updateErrors, type Change } from '../testing/strategy-check.ts';
import type { Strategy } from '../strategy.ts';
import { priorityClassStrategy } from './priority-class-strategy.ts';

const strategy = priorityClassStrategy as Strategy;
const priorityClass = {
  apiVersion: 'scheduling.k8s.io/v1',
  kind: 'PriorityClass',
  metadata: { name: 'high' },
  value: 1_000_000_000,
};
const reserved =
  "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error:";

describe('priority classes', () => {
  it.each<[Change[], string[]]>([
    [[], []],
    [[['value', -1]], []],
    [[['value', 1_000_000_001]], ['value: Forbidden: maximum allowed value of a user defined priority is 1000000000']],
    [[['metadata.name', 'system-mine']], [`${reserved} system-mine is not a known system priority class`]],
    [
      [['metadata.name', 'system-node-critical']],
      [`${reserved} value of system-node-critical PriorityClass must be 2000001000`],
    ],
    [
      [
        ['metadata.name', 'system-cluster-critical'],
        ['value', 2_000_000_000],
      ],
      [],
    ],
    [
      [
        ['metadata.name', 'system-cluster-critical'],
        ['value', 2_000_000_000],
        ['globalDefault', true],
      ],
      [`${reserved} globalDefault of system-cluster-critical PriorityClass must be false`],
    ],
    [
      [['preemptionPolicy', 'Maybe']],
      ['preemptionPolicy: Unsupported value: "Maybe": supported values: "PreemptLowerPriority", "Never"'],
    ],
    [[['preemptionPolicy', '']], ['preemptionPolicy: Required value']],
  ])('%j', (changes, errors) => {
    expect(createErrors(strategy, changed(priorityClass, ...changes))).toEqual(errors);
  });

  it.each<[Change[], string[]]>([
    [[['globalDefault', true]], []],
    [[['value', 5]], ['value: Forbidden: may not be changed in an update.']],
    [[['preemptionPolicy', 'Never']], ['preemptionPolicy: Invalid value: "Never": field is immutable']],
  ])('update: %j', (changes, errors) => {
    expect(updateErrors(strategy, changed(priorityClass, ...changes), priorityClass)).toEqual(errors);
  });

  it('start and stay at generation 1', () => {
    expect(created(strategy, priorityClass).metadata.generation).toBe(1);
  });
});
