/**
 * Strategic merge patch, driven by the runtime schema
 * (`k8s.io/apimachinery/pkg/util/strategicpatch/patch.go`, `StrategicMergeMapPatchUsingLookupPatchMeta`).
 */
import { newBadRequest } from '../status.ts';
import type { FieldSchema, Schema } from '../schema/types.ts';
import {
  getField,
  goText,
  goType,
  isObject,
  jsonEqual,
  setField,
  shallowClone,
  withinDepth,
  type JsonObject,
} from './json-value.ts';
import { unprocessablePatch } from './json-patch.ts';
import { arrangeList, keyOf, type ListOrder } from './strategic-order.ts';

const directive = '$patch';
const retainKeys = '$retainKeys';
const deletePrefix = '$deleteFromPrimitiveList/';
const orderPrefix = '$setElementOrder/';

/** How a field is merged. */
interface FieldMeta {
  readonly schema: Schema | undefined;
  readonly strategy: string;
  readonly mergeKey: string;
}

const plainMeta: FieldMeta = { schema: undefined, strategy: '', mergeKey: '' };

function fieldMeta(field: FieldSchema): FieldMeta {
  // `retainKeys` says that the client sends $retainKeys; it changes nothing here.
  const strategy = field.patchStrategy.find((s) => s !== 'retainKeys') ?? '';
  return { schema: field.schema, strategy, mergeKey: field.patchMergeKey };
}

function shortName(schema: Schema): string {
  const name = schema.kind === 'object' || schema.kind === 'any' ? schema.name : schema.kind;
  return name.slice(name.lastIndexOf('.') + 1);
}

/** @throws StatusError BadRequest when the type has no such field. */
function lookup(schema: Schema | undefined, name: string): FieldMeta {
  if (schema === undefined) return plainMeta;
  if (schema.kind === 'map') return { schema: schema.values, strategy: '', mergeKey: '' };
  if (schema.kind === 'object') {
    const field = schema.byName.get(name);
    if (field !== undefined) return fieldMeta(field);
    if (schema.preserveUnknownFields) return plainMeta;
  }
  const where = `struct ${shortName(schema)} for the json field ${JSON.stringify(name)}`;
  throw newBadRequest(`unable to find api field in ${where}`);
}

const badType = (expected: unknown, actual: unknown): Error =>
  newBadRequest(`expected a ${goType(expected)}, but received a ${goType(actual)}`);

function asList(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw badType([], value);
  return value;
}

/** What of a patch becomes part of the object: no directives, nothing that has one, no nulls in objects. */
function contentOf(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.filter((item) => !isDirected(item)).map(contentOf);
  }
  if (!isObject(value)) return value;
  const content: JsonObject = {};
  for (const key of Object.keys(value)) {
    const field = value[key];
    if (field === null || field === undefined || isDirective(key) || isDirected(field)) continue;
    setField(content, key, contentOf(field));
  }
  return content;
}

/** Where there is nothing to direct, the whole object goes with its `$patch` (`removeDirectives`). */
const isDirected = (value: unknown): boolean => isObject(value) && Object.hasOwn(value, directive);

function isDirective(key: string): boolean {
  return key === directive || key === retainKeys || key.startsWith(deletePrefix) || key.startsWith(orderPrefix);
}

function retained(original: JsonObject, patch: JsonObject): JsonObject {
  const keys = patch[retainKeys];
  if (keys === undefined) return shallowClone(original);
  if (!Array.isArray(keys)) throw newBadRequest('invalid patch format of retainKeys');
  const keep = new Set<unknown>(keys);
  for (const key of Object.keys(patch)) {
    const free = patch[key] === null || isDirective(key);
    if (!free && !keep.has(key)) throw newBadRequest('invalid patch format of retainKeys');
  }
  const result: JsonObject = {};
  for (const key of Object.keys(original)) if (keep.has(key)) setField(result, key, original[key]);
  return result;
}

