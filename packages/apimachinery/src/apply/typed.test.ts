import { describe, expect, it } from 'vitest';
import { compare, isSame } from './compare.ts';
import { equalSets, pathsOf, setOf, type FieldSet } from './field-set.ts';
import { mergeApplied } from './merge.ts';
import { pathText } from './path-element.ts';
import { ensureNamedFieldsAreMembers, extractItems, removeItems } from './remove-items.ts';
import { addedToZero, toFieldSet } from './to-field-set.ts';
import {
  anything,
  atomicList,
  configMap,
  deployment,
  field,
  listMap,
  map,
  object,
  setList,
  text,
} from './testing/schemas.ts';
import { validateApplied } from './validate-applied.ts';

const texts = (set: FieldSet): string[] => pathsOf(set).map(pathText).toSorted();

const shape = object('Shape', [
  field('scalar', text),
  field('granular', map(text)),
  field('atomic', map(text, 'atomic')),
  field('set', setList(text)),
  field(
    'keyed',
    listMap(object('Item', [field('name', text), field('value', text), field('more', map(text))]), 'name'),
  ),
  field('list', atomicList(text)),
  field('raw', anything),
  field('inner', object('Inner', [field('x', text), field('y', text)])),
]);

describe('toFieldSet', () => {
  it.each<[string, object, string[]]>([
    ['scalars', { scalar: 'a' }, ['.scalar']],
    ['null is mentioned', { scalar: null, inner: null }, ['.inner', '.scalar']],
    ['an empty map is mentioned', { granular: {}, inner: {} }, ['.granular', '.inner']],
    ['an empty list is not', { set: [], keyed: [] }, []],
    ['map entries', { granular: { b: '1', a: '2' } }, ['.granular.a', '.granular.b']],
    ['atomic values as a whole', { atomic: { a: '1' }, list: ['x'], raw: { any: 1 } }, ['.atomic', '.list', '.raw']],
    ['items of sets', { set: ['b', 'a'] }, ['.set[="a"]', '.set[="b"]']],
    [
      'items of list maps with their fields',
      { keyed: [{ name: 'n', value: 'v' }] },
      ['.keyed[name="n"]', '.keyed[name="n"].name', '.keyed[name="n"].value'],
    ],
    ['structs only through their fields', { inner: { x: '1' } }, ['.inner.x']],
    ['duplicates as a whole', { keyed: [{ name: 'n', value: 'v' }, { name: 'n' }] }, ['.keyed[name="n"]']],
    [
      'items without a key not at all',
      { keyed: [{ value: 'v' }, { name: 'n' }] },
      ['.keyed[name="n"]', '.keyed[name="n"].name'],
    ],
  ])('%s', (_name, value, expected) => {
    expect(texts(toFieldSet(value, shape))).toEqual(expected);
  });

  it('takes the default of a key that is left out', () => {
    const value = { spec: { template: { spec: { containers: [{ name: 'c', ports: [{ containerPort: 80 }] }] } } } };
    expect(texts(toFieldSet(value, deployment))).toContain(
      '.spec.template.spec.containers[name="c"].ports[containerPort=80,protocol="TCP"]',
    );
  });

  it('owns unknown fields where they are kept: maps granular, the rest atomic', () => {
    const open = object('Open', [field('a', text)], { preserveUnknownFields: true });
    expect(texts(toFieldSet({ a: '1', x: { y: { z: 1 }, l: [{}] } }, open))).toEqual([
      '.a',
      '.x',
      '.x.l',
      '.x.y',
      '.x.y.z',
    ]);
    expect(texts(toFieldSet({ x: 1 }, shape))).toEqual([]);
  });
});

describe('addedToZero', () => {
  it('writes what upstream writes for a created deployment', () => {
    const value = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'nginx', labels: { app: 'nginx' } },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: 'nginx' } },
        template: {
          metadata: { labels: { app: 'nginx' } },
          spec: {
            containers: [
              {
                name: 'nginx',
                image: 'nginx',
                ports: [{ containerPort: 80, protocol: 'TCP' }],
                resources: { limits: { cpu: '1' } },
              },
              { name: 'a', resources: {} },
            ],
          },
        },
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } },
      },
      status: {},
    };
    const labels = '{".":{},"f:app":{}}';
    expect(JSON.stringify(addedToZero(value, deployment))).toBe(
      `{"f:apiVersion":{},"f:kind":{},"f:metadata":{"f:labels":${labels},"f:name":{}},"f:spec":{"f:replicas":{},"f:selector":{},` +
        '"f:strategy":{"f:rollingUpdate":{".":{},"f:maxSurge":{}},"f:type":{}},' +
        `"f:template":{"f:metadata":{"f:labels":${labels}},"f:spec":{"f:containers":{` +
        '"k:{\\"name\\":\\"a\\"}":{".":{},"f:name":{},"f:resources":{}},' +
        '"k:{\\"name\\":\\"nginx\\"}":{".":{},"f:image":{},"f:name":{},' +
        '"f:ports":{".":{},"k:{\\"containerPort\\":80,\\"protocol\\":\\"TCP\\"}":{".":{},"f:containerPort":{},"f:protocol":{}}},' +
        '"f:resources":{".":{},"f:limits":{".":{},"f:cpu":{}}}}}}}}}',
    );
  });

  it('is the comparison with the empty object', () => {
    const value = { spec: { paused: true, template: { spec: { containers: [{ name: 'x' }] } } } };
    const { added, modified } = compare({}, value, deployment);
    expect(texts(modified)).toEqual([]);
    expect(equalSets(added, addedToZero(value, deployment))).toBe(true);
  });

  it('leaves out what is ignored', () => {
    const value = { metadata: { name: 'x', labels: { a: 'b' } }, status: { replicas: 3 } };
    expect(texts(addedToZero(value, deployment, setOf(['f:status'], ['f:metadata', 'f:name'])))).toEqual([
      '.metadata.labels',
      '.metadata.labels.a',
    ]);
  });
});

