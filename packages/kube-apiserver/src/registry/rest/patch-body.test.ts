import { parseYaml } from '@kubets/apimachinery/codec/yaml';
import type { ObjectSchema } from '@kubets/apimachinery/schema/types';
import { kindInfo } from '@kubets/api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPatch } from './patch-body.ts';

const { schema } = kindInfo({ group: '', version: 'v1', kind: 'ConfigMap' }) as { schema: ObjectSchema };

const apply = (text: string) =>
  readPatch(
    { type: 'bytes', contentType: 'application/apply-patch+yaml', bytes: Buffer.from(text) },
    'apply',
    schema,
    true,
  );

describe('the body of an apply', () => {
  it('says the same as JSON and as YAML', () => {
    const key = fc.stringMatching(/^[a-z<=~.]{1,4}$/);
    fc.assert(
      fc.property(fc.dictionary(key, fc.jsonValue()), (object) => {
        const text = JSON.stringify(object);
        expect(apply(text).value).toEqual(parseYaml(text).value);
        expect(apply(text).strictErrors).toEqual([]);
      }),
    );
  });

  it('may be a flow mapping that is no JSON', () => {
    expect(apply('{kind: ConfigMap, data: {a: yes}}').value).toEqual({ kind: 'ConfigMap', data: { a: true } });
  });

  it('is told of repeated keys in the words for YAML', () => {
    expect(apply('{"data":{"a":"1","a":"2"}}')).toMatchObject({
      value: { data: { a: '2' } },
      strictErrors: ['yaml: unmarshal errors:\n  line 1: key "a" already set in map'],
    });
  });

  it('is refused with the reason when it is neither', () => {
    expect(() => apply('{"a":')).toThrow(/^error decoding YAML: /);
    expect(() => apply('[1]')).toThrow('error decoding YAML: the patch is no object');
  });
});
