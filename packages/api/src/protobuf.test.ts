/** Protobuf round trips of objects made from the schemas, and the watch encoding. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeMessage, openEnvelope } from '@kubets/apimachinery/codec/protobuf-decode';
import { encodeMessage, encodeWatchEvent } from '@kubets/apimachinery/codec/protobuf';
import type { ObjectSchema, ScalarSchema, Schema } from '@kubets/apimachinery/schema/types';
import fc, { type Arbitrary } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { protoMessage } from './proto-table.ts';
import { servedResources } from './resources.ts';
import { kindInfo } from './scheme.ts';

const fixture = join(import.meta.dirname, '../../../../shared/reference/testdata/api/core.v1.WatchEvent.json');

const formats: Partial<Record<ScalarSchema['format'], Arbitrary<unknown>>> = {
  int32: fc.integer(),
  int64: fc.maxSafeInteger(),
  double: fc.double({ noNaN: true, noDefaultInfinity: true }),
  byte: fc.uint8Array().map((bytes) => bytes.toBase64()),
  'date-time': fc.constantFrom('2026-01-01T00:00:00Z', '1969-12-31T23:59:59Z', '1970-01-01T00:00:00Z'),
  'micro-time': fc.constantFrom('2026-01-01T00:00:00.000001Z', '1969-12-31T23:59:59.999999Z'),
  duration: fc.constantFrom('1m30s', '-5ms', '0s', '100h0m0s'),
  quantity: fc.constantFrom('0', '1', '100m', '1Gi', '12e6'),
  'int-or-string': fc.oneof(fc.integer(), fc.string()),
};

function scalar(schema: ScalarSchema): Arbitrary<unknown> {
  return formats[schema.format] ?? (schema.type === 'boolean' ? fc.boolean() : fc.string({ unit: 'grapheme' }));
}

function value(schema: Schema, depth: number): Arbitrary<unknown> {
  switch (schema.kind) {
    case 'scalar':
      return scalar(schema);
    case 'list':
      return fc.array(value(schema.items, depth + 1), { maxLength: 2 });
    case 'map':
      return fc.dictionary(fc.string(), value(schema.values, depth + 1), { maxKeys: 2 });
    case 'any':
      return fc.constant({ any: 1 });
    default:
      return object(schema, depth + 1);
  }
}

/** Objects with any of their fields; deep ones are left out, so that schemas which contain themselves end. */
function object(schema: ObjectSchema, depth: number): Arbitrary<Record<string, unknown>> {
  const fields = schema.fields.filter((f) => f.name !== 'kind' && f.name !== 'apiVersion' && depth < 8);
  const shapes = fields.map((f): [string, Arbitrary<unknown>] => [
    f.name,
    fc.oneof(fc.constant(null), value(f.schema, depth)),
  ]);
  return fc.record(Object.fromEntries(shapes), { requiredKeys: [] });
}

const kinds = [
  'Pod',
  'Service',
  'ConfigMap',
  'Secret',
  'Node',
  'Event',
  'Deployment',
  'Job',
  'EndpointSlice',
  'Lease',
  'CertificateSigningRequest',
];

describe('round trip', () => {
  it.each(
    servedResources()
      .filter((r) => kinds.includes(r.kind))
      .map((r) => [r.kind, r] as const),
  )('%s', (_kind, resource) => {
    const info = kindInfo(resource)!;
    fc.assert(
      fc.property(object(info.schema, 0), (raw) => {
        const decoded = info.decode(raw);
        const bytes = info.encodeProtobuf(decoded);
        // Empty and absent lists and maps are one in protobuf.
        const back = info.decodeProtobuf(bytes);
        expect(Buffer.from(info.encodeProtobuf(back)).equals(bytes)).toBe(true);
        expect(withoutEmpty(back)).toEqual(withoutEmpty(decoded));
      }),
      { numRuns: 20 },
    );
  });
});

function withoutEmpty(input: unknown): unknown {
  if (Array.isArray(input)) return input.map(withoutEmpty);
  if (typeof input !== 'object' || input === null) return input;
  const isEmpty = (v: unknown): boolean =>
    v === null || v === '' || (typeof v === 'object' && Object.keys(v as object).length === 0);
  return Object.fromEntries(
    Object.entries(input)
      .map(([key, v]) => [key, withoutEmpty(v)] as const)
      .filter(([, v]) => !isEmpty(v)),
  );
}

describe('watch event', () => {
  it('carries an enveloped object', () => {
    const pod = kindInfo({ group: '', version: 'v1', kind: 'Pod' })!;
    const object = pod.encodeProtobuf(pod.decode({ metadata: { name: 'x' } }));
    const event = encodeWatchEvent('ADDED', object);
    // 0a 05 ADDED, 12 len (0a len object)
    expect(Buffer.from(event.subarray(0, 7)).toString('latin1')).toBe('\n\u0005ADDED');
    expect(Buffer.from(event).indexOf(Buffer.from(object))).toBe(event.length - object.length);
    expect(openEnvelope(event.slice(event.length - object.length)).kind).toBe('Pod');
  });

  it.skipIf(!existsSync(fixture))('has the bytes of the fixture', () => {
    const json = JSON.parse(readFileSync(fixture, 'utf8')) as { type: string; object: unknown };
    const bytes = readFileSync(fixture.replace('.json', '.pb'));
    const { raw } = openEnvelope(bytes);
    const message = protoMessage('meta-v1.WatchEvent');
    expect(decodeMessage(message, raw)).toEqual(json);
    expect(Buffer.from(encodeMessage(message, json)).equals(raw)).toBe(true);
    expect(Buffer.from(encodeWatchEvent(json.type, Buffer.from(JSON.stringify(json.object)))).equals(raw)).toBe(true);
  });
});