describe('compare', () => {
  it.each<[string, object, object, { added?: string[]; modified?: string[]; removed?: string[] }]>([
    ['equal', { scalar: 'a', set: ['x'] }, { scalar: 'a', set: ['x'] }, {}],
    ['scalars', { scalar: 'a' }, { scalar: 'b' }, { modified: ['.scalar'] }],
    ['added maps with their entries', {}, { granular: { a: '1' } }, { added: ['.granular', '.granular.a'] }],
    ['removed entries', { granular: { a: '1', b: '2' } }, { granular: { b: '2' } }, { removed: ['.granular.a'] }],
    ['removed maps', { granular: { a: '1' } }, {}, { removed: ['.granular', '.granular.a'] }],
    ['emptied maps stay', { granular: { a: '1' } }, { granular: null }, { removed: ['.granular.a'] }],
    ['atomic', { list: ['a'] }, { list: ['a', 'b'] }, { modified: ['.list'] }],
    ['sets', { set: ['a', 'b'] }, { set: ['b', 'c'] }, { added: ['.set[="c"]'], removed: ['.set[="a"]'] }],
    ['reordered sets are equal', { set: ['a', 'b'] }, { set: ['b', 'a'] }, {}],
    [
      'items',
      { keyed: [{ name: 'a', value: '1' }, { name: 'b' }] },
      { keyed: [{ name: 'b' }, { name: 'a', value: '2' }, { name: 'c' }] },
      { added: ['.keyed[name="c"]', '.keyed[name="c"].name'], modified: ['.keyed[name="a"].value'] },
    ],
    ['null and empty differ', { granular: null }, { granular: {} }, { modified: ['.granular'] }],
    ['wrong types as a whole', { granular: 'x' }, { granular: { a: '1' } }, { modified: ['.granular'] }],
  ])('%s', (_name, lhs, rhs, expected) => {
    const c = compare(lhs, rhs, shape);
    expect({ added: texts(c.added), modified: texts(c.modified), removed: texts(c.removed) }).toEqual({
      added: expected.added ?? [],
      modified: expected.modified ?? [],
      removed: expected.removed ?? [],
    });
    expect(isSame(c)).toBe(Object.keys(expected).length === 0);
  });

  it('compares the first of repeated items', () => {
    const lhs = {
      keyed: [
        { name: 'a', value: '1' },
        { name: 'a', value: '2' },
      ],
    };
    expect(texts(compare(lhs, { keyed: [{ name: 'a', value: '2' }] }, shape).modified)).toEqual([
      '.keyed[name="a"].value',
    ]);
    expect(isSame(compare(lhs, { keyed: [{ name: 'a', value: '1' }] }, shape))).toBe(true);
  });

  it('does not look at what is ignored', () => {
    const c = compare({ inner: { x: '1', y: '1' } }, { inner: { x: '2', y: '2' } }, shape, setOf(['f:inner', 'f:x']));
    expect(texts(c.modified)).toEqual(['.inner.y']);
  });
});

