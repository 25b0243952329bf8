/**
 * The set of fields a value mentions (structured-merge-diff `typed/tofieldset.go`), and the set of fields
 * a value adds where there was nothing (`typed/compare.go` with one side missing, in one pass).
 *
 * The two differ: what was added includes the containers (`"f:labels":{".":{},…}`), what is mentioned
 * includes only items of maps and lists.
 */
import type { ListSchema, ObjectSchema, Schema } from '../schema/types.ts';
import { emptySet, isEmptySet, isMember, leaf, sortNode, type FieldSet, type MutableFieldSet } from './field-set.ts';
import { fieldElement } from './path-element.ts';
import {
  compareItems,
  deduced,
  elementOfItem,
  implied,
  isAtomic,
  isJsonObject,
  isVoid,
  planOfList,
  planOfObject,
  presentFields,
  valueSchemaOf,
  type JsonObject,
  type ListPlan,
  type ObjectPlan,
  type PlannedField,
} from './schema-plan.ts';

/** How a container is entered: `mention` for what a configuration says, `add` for what came new. */
type Mode = 'mention' | 'add';

/** Every leaf field and item that `value` mentions. */
export function toFieldSet(value: unknown, schema: Schema): FieldSet {
  return isAtomic(schema) ? emptySet : (nodeOf(value, schema, 'mention', false) ?? emptySet);
}

/** The subtree of a value that is new with all it holds, itself a member. */
export function addedNode(value: unknown, schema: Schema): FieldSet {
  return nodeOf(value, schema, 'add', true) ?? leaf;
}

/** The subtree below a value; `undefined` when there is nothing below it and it is no member itself. */
function nodeOf(value: unknown, schema: Schema, mode: Mode, member: boolean): FieldSet | undefined {
  if (typeof value !== 'object' || value === null || isAtomic(schema)) return leaf;
  if (Array.isArray(value)) return schema.kind === 'list' ? listNode(value, schema, mode, member) : leaf;
  if (schema.kind === 'object') return objectNode(value as JsonObject, schema, mode, member);
  return schema.kind === 'map' ? mapNode(value as JsonObject, schema, mode, member) : leaf;
}

function fieldNode(value: unknown, schema: Schema, mode: Mode): FieldSet | undefined {
  if (mode === 'add') return nodeOf(value, schema, mode, true);
  // An empty map is owned as a leaf, an empty list is not owned at all.
  if (value === null || (isVoid(value) && !Array.isArray(value))) return leaf;
  return nodeOf(value, schema, mode, false);
}

/** Structs of more fields than this (PodSpec, Container) do not share their nodes: the bits of a number are used up. */
const maxFlatFields = 29;

function objectNode(value: JsonObject, schema: ObjectSchema, mode: Mode, member: boolean): FieldSet | undefined {
  const plan = planOfObject(schema);
  if (plan.sorted.length <= maxFlatFields && !schema.preserveUnknownFields) {
    const bits = flatBits(value, plan);
    if (bits === 0) return member ? leaf : undefined;
    if (bits > 0) return flatNode(plan, member ? bits | selfBit : bits);
  }
  let out: MutableFieldSet | undefined;
  for (const field of presentFields(plan, value)) {
    const v = value[field.name];
    const node = typeof v === 'object' ? fieldNode(v, field.schema, mode) : leaf;
    if (node === undefined) continue;
    out ??= member ? { '.': leaf } : {};
    out[field.element] = node;
  }
  if (schema.preserveUnknownFields) out = addUnknown(out, value, { schema, mode, member });
  return out ?? (member ? leaf : undefined);
}

const selfBit = 1 << 30;

/** Which fields are present, if all of them are leaves; -1 when one is not. */
function flatBits(value: JsonObject, { sorted, positions }: ObjectPlan): number {
  let bits = 0;
  for (const key in value) {
    const v = value[key];
    const position = positions.get(key);
    if (v === undefined || position === undefined) continue;
    if (typeof v === 'object' && v !== null && !(sorted[position] as PlannedField).atomic) return -1;
    bits |= 1 << position;
  }
  return bits;
}

/** One shared node per shape: env vars, ports and mounts all look alike. */
function flatNode(plan: ObjectPlan, bits: number): FieldSet {
  const known = plan.flatNodes.get(bits);
  if (known !== undefined) return known;
  const node: MutableFieldSet = (bits & selfBit) !== 0 ? { '.': leaf } : {};
  for (let i = 0; i < plan.sorted.length; i++) {
    if ((bits & (1 << i)) !== 0) node[(plan.sorted[i] as PlannedField).element] = leaf;
  }
  plan.flatNodes.set(bits, Object.freeze(node));
  return node;
}

interface Unknown {
  readonly schema: ObjectSchema;
  readonly mode: Mode;
  readonly member: boolean;
}

