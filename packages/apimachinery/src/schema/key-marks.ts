/** Exact and fast counting of object keys in JSON text, and the nesting limit. */
import { DecodeError } from './decode-error.ts';

/** Upstream's limit on nesting (`sigs.k8s.io/json`: `maxNestingDepth`). */
export const maxNesting = 10_000;

/** Index of the quote that ends the string starting at `start` (index of its first character). */
function endOfString(text: string, start: number): number {
  let i = start;
  for (; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 34) return i;
    if (c === 92) i++;
  }
  return i;
}

function isColonNext(text: string, from: number): boolean {
  let i = from;
  let c = text.charCodeAt(i);
  while (c === 32 || c === 10 || c === 13 || c === 9) c = text.charCodeAt(++i);
  return c === 58;
}

/** How many keys the objects in a valid JSON text have, repeated ones included. Throws {@link DecodeError} beyond {@link maxNesting}. */
export function countKeyMarks(text: string): number {
  let count = 0;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 34) {
      i = endOfString(text, i + 1);
      if (isColonNext(text, i + 1)) count++;
    } else if (c === 123 || c === 91) {
      if (++depth > maxNesting) throw new DecodeError('exceeded max depth');
    } else if (c === 125 || c === 93) depth--;
  }
  return count;
}

/** All keys in a value, at every depth. */
export function countKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) count += countKeys(item);
    return count;
  }
  for (const key in value) count += 1 + countKeys((value as Record<string, unknown>)[key]);
  return count;
}

/** Whether some object of the JSON text has a key twice; `value` is what JSON.parse makes of the text. */
export function hasRepeatedKeys(text: string, value: unknown): boolean {
  return countKeyMarks(text) !== countKeys(value);
}