describe('mergeApplied', () => {
  const names = (list: unknown): string[] => (list as { name: string }[]).map((i) => i.name);
  const keyed = (...list: string[]): object => ({ keyed: list.map((name) => ({ name })) });

  it.each([
    [['a', 'b', 'c'], ['b'], ['a', 'b', 'c']],
    [
      ['a', 'b', 'c'],
      ['c', 'a'],
      ['b', 'c', 'a'],
    ],
    [
      ['a', 'b'],
      ['x', 'b'],
      ['a', 'x', 'b'],
    ],
    [
      ['a', 'b'],
      ['b', 'x'],
      ['a', 'b', 'x'],
    ],
    [[], ['b', 'a'], ['b', 'a']],
    [
      ['a', 'b', 'c', 'd'],
      ['d', 'b', 'new'],
      ['a', 'c', 'd', 'b', 'new'],
    ],
  ])('merges the order of %j with %j', (live, applied, expected) => {
    const merged = mergeApplied(keyed(...live), keyed(...applied), shape) as { keyed: unknown };
    expect(names(merged.keyed)).toEqual(expected);
  });

  it('keeps what the configuration does not mention, and returns live itself when nothing changes', () => {
    const live = { scalar: 'a', granular: { x: '1' }, keyed: [{ name: 'n', value: 'v', more: { k: '1' } }] };
    expect(mergeApplied(live, { scalar: 'a', keyed: [{ name: 'n', more: { k: '1' } }] }, shape)).toBe(live);
    expect(mergeApplied(live, { granular: { a: '0' }, keyed: [{ name: 'n', more: { k: '2' } }] }, shape)).toEqual({
      scalar: 'a',
      granular: { a: '0', x: '1' },
      keyed: [{ name: 'n', value: 'v', more: { k: '2' } }],
    });
  });

  it('puts new fields where the server writes them', () => {
    expect(
      Object.keys(mergeApplied({ granular: {}, inner: { x: '1' } }, { list: ['a'], scalar: 's' }, shape) as object),
    ).toEqual(['scalar', 'granular', 'list', 'inner']);
  });

  it('replaces repeated live items by the applied one, and keeps them otherwise', () => {
    const live = { keyed: [{ name: 'a', value: '1' }, { name: 'a', value: '2' }, { name: 'b' }] };
    expect(mergeApplied(live, { keyed: [{ name: 'a', more: { x: '1' } }] }, shape)).toEqual({
      keyed: [{ name: 'a', more: { x: '1' } }, { name: 'b' }],
    });
    expect(mergeApplied(live, { keyed: [{ name: 'b', value: '3' }] }, shape)).toEqual({
      keyed: [
        { name: 'a', value: '1' },
        { name: 'a', value: '2' },
        { name: 'b', value: '3' },
      ],
    });
  });
});

describe('removing and extracting', () => {
  const value = {
    scalar: 's',
    granular: { a: '1', b: '2' },
    set: ['x', 'y'],
    keyed: [
      { name: 'a', value: '1' },
      { name: 'b', value: '2' },
    ],
  };

  it('removes members and all below them', () => {
    const items = setOf(
      ['f:scalar'],
      ['f:granular', 'f:a'],
      ['f:set', 'v:"x"'],
      ['f:keyed', 'k:{"name":"a"}'],
      ['f:keyed', 'k:{"name":"b"}', 'f:value'],
    );
    expect(removeItems(value, items, shape)).toEqual({ granular: { b: '2' }, set: ['y'], keyed: [{ name: 'b' }] });
  });

  it('leaves null where everything went', () => {
    expect(removeItems({ granular: { a: '1' } }, setOf(['f:granular', 'f:a']), shape)).toEqual({ granular: null });
  });

  it('returns the value itself when nothing is removed', () => {
    expect(removeItems(value, setOf(['f:granular', 'f:zz']), shape)).toBe(value);
  });

  it('extracts members only', () => {
    expect(extractItems(value, setOf(['f:granular', 'f:a'], ['f:keyed', 'k:{"name":"b"}']), shape)).toEqual({
      granular: { a: '1' },
      keyed: [{ name: 'b', value: '2' }],
    });
    expect(extractItems(value, setOf(['f:inner']), shape)).toBeUndefined();
  });

  it('makes named fields on the way members, map entries and items not', () => {
    const set = setOf(['f:inner', 'f:x'], ['f:granular', 'f:a'], ['f:keyed', 'k:{"name":"b"}', 'f:more', 'f:q']);
    expect(texts(ensureNamedFieldsAreMembers(set, shape))).toEqual([
      '.granular',
      '.granular.a',
      '.inner',
      '.inner.x',
      '.keyed',
      '.keyed[name="b"].more',
      '.keyed[name="b"].more.q',
    ]);
  });
});

describe('validateApplied', () => {
  it.each<[object, string[]]>([
    [{ data: { a: '1' } }, []],
    [{ data: { a: 1 } }, ['.data.a: expected string, got &value.valueUnstructured{Value:1}']],
    [{ dat: {} }, ['.dat: field not declared in schema']],
    [{ immutable: 'x' }, ['.immutable: expected boolean, got &{x}']],
    [{ data: ['x'] }, ['.data: expected map, got &{[x]}']],
    [{ metadata: { finalizers: { b: 1, a: null } } }, ['.metadata.finalizers: expected list, got &{map[a:<nil> b:1]}']],
    [{ metadata: { finalizers: ['a', 'a'] } }, ['.metadata.finalizers: duplicate entries for key [="a"]']],
    [
      { metadata: { finalizers: [null] } },
      [".metadata.finalizers: element 0: associative list without keys has an element that's an explicit null"],
    ],
    [
      { metadata: { generation: 'x' } },
      ['.metadata.generation: expected numeric (int or float), got *value.valueUnstructured'],
    ],
    [
      { metadata: { ownerReferences: [{ name: 'x' }] } },
      [
        '.metadata.ownerReferences: element 0: associative list with keys has an element that omits key field "uid" (and doesn\'t have default value)',
      ],
    ],
  ])('%j', (value, problems) => {
    expect(validateApplied(value, configMap)).toEqual(problems);
  });
});
