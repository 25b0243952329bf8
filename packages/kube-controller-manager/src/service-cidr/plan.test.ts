import { describe, expect, it } from 'vitest';
import { parseCIDR, parseIP } from '@kubets/apimachinery/validation-ip';
import type { IPAddress, ServiceCIDR } from '@kubets/api/types/networking-v1';
import {
  blockedCondition,
  canDelete,
  containsAddress,
  containsPrefix,
  overlaps,
  readyCondition,
  says,
} from './plan.ts';

const cidr = (name: string, ...cidrs: string[]): ServiceCIDR => ({ metadata: { name }, spec: { cidrs } });
const address = (name: string, managed = true): IPAddress =>
  ({
    metadata: { name, labels: managed ? { 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' } : {} },
  }) as IPAddress;

describe('networks', () => {
  it.each([
    ['10.0.0.0/16', '10.0.1.0/24', true, true],
    ['10.0.1.0/24', '10.0.0.0/16', false, true],
    ['10.0.0.0/20', '10.0.15.0/24', true, true],
    ['10.0.0.0/20', '10.0.16.0/24', false, false],
    ['10.0.0.0/16', 'fd00::/64', false, false],
  ])('%s and %s', (a, b, contains, common) => {
    expect(containsPrefix(parseCIDR(a)!, parseCIDR(b)!)).toBe(contains);
    expect(overlaps(parseCIDR(a)!, parseCIDR(b)!)).toBe(common);
  });

  it.each([
    ['10.0.0.0/16', '10.0.0.1', true],
    ['10.0.0.0/16', '10.0.0.0', false],
    ['10.0.0.0/16', '10.0.255.255', false],
    ['10.0.0.0/16', '10.0.0.255', true],
    ['10.0.0.0/28', '10.0.0.15', false],
    ['10.0.0.0/28', '10.0.0.14', true],
    ['10.0.0.0/28', '10.0.0.16', false],
    ['fd00::/112', 'fd00::ffff', true],
    ['fd00::/112', 'fd00::', false],
  ])('%s: %s', (network, ip, expected) => {
    expect(containsAddress(parseCIDR(network)!, parseIP(ip)!)).toBe(expected);
  });
});

describe('canDelete', () => {
  const main = cidr('main', '10.0.0.0/24');
  it.each([
    ['nothing in it', [main], [address('10.1.0.5')], true],
    ['an address in it', [main], [address('10.0.0.5')], false],
    ["somebody's own address in it", [main], [address('10.0.0.5', false)], true],
    ['a larger range', [main, cidr('all', '10.0.0.0/16')], [address('10.0.0.5')], true],
    ['the same range', [main, cidr('twin', '10.0.0.0/24')], [address('10.0.0.5')], true],
    ['a smaller range around the address', [main, cidr('part', '10.0.0.0/28')], [address('10.0.0.5')], true],
    ['a smaller range elsewhere', [main, cidr('part', '10.0.0.16/28')], [address('10.0.0.5')], false],
  ])('%s: %s', (_, all, addresses, expected) => {
    expect(canDelete(main, all, addresses)).toBe(expected);
  });

  it('looks at both families', () => {
    const dual = cidr('dual', '10.0.0.0/24', 'fd00::/112');
    expect(canDelete(dual, [dual, cidr('four', '10.0.0.0/16')], [address('fd00::5')])).toBe(false);
    expect(canDelete(dual, [dual, cidr('four', '10.0.0.0/16')], [address('10.0.0.5')])).toBe(true);
  });
});

it('knows what a range says', () => {
  const saying = {
    ...cidr('x'),
    status: { conditions: [{ type: 'Ready', ...readyCondition, lastTransitionTime: '' }] },
  };
  expect(says(saying, readyCondition)).toBe(true);
  expect(says(saying, blockedCondition)).toBe(false);
  expect(says(cidr('x'), readyCondition)).toBe(false);
});
