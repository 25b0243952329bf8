import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  countCommon,
  countIndexes,
  firstFreeIndexes,
  formatIntervals,
  hasIndex,
  mergeIntervals,
  parseIntervals,
  withIndexes,
} from './intervals.ts';

const completions = 60;
const sets = fc.uniqueArray(fc.integer({ min: 0, max: completions - 1 }), { maxLength: 40 });
const sorted = (numbers: Iterable<number>): number[] => [...numbers].toSorted((a, b) => a - b);
const of = (indexes: readonly number[]) => withIndexes([], indexes);
const all = Array.from({ length: completions }, (_, i) => i);

describe('intervals', () => {
  it.each([
    ['', 10, ''],
    ['0', 10, '0'],
    ['1,2', 10, '1,2'],
    ['1,2,3', 10, '1-3'],
    ['1-5,6', 10, '1-6'],
    ['0,4-20', 10, '0,4-9'],
    ['3,12', 10, '3'],
    ['x,2,3-y,5', 10, '2,5'],
  ])('%s below %d is %s', (text, limit, expected) => {
    expect(formatIntervals(parseIntervals(text, limit))).toBe(expected);
  });

  it('are sets of numbers', () => {
    fc.assert(
      fc.property(sets, sets, fc.integer({ min: 0, max: 70 }), (a, b, count) => {
        const [x, y] = [of(a), of(b)];
        const union = new Set([...a, ...b]);
        expect(mergeIntervals(x, y)).toEqual(of([...union]));
        expect(countIndexes(x)).toBe(a.length);
        expect(all.filter((index) => hasIndex(x, index))).toEqual(sorted(a));
        expect(countCommon(x, y)).toBe(a.filter((index) => b.includes(index)).length);
        expect(parseIntervals(formatIntervals(x), completions)).toEqual(x);
        const free = all.filter((index) => !a.includes(index)).slice(0, count);
        expect(firstFreeIndexes(x, count, completions)).toEqual(free);
      }),
    );
  });
});