function addUnknown(out: MutableFieldSet | undefined, value: JsonObject, how: Unknown): MutableFieldSet | undefined {
  const known = planOfObject(how.schema).byName;
  let node = out;
  for (const key in value) {
    if (known.has(key) || value[key] === undefined) continue;
    node ??= how.member ? { '.': leaf } : {};
    node[fieldElement(key)] = withSelf(nodeOf(value[key], deduced(value[key]), how.mode, true));
  }
  return node === undefined ? undefined : (sortNode(node) as MutableFieldSet);
}

function withSelf(node: FieldSet | undefined): FieldSet {
  return node ?? leaf;
}

function mapNode(
  value: JsonObject,
  schema: Schema & { kind: 'map' },
  mode: Mode,
  member: boolean,
): FieldSet | undefined {
  const keys = Object.keys(value);
  if (keys.length === 0) return member ? leaf : undefined;
  if (keys.length > 1) keys.sort();
  const out: MutableFieldSet = member ? { '.': leaf } : {};
  for (const key of keys) {
    const v = value[key];
    out[fieldElement(key)] = typeof v === 'object' ? withSelf(nodeOf(v, valueSchemaOf(schema, v), mode, true)) : leaf;
  }
  return out;
}

function listNode(list: readonly unknown[], schema: ListSchema, mode: Mode, member: boolean): FieldSet | undefined {
  if (list.length === 1) return oneItemNode(list[0], schema, mode, member);
  const plan = planOfList(schema);
  const items = inOrder(list, plan);
  let out: MutableFieldSet | undefined;
  for (let i = 0; i < items.length; i++) {
    const item = items[i];
    const element = elementOfItem(plan, item);
    if (element === undefined) continue;
    out ??= member ? { '.': leaf } : {};
    if (i > 0 && element in out) {
      // Duplicates are owned as a whole; where things came new, the first one counts.
      if (mode === 'mention') out[element] = leaf;
    } else out[element] = withSelf(nodeOf(item, schema.items, mode, true));
  }
  return out ?? (member ? leaf : undefined);
}

/** The items in the order of their elements; those without one anywhere. */
function inOrder(list: readonly unknown[], plan: ListPlan): readonly unknown[] {
  for (let i = 1; i < list.length; i++) {
    if (!hasKeys(list[i], plan) || !hasKeys(list[i - 1], plan)) return sortedItems(list, plan);
    if (compareItems(plan, list[i - 1], list[i]) > 0) return sortedItems(list, plan);
  }
  return list;
}

function hasKeys(item: unknown, plan: ListPlan): boolean {
  return plan.keys.length === 0 || (typeof item === 'object' && item !== null);
}

function sortedItems(list: readonly unknown[], plan: ListPlan): unknown[] {
  return list.filter((item) => elementOfItem(plan, item) !== undefined).sort((a, b) => compareItems(plan, a, b));
}

function oneItemNode(item: unknown, schema: ListSchema, mode: Mode, member: boolean): FieldSet | undefined {
  const element = elementOfItem(planOfList(schema) satisfies ListPlan, item);
  if (element === undefined) return member ? leaf : undefined;
  const node = withSelf(nodeOf(item, schema.items, mode, true));
  return member ? { '.': leaf, [element]: node } : { [element]: node };
}

/**
 * What a new object adds to the empty object of its kind: structs that Go cannot leave out are there
 * before, so they have no `.`; zero values that are always written are no additions.
 *
 * Fields whose element is a member of `ignore` are left out, with all below them.
 */
export function addedToZero(value: JsonObject, schema: ObjectSchema, ignore: FieldSet = emptySet): FieldSet {
  return zeroNode(value, schema, isEmptySet(ignore) ? undefined : ignore) ?? emptySet;
}

function zeroNode(value: JsonObject, schema: ObjectSchema, ignore: FieldSet | undefined): FieldSet | undefined {
  let out: MutableFieldSet | undefined;
  for (const field of presentFields(planOfObject(schema), value)) {
    const v = value[field.name];
    const below = ignore?.[field.element];
    if (below !== undefined && isMember(below)) continue;
    const node = zeroFieldNode(v, field, below);
    if (node === undefined) continue;
    out ??= {};
    out[field.element] = node;
  }
  if (schema.preserveUnknownFields) out = addUnknown(out, value, { schema, mode: 'add', member: false });
  return out;
}

function zeroFieldNode(value: unknown, field: PlannedField, ignore: FieldSet | undefined): FieldSet | undefined {
  const zero = implied(field);
  if (zero === undefined) return nodeOf(value, field.schema, 'add', true);
  if (value === zero || isVoid(value)) return undefined;
  const schema = field.schema;
  if (isAtomic(schema)) return zero !== null && isJsonObject(value) && isZeroStruct(value) ? undefined : leaf;
  if (schema.kind === 'object' && isJsonObject(value)) return zeroNode(value, schema, ignore);
  return nodeOf(value, schema, 'add', false);
}

/** An atomic struct whose fields are all zero is the one that was there before. */
function isZeroStruct(value: JsonObject): boolean {
  for (const key in value) {
    const v = value[key];
    if (v !== '' && v !== 0 && v !== false && !isVoid(v)) return false;
  }
  return true;
}
