import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CountingRandom } from '../../testing/api-fixture.ts';
import { AllocationError, IPAllocator } from './ip-allocator.ts';
import { bigIntToText, ipToBigInt, parseRange } from './ip-range.ts';
import { PortAllocator } from './port-allocator.ts';
import { scan } from './scan.ts';

interface Outcome<T> {
  readonly taken?: T;
  readonly error?: string;
}

function attempt<T>(work: () => T): Outcome<T> {
  try {
    return { taken: work() };
  } catch (error) {
    if (error instanceof AllocationError) return { error: error.message };
    throw error;
  }
}

type Step = { kind: 'next' } | { kind: 'ask'; at: number } | { kind: 'free'; at: number };
const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('next' as const) }),
    fc.record({ kind: fc.constant('ask' as const), at: fc.nat(35) }),
    fc.record({ kind: fc.constant('free' as const), at: fc.nat(35) }),
  ),
  { maxLength: 120 },
);

/** An allocator of numbers, all of them the same to a model: those from `first` to `last` can be had. */
interface Subject {
  next(owner: string): number;
  ask(at: number, owner: string): number;
  free(at: number, owner: string): void;
  entries(): Map<number, string>;
}

interface Texts {
  readonly first: number;
  readonly last: number;
  readonly outside: string;
  readonly taken: string;
}

/** Does the steps with the allocator and with a map; answers where they differ. */
function differences(list: readonly Step[], subject: Subject, { first, last, outside, taken }: Texts): unknown[] {
  const found: unknown[] = [];
  const model = new Map<number, string>();
  const refusal = (step: Step): string | undefined => {
    if (step.kind === 'next') return model.size === last - first + 1 ? 'range is full' : undefined;
    if (step.kind === 'free') return undefined;
    if (step.at < first || step.at > last) return outside;
    return model.has(step.at) ? taken : undefined;
  };
  const apply = (step: Step, owner: string): Outcome<number> => {
    if (step.kind === 'next') return attempt(() => subject.next(owner));
    if (step.kind === 'ask') return attempt(() => subject.ask(step.at, owner));
    subject.free(step.at, 'somebody else');
    subject.free(step.at, model.get(step.at) ?? '');
    model.delete(step.at);
    return {};
  };
  for (const [i, step] of list.entries()) {
    const expected = refusal(step);
    const outcome = apply(step, `owner-${i}`);
    if (outcome.error !== expected) found.push([i, step, outcome.error, expected]);
    if (model.has(outcome.taken ?? -1)) found.push([i, step, 'twice', outcome.taken]);
    if (outcome.taken !== undefined) model.set(outcome.taken, `owner-${i}`);
    const entries = subject.entries();
    const same = entries.size === model.size && [...model].every(([at, owner]) => entries.get(at) === owner);
    if (!same) found.push([i, step, [...entries], [...model]]);
  }
  return found;
}

describe('address ranges', () => {
  it.each([
    ['10.0.0.0/24', '10.0.0.1', '10.0.0.254', '10.0.0.17'],
    ['10.96.0.0/12', '10.96.0.1', '10.111.255.254', '10.96.1.1'],
    ['10.0.0.0/28', '10.0.0.1', '10.0.0.14', '10.0.0.1'],
    ['10.0.0.0/20', '10.0.0.1', '10.0.15.254', '10.0.1.1'],
    ['fd00::/112', 'fd00::1', 'fd00::ffff', 'fd00::101'],
  ])('of %s go from %s to %s, those for nobody in particular from %s', (cidr, first, last, dynamic) => {
    const range = parseRange(cidr);
    const text = (value: bigint): string => bigIntToText(value, range.family);
    expect([range.first, range.last, range.dynamicFirst].map(text)).toEqual([first, last, dynamic]);
  });

  it('are refused when they are none', () => {
    expect(() => parseRange('10.0.0.0')).toThrow('invalid service range "10.0.0.0"');
  });

  it('and their numbers are the same', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), (value) => {
        const bytes = Array.from({ length: 16 }, (_, i) => Number((value >> BigInt(8 * (15 - i))) & 0xffn));
        expect(ipToBigInt(bytes)).toBe(value);
      }),
    );
  });
});

