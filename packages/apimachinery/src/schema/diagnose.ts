/**
 * Says where a document does not fit its type: the slow second walk behind the decoder
 * (`sigs.k8s.io/json`: `UnmarshalTypeError.Error`, the strict field stack).
 */
import { maxStrictErrors } from './decode-error.ts';
import { mismatch, scalarDecoder } from './scalar-decoder.ts';
import type { ObjectSchema, ScalarSchema, Schema } from './types.ts';

type JsonObject = Record<string, unknown>;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `io.k8s.api.core.v1.PodSpec` is `v1.PodSpec` in Go's words. */
function goObjectName(name: string): string {
  return name.split('.').slice(-2).join('.');
}

function goScalarName(schema: ScalarSchema): string {
  if (schema.format === 'byte') return '[]uint8';
  switch (schema.type) {
    case 'integer':
      return schema.format === 'int32' ? 'int32' : 'int64';
    case 'number':
      return 'float64';
    case 'boolean':
      return 'bool';
    default:
      return 'string';
  }
}

/** The Go type of a schema as error messages name it. Named string types read as `string`. */
export function goTypeName(schema: Schema): string {
  switch (schema.kind) {
    case 'scalar':
      return goScalarName(schema);
    case 'list':
      return `[]${goTypeName(schema.items)}`;
    case 'map':
      return `map[string]${goTypeName(schema.values)}`;
    case 'any':
      return goObjectName(schema.name);
    default:
      return schema.name === '' ? 'map[string]interface {}' : goObjectName(schema.name);
  }
}

function jsonKind(value: unknown, schema: Schema): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') {
    const counts = schema.kind === 'scalar' && schema.type === 'integer';
    return counts ? `number ${value}` : 'number';
  }
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

interface Place {
  readonly structName: string;
  readonly path: readonly string[];
}

function errorText(value: unknown, schema: Schema, place: Place): string {
  const what = `json: cannot unmarshal ${jsonKind(value, schema)} into Go`;
  if (place.structName === '') return `${what} value of type ${goTypeName(schema)}`;
  return `${what} struct field ${place.structName}.${place.path.join('.')} of type ${goTypeName(schema)}`;
}

function scalarFits(schema: ScalarSchema, value: unknown): boolean {
  try {
    scalarDecoder(schema)(value);
    return true;
  } catch (error) {
    return error !== mismatch;
  }
}

function firstOf<T>(items: Iterable<T>, find: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

function findInObject(schema: ObjectSchema, value: JsonObject, place: Place): string | undefined {
  const structName = schema.name.slice(schema.name.lastIndexOf('.') + 1) || place.structName;
  return firstOf(Object.keys(value), (key) => {
    const field = schema.byName.get(key);
    if (field === undefined) return undefined;
    return findMismatch(field.schema, value[key], { structName, path: [...place.path, key] });
  });
}

function findMismatch(schema: Schema, value: unknown, place: Place): string | undefined {
  if (value === null || schema.kind === 'any') return undefined;
  switch (schema.kind) {
    case 'scalar':
      return scalarFits(schema, value) ? undefined : errorText(value, schema, place);
    case 'list':
      if (!Array.isArray(value)) return errorText(value, schema, place);
      return firstOf(value, (item) => findMismatch(schema.items, item, place));
    case 'map':
      if (!isObject(value)) return errorText(value, schema, place);
      return firstOf(Object.values(value), (item) => findMismatch(schema.values, item, place));
    default:
      if (!isObject(value)) return errorText(value, schema, place);
      return findInObject(schema, value, place);
  }
}

/** The first type error in document order: `json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32`. */
export function typeErrorText(schema: ObjectSchema, input: unknown): string {
  if (input === null) return errorText({}, schema, { structName: '', path: [] });
  const found = findMismatch(schema, input, { structName: '', path: [] });
  return found ?? `json: cannot unmarshal value into Go value of type ${goTypeName(schema)}`;
}

function collectUnknown(schema: Schema, value: unknown, sink: { path: string; found: string[] }): void {
  const { path, found } = sink;
  if (found.length >= maxStrictErrors) return;
  if (schema.kind === 'list' && Array.isArray(value)) {
    value.forEach((item, i) => collectUnknown(schema.items, item, { path: `${path}[${i}]`, found }));
  } else if (schema.kind === 'map' && isObject(value)) {
    for (const key of Object.keys(value)) collectUnknown(schema.values, value[key], { path: join(path, key), found });
  } else if (schema.kind === 'object' && isObject(value)) {
    for (const key of Object.keys(value)) {
      const field = schema.byName.get(key);
      if (field !== undefined) collectUnknown(field.schema, value[key], { path: join(path, key), found });
      else if (!schema.preserveUnknownFields) found.push(`unknown field ${JSON.stringify(join(path, key))}`);
    }
  }
}

export const join = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

/** `unknown field "spec.containers[0].foo"` for each field that the type does not have, in document order. */
export function unknownFields(schema: ObjectSchema, input: unknown): string[] {
  const found: string[] = [];
  collectUnknown(schema, input, { path: '', found });
  return found.slice(0, maxStrictErrors);
}
