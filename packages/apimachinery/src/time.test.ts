import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  canonicalizeMicroTime,
  canonicalizeTime,
  formatMicroTime,
  formatTime,
  parseMicroTime,
  parseTime,
} from './time.ts';

describe('time', () => {
  it('writes seconds and microseconds in UTC', () => {
    expect(formatTime(1704164645678)).toBe('2024-01-02T03:04:05Z');
    expect(formatTime(0)).toBe('1970-01-01T00:00:00Z');
    expect(formatMicroTime(1704164645678)).toBe('2024-01-02T03:04:05.678000Z');
    expect(formatMicroTime(1.5)).toBe('1970-01-01T00:00:00.001500Z');
  });

  it.each([
    ['2024-01-02T03:04:05Z', '2024-01-02T03:04:05Z'],
    ['2024-01-02T03:04:05.9Z', '2024-01-02T03:04:05Z'],
    ['2024-01-02T03:04:05,123456789Z', '2024-01-02T03:04:05Z'],
    ['2024-01-02T03:04:05+02:00', '2024-01-02T01:04:05Z'],
    ['2024-01-02T3:04:05Z', '2024-01-02T03:04:05Z'],
    ['2024-02-29T23:59:59-00:30', '2024-03-01T00:29:59Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00Z'],
  ])('reads %s', (text, canonical) => {
    expect(canonicalizeTime(text)).toBe(canonical);
  });

  it.each([
    ['', 'parsing time "" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "2006"'],
    ['yesterday', 'parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"'],
    ['2024-01-02', 'parsing time "2024-01-02" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "T"'],
    ['2024-13-02T00:00:00Z', 'parsing time "2024-13-02T00:00:00Z": month out of range'],
    ['2023-02-29T00:00:00Z', 'parsing time "2023-02-29T00:00:00Z": day out of range'],
    ['2024-01-02T24:00:00Z', 'parsing time "2024-01-02T24:00:00Z": hour out of range'],
    [
      '2024-01-02T03:04:05',
      'parsing time "2024-01-02T03:04:05" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "Z07:00"',
    ],
    ['2024-01-02T03:04:05Zx', 'parsing time "2024-01-02T03:04:05Zx": extra text: "x"'],
    [
      '2024-01-02t03:04:05z',
      'parsing time "2024-01-02t03:04:05z" as "2006-01-02T15:04:05Z07:00": cannot parse "t03:04:05z" as "T"',
    ],
  ])('refuses %j', (text, message) => {
    expect(() => canonicalizeTime(text)).toThrow(new Error(message));
    expect(() => parseTime(text)).toThrow(new Error(message));
  });

  it('wants six digits of a MicroTime', () => {
    expect(canonicalizeMicroTime('2024-01-02T03:04:05.123456+01:00')).toBe('2024-01-02T02:04:05.123456Z');
    expect(() => canonicalizeMicroTime('2024-01-02T03:04:05Z')).toThrow('cannot parse "Z" as ".000000"');
    expect(parseMicroTime('1970-01-01T00:00:01.000500Z')).toBe(1000.5);
  });

  it('reads what it writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: -62135596800, max: 253402300799 }), (s) => {
        expect(parseTime(formatTime(s * 1000))).toBe(s * 1000);
        expect(canonicalizeTime(formatTime(s * 1000))).toBe(formatTime(s * 1000));
        expect(canonicalizeMicroTime(formatMicroTime(s * 1000))).toBe(formatMicroTime(s * 1000));
      }),
    );
  });
});
