import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DecodeError } from './decode-error.ts';
import { compileDecoder } from './decoder.ts';
import type { FieldSchema, ObjectSchema, ScalarFormat, ScalarType, Schema } from './types.ts';

const scalar = (type: ScalarType, format: ScalarFormat = ''): Schema => ({ kind: 'scalar', type, format, enum: [] });
const list = (items: Schema): Schema => ({ kind: 'list', items, listType: 'atomic', mapKeys: [] });
const map = (values: Schema): Schema => ({ kind: 'map', values, mapType: 'granular' });

function field(name: string, schema: Schema, mark: 'omit' | 'always' | 'pointer' | 'nullable' = 'omit'): FieldSchema {
  const always = mark === 'always' || mark === 'nullable';
  const pointer = mark === 'pointer' || mark === 'nullable';
  return { name, schema, required: false, always, pointer, patchStrategy: [], patchMergeKey: '' };
}

function object(name: string, fields: FieldSchema[], preserveUnknownFields = false): ObjectSchema {
  const byName = new Map(fields.map((f) => [f.name, f]));
  return { kind: 'object', name, fields, byName, mapType: 'granular', preserveUnknownFields };
}

const part = object('io.k8s.api.core.v1.Part', [
  field('name', scalar('string'), 'always'),
  field('count', scalar('integer', 'int32')),
  field('memory', scalar('string', 'quantity'), 'pointer'),
]);
const spec = object('io.k8s.api.core.v1.ThingSpec', [
  field('replicas', scalar('integer', 'int32'), 'pointer'),
  field('big', scalar('integer', 'int64')),
  field('ratio', scalar('number', 'double'), 'pointer'),
  field('parts', list(part), 'always'),
  field('selector', part, 'nullable'),
  field('holder', part, 'always'),
  field('labels', map(scalar('string'))),
  field('limits', map(scalar('string', 'quantity'))),
  field('port', scalar('string', 'int-or-string'), 'always'),
  field('data', scalar('string', 'byte')),
  field('time', scalar('string', 'date-time'), 'pointer'),
  field('micro', scalar('string', 'micro-time'), 'pointer'),
  field('wait', scalar('string', 'duration'), 'pointer'),
  field('on', scalar('boolean')),
  field('open', { kind: 'any', name: 'io.k8s.apimachinery.pkg.runtime.RawExtension' }, 'pointer'),
]);
const thing = object('io.k8s.api.core.v1.Thing', [
  field('kind', scalar('string')),
  field('apiVersion', scalar('string')),
  field('spec', spec, 'pointer'),
]);
const decoder = compileDecoder(thing);
const specOf = (input: object): unknown => decoder.decode({ spec: input })['spec'];
const zero = { parts: null, selector: null, holder: { name: '' }, port: 0 };
const messageOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof DecodeError) return error.message;
    throw error;
  }
  return 'nothing thrown';
};

describe('decode', () => {
  it('writes what Go writes for the zero value, in wire order', () => {
    expect(JSON.stringify(decoder.decode({ spec: {}, kind: 'Thing' }))).toBe(
      '{"kind":"Thing","spec":{"parts":null,"selector":null,"holder":{"name":""},"port":0}}',
    );
  });

  it('drops zero values that are omitted, keeps them behind pointers', () => {
    expect(specOf({ big: 0, on: false, labels: {}, data: '', replicas: 0, parts: [] })).toEqual({
      ...zero,
      replicas: 0,
      parts: [],
    });
  });

  it('treats null as absence, and as the zero value inside lists and maps', () => {
    expect(specOf({ replicas: null, holder: null, parts: [null], labels: { a: null }, limits: { cpu: null } })).toEqual(
      {
        ...zero,
        parts: [{ name: '' }],
        labels: { a: '' },
        limits: { cpu: '0' },
      },
    );
  });

  it('brings scalars into canonical form', () => {
    const times = { time: '2026-01-01T02:00:00.5+02:00', micro: '2026-01-01T00:00:00.000001Z', wait: '90s' };
    expect(specOf({ limits: { cpu: '1000m', memory: 1024 }, port: 'http', data: 'aGk\n=', ...times })).toEqual({
      ...zero,
      limits: { cpu: '1', memory: '1024' },
      port: 'http',
      data: 'aGk=',
      time: '2026-01-01T00:00:00Z',
      micro: '2026-01-01T00:00:00.000001Z',
      wait: '1m30s',
    });
  });

  it('sorts the keys of maps and keeps hostile ones harmless', () => {
    const labels = JSON.parse('{"b":"1","__proto__":"x","a":"2"}') as object;
    const decoded = specOf({ labels }) as { labels: object };
    expect(Object.keys(decoded.labels)).toEqual(['__proto__', 'a', 'b']);
    expect(Object.getPrototypeOf(decoded.labels)).toBe(Object.prototype);
  });

  it('keeps unknown fields where the type says so', () => {
    const keeping = compileDecoder(object('', [field('a', scalar('string'))], true));
    expect(JSON.stringify(keeping.decode(JSON.parse('{"x":{"y":1},"__proto__":1,"a":"b"}')))).toBe(
      '{"a":"b","x":{"y":1},"__proto__":1}',
    );
  });

  it('looks fields up as own ones', () => {
    const odd = compileDecoder(
      object('', [field('constructor', scalar('string')), field('toString', scalar('string'))]),
    );
    expect(Object.keys(odd.decode({}))).toEqual([]);
    expect(odd.decode({ constructor: 'a' })).toEqual({ constructor: 'a' });
  });
});

