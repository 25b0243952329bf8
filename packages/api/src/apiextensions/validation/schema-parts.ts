/**
 * The parts of a JSON schema. `items`, `additionalProperties` and what is below them are raw JSON to the decoder,
 * so that every part may be anything: what is no schema is read as none.
 */
import type { JSONSchemaProps } from '../../generated/types/apiextensions-v1.ts';

export type Schema = Readonly<JSONSchemaProps>;

export function asSchema(value: unknown): Schema | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Schema) : undefined;
}

/** By name, in the order of the document. */
export function schemaMap(value: unknown): [name: string, schema: Schema][] {
  return Object.entries(asSchema(value) ?? {}).flatMap(([name, item]) => {
    const schema = asSchema(item);
    return schema === undefined ? [] : [[name, schema] as [string, Schema]];
  });
}

export function schemaList(value: unknown): Schema[] {
  return Array.isArray(value) ? value.map((item) => asSchema(item) ?? {}) : [];
}

export const stringList = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];

/** The schema of an array's items, when there is one schema for all of them. */
export const itemsOf = (schema: Schema): Schema | undefined => asSchema(schema.items);

/** Every schema directly below, with its path below that of the schema. */
export function subSchemas(schema: Schema): [path: string, schema: Schema][] {
  const result: [string, Schema][] = [];
  const add = (path: string, value: unknown): void => {
    const found = asSchema(value);
    if (found !== undefined) result.push([path, found]);
  };
  add('additionalProperties', schema.additionalProperties);
  for (const [name, item] of schemaMap(schema.properties)) add(`properties[${name}]`, item);
  add('not', schema.not);
  for (const junctor of ['allOf', 'oneOf', 'anyOf'] as const) {
    schemaList(schema[junctor]).forEach((item, i) => add(`${junctor}[${i}]`, item));
  }
  for (const [name, item] of schemaMap(schema.definitions)) add(`definitions[${name}]`, item);
  add('items', schema.items);
  schemaList(schema.items).forEach((item, i) => add(`items[${i}]`, item));
  for (const [name, item] of schemaMap(schema.dependencies)) add(`dependencies[${name}]`, item);
  return result;
}

/** Whether the schema or any below it is of that kind. */
export function someSchema(schema: Schema | undefined, predicate: (schema: Schema) => boolean): boolean {
  if (schema === undefined) return false;
  return predicate(schema) || subSchemas(schema).some(([, item]) => someSchema(item, predicate));
}
