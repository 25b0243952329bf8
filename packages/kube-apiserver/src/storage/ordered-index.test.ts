import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AttributeIndexes } from './attribute-index.ts';
import { CacheEntry, type EntryContext } from './cache-entry.ts';
import { OrderedIndex } from './ordered-index.ts';
import { ParsedObjects } from './parsed-objects.ts';

const context: EntryContext = { parsed: new ParsedObjects(), freeze: true, selectableFields: () => ({}) };

function entry(key: string, revision: number, label: string): CacheEntry {
  const bytes = Buffer.from(JSON.stringify({ metadata: { uid: 'u', labels: { l: label } } }));
  return new CacheEntry({ key, namespace: '', name: key, resourceVersion: revision }, bytes, context);
}

const step = fc.record({
  key: fc.constantFrom('a', 'aa', 'b', 'ba', 'c', 'd', 'e', 'f'),
  label: fc.constantFrom('x', 'y'),
  action: fc.constantFrom('set', 'set', 'delete', 'read'),
});

describe('the ordered index', () => {
  it('agrees with a sorted map, whatever the changes', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const index = new OrderedIndex();
        const attributes = new AttributeIndexes(() => index.range('', '~'));
        const model = new Map<string, CacheEntry>();
        steps.forEach(({ key, label, action }, i) => {
          const before = model.get(key);
          const after = action === 'set' ? entry(key, i, label) : action === 'delete' ? undefined : before;
          let previous = before;
          if (action !== 'read') {
            previous = after === undefined ? index.delete(key) : index.set(after);
            attributes.change(previous, after);
          }
          if (after === undefined) model.delete(key);
          else model.set(key, after);
          expect(previous).toBe(before);
          const found = action === 'read' ? [...attributes.of('label', 'l').entriesOf(label).keys()] : [];
          const labelled = [...model.values()].filter((e) => action === 'read' && e.labels?.['l'] === label);
          expect(found.toSorted()).toEqual(labelled.map((e) => e.key).toSorted());
          const sorted = [...model.keys()].filter((k) => k >= 'aa' && k < 'e').toSorted();
          expect(index.range('aa', 'e').map((e) => e.key)).toEqual(sorted);
          expect(index.count('aa', 'e')).toBe(sorted.length);
          expect(index.size).toBe(model.size);
        });
      }),
      { numRuns: 60 },
    );
  });
});
