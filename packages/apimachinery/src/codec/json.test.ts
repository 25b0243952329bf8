import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countKeyMarks } from '../schema/key-marks.ts';
import { jsonSyntaxError } from './json-syntax.ts';
import { parseJson } from './json.ts';

describe('jsonSyntaxError', () => {
  it.each([
    ['', 'unexpected end of JSON input'],
    ['{', 'unexpected end of JSON input'],
    ['{"a":', 'unexpected end of JSON input'],
    ['x', "invalid character 'x' looking for beginning of value"],
    ['{a:1}', "invalid character 'a' looking for beginning of object key string"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b"}', `invalid character '"' after object key:value pair`],
    ['[1 2]', "invalid character '2' after array element"],
    ['[1,]', "invalid character ']' looking for beginning of value"],
    ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
    ['tru!', "invalid character '!' in literal true (expecting 'e')"],
    ['"\n"', "invalid character '\\n' in string literal"],
    ['"\\q"', "invalid character 'q' in string escape code"],
    ['"\\u12g4"', "invalid character 'g' in \\u hexadecimal character escape"],
    ['-a', "invalid character 'a' in numeric literal"],
    ['1.x', "invalid character 'x' after decimal point in numeric literal"],
    ['1ex', "invalid character 'x' in exponent of numeric literal"],
    ['01', "invalid character '1' after top-level value"],
    ['{} {}', "invalid character '{' after top-level value"],
  ])('%j', (text, message) => {
    expect(jsonSyntaxError(text)).toBe(message);
    expect(() => parseJson(text)).toThrow(message);
  });

  it('agrees with the parser on what is JSON', () => {
    const mark = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"',
      ':',
      ',',
      '1',
      '-',
      '.',
      'e',
      'null',
      'true',
      ' ',
      '\\',
      'a',
      '0',
    );
    fc.assert(
      fc.property(fc.array(mark, { maxLength: 8 }), (marks) => {
        const text = marks.join('');
        let valid = true;
        try {
          JSON.parse(text);
        } catch {
          valid = false;
        }
        expect(jsonSyntaxError(text) === undefined).toBe(valid);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('countKeyMarks', () => {
  const keys = (value: unknown): number => {
    if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + keys(item), 0);
    if (typeof value !== 'object' || value === null) return 0;
    return Object.values(value).reduce<number>((sum, item) => sum + 1 + keys(item), 0);
  };

  it('counts every key once', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(0, 2), (value, indent) => {
        expect(countKeyMarks(JSON.stringify(value, null, indent))).toBe(keys(value));
      }),
    );
  });
});
