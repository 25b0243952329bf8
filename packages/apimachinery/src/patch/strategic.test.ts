import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FieldSchema, ObjectSchema, Schema } from '../schema/types.ts';
import { isBadRequest, isInvalid } from '../status.ts';
import type { JsonObject } from './json-value.ts';
import { applyStrategicMergePatch } from './strategic.ts';

const scalar: Schema = { kind: 'scalar', type: 'string', format: '', enum: [] };
const list = (items: Schema): Schema => ({ kind: 'list', items, listType: 'atomic', mapKeys: [] });

function field(name: string, schema: Schema, strategy = '', patchMergeKey = ''): FieldSchema {
  const patchStrategy = strategy === '' ? [] : strategy.split(',');
  return { name, schema, required: false, always: false, pointer: false, patchStrategy, patchMergeKey };
}

function object(name: string, fields: FieldSchema[]): ObjectSchema {
  const byName = new Map(fields.map((f) => [f.name, f]));
  return { kind: 'object', name, fields, byName, mapType: 'granular', preserveUnknownFields: false };
}

const port = object('x.Port', [field('port', scalar), field('proto', scalar)]);
const item = object('x.Item', [
  field('name', scalar),
  field('value', scalar),
  field('other', scalar),
  field('ports', list(port), 'merge', 'port'),
  field('tags', list(scalar), 'merge'),
]);
const schema = object('io.k8s.Thing', [
  field('name', scalar),
  field('labels', { kind: 'map', values: scalar, mapType: 'granular' }),
  field('items', list(item), 'merge', 'name'),
  field('atomicItems', list(item)),
  field('tags', list(scalar), 'merge'),
  field('atomicTags', list(scalar)),
  field('nested', list(list(scalar)), 'merge'),
  field('one', item),
  field('replaced', item, 'replace'),
  field('strategy', item, 'retainKeys'),
]);

const named = (...names: string[]): JsonObject[] => names.map((name) => ({ name }));

