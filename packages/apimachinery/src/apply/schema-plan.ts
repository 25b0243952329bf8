/**
 * What the walkers of this folder need of a schema, computed once per schema object.
 */
import type { FieldSet } from './field-set.ts';
import type { FieldSchema, ListSchema, ObjectSchema, Schema } from '../schema/types.ts';
import {
  compareElements,
  compareValues,
  fieldElement,
  keyElement,
  valueElement,
  valueJson,
  type PathElement,
} from './path-element.ts';

export interface PlannedField {
  readonly name: string;
  readonly element: PathElement;
  readonly schema: Schema;
  readonly field: FieldSchema;
  /** A Go struct that is no pointer: there even when the JSON is silent. */
  readonly alwaysStruct: boolean;
  /** See {@link isAtomic}. */
  readonly atomic: boolean;
}

export interface ObjectPlan {
  /** In the order of FieldsV1. */
  readonly sorted: readonly PlannedField[];
  readonly byName: ReadonlyMap<string, PlannedField>;
  /** Position of each field in {@link sorted}. */
  readonly positions: ReadonlyMap<string, number>;
  /** Position of each field in the order of the server's JSON. */
  readonly order: ReadonlyMap<string, number>;
  /** Nodes whose fields are all leaves, by the bits of the fields present (and one for `.`); few shapes are in use. */
  readonly flatNodes: Map<number, FieldSet>;
}

export interface ListPlan {
  /** Sorted; empty for sets. */
  readonly keys: readonly string[];
  /** `k:{"name":` where there is one key only. */
  readonly prefix: string;
  /** Published defaults of the keys, in the same order. */
  readonly defaults: readonly unknown[];
}

const objectPlans = new WeakMap<ObjectSchema, ObjectPlan>();
const listPlans = new WeakMap<ListSchema, ListPlan>();

export function planOfObject(schema: ObjectSchema): ObjectPlan {
  const known = objectPlans.get(schema);
  if (known !== undefined) return known;
  const planned = schema.fields.map(planField);
  const sorted = planned.toSorted((a, b) => compareElements(a.element, b.element));
  const plan: ObjectPlan = {
    sorted,
    positions: new Map(sorted.map((f, i) => [f.name, i])),
    byName: new Map(planned.map((f) => [f.name, f])),
    order: new Map(planned.map((f, i) => [f.name, i])),
    flatNodes: new Map(),
  };
  objectPlans.set(schema, plan);
  return plan;
}

function planField(field: FieldSchema): PlannedField {
  return {
    name: field.name,
    element: fieldElement(field.name),
    schema: field.schema,
    field,
    alwaysStruct: field.schema.kind === 'object' && !field.pointer,
    atomic: isAtomic(field.schema),
  };
}

export function planOfList(schema: ListSchema): ListPlan {
  const known = listPlans.get(schema);
  if (known !== undefined) return known;
  const keys = schema.listType === 'map' ? schema.mapKeys.toSorted() : [];
  const items = schema.items;
  const defaults = keys.map((key) => (items.kind === 'object' ? items.byName.get(key)?.default : undefined));
  const [only] = keys;
  const prefix = keys.length === 1 ? `k:{${JSON.stringify(only)}:` : '';
  const plan: ListPlan = { keys, prefix, defaults };
  listPlans.set(schema, plan);
  return plan;
}

export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * The fields of the plan that an object has, in the order of FieldsV1. Looks at the keys that are there, not at
 * all that could be: an object has few of its type's fields.
 */
