import { describe, expect, it } from 'vitest';
import type { Taint, Toleration } from '../../generated/types/core-v1.ts';
import {
  findUntoleratedTaint,
  sameTaint,
  sameToleration,
  taintText,
  toleratesTaint,
  tolerationsTolerateTaint,
} from './taints.ts';

const taint = (key: string, value?: string, effect: Taint['effect'] = 'NoSchedule'): Taint => ({
  key,
  ...(value !== undefined && { value }),
  effect,
});

describe('toleratesTaint', () => {
  it.each<[Toleration, Taint, boolean]>([
    [{ key: 'a', operator: 'Equal', value: 'b', effect: 'NoSchedule' }, taint('a', 'b'), true],
    [{ key: 'a', value: 'b', effect: 'NoSchedule' }, taint('a', 'b'), true],
    [{ key: 'a', value: 'b' }, taint('a', 'b', 'NoExecute'), true],
    [{ key: 'a', value: 'c' }, taint('a', 'b'), false],
    [{ key: 'a' }, taint('a'), true],
    [{ key: 'a' }, taint('a', 'b'), false],
    [{ key: 'a', operator: 'Exists' }, taint('a', 'b'), true],
    [{ key: 'a', operator: 'Exists', effect: 'NoExecute' }, taint('a', 'b'), false],
    [{ key: 'b', operator: 'Exists' }, taint('a', 'b'), false],
    [{ operator: 'Exists' }, taint('a', 'b', 'NoExecute'), true],
    [{ operator: 'Exists', effect: 'NoSchedule' }, taint('a', 'b', 'NoExecute'), false],
    [{ key: 'a', operator: 'Gt', value: '5' }, taint('a', '6'), false],
    [{ key: 'a', operator: 'Other' as 'Equal', value: 'b' }, taint('a', 'b'), false],
  ])('%j of %j: %s', (toleration, of, expected) => {
    expect(toleratesTaint(toleration, of)).toBe(expected);
  });

  it.each<[Toleration['operator'], string, string, boolean]>([
    ['Gt', '5', '6', true],
    ['Gt', '5', '5', false],
    ['Lt', '5', '-6', true],
    ['Lt', '5', '6', false],
    ['Gt', '5', 'six', false],
    ['Gt', '05', '6', false],
    ['Lt', '5', '99999999999999999999', false],
  ])('compares with %s %s against %s: %s', (operator, value, of, expected) => {
    const toleration: Toleration = { key: 'a', value, ...(operator && { operator }) };
    expect(toleratesTaint(toleration, taint('a', of), { comparisonOperators: true })).toBe(expected);
  });
});

describe('findUntoleratedTaint', () => {
  const taints = [taint('soft', undefined, 'PreferNoSchedule'), taint('a', '1'), taint('b', '2', 'NoExecute')];

  it('finds the first of the effects asked for', () => {
    expect(findUntoleratedTaint(taints, undefined)?.key).toBe('a');
    expect(findUntoleratedTaint(taints, [{ key: 'a', operator: 'Exists' }])?.key).toBe('b');
    expect(findUntoleratedTaint(taints, [], ['PreferNoSchedule'])?.key).toBe('soft');
    expect(findUntoleratedTaint(taints, [], ['NoExecute'])?.key).toBe('b');
  });

  it('finds none where all are tolerated or there are none', () => {
    expect(findUntoleratedTaint(taints, [{ operator: 'Exists' }])).toBeUndefined();
    expect(findUntoleratedTaint(undefined, undefined)).toBeUndefined();
  });
});

describe('taints and tolerations', () => {
  it('knows tolerations of many', () => {
    expect(tolerationsTolerateTaint(undefined, taint('a'))).toBe(false);
    expect(tolerationsTolerateTaint([{ key: 'b' }, { key: 'a' }], taint('a'))).toBe(true);
  });

  it('compares by key and effect, and tolerations whatever their seconds', () => {
    expect(sameTaint(taint('a', '1'), taint('a', '2'))).toBe(true);
    expect(sameTaint(taint('a', '1'), taint('a', '1', 'NoExecute'))).toBe(false);
    expect(sameToleration({ key: 'a' }, { key: 'a', tolerationSeconds: 3 })).toBe(true);
    expect(sameToleration({ key: 'a' }, { key: 'a', operator: 'Exists' })).toBe(false);
  });

  it('writes taints as people know them', () => {
    expect(taintText(taint('a', 'b'))).toBe('a=b:NoSchedule');
    expect(taintText(taint('a'))).toBe('a:NoSchedule');
  });
});
