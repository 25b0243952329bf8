import { describe, expect, it } from 'vitest';
import { canonicalJson, fnv32, hashRevisionData, revisionName, safeEncode } from './revision-hash.ts';

describe('canonicalJson', () => {
  it.each<[unknown, string]>([
    [{ b: 1, a: [true, null, 'x'] }, '{"a":[true,null,"x"],"b":1}'],
    [{ a: undefined, $patch: 'replace' }, '{"$patch":"replace"}'],
    [{ a: '<b> & "c"\u2028' }, '{"a":"\\u003cb\\u003e \\u0026 \\"c\\"\\u2028"}'],
    [{}, '{}'],
  ])('%j', (value, text) => {
    expect(canonicalJson(value)).toBe(text);
  });
});

describe('fnv32', () => {
  // Vectors of FNV-1 from its specification.
  it.each<[string, number]>([
    ['', 0x811c9dc5],
    ['a', 0x050c5d7e],
    ['foobar', 0x31f0b262],
  ])('%j', (text, hash) => {
    expect(fnv32(text)).toBe(hash);
  });
});

describe('names of revisions', () => {
  it('encodes each digit as one character', () => {
    // '0' is 48, and 48 % 27 is 21.
    expect(safeEncode(0)).toBe('4');
    expect(safeEncode(1234567890)).toBe('56789bcdf4');
  });

  it('changes with the count of collisions', () => {
    expect(hashRevisionData('{}', 0)).not.toBe(hashRevisionData('{}', 1));
  });

  it('keeps names short enough', () => {
    expect(revisionName('a'.repeat(250), 'hash')).toBe(`${'a'.repeat(223)}-hash`);
  });
});