describe('type errors', () => {
  const int = 'json: cannot unmarshal string into Go struct field ThingSpec.spec.replicas of type int32';
  it.each<[object | string | null | unknown[], string]>([
    [{ spec: { replicas: '3' } }, int],
    [{ spec: { replicas: 1.5 } }, int.replace('string', 'number 1.5')],
    [{ spec: { replicas: 3000000000 } }, int.replace('string', 'number 3000000000')],
    [
      { spec: { parts: {} } },
      'json: cannot unmarshal object into Go struct field ThingSpec.spec.parts of type []v1.Part',
    ],
    [{ spec: [] }, 'json: cannot unmarshal array into Go struct field Thing.spec of type v1.ThingSpec'],
    [
      { spec: { parts: [{ name: 5 }] } },
      'json: cannot unmarshal number into Go struct field Part.spec.parts.name of type string',
    ],
    [
      { spec: { labels: { a: true } } },
      'json: cannot unmarshal bool into Go struct field ThingSpec.spec.labels of type string',
    ],
    [
      { spec: { labels: 'x' } },
      'json: cannot unmarshal string into Go struct field ThingSpec.spec.labels of type map[string]string',
    ],
    [[], 'json: cannot unmarshal array into Go value of type v1.Thing'],
    ['x', 'json: cannot unmarshal string into Go value of type v1.Thing'],
    [{ spec: { data: '!' } }, 'illegal base64 data at input byte 0'],
    [{ spec: { time: 3 } }, 'json: cannot unmarshal number into Go value of type string'],
    [{ spec: { port: true } }, 'json: cannot unmarshal bool into Go value of type int32'],
    [
      { spec: { limits: { cpu: 'x' } } },
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ],
  ])('%j', (input, message) => {
    expect(messageOf(() => decoder.decode(input))).toBe(message);
  });

  it('words times as Go does', () => {
    expect(messageOf(() => specOf({ time: 'soon' }))).toBe(
      'parsing time "soon" as "2006-01-02T15:04:05Z07:00": cannot parse "soon" as "2006"',
    );
  });
});

describe('strict errors', () => {
  const strict = (text: string): readonly string[] => decoder.decodeStrict(JSON.parse(text), text).strictErrors;

  it('names unknown fields with their paths', () => {
    expect(strict('{"x":1,"spec":{"foo":{"a":[{"b":1}]},"parts":[{"name":"a"},{"nam":"b"}]}}')).toEqual([
      'unknown field "x"',
      'unknown field "spec.foo"',
      'unknown field "spec.parts[1].nam"',
    ]);
  });

  it('names repeated fields with their paths', () => {
    const text = '{"spec":{"replicas":1,"replicas" : 2,"labels":{"a":"1","a":"2"},"parts":[{"name":"a","name":"b"}]}}';
    expect(strict(text)).toEqual([
      'duplicate field "spec.replicas"',
      'duplicate field "spec.labels.a"',
      'duplicate field "spec.parts[0].name"',
    ]);
  });

  it('does not look into open values and unknown fields', () => {
    expect(strict('{"spec":{"open":{"a":1,"a":2},"foo":{"b":1,"b":2}}}')).toEqual(['unknown field "spec.foo"']);
  });

  it('is not misled by texts that look like keys', () => {
    expect(strict(JSON.stringify({ spec: { labels: { a: '":', b: '{"a":1,"a":2}', 'c":': '\\' } } }, null, 2))).toEqual(
      [],
    );
  });

  it('stops at a hundred', () => {
    const input = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`f${i}`, 1]));
    expect(strict(JSON.stringify(input))).toHaveLength(100);
  });

  it('refuses nesting beyond the limit', () => {
    const text = `{"spec":{"open":${'['.repeat(10_001)}${']'.repeat(10_001)}}}`;
    expect(messageOf(() => strict(text))).toBe('exceeded max depth');
  });
});

describe('any document', () => {
  const names = [
    'spec',
    'parts',
    'replicas',
    'labels',
    'limits',
    'holder',
    'name',
    'time',
    'port',
    'data',
    'open',
    'x',
  ];
  const text = fc.constantFrom('', 'a', '1', '10m', '2026-01-01T00:00:00Z', 'aGk=', '5s');
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5 },
      text,
      fc.integer(),
      fc.double(),
      fc.boolean(),
      fc.constant(null),
      tie('list'),
      tie('map'),
      tie('map'),
    ),
    list: fc.array(tie('tree'), { maxLength: 4 }),
    map: fc.dictionary(fc.constantFrom(...names), tie('tree'), { maxKeys: 6 }),
  }));

  function attempt(input: unknown): unknown {
    try {
      return decoder.decode(input);
    } catch (error) {
      // A refusal is as good as the empty document here.
      if (error instanceof DecodeError) return {};
      throw error;
    }
  }

  it('decodes or is refused with a decoding error, and decoding again changes nothing', () => {
    fc.assert(
      fc.property(tree, (input) => {
        const once = attempt(JSON.parse(JSON.stringify({ spec: input })));
        expect(JSON.stringify(decoder.decode(once))).toBe(JSON.stringify(once));
      }),
      { numRuns: 1000 },
    );
  });

  it('has no strict errors left after decoding', () => {
    fc.assert(
      fc.property(tree, (input) => {
        const once = attempt(JSON.parse(JSON.stringify({ spec: input })));
        const json = JSON.stringify(once);
        expect(decoder.decodeStrict(JSON.parse(json), json).strictErrors).toEqual([]);
      }),
    );
  });
});
