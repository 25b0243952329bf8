/**
 * Lays an applied configuration over a live value (structured-merge-diff `typed/merge.go`).
 *
 * Nothing is removed; where both have a leaf the applied one wins. Items of lists keep the live order
 * unless the applied one says otherwise. What does not change is shared with `live`, and `live` itself
 * comes back when nothing does.
 */
import type { ListSchema, ObjectSchema, Schema } from '../schema/types.ts';
import type { PathElement } from './path-element.ts';
import {
  deduced,
  deepEqual,
  elementOfItem,
  isAtomic,
  isJsonObject,
  isVoid,
  planOfList,
  planOfObject,
  valueSchemaOf,
  type JsonObject,
} from './schema-plan.ts';

/** `undefined` stands for nothing; the inputs are not changed. */
export function mergeApplied(live: unknown, applied: unknown, schema: Schema): unknown {
  if (applied === undefined || applied === live) return live;
  if (live === undefined) return applied;
  if (isAtomic(schema)) return deepEqual(live, applied) ? live : applied;
  if (isVoid(live) && isVoid(applied)) return deepEqual(live, applied) ? live : applied;
  if (schema.kind === 'list') return mergeListValues(live, applied, schema);
  if (isVoid(applied) && isJsonObject(live)) return live;
  if (!isJsonObject(applied) || (live !== null && !isJsonObject(live))) return applied;
  if (schema.kind === 'object') return mergeObjects((live ?? {}) as JsonObject, applied, schema);
  return schema.kind === 'map' ? mergeMaps((live ?? {}) as JsonObject, applied, schema) : applied;
}

function mergeObjects(live: JsonObject, applied: JsonObject, schema: ObjectSchema): JsonObject {
  const plan = planOfObject(schema);
  let out: Record<string, unknown> | undefined;
  let added = false;
  for (const key in applied) {
    const value = applied[key];
    const before = live[key];
    const after = mergeApplied(before, value, plan.byName.get(key)?.schema ?? deduced(value));
    if (after === before) continue;
    out ??= { ...live };
    out[key] = after;
    if (before === undefined) added = true;
  }
  if (out === undefined) return live;
  return added ? inOrder(out, plan.order) : out;
}

function inOrder(object: Record<string, unknown>, order: ReadonlyMap<string, number>): Record<string, unknown> {
  const last = order.size;
  const keys = Object.keys(object).toSorted((a, b) => (order.get(a) ?? last) - (order.get(b) ?? last));
  const out: Record<string, unknown> = {};
  for (const key of keys) out[key] = object[key];
  return out;
}

function mergeMaps(live: JsonObject, applied: JsonObject, schema: Schema & { kind: 'map' }): JsonObject {
  let out: Record<string, unknown> | undefined;
  let added = false;
  for (const key in applied) {
    const before = Object.hasOwn(live, key) ? live[key] : undefined;
    const after = mergeApplied(before, applied[key], valueSchemaOf(schema, applied[key]));
    if (after === before) continue;
    out ??= { ...live };
    out[key] = after;
    if (before === undefined) added = true;
  }
  if (out === undefined) return live;
  if (!added) return out;
  const sorted: Record<string, unknown> = {};
  for (const key of Object.keys(out).toSorted()) sorted[key] = out[key];
  return sorted;
}

function mergeListValues(live: unknown, applied: unknown, schema: ListSchema): unknown {
  if (isVoid(applied)) return live;
  if (!Array.isArray(applied) || (live !== null && !Array.isArray(live))) return applied;
  const before = (live ?? []) as readonly unknown[];
  const after = new ListMerge(before, applied, schema).run();
  return sameItems(before, after) ? live : after;
}

function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

interface Side {
  /** Elements in order; with repeats on the live side. */
  readonly elements: readonly PathElement[];
  readonly items: readonly unknown[];
  /** The item to merge with; `null` for an element that the live list repeats. */
  readonly byElement: ReadonlyMap<PathElement, unknown>;
}

function sideOf(list: readonly unknown[], schema: ListSchema): Side {
  const plan = planOfList(schema);
  const elements: PathElement[] = [];
  const items: unknown[] = [];
  const byElement = new Map<PathElement, unknown>();
  for (const item of list) {
    const element = elementOfItem(plan, item);
    if (element === undefined) continue;
    // Repeated live items are not merged: which of them would be meant?
    byElement.set(element, byElement.has(element) ? null : item);
    elements.push(element);
    items.push(item);
  }
  return { elements, items, byElement };
}

/**
 * Merges two lists by element. Items only in `live` stay near their neighbours; items of both appear in the
 * order of `applied`.
 */
class ListMerge {
  readonly #live: Side;
  readonly #applied: Side;
  readonly #schema: ListSchema;
  /** Elements of both lists that are still to come, in applied order. */
  readonly #shared: readonly PathElement[];
  readonly #done = new Set<PathElement>();
  readonly #out: unknown[] = [];
  #next = 0;
  #l = 0;
  #r = 0;

  constructor(live: readonly unknown[], applied: readonly unknown[], schema: ListSchema) {
    this.#schema = schema;
    this.#live = sideOf(live, schema);
    this.#applied = sideOf(applied, schema);
    this.#shared = this.#applied.elements.filter((e) => this.#live.byElement.has(e));
  }

  run(): unknown[] {
    while (this.#l < this.#live.elements.length || this.#r < this.#applied.elements.length) this.#step();
    return this.#out;
  }

  #step(): void {
    const left = this.#live.elements[this.#l];
    const right = this.#applied.elements[this.#r];
    if (left !== undefined && right !== undefined) {
      if (left === right) {
        this.#takeMerged(right);
        this.#l++;
        this.#next++;
        return;
      }
      const wanted = this.#shared[this.#next];
      if (this.#applied.byElement.has(left) && wanted !== undefined && wanted !== left) {
        this.#l++;
        return;
      }
    }
    if (left !== undefined) {
      if (!this.#applied.byElement.has(left)) {
        this.#out.push(this.#live.items[this.#l++]);
        return;
      }
      if (this.#done.has(left)) this.#l++;
    }
    if (right === undefined) return;
    const wasWanted = this.#shared[this.#next] === right;
    this.#takeMerged(right);
    if (wasWanted) this.#next++;
  }

  #takeMerged(element: PathElement): void {
    this.#done.add(element);
    this.#r++;
    const item = this.#applied.byElement.get(element);
    this.#out.push(mergeApplied(this.#live.byElement.get(element) ?? undefined, item, this.#schema.items));
  }
}
