import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyJsonPatch } from './json-patch.ts';
import type { JsonObject } from './json-value.ts';
import { applyMergePatch, createMergePatch } from './merge-patch.ts';

/** Objects whose fields are never null, since a merge patch cannot set null. */
const value = fc.letrec<{ value: unknown; object: JsonObject }>((tie) => ({
  value: fc.oneof(fc.integer(), fc.string(), fc.boolean(), fc.array(fc.integer()), tie('object')),
  object: fc.dictionary(fc.oneof(fc.constantFrom('a', 'b', 'c', '__proto__'), fc.string()), tie('value'), {
    maxKeys: 4,
    depthIdentifier: 'o',
    noNullPrototype: true,
  }) as fc.Arbitrary<JsonObject>,
}));

describe('merge patch', () => {
  // The table of RFC 7386, appendix A, where the target is an object.
  it.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('%j with %j is %j', (target, patch, result) => {
    const before = structuredClone(target);
    expect(applyMergePatch(target, patch)).toEqual(result);
    expect(target).toEqual(before);
  });

  it('refuses what is no object', () => {
    expect(() => applyMergePatch({}, [])).toThrow('Invalid JSON Patch');
    expect(() => applyMergePatch({}, 'x')).toThrow('Invalid JSON Patch');
  });

  it('refuses nesting that no stack holds', () => {
    let deep: JsonObject = {};
    for (let i = 0; i < 200_000; i++) deep = { a: deep };
    expect(() => applyMergePatch({}, deep)).toThrow('exceeded max depth');
    const copy = [{ op: 'copy', from: '/a', path: '/b' }];
    expect(() => applyJsonPatch({ a: deep }, copy)).toThrow('exceeded max depth');
  });

  it('never touches prototypes', () => {
    const patched = applyMergePatch({}, JSON.parse('{"__proto__": {"x": 1}}'));
    expect((patched as { x?: number }).x).toBeUndefined();
    expect(JSON.stringify(patched)).toBe('{"__proto__":{"x":1}}');
  });

  it('takes one to the other', () => {
    fc.assert(
      fc.property(value.object, value.object, (a, b) => {
        expect(JSON.stringify(sorted(applyMergePatch(a, createMergePatch(a, b))))).toBe(JSON.stringify(sorted(b)));
        expect(createMergePatch(a, a)).toEqual({});
      }),
    );
  });

  it('is idempotent', () => {
    fc.assert(
      fc.property(value.object, value.object, (a, patch) => {
        const once = applyMergePatch(a, patch);
        expect(applyMergePatch(once, patch)).toEqual(once);
      }),
    );
  });
});

function sorted(v: unknown): unknown {
  if (Array.isArray(v)) return v.map(sorted);
  if (typeof v !== 'object' || v === null) return v;
  return Object.keys(v)
    .sort()
    .map((k) => [k, sorted((v as JsonObject)[k])]);
}
