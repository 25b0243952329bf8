import { describe, expect, it } from 'vitest';
import { changed, createErrors, updateErrors, type Change } from '../testing/strategy-check.ts';
import type { Strategy } from '../strategy.ts';
import { runtimeClassStrategy } from './runtime-class-strategy.ts';

const strategy = runtimeClassStrategy as Strategy;
const runtimeClass = {
  apiVersion: 'node.k8s.io/v1',
  kind: 'RuntimeClass',
  handler: 'runc',
  overhead: { podFixed: { cpu: '250m', memory: '120Mi' } },
  scheduling: { nodeSelector: { a: 'b' }, tolerations: [{ key: 'k', operator: 'Exists' }] },
};
const label =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

describe('runtime classes', () => {
  it.each<[Change[], string[]]>([
    [[], []],
    [[['handler', 'Kata']], [`handler: Invalid value: "Kata": ${label}`]],
    [
      [['overhead.podFixed', { cpu: '-1' }]],
      ['overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0'],
    ],
    [
      [['scheduling.tolerations', [{ key: 'k', operator: 'Any' }]]],
      ['scheduling.tolerations[0].operator: Unsupported value: "Any": supported values: "Equal", "Exists"'],
    ],
    [
      [['scheduling.nodeSelector', { a: 'b c' }]],
      [expect.stringContaining('scheduling.nodeSelector: Invalid value: "b c": a valid label must be') as string],
    ],
  ])('%j', (changes, errors) => {
    expect(createErrors(strategy, changed(runtimeClass, ...changes))).toEqual(errors);
  });

  it('keep their handler', () => {
    expect(updateErrors(strategy, changed(runtimeClass, ['handler', 'kata']), runtimeClass)).toEqual([
      'handler: Invalid value: "kata": field is immutable',
    ]);
  });
});