function directed(kind: unknown, patch: JsonObject): JsonObject {
  if (kind === 'delete') return {};
  if (kind === 'replace') {
    const { [directive]: _, ...content } = patch;
    return contentOf(content) as JsonObject;
  }
  throw newBadRequest(`unknown patch type: ${goText(kind)} in map: ${goText(patch)}`);
}

/** Merges one object; the base is not changed. */
function mergeObject(original: JsonObject, patch: JsonObject, schema: Schema | undefined): JsonObject {
  const kind = getField(patch, directive);
  if (kind !== undefined) return directed(kind, patch);
  const result = retained(original, patch);
  const merged = mergeOrdered(result, patch, schema);
  for (const key of Object.keys(patch)) {
    if (key === retainKeys || key.startsWith(orderPrefix) || merged.has(key)) continue;
    if (key.startsWith(deletePrefix)) deleteFromList(result, key, patch[key]);
    else mergeField(result, key, patch[key], schema);
  }
  return result;
}

function deleteFromList(result: JsonObject, directiveKey: string, items: unknown): void {
  const key = directiveKey.slice(deletePrefix.length);
  const current = getField(result, key);
  if (!Array.isArray(current) || items === null) return;
  const gone = new Set(asList(items));
  setField(
    result,
    key,
    current.filter((item) => !gone.has(item)),
  );
}

function mergeField(result: JsonObject, key: string, value: unknown, schema: Schema | undefined): void {
  const current = getField(result, key);
  if (value === null || value === undefined || (isDirected(value) && !isObject(current))) {
    delete result[key];
  } else if (isObject(current) && isObject(value)) {
    const meta = lookup(schema, key);
    setField(result, key, meta.strategy === 'replace' ? contentOf(value) : mergeObject(current, value, meta.schema));
  } else if (Array.isArray(current) && Array.isArray(value)) {
    setField(result, key, mergeList(current, value, lookup(schema, key)));
  } else setField(result, key, contentOf(value));
}

function itemSchema(schema: Schema | undefined): Schema | undefined {
  return schema?.kind === 'list' ? schema.items : undefined;
}

/** The type all items share. @throws StatusError when they differ or are lists. */
function elementType(...lists: (readonly unknown[])[]): string {
  let type = '';
  for (const item of lists.flat()) {
    if (Array.isArray(item)) throw unprocessablePatch('lists of lists are not supported');
    const own = isObject(item) ? 'map' : typeof item;
    if (type === '') type = own;
    else if (type !== own) throw newBadRequest(`list element types are not identical: ${goText(lists)}`);
  }
  return type;
}

function mergeList(original: readonly unknown[], patch: readonly unknown[], meta: FieldMeta): unknown[] {
  if (meta.strategy !== 'merge') return contentOf(patch) as unknown[];
  if (original.length === 0 && patch.length === 0) return [];
  if (elementType(original, patch) !== 'map') {
    return arrangeList([...new Set([...original, ...patch])], {
      mergeKey: '',
      patchOrder: patch,
      serverOrder: original,
    });
  }
  if (meta.mergeKey === '') throw newBadRequest('cannot merge lists without merge key for type struct');
  const { remaining, items } = withoutSpecialItems(original, patch, meta.mergeKey);
  const merged = mergeItems(remaining, items, meta);
  return arrangeList(merged, { mergeKey: meta.mergeKey, patchOrder: items, serverOrder: remaining });
}

interface PlainLists {
  readonly remaining: readonly unknown[];
  readonly items: readonly JsonObject[];
}

