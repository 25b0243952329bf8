import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Heap } from './heap.ts';

interface Item {
  value: number;
  heapIndex: number;
}

const item = (value: number): Item => ({ value, heapIndex: -1 });

describe('Heap', () => {
  it('gives items in order, whatever was taken out or changed before', () => {
    const step = fc.record({ at: fc.nat(), value: fc.integer(), what: fc.constantFrom('delete', 'change') });
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.array(step), (values, steps) => {
        const heap = new Heap<Item>((a, b) => a.value < b.value);
        const items = values.map(item);
        for (const one of items) heap.push(one);
        for (const { at, value, what } of steps) {
          const one = items[at % Math.max(1, items.length)];
          if (one === undefined) break;
          if (what === 'delete') {
            heap.delete(one);
            items.splice(items.indexOf(one), 1);
          } else {
            one.value = value;
            heap.fix(one);
          }
        }
        const out: number[] = [];
        for (let one = heap.pop(); one !== undefined; one = heap.pop()) out.push(one.value);
        expect(out).toEqual(items.map(({ value }) => value).toSorted((a, b) => a - b));
      }),
    );
  });
});
