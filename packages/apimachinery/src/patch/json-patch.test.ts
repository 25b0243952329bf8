import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isInvalid, type StatusError } from '../status.ts';
import type { JsonObject } from './json-value.ts';
import { applyJsonPatch, parseJsonPatch, type JsonPatchOperation } from './json-patch.ts';

function reasonOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    const known = isInvalid(error) && (error as StatusError).status.code === 422;
    return known ? ((error as Error).cause as Error).message : `unexpected: ${error}`;
  }
  return '';
}

describe('JSON patch', () => {
  // RFC 6902, appendix A, and the leniencies of upstream's library.
  it.each<[unknown, JsonPatchOperation[], unknown]>([
    [{ foo: 'bar' }, [{ op: 'add', path: '/baz', value: 'qux' }], { foo: 'bar', baz: 'qux' }],
    [{ foo: ['a', 'b'] }, [{ op: 'add', path: '/foo/1', value: 'x' }], { foo: ['a', 'x', 'b'] }],
    [{ foo: ['a'] }, [{ op: 'add', path: '/foo/-', value: ['b'] }], { foo: ['a', ['b']] }],
    [{ foo: ['a'] }, [{ op: 'add', path: '/foo/1', value: 'b' }], { foo: ['a', 'b'] }],
    [{ foo: ['a'] }, [{ op: 'add', path: '/foo/-1', value: 'b' }], { foo: ['a', 'b'] }],
    [{ baz: 1, foo: 2 }, [{ op: 'remove', path: '/baz' }], { foo: 2 }],
    [{ foo: [1, 2, 3] }, [{ op: 'remove', path: '/foo/1' }], { foo: [1, 3] }],
    [{ foo: [1, 2, 3] }, [{ op: 'remove', path: '/foo/-1' }], { foo: [1, 2] }],
    [{ a: 1 }, [{ op: 'replace', path: '/a', value: null }], { a: null }],
    [{ a: { b: 1 }, c: {} }, [{ op: 'move', from: '/a/b', path: '/c/d' }], { a: {}, c: { d: 1 } }],
    [{ a: [1, 2, 3] }, [{ op: 'move', from: '/a/0', path: '/a/2' }], { a: [2, 3, 1] }],
    [
      { a: { b: 1 } },
      [
        { op: 'copy', from: '/a', path: '/c' },
        { op: 'add', path: '/c/b', value: 2 },
      ],
      { a: { b: 1 }, c: { b: 2 } },
    ],
    [{ a: [1, { b: 2 }] }, [{ op: 'test', path: '/a/1', value: { b: 2 } }], { a: [1, { b: 2 }] }],
    [{ a: 1 }, [{ op: 'test', path: '/b', value: null }], { a: 1 }],
    [
      { 'a/b': 1, 'm~n': 2 },
      [
        { op: 'remove', path: '/a~1b' },
        { op: 'replace', path: '/m~0n', value: 3 },
      ],
      { 'm~n': 3 },
    ],
    [{ a: 1 }, [{ op: 'replace', path: '', value: { b: 1 } }], { b: 1 }],
    [{ a: { '': 1 } }, [{ op: 'replace', path: '/a/', value: 2 }], { a: { '': 2 } }],
  ])('%j with %j is %j', (base, patch, result) => {
    const before = structuredClone([base, patch]);
    expect(applyJsonPatch(base, patch)).toEqual(result);
    expect([base, patch]).toEqual(before);
  });

  it.each<[unknown, JsonPatchOperation, string]>([
    [
      {},
      { op: 'add', path: '/a/b', value: 1 },
      'add operation does not apply: doc is missing path: "/a/b": missing value',
    ],
    [{}, { op: 'remove', path: '/a' }, 'Unable to remove nonexistent key: a: missing value'],
    [
      {},
      { op: 'replace', path: '/a', value: 1 },
      'replace operation does not apply: doc is missing key: a: missing value',
    ],
    [{ a: [1] }, { op: 'add', path: '/a/3', value: 1 }, 'Unable to access invalid index: 3: invalid index referenced'],
    [{ a: [1] }, { op: 'add', path: '/a/x', value: 1 }, 'strconv.Atoi: parsing "x": invalid syntax'],
    [{ a: 1 }, { op: 'test', path: '/a', value: 2 }, 'testing value /a failed: test failed'],
    [
      { a: 1 },
      { op: 'move', from: '/b', path: '/c' },
      'move operation does not apply: doc is missing from path: "/b": missing value',
    ],
    [
      { a: 1 },
      { op: 'copy', from: '/b', path: '/c' },
      'copy operation does not apply: doc is missing from path: "/b": missing value',
    ],
    [
      { a: {} },
      { op: 'move', from: '/a', path: '/a/b' },
      'move operation does not apply: "/a" cannot move into itself',
    ],
    [{}, { op: 'spam', path: '/a' }, 'Unexpected kind: spam'],
    [{}, { op: 'add' }, 'add operation failed to decode path: missing value'],
    [{}, { op: 'add', path: 'a', value: 1 }, 'add operation does not apply: doc is missing path: "a": missing value'],
  ])('%j with %j fails', (base, operation, reason) => {
    expect(reasonOf(() => applyJsonPatch(base, [operation]))).toBe(reason);
  });

  it('refuses what is no patch', () => {
    expect(() => parseJsonPatch({})).toThrow('json: cannot unmarshal object into Go value of type jsonpatch.Patch');
    expect(() => parseJsonPatch(['x'])).toThrow(
      'json: cannot unmarshal string into Go value of type jsonpatch.Operation',
    );
    expect(parseJsonPatch([{ op: 'remove', path: '/a' }])).toHaveLength(1);
  });

  it('bounds copies and keeps prototypes out', () => {
    const base = { a: 'x'.repeat(1000) };
    const operation = { op: 'copy', from: '/a', path: '/b' };
    expect(reasonOf(() => applyJsonPatch(base, [operation, operation], { maxCopyBytes: 1500 }))).toMatch(
      /^Unable to complete/,
    );
    const patched = applyJsonPatch({}, [{ op: 'add', path: '/__proto__', value: { x: 1 } }]) as { x?: number };
    expect(patched.x).toBeUndefined();
    expect(reasonOf(() => applyJsonPatch({}, [{ op: 'add', path: '/constructor/x', value: 1 }]))).toMatch(
      /missing path/,
    );
  });

  it('keeps values apart that came from one', () => {
    const value = { x: [1] };
    const operations = [
      { op: 'add', path: '/a', value },
      { op: 'add', path: '/b', value },
      { op: 'add', path: '/a/x/-', value: 2 },
      { op: 'copy', from: '/a', path: '/c' },
      { op: 'add', path: '/c/x/-', value: 3 },
      { op: 'move', from: '/b', path: '/d' },
      { op: 'remove', path: '/d/x/0' },
    ];
    expect(applyJsonPatch({}, operations)).toEqual({ a: { x: [1, 2] }, c: { x: [1, 2, 3] }, d: { x: [] } });
    expect(value).toEqual({ x: [1] });
  });

  it('adds and removes as inverses', () => {
    const key = fc.string().map((s) => `k${s}`);
    fc.assert(
      fc.property(
        fc.dictionary(key, fc.jsonValue(), { noNullPrototype: true }),
        key,
        fc.jsonValue(),
        (base, k, value) => {
          if (k in base) return;
          const path = `/${k.replaceAll('~', '~0').replaceAll('/', '~1')}`;
          const added = applyJsonPatch(base, [{ op: 'add', path, value }]) as JsonObject;
          expect(JSON.stringify(added[k])).toBe(JSON.stringify(value));
          expect(
            applyJsonPatch(added, [
              { op: 'test', path, value },
              { op: 'remove', path },
            ]),
          ).toEqual(base);
        },
      ),
    );
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.nat(), fc.integer(), (list, at, value) => {
        const path = `/l/${at % (list.length + 1)}`;
        const added = applyJsonPatch({ l: list }, [{ op: 'add', path, value }]);
        expect(
          applyJsonPatch(added, [
            { op: 'test', path, value },
            { op: 'remove', path },
          ]),
        ).toEqual({ l: list });
      }),
    );
  });
});
