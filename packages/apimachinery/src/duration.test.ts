import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalizeDuration, formatDuration, humanDuration, parseDuration, parseDurationMs } from './duration.ts';

describe('Go durations', () => {
  it.each([
    ['0', '0s'],
    ['1h30m', '1h30m0s'],
    ['1.5s', '1.5s'],
    ['90s', '1m30s'],
    ['-1.5h', '-1h30m0s'],
    ['100ms', '100ms'],
    ['1500us', '1.5ms'],
    ['3µs', '3µs'],
    ['.5s', '500ms'],
    ['1.s', '1s'],
    ['1ns', '1ns'],
    ['+5m', '5m0s'],
    ['2562047h47m16.854775807s', '2562047h47m16.854775807s'],
  ])('%s is %s', (text, canonical) => {
    expect(canonicalizeDuration(text)).toBe(canonical);
  });

  it.each([
    ['', 'time: invalid duration ""'],
    ['3', 'time: missing unit in duration "3"'],
    ['-', 'time: invalid duration "-"'],
    ['s', 'time: invalid duration "s"'],
    ['.s', 'time: invalid duration ".s"'],
    ['1x', 'time: unknown unit "x" in duration "1x"'],
    ['1d', 'time: unknown unit "d" in duration "1d"'],
    ['9223372036854775808ns', 'time: invalid duration "9223372036854775808ns"'],
  ])('refuses %j', (text, message) => {
    expect(() => parseDuration(text)).toThrow(new Error(message));
  });

  it('reads what it writes', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (n) => {
        expect(parseDuration(formatDuration(n))).toBe(n);
      }),
    );
    expect(parseDurationMs('1.5s')).toBe(1500);
  });
});

describe('humanDuration', () => {
  const [s, m, h, d] = [1, 60, 3600, 86400];
  it.each([
    [-2, '<invalid>'],
    [-1, '0s'],
    [0, '0s'],
    [119, '119s'],
    [120, '2m'],
    [2 * m + 3 * s, '2m3s'],
    [9 * m + 59, '9m59s'],
    [10 * m + 5, '10m'],
    [179 * m, '179m'],
    [3 * h, '3h'],
    [3 * h + 5 * m, '3h5m'],
    [8 * h + 5 * m, '8h'],
    [47 * h, '47h'],
    [48 * h, '2d'],
    [2 * d + 3 * h, '2d3h'],
    [8 * d + 3 * h, '8d'],
    [729 * d, '729d'],
    [730 * d, '2y'],
    [731 * d, '2y1d'],
    [8 * 365 * d + 20 * d, '8y'],
  ])('%i s is %s', (seconds, text) => {
    expect(humanDuration(seconds * 1000)).toBe(text);
  });
});
