import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { Indexer, keyOf, namespaceIndex } from './indexer.ts';

type Labelled = ApiObject;

const valuesOf = ({ metadata }: Readonly<Labelled>): string[] => Object.keys(metadata.labels ?? {});

const object = fc
  .record({
    namespace: fc.constantFrom('a', 'b'),
    name: fc.constantFrom('1', '2', '3', '4'),
    labels: fc.dictionary(fc.constantFrom('x', 'y', 'z'), fc.constant('')),
  })
  .map((metadata): Labelled => ({ metadata }));

const step = fc.record({ object, remove: fc.boolean() });

describe('Indexer', () => {
  it('finds under each value what has it now, and nothing else', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.nat(40), (steps, late) => {
        const indexer = new Indexer<Labelled>({ early: valuesOf });
        const model = new Map<string, Labelled>();
        for (const [i, { object: changed, remove }] of steps.entries()) {
          if (i === late) indexer.addIndexes({ late: valuesOf });
          const key = keyOf(changed);
          if (remove) {
            indexer.delete(key);
            model.delete(key);
          } else {
            indexer.set(key, changed);
            model.set(key, changed);
          }
        }
        const indexes = late < steps.length ? ['early', 'late'] : ['early'];
        const expected = (has: (o: Labelled) => boolean): string[] =>
          Array.from(model.entries()).flatMap(([key, o]) => (has(o) ? [key] : []));
        for (const value of ['x', 'y', 'z']) {
          const keys = expected((o) => valuesOf(o).includes(value)).toSorted();
          for (const index of indexes) {
            expect(indexer.keysByIndex(index, value).toSorted()).toEqual(keys);
            expect(indexer.byIndex(index, value).map(keyOf).toSorted()).toEqual(keys);
            expect(indexer.indexValues(index).includes(value)).toBe(keys.length > 0);
          }
        }
        const inA = expected(({ metadata }) => metadata.namespace === 'a').toSorted();
        expect(indexer.keysByIndex(namespaceIndex, 'a').toSorted()).toEqual(inA);
        expect(indexer.size).toBe(model.size);
      }),
    );
  });

  it('refuses names that are taken, and those of no index', () => {
    const indexer = new Indexer<Labelled>();
    expect(() => indexer.addIndexes({ [namespaceIndex]: valuesOf })).toThrow('exists already');
    expect(() => indexer.byIndex('none', 'x')).toThrow('does not exist');
  });
});
