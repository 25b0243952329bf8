import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { intValue, isIntOrString, percentOf, scaledValue } from './int-or-string.ts';

describe('int-or-string', () => {
  it('scales percentages and keeps numbers', () => {
    expect(scaledValue({ value: 3, total: 10, round: 'up' })).toBe(3);
    expect(scaledValue({ value: '25%', total: 10, round: 'up' })).toBe(3);
    expect(scaledValue({ value: '25%', total: 10, round: 'down' })).toBe(2);
    expect(scaledValue({ value: '0%', total: 10, round: 'up' })).toBe(0);
    expect(() => scaledValue({ value: 'x', total: 1, round: 'up' })).toThrow(
      'invalid value for IntOrString: invalid type: string is not a percentage',
    );
    expect(() => scaledValue({ value: 'x%', total: 1, round: 'up' })).toThrow('strconv.Atoi: parsing "x"');
    expect(() => scaledValue({ value: undefined, total: 1, round: 'up' })).toThrow('nil value for IntOrString');
  });

  it('up is down or one more', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(10000), (percent, total) => {
        const up = scaledValue({ value: `${percent}%`, total, round: 'up' });
        const down = scaledValue({ value: `${percent}%`, total, round: 'down' });
        expect(up - down).toBe((percent * total) % 100 === 0 ? 0 : 1);
      }),
    );
  });

  it('reads', () => {
    expect(intValue('80')).toBe(80);
    expect(intValue('http')).toBe(0);
    expect(intValue(8080)).toBe(8080);
    expect(percentOf('10%')).toBe(10);
    expect(percentOf('10')).toBeUndefined();
    expect(isIntOrString(1.5)).toBe(false);
    expect(isIntOrString(2 ** 31)).toBe(false);
    expect(isIntOrString('a')).toBe(true);
  });
});
