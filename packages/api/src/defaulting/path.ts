/**
 * Paths of the defaulting facts (`spec.containers[].resources.requests{}`), resolved against a type.
 *
 * Documents may be raw: `null` and, for fields that are no pointers, zero values count as unset, and structs
 * held by value exist even when the document leaves them out.
 */
import type { FieldSchema, Schema } from '@kubets/apimachinery/schema/types';

export type JsonObject = Record<string, unknown>;

export type Token =
  | { readonly kind: 'field'; readonly name: string; readonly field: FieldSchema }
  | { readonly kind: 'key'; readonly name: string }
  | { readonly kind: 'items' }
  | { readonly kind: 'values' };

const part = /([^.[\]{}]+)|\[\]|\{\}|\["([^"]+)"\]/g;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function step(schema: Schema | undefined, name: string): { token: Token; next: Schema | undefined } {
  const field = schema?.kind === 'object' ? schema.byName.get(name) : undefined;
  if (field === undefined) throw new Error(`defaulting facts name an unknown field ${name}`);
  return { token: { kind: 'field', name, field }, next: field.schema };
}

/** Splits a path and looks its fields up. Throws for fields that the type does not have. */
export function tokensOf(path: string, root: Schema): { tokens: Token[]; schema: Schema } {
  const tokens: Token[] = [];
  let schema: Schema = root;
  for (const [text, name, key] of path.matchAll(part)) {
    if (key !== undefined) {
      tokens.push({ kind: 'key', name: key });
      schema = schema.kind === 'map' ? schema.values : schema;
    } else if (name !== undefined) {
      const { token, next } = step(schema, name);
      tokens.push(token);
      schema = next ?? schema;
    } else {
      tokens.push(text === '[]' ? { kind: 'items' } : { kind: 'values' });
      schema = schema.kind === 'list' ? schema.items : schema.kind === 'map' ? schema.values : schema;
    }
  }
  return { tokens, schema };
}

/** Whether Go would see the field as not given. */
export function isUnset(value: unknown, field: FieldSchema | undefined): boolean {
  if (value === undefined || value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  if (field === undefined || field.pointer) return false;
  if (field.schema.kind === 'map') {
    for (const _key in value as object) return false;
    return true;
  }
  return value === '' || value === 0 || value === false;
}

/** The child object of a field; a struct held by value is made when the document left it out. */
export function childOf(node: unknown, token: Token, made: { keys: number }): unknown {
  if (!isObject(node)) return undefined;
  if (token.kind !== 'field') return token.kind === 'key' ? node[token.name] : undefined;
  const child = node[token.name];
  const { field } = token;
  if ((child === undefined || child === null) && field.schema.kind === 'object' && field.always && !field.pointer) {
    if (child === undefined) made.keys++;
    return (node[token.name] = {});
  }
  return child;
}

export const sameToken = (a: Token | undefined, b: Token | undefined): boolean =>
  a !== undefined &&
  b !== undefined &&
  a.kind === b.kind &&
  ('name' in a ? a.name : '') === ('name' in b ? b.name : '');