export function presentFields(plan: ObjectPlan, value: JsonObject): PlannedField[] {
  const { sorted, positions } = plan;
  const present: number[] = [];
  for (const key in value) {
    const position = positions.get(key);
    if (position === undefined || value[key] === undefined) continue;
    let i = present.length;
    present.push(position);
    for (; i > 0 && (present[i - 1] as number) > position; i--) present[i] = present[i - 1] as number;
    present[i] = position;
  }
  return present.map((position) => sorted[position] as PlannedField);
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value of the i-th key of a list map's item, its published default if the item is silent. */
function keyValue(plan: ListPlan, item: JsonObject, i: number): unknown {
  const value = item[plan.keys[i] as string];
  return value === undefined ? plan.defaults[i] : value;
}

/** The element of an item of a set or list map; `undefined` when it has none (see {@link itemProblem}). */
export function elementOfItem(plan: ListPlan, item: unknown): PathElement | undefined {
  if (plan.keys.length === 0) {
    return item === null || typeof item === 'object' ? undefined : valueElement(item);
  }
  if (!isJsonObject(item)) return undefined;
  if (plan.keys.length === 1) {
    const value = keyValue(plan, item, 0);
    return value === undefined ? undefined : `${plan.prefix}${valueJson(value)}}`;
  }
  const values: unknown[] = [];
  for (let i = 0; i < plan.keys.length; i++) {
    const value = keyValue(plan, item, i);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return keyElement(plan.keys, values);
}

/** Why an item has no element, in the words of `listItemToPathElement` (structured-merge-diff `typed/helpers.go`). */
export function itemProblem(plan: ListPlan, item: unknown): string {
  if (plan.keys.length === 0) {
    if (item === null) return "associative list without keys has an element that's an explicit null";
    if (Array.isArray(item)) return 'not supported: associative list with lists as elements';
    return "associative list without keys has an element that's a map type";
  }
  if (item === null) return 'associative list with keys may not have a null element';
  if (!isJsonObject(item)) return 'associative list with keys may not have non-map elements';
  const missing = plan.keys.find((_, i) => keyValue(plan, item, i) === undefined) ?? '';
  return `associative list with keys has an element that omits key field ${JSON.stringify(missing)} (and doesn't have default value)`;
}

/** The order of the elements of two items, without making the elements. */
export function compareItems(plan: ListPlan, a: unknown, b: unknown): number {
  if (plan.keys.length === 0) return compareValues(a, b);
  for (let i = 0; i < plan.keys.length; i++) {
    const order = compareValues(keyValue(plan, a as JsonObject, i), keyValue(plan, b as JsonObject, i));
    if (order !== 0) return order;
  }
  return 0;
}

const emptyObject: JsonObject = Object.freeze({});

/** What a field holds when the JSON is silent and Go has no absence for it; `undefined` when absence is absence. */
export function implied(field: PlannedField): unknown {
  if (field.alwaysStruct) return emptyObject;
  if (!field.field.always || field.field.pointer) return undefined;
  const schema = field.schema;
  if (schema.kind !== 'scalar') return null;
  if (schema.format === 'date-time' || schema.format === 'micro-time') return null;
  return schema.type === 'string' ? '' : schema.type === 'boolean' ? false : 0;
}

/** Null or without entries: such maps and lists are leaves. */
export function isVoid(value: unknown): boolean {
  if (value === null || value === undefined) return true;
  if (Array.isArray(value)) return value.length === 0;
  if (typeof value !== 'object') return false;
  for (const _ in value) return false;
  return true;
}

/** Whether a value is owned as a whole: scalars, atomic lists and maps, anything of unknown shape. */
export function isAtomic(schema: Schema): boolean {
  switch (schema.kind) {
    case 'scalar':
    case 'any':
      return true;
    case 'list':
      return schema.listType === 'atomic';
    case 'map':
    case 'object':
      return schema.mapType === 'atomic';
  }
}

const deducedAtomic: Schema = { kind: 'any', name: '' };
const deducedMap: { kind: 'map'; values: Schema; mapType: 'granular' } = {
  kind: 'map',
  values: deducedAtomic,
  mapType: 'granular',
};

/** The schema of a field that the schema does not name: maps are granular all the way down, the rest is atomic (`__untyped_deduced_`). */
export function deduced(value: unknown): Schema {
  return isJsonObject(value) ? deducedMap : deducedAtomic;
}

/** The schema of a map's value: deduced anew at each level below an unnamed field. */
export function valueSchemaOf(schema: Schema & { kind: 'map' }, value: unknown): Schema {
  return schema === deducedMap ? deduced(value) : schema.values;
}

/** Deep equality of JSON values. */
export function deepEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) return Array.isArray(b) && equalLists(a, b);
  return !Array.isArray(b) && equalObjects(a as JsonObject, b as JsonObject);
}

function equalLists(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!deepEqual(a[i], b[i])) return false;
  return true;
}

function equalObjects(a: JsonObject, b: JsonObject): boolean {
  let count = 0;
  for (const key in a) {
    const right = b[key];
    if (right === undefined ? a[key] !== undefined : !deepEqual(a[key], right)) return false;
    if (right !== undefined) count++;
  }
  for (const key in b) if (b[key] !== undefined) count--;
  return count === 0;
}
