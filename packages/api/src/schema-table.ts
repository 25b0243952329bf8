/**
 * Builds {@link ObjectSchema}s from the generated compact tables, on demand and once each.
 * The letter codes are those of `packages/api/scripts/type-codes.ts`.
 */
import type {
  AnySchema,
  FieldSchema,
  ObjectSchema,
  ScalarFormat,
  ScalarSchema,
  ScalarType,
  Schema,
} from '@kubets/apimachinery/schema/types';
import { schemaTables } from './generated/schemas/index.ts';

/** List type, map keys, map type, patch strategy, patch merge key, default, enum. */
export interface RowExtras {
  e?: string[];
  lt?: 'set' | 'map';
  mk?: string[];
  mt?: 'atomic';
  ps?: string;
  pk?: string;
  d?: unknown;
}

/** Name, type code, flags (1 required, 2 always, 4 pointer), protobuf number or path of numbers (0: none). */
export type Row = [name: string, code: string, flags: number, proto: number | number[], extras?: RowExtras];
/** 1 for an atomic map type, then the fields in wire order. */
export type TypeTable = [atomic: number, ...rows: Row[]];

const parsed = new Map<string, Record<string, TypeTable>>();

function fileTable(file: string): Record<string, TypeTable> {
  let table = parsed.get(file);
  if (table === undefined) {
    const source = schemaTables[file];
    if (source === undefined) throw new Error(`no schema table ${file}`);
    table = JSON.parse(source.table) as Record<string, TypeTable>;
    parsed.set(file, table);
  }
  return table;
}

/** `core-v1.Pod` → its table. Throws when unknown. */
export function typeTable(id: string): TypeTable {
  const dot = id.lastIndexOf('.');
  const table = fileTable(id.slice(0, dot))[id.slice(dot + 1)];
  if (table === undefined) throw new Error(`no type ${id}`);
  return table;
}

/** `core-v1.Pod` → `io.k8s.api.core.v1.Pod`. */
export function openapiName(id: string): string {
  const dot = id.lastIndexOf('.');
  return `${schemaTables[id.slice(0, dot)]?.package ?? ''}${id.slice(dot)}`;
}

/** The ids (`core-v1.Pod`) of all types, parsing every table: for tools and OpenAPI, not for the hot path. */
export function allTypeIds(): string[] {
  return Object.keys(schemaTables).flatMap((file) => Object.keys(fileTable(file)).map((name) => `${file}.${name}`));
}

/** The id that a `#` code names, seen from the file it stands in. */
export function refId(code: string, file: string): string {
  const name = code.slice(1);
  return name.includes('.') ? name : `${file}.${name}`;
}

const scalarCodes: Record<string, [ScalarType, ScalarFormat]> = {
  s: ['string', ''],
  b: ['boolean', ''],
  i: ['integer', 'int32'],
  l: ['integer', 'int64'],
  d: ['number', 'double'],
  y: ['string', 'byte'],
  t: ['string', 'date-time'],
  u: ['string', 'micro-time'],
  D: ['string', 'duration'],
  q: ['string', 'quantity'],
  x: ['string', 'int-or-string'],
};

const scalars = new Map<string, ScalarSchema>();

function scalarSchema(code: string, values: readonly string[]): ScalarSchema {
  const known = values.length === 0 ? scalars.get(code) : undefined;
  if (known !== undefined) return known;
  const [type, format] = scalarCodes[code] ?? ['string', ''];
  const schema: ScalarSchema = { kind: 'scalar', type, format, enum: values };
  if (values.length === 0) scalars.set(code, schema);
  return schema;
}

const openNames: Record<string, string> = {
  '*r': 'io.k8s.apimachinery.pkg.runtime.RawExtension',
  '*f': 'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1',
  '*j': 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON',
  '*a': 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray',
  '*b': 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool',
  '*c': 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray',
};

const opens = new Map<string, AnySchema>();

function openSchema(code: string): AnySchema {
  let schema = opens.get(code);
  if (schema === undefined) {
    schema = { kind: 'any', name: openNames[code] ?? '' };
    opens.set(code, schema);
  }
  return schema;
}

function schemaOfCode(code: string, file: string, extras: RowExtras): Schema {
  if (code.startsWith('w')) return schemaOfCode(code.slice(1), file, extras);
  if (code.startsWith('[]')) {
    const items = schemaOfCode(code.slice(2), file, {});
    return { kind: 'list', items, listType: extras.lt ?? 'atomic', mapKeys: extras.mk ?? [] };
  }
  if (code.startsWith('{}')) {
    return { kind: 'map', values: schemaOfCode(code.slice(2), file, {}), mapType: extras.mt ?? 'granular' };
  }
  if (code.startsWith('#')) return withMapType(schemaOf(refId(code, file)), extras.mt);
  if (code.startsWith('*')) return openSchema(code);
  return scalarSchema(code, extras.e ?? []);
}

/** A field may make an object atomic whose type is granular by itself. */
function withMapType(schema: ObjectSchema, mapType: 'atomic' | undefined): ObjectSchema {
  return mapType === undefined || schema.mapType === mapType ? schema : { ...schema, mapType };
}

function fieldSchema(row: Row, file: string): FieldSchema {
  const [name, code, flags, , extras = {}] = row;
  return {
    name,
    schema: schemaOfCode(code, file, extras),
    required: (flags & 1) !== 0,
    always: (flags & 2) !== 0,
    pointer: (flags & 4) !== 0,
    default: extras.d,
    patchStrategy: extras.ps === undefined ? [] : extras.ps.split(','),
    patchMergeKey: extras.pk ?? '',
  };
}

const schemas = new Map<string, ObjectSchema>();

/** The schema of a type by its id (`core-v1.Pod`). Throws when unknown. The same object every time. */
export function schemaOf(id: string): ObjectSchema {
  const known = schemas.get(id);
  if (known !== undefined) return known;
  const [atomic, ...rows] = typeTable(id);
  const fields: FieldSchema[] = [];
  const byName = new Map<string, FieldSchema>();
  const schema: ObjectSchema = {
    kind: 'object',
    name: openapiName(id),
    fields,
    byName,
    mapType: atomic === 1 ? 'atomic' : 'granular',
    preserveUnknownFields: false,
  };
  // Registered before its fields are made: types refer to themselves.
  schemas.set(id, schema);
  const file = id.slice(0, id.lastIndexOf('.'));
  for (const row of rows) {
    const field = fieldSchema(row, file);
    fields.push(field);
    byName.set(field.name, field);
  }
  return schema;
}
