/**
 * The order of items in a list after a strategic merge
 * (`strategicpatch/patch.go`, `normalizeElementOrder`, `mergeSortedSlice`).
 */
import { newBadRequest } from '../status.ts';
import { getField, goText, isObject } from './json-value.ts';

/** How {@link arrangeList} orders. */
export interface ListOrder {
  /** Empty for lists of scalars. */
  readonly mergeKey: string;
  /** Items named here follow this order among themselves. */
  readonly patchOrder: readonly unknown[];
  /** The others keep this one. */
  readonly serverOrder: readonly unknown[];
}

/** The value of the merge key. @throws StatusError BadRequest when the item has none. */
export function keyOf(item: unknown, mergeKey: string): unknown {
  if (mergeKey === '') return item;
  const key = isObject(item) ? getField(item, mergeKey) : undefined;
  if (key === undefined) {
    throw newBadRequest(`map: ${goText(item)} does not contain declared merge key: ${mergeKey}`);
  }
  return key;
}

function positions(items: readonly unknown[], mergeKey: string): Map<unknown, number> {
  const at = new Map<unknown, number>();
  for (const [i, item] of items.entries()) {
    const key = keyOf(item, mergeKey);
    if (!at.has(key)) at.set(key, i);
  }
  return at;
}

/**
 * Items that the patch orders, in its order, woven into the others, in the server's order: an item of the server's
 * stays in front of a patched one only if the server had both that way.
 */
export function arrangeList(items: readonly unknown[], order: ListOrder): unknown[] {
  const { mergeKey } = order;
  const inPatch = positions(order.patchOrder, mergeKey);
  const inServer = positions(order.serverOrder, mergeKey);
  const rank = (item: unknown, by: Map<unknown, number>): number => by.get(keyOf(item, mergeKey)) ?? Infinity;
  const patched = items.filter((item) => inPatch.has(keyOf(item, mergeKey)));
  const others = items.filter((item) => !inPatch.has(keyOf(item, mergeKey)));
  patched.sort((a, b) => compare(rank(a, inPatch), rank(b, inPatch)));
  others.sort((a, b) => compare(rank(a, inServer), rank(b, inServer)));
  const result: unknown[] = [];
  let next = 0;
  for (const item of others) {
    const here = rank(item, inServer);
    while (next < patched.length && !(here < known(rank(patched[next], inServer)))) result.push(patched[next++]);
    result.push(item);
  }
  return [...result, ...patched.slice(next)];
}

const compare = (a: number, b: number): number => (a === b ? 0 : a - b);
/** An item the server does not have never waits for one that it has. */
const known = (position: number): number => (position === Infinity ? -1 : position);
