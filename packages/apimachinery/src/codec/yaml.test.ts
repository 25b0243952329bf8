import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DecodeError } from '../schema/decode-error.ts';
import { encodeYaml, parseYaml } from './yaml.ts';

function refusal(text: string): unknown {
  try {
    parseYaml(text);
    return undefined;
  } catch (error) {
    return error;
  }
}

describe('parseYaml', () => {
  it.each<[string, unknown]>([
    ['a: yes\nb: "yes"\nc: off\nd: True', { a: true, b: 'yes', c: false, d: true }],
    ['a: 1_000\nb: 0x1F\nc: 017\nd: 1e3\ne: .5', { a: 1000, b: 31, c: 15, d: 1000, e: 0.5 }],
    ['a: 2020-01-01\nb: 2020-01-01T00:00:00Z\nc: 22:22', { a: '2020-01-01', b: '2020-01-01T00:00:00Z', c: '22:22' }],
    ['1: a\ntrue: b\n', { 1: 'a', true: 'b' }],
    ['a: &x {b: 1}\nc: *x\nd:\n  <<: *x\n  e: 2', { a: { b: 1 }, c: { b: 1 }, d: { b: 1, e: 2 } }],
    ['a: |\n  two\n  lines\n', { a: 'two\nlines\n' }],
    ['---\na: 1\n---\nb: 2\n', { a: 1 }],
    ['{"a": [1, null, "x"]}', { a: [1, null, 'x'] }],
    ['', null],
    ['# nothing', null],
  ])('%j', (text, value) => {
    expect(parseYaml(text).value).toEqual(value);
  });

  it('reports repeated keys with their lines; the last value wins', () => {
    const { value, duplicates } = parseYaml('a: 1\nb:\n  c: 1\n  c: 2\na: 3\n');
    expect(value).toEqual({ a: 3, b: { c: 2 } });
    expect(duplicates).toEqual(['line 4: key "c" already set in map', 'line 5: key "a" already set in map']);
  });

  it('refuses alias bombs and anchors that contain themselves', () => {
    const bomb = ['a: &a [1,1,1,1,1,1,1,1,1,1]'];
    for (let i = 1; i < 12; i++) {
      const [name, previous] = [String.fromCharCode(97 + i), String.fromCharCode(96 + i)];
      bomb.push(`${name}: &${name} [${`*${previous},`.repeat(9)}*${previous}]`);
    }
    expect(() => parseYaml(bomb.join('\n'))).toThrow(DecodeError);
    expect(() => parseYaml('a: &a [*a]')).toThrow(DecodeError);
  });

  it.each(['a: [', 'a: b: c', '\tx: 1', '*nowhere', 'a: .nan', '"', '{a: 1'])('refuses %j', (text) => {
    expect(() => parseYaml(text)).toThrow(DecodeError);
  });

  it('never throws anything but decoding errors', () => {
    const mark = fc.constantFrom(
      'a',
      ':',
      ' ',
      '\n',
      '-',
      '&a',
      '*a',
      '[',
      ']',
      '{',
      '}',
      ',',
      '"',
      "'",
      '|',
      '>',
      '!',
      '%',
      '?',
      '<<',
      '---',
    );
    fc.assert(
      fc.property(fc.array(mark, { maxLength: 20 }), (marks) => {
        expect(refusal(marks.join('')) ?? new DecodeError('')).toBeInstanceOf(DecodeError);
      }),
      { numRuns: 500 },
    );
  });
});

describe('encodeYaml', () => {
  it('writes what parseYaml reads back', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false } as object), (value) => {
        const plain = JSON.parse(JSON.stringify(value)) as unknown;
        expect(parseYaml(encodeYaml(plain)).value).toEqual(plain);
      }),
    );
  });

  it('knows the dot of managed fields', () => {
    expect(parseYaml('f:data:\n  .: {}\n  f:a: .').value).toEqual({ 'f:data': { '.': {}, 'f:a': '.' } });
    expect(encodeYaml({ '.': {} })).toBe('.: {}\n');
  });

  it.each([
    ['x: y', `'x: y'`],
    ['- x', `'- x'`],
    ['{a}', `'{a}'`],
    ['', '""'],
    ['1.5', '"1.5"'],
    ['10:20', '"10:20"'],
    ['2026-01-01T00:00:00Z', '"2026-01-01T00:00:00Z"'],
    ['tab\tx', '"tab\\tx"'],
    [`it's`, `it's`],
    ['a\n', '|\n  a'],
  ])('quotes %j as go-yaml', (text, expected) => {
    expect(encodeYaml({ k: text })).toBe(`k: ${expected}\n`);
  });

  it('sorts keys and quotes what would read as something else', () => {
    expect(encodeYaml({ b: 'yes', a: '1', c: null })).toBe('a: "1"\nb: "yes"\nc: null\n');
  });
});
