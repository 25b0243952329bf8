import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countKeyMarks, countKeys, hasRepeatedKeys } from './key-marks.ts';

describe('keys of JSON texts', () => {
  it('counts the same in the text and in its value, whatever the value and the white space', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent);
        expect(countKeyMarks(text)).toBe(countKeys(JSON.parse(text)));
        expect(hasRepeatedKeys(text, JSON.parse(text))).toBe(false);
      }),
    );
  });

  it.each(['{"a":1,"a":2}', '{"a":{"b":1,"b":1}}', '[{"a":":"},{"x":0,"\\u0078":1}]'])(
    'sees the repeated key in %s',
    (text) => {
      expect(hasRepeatedKeys(text, JSON.parse(text))).toBe(true);
    },
  );
});
