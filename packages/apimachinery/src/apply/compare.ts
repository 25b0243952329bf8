/**
 * What changed between two values of one type (structured-merge-diff `typed/compare.go`).
 *
 * Equal parts cost a walk and no memory. Structs that Go cannot leave out, and zero values that it always
 * writes, count as present where the JSON is silent.
 */
import type { ListSchema, ObjectSchema, Schema } from '../schema/types.ts';
import { emptySet, isEmptySet, isMember, leaf, sortNode, type FieldSet, type MutableFieldSet } from './field-set.ts';
import { fieldElement, type PathElement } from './path-element.ts';
import {
  compareItems,
  deduced,
  deepEqual,
  elementOfItem,
  implied,
  isAtomic,
  isVoid,
  planOfList,
  planOfObject,
  valueSchemaOf,
  type JsonObject,
} from './schema-plan.ts';
import { addedNode } from './to-field-set.ts';

/** No field is in more than one of the sets; all empty means equal. */
export interface Comparison {
  /** In the right value only. */
  readonly added: FieldSet;
  /** In both, but different. */
  readonly modified: FieldSet;
  /** In the left value only. */
  readonly removed: FieldSet;
}

interface Difference {
  added: FieldSet | undefined;
  modified: FieldSet | undefined;
  removed: FieldSet | undefined;
}

const equal: Comparison = { added: emptySet, modified: emptySet, removed: emptySet };

/**
 * Compares `lhs` with `rhs`; `undefined` stands for nothing at all.
 * Fields that are members of `ignore` are not looked at, nor what is below them (`Comparison.ExcludeFields`).
 */
export function compare(lhs: unknown, rhs: unknown, schema: Schema, ignore: FieldSet = emptySet): Comparison {
  const d = differ(lhs, rhs, schema, isEmptySet(ignore) ? undefined : ignore);
  if (d === undefined) return equal;
  return { added: rootSet(d.added), modified: rootSet(d.modified), removed: rootSet(d.removed) };
}

/** The whole object is no member of anything. */
function rootSet(node: FieldSet | undefined): FieldSet {
  if (node === undefined) return emptySet;
  if (!('.' in node)) return node;
  const { '.': _, ...children } = node;
  return children;
}

export function isSame(c: Comparison): boolean {
  return isEmptySet(c.added) && isEmptySet(c.modified) && isEmptySet(c.removed);
}

const modifiedLeaf: Difference = { added: undefined, modified: leaf, removed: undefined };

function differ(lhs: unknown, rhs: unknown, schema: Schema, ignore: FieldSet | undefined): Difference | undefined {
  if (lhs === rhs) return undefined;
  if (lhs === undefined) return { added: addedNode(rhs, schema), modified: undefined, removed: undefined };
  if (rhs === undefined) return { added: undefined, modified: undefined, removed: addedNode(lhs, schema) };
  if (isAtomic(schema)) return deepEqual(lhs, rhs) ? undefined : modifiedLeaf;
  return differContainers(lhs, rhs, schema, ignore);
}

function differContainers(
  lhs: unknown,
  rhs: unknown,
  schema: Schema,
  ignore: FieldSet | undefined,
): Difference | undefined {
  if (isVoid(lhs) && isVoid(rhs)) return (lhs === null) === (rhs === null) ? undefined : modifiedLeaf;
  if (!fits(lhs, schema) || !fits(rhs, schema)) return deepEqual(lhs, rhs) ? undefined : modifiedLeaf;
  if (schema.kind === 'list') {
    return differLists((lhs ?? []) as readonly unknown[], (rhs ?? []) as readonly unknown[], schema);
  }
  const l = (lhs ?? {}) as JsonObject;
  const r = (rhs ?? {}) as JsonObject;
  if (schema.kind === 'object') return differObjects(l, r, schema, ignore);
  return schema.kind === 'map' ? differMaps(l, r, schema) : undefined;
}

/** Values of the wrong JSON type are compared as a whole. */
function fits(value: unknown, schema: Schema): boolean {
  return value === null || (typeof value === 'object' && Array.isArray(value) === (schema.kind === 'list'));
}

function differObjects(
  l: JsonObject,
  r: JsonObject,
  schema: ObjectSchema,
  ignore: FieldSet | undefined,
): Difference | undefined {
  let out: Difference | undefined;
  for (const key in r) {
    if (l[key] !== r[key]) out = addField(out, key, differField(l, r, key, { schema, ignore }));
  }
  for (const key in l) {
    if (r[key] === undefined) out = addField(out, key, differField(l, r, key, { schema, ignore }));
  }
  return sorted(out);
}

