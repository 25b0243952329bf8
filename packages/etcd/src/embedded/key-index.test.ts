import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyIndex } from './key-index.ts';

function keys(index: KeyIndex, start: string, end: string, limit = Number.POSITIVE_INFINITY): string[] {
  const found: string[] = [];
  index.scan(start, end, (entry) => {
    found.push(entry.key);
    return found.length < limit;
  });
  return found;
}

describe('KeyIndex', () => {
  it('behaves as a sorted set', () => {
    const key = fc.nat(3000).map((n) => `/${n.toString(36)}`);
    const steps = fc.array(fc.tuple(fc.boolean(), key), { minLength: 500, maxLength: 4000, size: 'max' });
    fc.assert(
      fc.property(steps, key, key, (operations, start, end) => {
        const index = new KeyIndex();
        const model = new Set<string>();
        for (const [add, one] of operations) {
          if (add || !model.has(one)) {
            index.ensure(one);
            model.add(one);
          } else {
            index.remove(one);
            model.delete(one);
          }
        }
        const all = [...model].toSorted();
        expect(index.size).toBe(all.length);
        expect([...index].map((entry) => entry.key)).toEqual(all);
        expect(keys(index, start, end)).toEqual(all.filter((one) => one >= start && one < end));
        expect(index.get(start)?.key).toBe(model.has(start) ? start : undefined);
      }),
      { numRuns: 15 },
    );
  });

  it('keeps entries identical while it splits and merges', () => {
    const index = new KeyIndex();
    const entries = Array.from({ length: 5000 }, (_, i) => index.ensure(`/${(i * 7919) % 5000}`));
    for (const entry of entries) expect(index.get(entry.key)).toBe(entry);
    for (const entry of entries.slice(0, 4990)) index.remove(entry.key);
    index.remove('/absent');
    expect(keys(index, '/', '0', 3)).toHaveLength(3);
    expect(index.size).toBe(10);
    for (const entry of entries.slice(4990)) expect(index.ensure(entry.key)).toBe(entry);
  });
});
