import { describe, expect, it } from 'vitest';
import { changed, createErrors, updateErrors, type Change } from '../testing/strategy-check.ts';
import type { Strategy } from '../strategy.ts';
import { storageVersionMigrationStrategy } from './storage-version-migration-strategy.ts';

const strategy = storageVersionMigrationStrategy as Strategy;
const migration = {
  apiVersion: 'storagemigration.k8s.io/v1beta1',
  kind: 'StorageVersionMigration',
  spec: { resource: { group: '', resource: 'secrets' } },
};
const condition = (type: string, status = 'True') => ({
  type,
  status,
  lastTransitionTime: '2026-01-01T00:00:00Z',
  reason: 'Because',
  message: '',
});
const conditions = (...types: string[]): Change => ['status.conditions', types.map((type) => condition(type))];

describe('storage version migrations', () => {
  it.each<[Change, string[]]>([
    [['spec.resource.group', 'apps'], []],
    [['spec.resource', {}], ['spec.resource.resource: Required value: resource is required']],
  ])('%j', (change, errors) => {
    expect(createErrors(strategy, changed(migration, change))).toEqual(errors);
  });

  it('keep their resource', () => {
    const moved = changed(migration, ['spec.resource', { group: 'apps', resource: 'deployments' }]);
    expect(updateErrors(strategy, moved, migration)).toEqual([
      'group: Invalid value: "apps": field is immutable',
      'resource: Invalid value: "deployments": field is immutable',
    ]);
  });

  const all = expect.stringContaining('status.conditions: Invalid value: [') as string;
  it.each<[Change, Change, string[]]>([
    [conditions('Running'), ['status.resourceVersion', '5'], []],
    [
      ['status.resourceVersion', 'abc'],
      ['spec.resource.group', ''],
      [
        'status.resourceVersion: Invalid value: "abc": failed to parse resource version "abc": strconv.ParseInt: parsing "abc": invalid syntax',
      ],
    ],
    [
      ['status.resourceVersion', '-5'],
      ['spec.resource.group', ''],
      ['status.resourceVersion: Invalid value: -5: must be greater than or equal to 0'],
    ],
    [conditions('Succeeded', 'Failed'), ['status.resourceVersion', ''], [all]],
    [conditions('Succeeded', 'Running'), ['status.resourceVersion', ''], [all]],
    [conditions('Failed', 'Running'), ['status.resourceVersion', ''], [all]],
  ])('status: %j', (first, second, errors) => {
    const status = strategy.subresources['status']!;
    expect(updateErrors(status, changed(migration, first, second), migration)).toEqual(errors);
  });

  it('end once, and keep their version', () => {
    const ended = changed(migration, conditions('Failed'), ['status.resourceVersion', '5']);
    const again = changed(migration, ['status.resourceVersion', '6']);
    const errors = updateErrors(strategy.subresources['status']!, again, ended);
    expect(errors[0]).toBe('status.resourceVersion: Invalid value: "6": cannot be updated');
    expect(errors[1]).toMatch(/Failed condition cannot be set to false once it is true$/);
  });
});
