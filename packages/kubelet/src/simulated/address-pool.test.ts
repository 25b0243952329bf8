import { describe, expect, it } from 'vitest';
import { AddressPool } from './address-pool.ts';

describe('AddressPool', () => {
  it('hands addresses out one after the other, and those that came free last', () => {
    const pool = new AddressPool('10.1.2.0/29');
    expect(Array.from({ length: 3 }, () => pool.allocate())).toEqual(['10.1.2.2', '10.1.2.3', '10.1.2.4']);
    pool.release('10.1.2.2');
    expect([pool.allocate(), pool.allocate(), pool.allocate(), pool.allocate()]).toEqual([
      '10.1.2.5',
      '10.1.2.6',
      '10.1.2.2',
      undefined,
    ]);
  });

  it('leaves out what is taken already', () => {
    const pool = new AddressPool('10.1.0.0/16');
    expect([pool.take('10.1.0.3'), pool.take('10.2.0.2'), pool.take('nonsense')]).toEqual([true, false, false]);
    expect(pool.allocate()).toBe('10.1.0.4');
    expect(Array.from({ length: 300 }, () => pool.allocate()).at(-1)).toBe('10.1.1.48');
  });

  it('knows IPv6', () => {
    const pool = new AddressPool('fd00:10::/64');
    expect([pool.allocate(), pool.take('fd00:10::3'), pool.allocate()]).toEqual(['fd00:10::2', true, 'fd00:10::4']);
  });

  it('has nothing to give in a tiny range', () => {
    expect(new AddressPool('10.0.0.0/31').allocate()).toBeUndefined();
    expect(() => new AddressPool('10.0.0.0')).toThrow('no CIDR range');
  });
});
