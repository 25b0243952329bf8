import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultControllerManagerOptions } from '../options.ts';
import { CidrSet } from './cidr-set.ts';
import { allocatorOptions } from './controller.ts';
import { RangeAllocator } from './range-allocator.ts';

describe('CidrSet', () => {
  it.each([
    ['10.244.0.0/16', 24, 256, ['10.244.0.0/24', '10.244.1.0/24']],
    ['127.123.3.0/30', 30, 1, ['127.123.3.0/30']],
    ['127.123.234.0/28', 30, 4, ['127.123.234.0/30', '127.123.234.4/30']],
    ['fd00:10:244::/56', 64, 256, ['fd00:10:244::/64', 'fd00:10:244:1::/64']],
  ])('%s in parts of %i', (network, bits, size, first) => {
    const set = new CidrSet(network, bits);
    expect(set.size).toBe(size);
    expect(first.map(() => set.allocate().cidr)).toEqual(first);
  });

  it.each([
    ['10.0.0.0/16', '10.0.1.0/24', 1],
    ['10.0.0.0/16', '10.0.0.0/23', 2],
    ['10.0.0.0/16', '10.0.4.128/25', 1],
    ['10.0.0.0/16', '10.0.0.0/8', 256],
    ['10.0.0.0/16', '0.0.0.0/0', 256],
  ])('%s: %s takes %i', (network, taken, count) => {
    const set = new CidrSet(network, 24);
    expect(set.occupy(taken)).toBe(count);
    expect(set.release(taken)).toBe(count);
  });

  it('refuses what does not fit', () => {
    expect(() => new CidrSet('10.0.0.0/16', 8)).toThrow('does not fit');
    expect(() => new CidrSet('fd00::/40', 64)).toThrow('too big');
    expect(() => new CidrSet('nonsense', 24)).toThrow('invalid CIDR address: nonsense');
    expect(() => new CidrSet('10.0.0.0/16', 24).occupy('10.1.0.0/24')).toThrow('out the range');
    expect(new CidrSet('10.0.0.0/16', 24).overlaps('fd00::/8')).toBe(false);
  });
});

describe('RangeAllocator', () => {
  const make = (): RangeAllocator =>
    new RangeAllocator({
      clusterCidrs: ['10.0.0.0/20', 'fd00::/60'],
      maskSizes: [24, 64],
      serviceRanges: ['10.0.0.0/23', '192.168.0.0/16'],
    });

  it("leaves the Services' addresses out, and gives one of each family", () => {
    const allocator = make();
    expect(allocator.allocate('a')).toEqual(['10.0.2.0/24', 'fd00::/64']);
    expect(allocator.allocate('a')).toEqual(['10.0.2.0/24', 'fd00::/64']);
    expect(allocator.allocate('b')).toEqual(['10.0.3.0/24', 'fd00:0:0:1::/64']);
    for (let i = 0; i < 12; i++) allocator.allocate(`n${i}`);
    expect(() => allocator.allocate('z')).toThrow(
      'failed to allocate cidr from cluster cidr at idx:0: CIDR allocation failed; there are no remaining CIDRs left to allocate in the accepted range',
    );
    allocator.release('a');
    expect(allocator.allocate('z')[0]).toBe('10.0.2.0/24');
  });

  it('never gives one subnet to two nodes', () => {
    const step = fc.record({
      node: fc.integer({ min: 0, max: 15 }),
      action: fc.constantFrom('allocate', 'release', 'occupy'),
      third: fc.integer({ min: 0, max: 15 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const allocator = make();
        const model = new Map<string, string>();
        for (const { node, action, third } of steps) {
          const name = `n${node}`;
          const cidr = `10.0.${third}.0/24`;
          const free = ![...model].some(([other, taken]) => other !== name && taken === cidr);
          if (action === 'release') {
            allocator.release(name);
            model.delete(name);
          } else if (action === 'occupy' && free && third > 1) {
            allocator.occupy(name, [cidr]);
            model.set(name, cidr);
          } else if (action === 'allocate' && (model.has(name) || model.size < 14)) {
            model.set(name, allocator.allocate(name)[0]!);
          }
        }
        expect(new Set(model.values()).size).toBe(model.size);
        expect(allocator.sets[0]?.used).toBe(2 + model.size);
      }),
    );
  });
});

describe('allocatorOptions', () => {
  const of = (clusterCidrs: readonly string[]) =>
    allocatorOptions({ ...defaultControllerManagerOptions, clusterCidrs });

  it('takes the size of the family', () => {
    expect(of(['fd00::/56', '10.0.0.0/16']).maskSizes).toEqual([64, 24]);
  });

  it('refuses what cannot be', () => {
    expect(() => of([])).toThrow('needs a --cluster-cidr');
    expect(() => of(['10.0.0.0/16', '10.1.0.0/16'])).toThrow('not configured as dual stack');
    expect(() => of(['10.0.0.0/16', 'fd00::/56', '10.1.0.0/16'])).toThrow('more than max allowed of 2');
  });
});
