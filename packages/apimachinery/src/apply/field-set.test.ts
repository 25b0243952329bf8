import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  difference,
  emptySet,
  equalSets,
  forEachPath,
  hasPath,
  intersection,
  isEmptySet,
  leaves,
  pathsOf,
  recursiveDifference,
  setOf,
  setOfDotted,
  sizeOf,
  union,
  type FieldSet,
} from './field-set.ts';
import { decodeFieldsV1, encodeFieldsV1 } from './fields-v1.ts';
import { canonicalElement, compareElements, elementText, keyElement, pathText, valueElement } from './path-element.ts';

const element = fc.constantFrom(
  'f:a',
  'f:b',
  'f:c',
  'k:{"name":"x"}',
  'k:{"containerPort":80,"protocol":"TCP"}',
  'k:{"containerPort":443,"protocol":"TCP"}',
  'v:"one"',
  'v:2',
  'i:0',
  'i:10',
);
const path = fc.array(element, { minLength: 1, maxLength: 4 });
const set = fc.array(path, { maxLength: 12 }).map((paths) => setOf(...paths));

function keyOf(p: readonly string[]): string {
  return p.join('\n');
}

function members(s: FieldSet): Set<string> {
  return new Set(pathsOf(s).map(keyOf));
}

/** Every node is in canonical form: sorted, no `{".":{}}` alone. */
function wellFormed(node: FieldSet, root = true): boolean {
  const keys = Object.keys(node);
  if (!root && keys.length === 1 && keys[0] === '.') return false;
  if (root && keys.includes('.')) return false;
  const ordered = keys.every((k, i) => i === 0 || compareElements(keys[i - 1]!, k) < 0);
  return ordered && keys.every((k) => k === '.' || wellFormed(node[k]!, false));
}

describe('set algebra against sets of paths', () => {
  const laws: [string, (a: FieldSet, b: FieldSet) => FieldSet, (a: Set<string>, b: Set<string>) => Set<string>][] = [
    ['union', union, (a, b) => a.union(b)],
    ['difference', difference, (a, b) => a.difference(b)],
    ['intersection', intersection, (a, b) => a.intersection(b)],
    [
      'recursive difference',
      recursiveDifference,
      (a, b) => new Set([...a].filter((p) => ![...b].some((q) => p === q || p.startsWith(`${q}\n`)))),
    ],
  ];
  for (const [name, operation, model] of laws) {
    it(`${name}`, () => {
      fc.assert(
        fc.property(set, set, (a, b) => {
          const result = operation(a, b);
          expect(members(result)).toEqual(model(members(a), members(b)));
          expect(wellFormed(result)).toBe(true);
          expect(isEmptySet(result)).toBe(sizeOf(result) === 0);
        }),
      );
    });
  }

  it('returns the first argument itself when nothing changes', () => {
    fc.assert(
      fc.property(set, set, (a, b) => {
        const both = union(a, b);
        expect(union(both, a)).toBe(both);
        expect(difference(a, emptySet)).toBe(a);
        expect(intersection(a, both)).toBe(a);
      }),
    );
  });

  it('is equal whatever the order of keys', () => {
    fc.assert(
      fc.property(fc.array(path, { maxLength: 8 }), (paths) => {
        expect(equalSets(setOf(...paths), setOf(...paths.toReversed()))).toBe(true);
      }),
    );
  });

  it('knows its members and leaves', () => {
    fc.assert(
      fc.property(set, path, (s, p) => {
        expect(hasPath(s, p)).toBe(members(s).has(keyOf(p)));
        const all = [...members(s)];
        const bare = all.filter((q) => !all.some((other) => other.startsWith(`${q}\n`)));
        expect(members(leaves(s))).toEqual(new Set(bare));
      }),
    );
  });
});

