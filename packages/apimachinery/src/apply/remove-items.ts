/**
 * Takes the fields of a set out of a value, or keeps only them (structured-merge-diff `typed/remove.go`,
 * `typed/extract.go`).
 */
import type { ListSchema, Schema } from '../schema/types.ts';
import { isMember, leaf, type FieldSet, type MutableFieldSet } from './field-set.ts';
import { fieldElement } from './path-element.ts';
import {
  deduced,
  elementOfItem,
  isAtomic,
  isJsonObject,
  isVoid,
  planOfList,
  planOfObject,
  valueSchemaOf,
  type JsonObject,
  type PlannedField,
} from './schema-plan.ts';

/**
 * `value` without the members of `items` and all below them. A map, struct or list that loses its last
 * entry this way becomes `null`, which counts as present when compared. Shares what does not change.
 */
export function removeItems(value: unknown, items: FieldSet, schema: Schema): unknown {
  return walk(value, items, schema, false) ?? null;
}

/** Only the members of `items`, with all below them. `undefined` when nothing is left. */
export function extractItems(value: unknown, items: FieldSet, schema: Schema): unknown {
  return walk(value, items, schema, true);
}

/** Goes into a container part of whose fields are in `items`; `undefined` when nothing is left of it. */
function walk(value: unknown, items: FieldSet, schema: Schema, extract: boolean): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (isVoid(value)) return undefined;
  // Nobody owns a part of an atomic value: such a set comes from a schema that has changed since.
  if (isAtomic(schema)) return extract || schema.kind === 'any' ? value : undefined;
  if (schema.kind === 'list') return Array.isArray(value) ? walkList(value, items, schema, extract) : undefined;
  if (!isJsonObject(value)) return undefined;
  return walkMap(value, items, schema as Schema & { kind: 'map' | 'object' }, extract);
}

function walkList(list: readonly unknown[], items: FieldSet, schema: ListSchema, extract: boolean): unknown {
  const plan = planOfList(schema);
  const out: unknown[] = [];
  for (const item of list) {
    const element = elementOfItem(plan, item);
    const node = element === undefined ? undefined : items[element];
    if (node === undefined) {
      if (!extract) out.push(item);
      continue;
    }
    if (isMember(node) && !extract) continue;
    out.push(hasChildren(node) ? (walk(item, node, schema.items, extract) ?? null) : item);
  }
  if (out.length === 0) return undefined;
  return out.length === list.length && out.every((item, i) => item === list[i]) ? list : out;
}

function walkMap(
  value: JsonObject,
  items: FieldSet,
  schema: Schema & { kind: 'map' | 'object' },
  extract: boolean,
): unknown {
  const out: Record<string, unknown> = {};
  let same = true;
  let empty = true;
  for (const key in value) {
    const before = value[key];
    const node = items[fieldElement(key)];
    const after =
      node === undefined
        ? extract
          ? undefined
          : before
        : entry(before, node, childSchema(schema, key, before), extract);
    if (after !== before) same = false;
    if (after === undefined) continue;
    out[key] = after;
    empty = false;
  }
  if (empty) return undefined;
  return same ? value : out;
}

function entry(value: unknown, node: FieldSet, schema: Schema, extract: boolean): unknown {
  if (isMember(node)) return extract ? value : undefined;
  return walk(value, node, schema, extract) ?? null;
}

function hasChildren(node: FieldSet): boolean {
  for (const key in node) if (key !== '.') return true;
  return false;
}

function childSchema(schema: Schema & { kind: 'map' | 'object' }, key: string, value: unknown): Schema {
  if (schema.kind === 'map') return valueSchemaOf(schema, value);
  return planOfObject(schema).byName.get(key)?.schema ?? deduced(value);
}

/**
 * The set with every named field on the way to a member made a member too; map entries and list items stay
 * as they are (`Set.EnsureNamedFieldsAreMembers`).
 */
export function ensureNamedFieldsAreMembers(set: FieldSet, schema: Schema): FieldSet {
  const out: MutableFieldSet = {};
  for (const key in set) {
    const node = set[key] as FieldSet;
    if (key === '.' || !hasChildren(node)) {
      out[key] = node;
      continue;
    }
    const field = key.startsWith('f:') ? namedField(schema, key.slice(2)) : undefined;
    const below = ensureNamedFieldsAreMembers(node, field?.schema ?? schemaBelow(schema));
    out[key] = field !== undefined && !('.' in below) ? { '.': leaf, ...below } : below;
  }
  return out;
}

function namedField(schema: Schema, name: string): PlannedField | undefined {
  return schema.kind === 'object' ? planOfObject(schema).byName.get(name) : undefined;
}

const anything: Schema = { kind: 'any', name: '' };

function schemaBelow(schema: Schema): Schema {
  if (schema.kind === 'list') return schema.items;
  return schema.kind === 'map' ? schema.values : anything;
}