interface ObjectContext {
  readonly schema: ObjectSchema;
  readonly ignore: FieldSet | undefined;
}

function differField(l: JsonObject, r: JsonObject, key: string, context: ObjectContext): Difference | undefined {
  const field = planOfObject(context.schema).byName.get(key);
  if (field === undefined) {
    // Fields that the schema does not know are nobody's, unless it says that they are kept.
    return context.schema.preserveUnknownFields
      ? differ(l[key], r[key], deduced(r[key] ?? l[key]), undefined)
      : undefined;
  }
  const below = context.ignore?.[field.element];
  if (below !== undefined && isMember(below)) return undefined;
  const left = l[key];
  const right = r[key];
  return differ(
    left === undefined ? implied(field) : left,
    right === undefined ? implied(field) : right,
    field.schema,
    below,
  );
}

function addField(out: Difference | undefined, name: string, d: Difference | undefined): Difference | undefined {
  return d === undefined ? out : addChild(out, fieldElement(name), d);
}

function addChild(out: Difference | undefined, element: PathElement, d: Difference): Difference {
  const result = out ?? { added: undefined, modified: undefined, removed: undefined };
  if (d.added !== undefined) ((result.added ??= {}) as MutableFieldSet)[element] = d.added;
  if (d.modified !== undefined) ((result.modified ??= {}) as MutableFieldSet)[element] = d.modified;
  if (d.removed !== undefined) ((result.removed ??= {}) as MutableFieldSet)[element] = d.removed;
  return result;
}

function sorted(d: Difference | undefined): Difference | undefined {
  if (d === undefined) return undefined;
  if (d.added !== undefined) d.added = sortNode(d.added as MutableFieldSet);
  if (d.modified !== undefined) d.modified = sortNode(d.modified as MutableFieldSet);
  if (d.removed !== undefined) d.removed = sortNode(d.removed as MutableFieldSet);
  return d;
}

function differMaps(l: JsonObject, r: JsonObject, schema: Schema & { kind: 'map' }): Difference | undefined {
  let out: Difference | undefined;
  for (const key in r) {
    if (l[key] === r[key]) continue;
    out = addField(out, key, differ(l[key], r[key], valueSchemaOf(schema, r[key]), undefined));
  }
  for (const key in l) {
    if (r[key] !== undefined) continue;
    out = addField(out, key, differ(l[key], undefined, valueSchemaOf(schema, l[key]), undefined));
  }
  return sorted(out);
}

/** Items by element, the first of repeated ones; items without an element are left out. */
export function indexItems(list: readonly unknown[], schema: ListSchema): Map<PathElement, unknown> {
  const plan = planOfList(schema);
  const items = new Map<PathElement, unknown>();
  for (const item of list) {
    const element = elementOfItem(plan, item);
    if (element !== undefined && !items.has(element)) items.set(element, item);
  }
  return items;
}

function differLists(l: readonly unknown[], r: readonly unknown[], schema: ListSchema): Difference | undefined {
  if (sameItems(l, r, schema)) return undefined;
  const left = indexItems(l, schema);
  const right = indexItems(r, schema);
  let out: Difference | undefined;
  for (const [element, item] of right) {
    const d = differ(left.get(element), item, schema.items, undefined);
    if (d !== undefined) out = addChild(out, element, d);
  }
  for (const [element, item] of left) {
    if (right.has(element)) continue;
    out = addChild(out, element, { added: undefined, modified: undefined, removed: addedNode(item, schema.items) });
  }
  return sorted(out);
}

/** The usual case, without an index: equal items at equal places. */
function sameItems(l: readonly unknown[], r: readonly unknown[], schema: ListSchema): boolean {
  if (l.length !== r.length) return false;
  const plan = planOfList(schema);
  for (let i = 0; i < l.length; i++) {
    if (l[i] === r[i]) continue;
    if (plan.keys.length > 0 && (isVoid(l[i]) || isVoid(r[i]))) return false;
    if (compareItems(plan, l[i], r[i]) !== 0) return false;
    if (differ(l[i], r[i], schema.items, undefined) !== undefined) return false;
  }
  return true;
}
