/** Lists of indexes such as `1,3-5,7` (`pkg/apis/batch/validation/validation.go`, `validateIndexesFormat`). */

export interface Interval {
  readonly first: number;
  readonly last: number;
}

function parseIndex(text: string, completions: number): number {
  if (!/^[+-]?[0-9]+$/.test(text)) {
    throw new Error(`cannot convert string to integer for index: ${JSON.stringify(text)}`);
  }
  const index = Number(text);
  if (index >= completions) throw new Error(`too large index: ${JSON.stringify(text)}`);
  return index;
}

function parseInterval(text: string, completions: number): Interval {
  const parts = text.split('-');
  if (parts.length > 2) {
    const rule = "violates the requirement that an index interval can have at most two parts separated by '-'";
    throw new Error(`the fragment ${JSON.stringify(text)} ${rule}`);
  }
  const first = parseIndex(parts[0] ?? '', completions);
  if (parts[1] === undefined) return { first, last: first };
  const last = parseIndex(parts[1], completions);
  if (first >= last) throw new Error(`non-increasing order, previous: ${first}, current: ${last}`);
  return { first, last };
}

/**
 * The intervals of a list, in increasing order.
 *
 * @throws Error that says what is wrong with the list.
 */
export function parseIndexes(text: string, completions: number): Interval[] {
  if (text === '') return [];
  const intervals: Interval[] = [];
  for (const part of text.split(',')) {
    const interval = parseInterval(part, completions);
    const previous = intervals.at(-1);
    if (previous !== undefined && previous.last >= interval.first) {
      throw new Error(`non-increasing order, previous: ${previous.last}, current: ${interval.first}`);
    }
    intervals.push(interval);
  }
  return intervals;
}

/** Why the list is invalid, or nothing. */
export function indexesError(text: string, completions: number): string | undefined {
  try {
    parseIndexes(text, completions);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

export const countIndexes = (intervals: readonly Interval[]): number =>
  intervals.reduce((sum, { first, last }) => sum + last - first + 1, 0);

/** The first index in both lists, when both are valid. */
export function commonIndex(a: string, b: string, completions: number): number | undefined {
  if (indexesError(a, completions) !== undefined || indexesError(b, completions) !== undefined) return undefined;
  const others = parseIndexes(b, completions);
  for (const one of parseIndexes(a, completions)) {
    const other = others.find(({ first, last }) => one.first <= last && first <= one.last);
    if (other !== undefined) return Math.max(one.first, other.first);
  }
  return undefined;
}
