import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBody, type FieldValidation } from './decode-body.ts';
import { defaultContext } from './defaulting/defaulter.ts';
import { decodeRepeated } from './repeated-spec.ts';
import { kindInfo } from './scheme.ts';

const gvk = { group: '', version: 'v1', kind: 'Pod' };
const info = kindInfo(gvk) ?? expect.unreachable();

const spec = (image: string): string =>
  JSON.stringify({
    tolerations: [{ key: 'dedicated', operator: 'Equal', value: 'bench', effect: 'NoSchedule' }],
    containers: [
      {
        name: 'main',
        image,
        env: Array.from({ length: 8 }, (_, i) => ({ name: `SETTING_${i}`, value: 'abcdefghijklmnop' })),
        ports: [{ containerPort: 8080 }],
        resources: { limits: { cpu: '0.5', memory: '128Mi' } },
      },
    ],
  });

const pod = (metadata: string, rest: string): string =>
  `{"kind":"Pod","apiVersion":"v1","metadata":${metadata},"spec":${rest}}`;

/** With defaults set in a context of its own, nothing has come before. */
function decoded(text: string, defaults = { ...defaultContext }, fieldValidation: FieldValidation = 'Warn'): string {
  try {
    const bytes = new TextEncoder().encode(text);
    return JSON.stringify(decodeBody(bytes, { gvk, contentType: 'application/json', fieldValidation, defaults }));
  } catch (error) {
    return String(error);
  }
}

describe('decodeRepeated', () => {
  it('knows a spec from the second time on', () => {
    const context = { ...defaultContext };
    const text = (name: string): string => pod(`{"name":"${name}"}`, spec('known'));
    expect(decodeRepeated(text('a'), info, context)).toBeUndefined();
    const second = decodeRepeated(text('b'), info, context);
    expect(JSON.stringify({ object: second, warnings: [] })).toBe(decoded(text('b')));
    expect(decodeRepeated(text('c'), info, { ...defaultContext })).toBeUndefined();
  });

  it('gives every caller an object of its own', () => {
    const context = { ...defaultContext };
    const text = pod('{"name":"a"}', spec('mine'));
    decoded(text, context);
    const first = decodeRepeated(text, info, context) as Record<string, unknown>;
    const before = JSON.stringify(first);
    (first['spec'] as { hostname: string }).hostname = 'changed';
    expect(JSON.stringify(decodeRepeated(text, info, context))).toBe(before);
  });

  it('forgets specs that others have taken the place of', () => {
    const context = { ...defaultContext };
    for (let i = 0; i < 9; i++) decoded(pod('{}', spec(`image-${i}`)), context);
    expect(decodeRepeated(pod('{}', spec('image-0')), info, context)).toBeUndefined();
    expect(decodeRepeated(pod('{}', spec('image-8')), info, context)).toBeDefined();
  });

  const usual = spec('usual');
  const strange: readonly [name: string, text: string][] = [
    ['a status behind the spec', pod('{"name":"a"}', `${usual},"status":{"phase":"Running"}`)],
    ['white space', pod('{"name":"a"}', ` ${usual}\n`)],
    ['metadata behind the spec', `{"kind":"Pod","apiVersion":"v1","spec":${usual},"metadata":{"name":"a"}}`],
    ['no kind', `{"metadata":{"name":"a"},"spec":${usual}}`],
    ['another kind', pod('{}', usual).replace('"Pod"', '"Service"')],
    ['no metadata', `{"kind":"Pod","apiVersion":"v1","spec":${usual}}`],
    ['a label named spec', pod('{"name":"a","labels":{"spec":"x"}}', usual)],
    ['an unknown field in the head', pod('{"name":"a","nmae":"b"}', usual)],
    ['an unknown field in the spec', pod('{"name":"a"}', usual.replace('"env"', '"evn"'))],
    ['a name given twice', pod('{"name":"a","name":"b"}', usual)],
    ['a spec given twice', pod('{"name":"a"}', `${usual},"spec":${usual}`)],
    ['a spec given twice, once in disguise', pod(`{},"sp\\u0065c":{"nodeName":"x"}`, usual)],
    ['two statuses', pod('{},"status":{"phase":"Failed"}', `${usual},"status":{}`)],
    ['a status before', pod('{},"status":{"phase":"Failed"}', usual)],
    ['a wrong type in the spec', pod('{"name":"a"}', usual.replace('8080', '"http"'))],
    ['a wrong type in the metadata', pod('{"name":1}', usual)],
    ['a brace too many', `${pod('{"name":"a"}', usual)}}`],
    ['a brace too few', pod('{"name":"a"}', usual).slice(0, -1)],
    ['a spec inside a list', `[${pod('{}', usual)}]`],
    ['a spec inside the metadata', `{"kind":"Pod","apiVersion":"v1","metadata":{"spec":${usual}}}`],
    ['characters beyond Latin-1', pod('{"name":"ä→"}', usual.replace('usual', '图像'))],
  ];

  it.each(strange)('decodes as ever: %s', (_name, text) => {
    for (const validation of ['Ignore', 'Warn', 'Strict'] as const) {
      const fresh = decoded(text, { ...defaultContext }, validation);
      const context = { ...defaultContext };
      decoded(pod('{"name":"a"}', usual), context);
      decoded(pod('{"name":"a"}', usual), context);
      for (let i = 0; i < 3; i++) expect(decoded(text, context, validation)).toBe(fresh);
    }
  });

  it('decodes the same, whatever came before', () => {
    const context = { ...defaultContext };
    const value = fc.record(
      {
        image: fc.constantFrom('a', 'b:v1', 'c@sha256:0'),
        hostNetwork: fc.boolean(),
        extra: fc.constantFrom('', ',"status":{}', ',"status":{"phase":"Failed"}', ',"other":1'),
        name: fc.string({ maxLength: 6 }),
        labels: fc.dictionary(fc.constantFrom('spec', 'app', '"spec":'), fc.string({ maxLength: 3 })),
      },
      { requiredKeys: ['image', 'hostNetwork', 'extra', 'name', 'labels'] },
    );
    const check = ({
      image,
      hostNetwork,
      extra,
      ...metadata
    }: typeof value extends fc.Arbitrary<infer T> ? T : never) => {
      const rest = spec(image).replace('{', `{"hostNetwork":${hostNetwork},`);
      const text = pod(JSON.stringify(metadata), rest + extra);
      expect(decoded(text, context)).toBe(decoded(text));
    };
    fc.assert(fc.property(value, check), { numRuns: 300 });
  });
});