describe('FieldsV1', () => {
  it('round trips through JSON', () => {
    fc.assert(
      fc.property(set, (s) => {
        const json = JSON.stringify(encodeFieldsV1(s));
        const back = decodeFieldsV1(JSON.parse(json));
        expect(equalSets(back, s)).toBe(true);
        expect(JSON.stringify(back)).toBe(json);
      }),
    );
  });

  it('writes members with children as a dot, in the order of structured-merge-diff', () => {
    const s = setOf(
      ['v:"z"'],
      ['f:spec', 'f:ports', 'k:{"containerPort":443,"protocol":"TCP"}', 'f:name'],
      ['f:spec', 'f:ports', 'k:{"containerPort":80,"protocol":"TCP"}'],
      ['f:spec', 'f:ports', 'k:{"containerPort":80,"protocol":"TCP"}', 'f:name'],
      ['f:metadata', 'f:labels', 'f:app'],
    );
    expect(JSON.stringify(s)).toBe(
      '{"f:metadata":{"f:labels":{"f:app":{}}},"f:spec":{"f:ports":{' +
        '"k:{\\"containerPort\\":80,\\"protocol\\":\\"TCP\\"}":{".":{},"f:name":{}},' +
        '"k:{\\"containerPort\\":443,\\"protocol\\":\\"TCP\\"}":{"f:name":{}}}},"v:\\"z\\"":{}}',
    );
  });

  it('normalises what others write', () => {
    const s = decodeFieldsV1({
      'f:b': { '.': {} },
      'f:a': { 'k:{ "b": 1, "a": "x" }': {} },
      'x:new': {},
      'f:c': { '.': {}, 'f:d': {} },
    });
    expect(JSON.stringify(s)).toBe('{"f:a":{"k:{\\"a\\":\\"x\\",\\"b\\":1}":{}},"f:b":{},"f:c":{".":{},"f:d":{}}}');
  });

  it.each([['f'], ['fspec'], ['k:{"a"'], ['k:[]'], ['v:'], ['i:x']])('refuses the element %s', (bad) => {
    expect(() => decodeFieldsV1({ [bad]: {} })).toThrow(SyntaxError);
  });

  it.each([[[]], ['x'], [3]])('refuses %j in place of fields', (bad) => {
    expect(() => decodeFieldsV1({ 'f:a': bad })).toThrow('must be an object');
  });
});

describe('path elements', () => {
  it('prints paths as conflicts show them', () => {
    expect(pathText(['f:spec', 'f:containers', 'k:{"name":"web"}', 'f:image'])).toBe(
      '.spec.containers[name="web"].image',
    );
    expect(pathText(['f:ports', 'k:{"containerPort":80,"protocol":"TCP"}'])).toBe(
      '.ports[containerPort=80,protocol="TCP"]',
    );
    expect(pathText(['f:finalizers', 'v:"a/b"', 'i:3'])).toBe('.finalizers[="a/b"][3]');
  });

  it('orders numbers as numbers, and types as upstream', () => {
    const values = [443, 80, 'b', 'a', true, false, null].map(valueElement);
    expect(values.toSorted(compareElements)).toEqual([
      'v:80',
      'v:443',
      'v:"a"',
      'v:"b"',
      'v:false',
      'v:true',
      'v:null',
    ]);
    expect(['i:10', 'i:9', 'v:1', 'k:{"a":1}', 'f:z'].toSorted(compareElements)).toEqual([
      'f:z',
      'k:{"a":1}',
      'v:1',
      'i:9',
      'i:10',
    ]);
  });

  it('escapes as Go does, and reads it back', () => {
    const escaped = keyElement(['name'], ['a<b>&"c"']);
    expect(escaped).toBe('k:{"name":"a\\u003cb\\u003e\\u0026\\"c\\""}');
    expect(canonicalElement(escaped)).toBe(escaped);
    expect(elementText(escaped)).toBe('[name="a<b>&\\"c\\""]');
  });

  it('reads dotted paths', () => {
    expect(members(setOfDotted(['status', 'metadata.name']))).toEqual(new Set(['f:status', 'f:metadata\nf:name']));
  });

  it('visits the members of a level before those below', () => {
    const seen: string[] = [];
    forEachPath(setOf(['f:a', 'f:x'], ['f:b'], ['f:a']), (p) => seen.push(pathText(p)));
    expect(seen).toEqual(['.a', '.b', '.a.x']);
  });
});
