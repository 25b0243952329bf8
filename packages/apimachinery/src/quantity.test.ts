import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalizeQuantity, newMilliQuantity, newQuantity, parseQuantity, Quantity } from './quantity.ts';

const wrong = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

describe('canonicalizeQuantity', () => {
  it.each([
    ['0', '0'],
    ['0m', '0'],
    ['0Ki', '0'],
    ['000', '0'],
    ['-0', '0'],
    ['1', '1'],
    ['+1', '+1'],
    ['1000m', '1'],
    ['1500m', '1500m'],
    ['0.5', '500m'],
    ['1.5', '1500m'],
    ['1.500', '1.500'],
    ['0.5Gi', '512Mi'],
    ['1.5Gi', '1536Mi'],
    ['1024Ki', '1Mi'],
    ['1000Ki', '1000Ki'],
    ['1024Mi', '1Gi'],
    ['100Mi', '100Mi'],
    ['1023', '1023'],
    ['1000', '1k'],
    ['1000000', '1M'],
    ['10000000', '10M'],
    ['128974848', '128974848'],
    ['129e6', '129e6'],
    ['129M', '129M'],
    ['1e3', '1e3'],
    ['1E3', '1E3'],
    ['10e2', '1e3'],
    ['1E', '1E'],
    ['1000E', '1e21'],
    ['0.1n', '1n'],
    ['0.0000000001', '1n'],
    ['-0.1n', '-1n'],
    ['100n', '100n'],
    ['0.1Ki', '102400m'],
    ['0.0001Ki', '102400u'],
    ['8Ei', '9223372036854775807'],
    ['99999999999999999999Ei', '9223372036854775807'],
    ['9223372036854775808', '9223372036854775808'],
    ['100000000000000000000', '100E'],
    ['0.000001Ki', '1024u'],
    [' 1Gi ', '1Gi'],
    [2, '2'],
    [0.25, '250m'],
    [1e21, '1e+21'],
  ])('%s is %s', (text, canonical) => {
    expect(canonicalizeQuantity(text)).toBe(canonical);
  });

  it.each([
    ['', wrong],
    ['abc', wrong],
    ['1.1.M', wrong],
    ['1+1.0M', wrong],
    ['0.1mi', "unable to parse quantity's suffix"],
    ['0.1am', wrong],
    ['.5i', "unable to parse quantity's suffix"],
    ['1i', "unable to parse quantity's suffix"],
    ['-3.01e-', "unable to parse quantity's suffix"],
    ['1K', "unable to parse quantity's suffix"],
    ['1GB', wrong],
    ['1 Gi', wrong],
    ['1gi', wrong],
    ['1.5.', wrong],
    ['--1', "unable to parse quantity's suffix"],
  ])('refuses %j', (text, message) => {
    expect(() => canonicalizeQuantity(text)).toThrow(message);
  });
});

describe('Quantity', () => {
  it('rounds up to whole units and thousandths', () => {
    expect(parseQuantity('1500m').value()).toBe(2);
    expect(parseQuantity('-1500m').value()).toBe(-2);
    expect(parseQuantity('1').milliValue()).toBe(1000);
    expect(parseQuantity('1n').milliValue()).toBe(1);
    expect(parseQuantity('1Ki').milliValue()).toBe(1024000);
    expect(parseQuantity('1500m').roundUp(0).toString()).toBe('2');
    expect(parseQuantity('0.0005').roundUp(-3).toString()).toBe('1m');
  });

  it('takes the other format when it is zero', () => {
    expect(parseQuantity('0').add(parseQuantity('1Gi')).toString()).toBe('1Gi');
    expect(parseQuantity('512Mi').add(parseQuantity('512Mi')).toString()).toBe('1Gi');
    expect(parseQuantity('1Gi').sub(parseQuantity('1Gi')).toString()).toBe('0');
    expect(parseQuantity('1').sub(parseQuantity('100m')).toString()).toBe('900m');
    expect(parseQuantity('900m').add(parseQuantity('100m')).toString()).toBe('1');
    expect(parseQuantity('2').mul(3).toString()).toBe('6');
  });

  it('reads long texts in no time', () => {
    expect(() => parseQuantity(`${'0'.repeat(1_000_000)}x`)).toThrow(wrong);
    expect(() => parseQuantity(`${'1'.repeat(1000)}x`)).toThrow(wrong);
    expect(parseQuantity(`0.${'0'.repeat(900)}1`).toString()).toBe('1n');
    expect(parseQuantity(`0.${'9'.repeat(900)}`).toString()).toBe('1');
  });

  it('survives exponents that nothing can expand', () => {
    const huge = parseQuantity('1e2000000000');
    expect(huge.compare(parseQuantity('1'))).toBe(1);
    expect(huge.asNumber()).toBe(Infinity);
    expect(parseQuantity('1e-2000000000').toString()).toBe('1e-9');
  });

  const milli = fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n });
  const format = fc.constantFrom('DecimalSI', 'BinarySI', 'DecimalExponent' as const);
  const quantity = fc
    .tuple(milli, fc.integer({ min: -9, max: 12 }), format)
    .map(([m, scale, f]) => new Quantity(m, scale, f as 'DecimalSI'));

  it('writes what it reads back', () => {
    fc.assert(
      fc.property(quantity, (q) => {
        // Binary texts are capped at 2^63-1 when they are read.
        if (q.format === 'BinarySI' && q.asNumber() >= 2 ** 63) return;
        if (q.format === 'BinarySI' && q.asNumber() <= -(2 ** 63)) return;
        const again = parseQuantity(q.toString());
        expect(again.compare(q)).toBe(0);
        expect(canonicalizeQuantity(q.neg().neg().toString())).toBe(again.toString());
      }),
    );
  });

  it('adds and subtracts exactly', () => {
    fc.assert(
      fc.property(quantity, quantity, (a, b) => {
        expect(a.add(b).sub(b).compare(a)).toBe(0);
        expect(a.add(b).compare(b.add(a))).toBe(0);
        expect(a.sub(a).isZero()).toBe(true);
        expect(a.neg().neg().compare(a)).toBe(0);
        expect(a.compare(b)).toBe(a.sub(b).sign());
        expect(a.compare(b)).toBe(-b.compare(a) + 0);
      }),
    );
  });

  it('agrees with plain integers', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), (a, b) => {
        expect(newQuantity(a).add(newQuantity(b)).value()).toBe(a + b);
        expect(newMilliQuantity(a).compare(newMilliQuantity(b))).toBe(Math.sign(a - b));
        expect(parseQuantity(a).value()).toBe(a);
      }),
    );
  });
});