describe('strategic merge patch', () => {
  it.each<[string, JsonObject, JsonObject, JsonObject]>([
    ['replaces a scalar', { name: 'a' }, { name: 'b' }, { name: 'b' }],
    ['removes with null', { name: 'a', labels: { x: '1' } }, { name: null, gone: null }, { labels: { x: '1' } }],
    ['merges maps', { labels: { x: '1', y: '2' } }, { labels: { y: null, z: '3' } }, { labels: { x: '1', z: '3' } }],
    ['drops nulls of new maps', {}, { labels: { y: null, z: '3' } }, { labels: { z: '3' } }],
    ['replaces atomic lists', { atomicTags: ['a', 'b'] }, { atomicTags: ['c'] }, { atomicTags: ['c'] }],
    [
      'replaces lists without strategy',
      { atomicItems: named('a') },
      { atomicItems: named('b') },
      { atomicItems: named('b') },
    ],
    ['merges primitive lists, the patch first', { tags: ['a', 'b'] }, { tags: ['b', 'c'] }, { tags: ['a', 'b', 'c'] }],
    ['puts new primitives in front', { tags: ['a'] }, { tags: ['b'] }, { tags: ['b', 'a'] }],
    [
      'deletes from primitive lists',
      { tags: ['a', 'b', 'c'] },
      { '$deleteFromPrimitiveList/tags': ['a', 'x'] },
      { tags: ['b', 'c'] },
    ],
    [
      'adds and deletes',
      { tags: ['a', 'b'] },
      { tags: ['c'], '$deleteFromPrimitiveList/tags': ['b'] },
      { tags: ['c', 'a'] },
    ],
    ['deletes from nothing', {}, { '$deleteFromPrimitiveList/tags': ['a'] }, {}],
    [
      'merges lists by key',
      {
        items: [
          { name: 'a', value: '1', other: 'o' },
          { name: 'b', value: '2' },
        ],
      },
      { items: [{ name: 'a', value: '9' }] },
      {
        items: [
          { name: 'a', value: '9', other: 'o' },
          { name: 'b', value: '2' },
        ],
      },
    ],
    ['adds items in front', { items: named('a') }, { items: named('b') }, { items: named('b', 'a') }],
    ['deletes items', { items: named('a', 'b') }, { items: [{ $patch: 'delete', name: 'a' }] }, { items: named('b') }],
    [
      'deletes and adds items',
      { items: named('a', 'b') },
      { items: [{ name: 'c' }, { $patch: 'delete', name: 'a' }] },
      { items: named('c', 'b') },
    ],
    [
      'replaces a list',
      { items: named('a', 'b') },
      { items: [{ name: 'c' }, { $patch: 'replace' }] },
      { items: named('c') },
    ],
    ['empties a list', { items: named('a', 'b') }, { items: [{ $patch: 'replace' }] }, { items: [] }],
    ['replaces a map', { labels: { x: '1' } }, { labels: { y: '2', $patch: 'replace' } }, { labels: { y: '2' } }],
    ['empties a map', { labels: { x: '1' } }, { labels: { $patch: 'delete' } }, { labels: {} }],
    [
      'replaces by strategy',
      { replaced: { name: 'a', value: '1' } },
      { replaced: { value: '2' } },
      { replaced: { value: '2' } },
    ],
    [
      'keeps what retainKeys names',
      { strategy: { name: 'a', value: '1', other: 'o' } },
      { strategy: { $retainKeys: ['name', 'value'], value: '2' } },
      { strategy: { name: 'a', value: '2' } },
    ],
    [
      'merges lists in items',
      { items: [{ name: 'a', ports: [{ port: 1, proto: 'x' }], tags: ['p'] }] },
      { items: [{ name: 'a', ports: [{ port: 1, proto: 'y' }, { port: 2 }], '$deleteFromPrimitiveList/tags': ['p'] }] },
      { items: [{ name: 'a', ports: [{ port: 1, proto: 'y' }, { port: 2 }], tags: [] }] },
    ],
    [
      'drops directives of what is new',
      {},
      { items: [{ name: 'a' }, { $patch: 'delete', name: 'b' }] },
      { items: named('a') },
    ],
    ['drops what is to be deleted and is not there', {}, { one: { $patch: 'delete' } }, {}],
    ['drops what is to replace something and has nothing', {}, { one: { $patch: 'replace', name: 'a' } }, {}],
    ['takes the patch where types differ', { labels: { x: '1' } }, { labels: 'odd' }, { labels: 'odd' }],
    [
      'orders items',
      { items: named('a', 'b', 'c') },
      { '$setElementOrder/items': named('c', 'a', 'b') },
      { items: named('c', 'a', 'b') },
    ],
    [
      'orders added items',
      { items: named('a', 'b') },
      { '$setElementOrder/items': named('a', 'n', 'b'), items: named('n') },
      { items: named('a', 'n', 'b') },
    ],
    [
      'keeps items only the server has where they were',
      { items: named('s1', 'a', 's2', 'b') },
      { '$setElementOrder/items': named('b', 'a') },
      { items: named('s1', 's2', 'b', 'a') },
    ],
    [
      'orders primitives, then deletes',
      { tags: ['1', '2', '3'] },
      { '$setElementOrder/tags': ['3', '1', '4'], tags: ['4'], '$deleteFromPrimitiveList/tags': ['2'] },
      { tags: ['3', '1', '4'] },
    ],
    [
      'deletes and orders',
      { items: named('a', 'b', 'c') },
      { '$setElementOrder/items': named('c', 'a'), items: [{ $patch: 'delete', name: 'b' }] },
      { items: named('c', 'a') },
    ],
    ['ignores an order for nothing', {}, { '$setElementOrder/items': named('a') }, {}],
    [
      'orders a new list',
      {},
      { '$setElementOrder/items': named('a', 'b'), items: named('a', 'b') },
      { items: named('a', 'b') },
    ],
  ])('%s', (_, base, patch, result) => {
    const before = structuredClone([base, patch]);
    expect(applyStrategicMergePatch(base, patch, schema)).toEqual(result);
    expect([base, patch]).toEqual(before);
  });

  it.each<[JsonObject, unknown, string]>([
    [{}, [], 'expected a map[string]interface {}, but received a []interface {}'],
    [{ items: named('a') }, { items: [{ value: 'x' }] }, 'map: map[value:x] does not contain declared merge key: name'],
    [
      { items: named('a') },
      { items: [{ $patch: 'delete' }] },
      'map: map[$patch:delete] does not contain declared merge key: name',
    ],
    [
      { items: named('a') },
      { items: [{ $patch: 'merge', name: 'a' }] },
      'merging lists cannot yet be specified in the patch',
    ],
    [
      { items: named('a') },
      { items: [{ $patch: 'odd', name: 'a' }] },
      'unknown patch type: odd in map: map[$patch:odd name:a]',
    ],
    [{ items: named('a') }, { items: ['a'] }, 'list element types are not identical: [[map[name:a]] [a]]'],
    [{ labels: {} }, { labels: { $patch: 'odd' } }, 'unknown patch type: odd in map: map[$patch:odd]'],
    [{ strategy: {} }, { strategy: { $retainKeys: 'x' } }, 'invalid patch format of retainKeys'],
    [{ strategy: {} }, { strategy: { $retainKeys: ['x'], value: '1' } }, 'invalid patch format of retainKeys'],
    [{ tags: ['a'] }, { '$deleteFromPrimitiveList/tags': 'a' }, 'expected a []interface {}, but received a string'],
    [{ tags: ['a'] }, { '$setElementOrder/tags': 'a' }, 'expected a []interface {}, but received a string'],
    [
      { tags: ['a'] },
      { '$setElementOrder/tags': ['a'], tags: ['b'] },
      "The order in patch list:\n[b]\n doesn't match $setElementOrder list:\n[a]\n",
    ],
    [{ odd: {} }, { odd: {} }, 'unable to find api field in struct Thing for the json field "odd"'],
  ])('refuses %j with %j', (base, patch, message) => {
    let error: unknown;
    try {
      applyStrategicMergePatch(base, patch, schema);
    } catch (e) {
      error = e;
    }
    expect(isBadRequest(error)).toBe(true);
    expect((error as Error).message).toBe(message);
  });

  it('refuses lists of lists as upstream: 422', () => {
    let error: unknown;
    try {
      applyStrategicMergePatch({ nested: [['a']] }, { nested: [['b']] }, schema);
    } catch (e) {
      error = e;
    }
    expect(isInvalid(error)).toBe(true);
    expect(((error as Error).cause as Error).message).toBe('lists of lists are not supported');
  });

  const names = fc.uniqueArray(fc.constantFrom<string>('a', 'b', 'c', 'd', 'e', 'f'));

  it('gives the order that is asked for and keeps the rest in order', () => {
    fc.assert(
      fc.property(names, names, (have, order) => {
        const added = order.filter((n) => !have.includes(n));
        const result = applyStrategicMergePatch(
          { items: named(...have) },
          { '$setElementOrder/items': named(...order), items: named(...added) },
          schema,
        )['items'] as { name: string }[];
        const got = result.map((i) => i.name);
        expect(got.filter((n) => order.includes(n))).toEqual(order);
        expect(got.filter((n) => !order.includes(n))).toEqual(have.filter((n) => !order.includes(n)));
        expect(new Set(got).size).toBe(got.length);
      }),
    );
  });

  it('is idempotent, and nothing changes by an empty patch', () => {
    const entry = fc.record({ name: fc.constantFrom('a', 'b', 'c'), value: fc.string() }, { noNullPrototype: true });
    const items = fc.uniqueArray(entry, { selector: (e) => e.name });
    const thing = fc.record(
      { items, tags: names, labels: fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true }) },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(thing, thing, (base, patch) => {
        expect(applyStrategicMergePatch(base, {}, schema)).toEqual(base);
        const once = applyStrategicMergePatch(base, patch, schema);
        expect(applyStrategicMergePatch(once, patch, schema)).toEqual(once);
        expect(applyStrategicMergePatch(base, base, schema)).toEqual(base);
      }),
    );
  });
});