describe('scanning', () => {
  it('finds every number once, band after band', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -5, max: 40 }),
        fc.integer({ min: -5, max: 40 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (a, b, random) => {
          const bands = [
            { first: 100n, last: 100n + BigInt(a) },
            { first: 0n, last: BigInt(b) },
          ];
          const found = [...scan(bands, () => random)];
          expect(new Set(found).size).toBe(found.length);
          expect(found).toHaveLength(Math.max(0, a + 1) + Math.max(0, b + 1));
          expect(found.slice(0, Math.max(0, a + 1)).every((n) => n >= 100n)).toBe(true);
        },
      ),
    );
  });
});

describe('the address allocator', () => {
  it('gives no address twice, and all there are', () => {
    fc.assert(
      fc.property(steps, (list: Step[]) => {
        const range = parseRange('10.0.0.0/27');
        const allocator = new IPAllocator({ random: new CountingRandom(), ranges: () => [range] });
        const lastByte = (address: string): number => Number(address.split('.')[3]);
        const subject: Subject = {
          next: (owner) => lastByte(allocator.next('IPv4', owner)),
          ask: (at, owner) => lastByte(allocator.allocate(`10.0.0.${at}`, owner)),
          free: (at, owner) => allocator.release(`10.0.0.${at}`, owner),
          entries: () => new Map([...allocator.entries()].map(([address, owner]) => [lastByte(address), owner])),
        };
        const texts = {
          first: 1,
          last: 30,
          outside: 'the provided network does not match the current range',
          taken: 'provided IP is already allocated',
        };
        expect(differences(list, subject, texts)).toEqual([]);
      }),
    );
  });

  it('leaves the lower part for those who ask', () => {
    const range = parseRange('10.0.0.0/26');
    const allocator = new IPAllocator({ random: new CountingRandom(), ranges: () => [range] });
    const upper = Array.from({ length: 46 }, () => allocator.next('IPv4', 'a'));
    expect(upper.every((address) => Number(address.split('.')[3]) >= 17)).toBe(true);
    expect(Number(allocator.next('IPv4', 'a').split('.')[3])).toBeLessThan(17);
  });

  it('passes over what something else holds, and tells who holds what', () => {
    const range = parseRange('10.0.0.0/30');
    const isTaken = (address: string): boolean => address === '10.0.0.1';
    const allocator = new IPAllocator({ random: new CountingRandom(), ranges: () => [range], isTaken });
    expect(allocator.next('IPv4', 'a')).toBe('10.0.0.2');
    expect(attempt(() => allocator.next('IPv4', 'a')).error).toBe('range is full');
    expect(allocator.claim('10.0.0.2', 'b')).toBe('a');
    expect(allocator.claim('10.0.0.2', 'a')).toBeUndefined();
    expect(attempt(() => allocator.next('IPv6', 'a')).error).toBe('range is full');
  });
});

describe('the port allocator', () => {
  it('gives no port twice, and all there are', () => {
    fc.assert(
      fc.property(steps, (list: Step[]) => {
        const allocator = new PortAllocator({ first: 1, last: 33 }, new CountingRandom());
        const subject: Subject = {
          next: (owner) => allocator.next(owner),
          ask(at, owner) {
            allocator.allocate(at, owner);
            return at;
          },
          free: (at, owner) => allocator.release(at, owner),
          entries: () => new Map(allocator.entries()),
        };
        const texts = {
          first: 1,
          last: 33,
          outside: 'provided port is not in the valid range. The range of valid ports is 1-33',
          taken: 'provided port is already allocated',
        };
        expect(differences(list, subject, texts)).toEqual([]);
      }),
    );
  });
});