/** Carries out `$patch` items: what is left of the original, and the items that are to be merged. */
function withoutSpecialItems(original: readonly unknown[], patch: readonly unknown[], mergeKey: string): PlainLists {
  let remaining = original;
  let replace = false;
  const items: JsonObject[] = [];
  for (const item of patch as readonly JsonObject[]) {
    const kind = getField(item, directive);
    if (kind === undefined) items.push(item);
    else if (kind === 'delete') {
      const key = keyOf(item, mergeKey);
      remaining = remaining.filter((o) => !isObject(o) || getField(o, mergeKey) !== key);
    } else if (kind === 'replace') replace = true;
    else if (kind === 'merge') throw newBadRequest('merging lists cannot yet be specified in the patch');
    else throw newBadRequest(`unknown patch type: ${goText(kind)} in map: ${goText(item)}`);
  }
  return replace ? { remaining: contentOf(items) as unknown[], items: [] } : { remaining, items };
}

function mergeItems(original: readonly unknown[], items: readonly JsonObject[], meta: FieldMeta): unknown[] {
  const merged = [...original];
  const at = new Map<unknown, number>();
  for (const [i, item] of merged.entries()) {
    const key = getField(item as JsonObject, meta.mergeKey);
    // The first of equal keys is the one that is merged into.
    if (key !== undefined && !at.has(key)) at.set(key, i);
  }
  for (const item of items) {
    const key = keyOf(item, meta.mergeKey);
    const index = at.get(key);
    if (index === undefined) {
      at.set(key, merged.length);
      merged.push(contentOf(item));
    } else merged[index] = mergeObject(merged[index] as JsonObject, item, itemSchema(meta.schema));
  }
  return merged;
}

/** Merges the lists that come with `$setElementOrder`, and says which fields of the patch are thereby done. */
function mergeOrdered(result: JsonObject, patch: JsonObject, schema: Schema | undefined): ReadonlySet<string> {
  const done = new Set<string>();
  for (const key of Object.keys(patch)) {
    if (!key.startsWith(orderPrefix)) continue;
    const name = key.slice(orderPrefix.length);
    const order = asList(patch[key]);
    const current = getField(result, name);
    const change = getField(patch, name);
    if (current !== undefined) asList(current);
    if (change !== undefined) asList(change);
    const meta = lookup(schema, name);
    validateOrder((change ?? undefined) as readonly unknown[] | undefined, order, meta.mergeKey);
    if (current === undefined && change === undefined) continue;
    const original = (current ?? []) as readonly unknown[];
    const merged = mergeUnderOrder(original, change as readonly unknown[] | undefined, meta);
    const listOrder: ListOrder = { mergeKey: meta.mergeKey, patchOrder: order, serverOrder: original };
    setField(result, name, arrangeList(merged, listOrder));
    done.add(name);
  }
  return done;
}

function mergeUnderOrder(
  original: readonly unknown[],
  change: readonly unknown[] | undefined,
  meta: FieldMeta,
): unknown[] {
  if (change === undefined) return [...original];
  return original.length === 0 ? (contentOf(change) as unknown[]) : mergeList(original, change, meta);
}

/** The items of the patch must stand in the order that `$setElementOrder` gives. */
function validateOrder(patch: readonly unknown[] | undefined, order: readonly unknown[], mergeKey: string): void {
  if (patch === undefined || order.length === 0) return;
  const same = (a: unknown, b: unknown): boolean =>
    mergeKey === '' ? jsonEqual(a, b) : keyOf(a, mergeKey) === keyOf(b, mergeKey);
  const present = patch.filter((item) => !isDirected(item));
  let at = 0;
  for (const item of order) if (at < present.length && same(present[at], item)) at++;
  if (at === present.length) return;
  const lists = `list:\n${goText(order)}\n`;
  throw newBadRequest(`The order in patch list:\n${goText(patch)}\n doesn't match $setElementOrder ${lists}`);
}

/**
 * A new object with the patch merged into `base` as the schema's patch strategies say. `base` is not changed;
 * untouched parts are shared with it.
 *
 * @throws StatusError BadRequest when the patch is malformed, Invalid (422) for lists of lists.
 */
export function applyStrategicMergePatch(base: JsonObject, patch: unknown, schema: Schema): JsonObject {
  if (!isObject(patch)) throw badType({}, patch);
  return withinDepth(() => mergeObject(base, patch, schema));
}
