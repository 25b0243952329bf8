/** Sets of completion indexes as users read them, `0,2-5` (upstream `pkg/controller/job/indexed_job_utils.go`, `orderedIntervals`). */

/** Both ends belong to it. */
export interface Interval {
  readonly first: number;
  readonly last: number;
}

/** Ascending, neither touching nor overlapping. */
export type Intervals = readonly Interval[];

const integer = (text: string | undefined): number | undefined =>
  text !== undefined && /^[+-]?[0-9]{1,10}$/.test(text) ? Number(text) : undefined;

function parseInterval(text: string): Interval | undefined {
  const [from, to] = text.split('-');
  const first = integer(from);
  const last = to === undefined ? first : integer(to);
  return first === undefined || last === undefined ? undefined : { first, last };
}

/** What a status says, without what is not below `completions`; parts that are no numbers are passed over (`parseIndexesFromString`). */
export function parseIntervals(text: string | undefined, completions: number): Intervals {
  const found: Interval[] = [];
  for (const part of text === undefined || text === '' ? [] : text.split(',')) {
    const interval = parseInterval(part);
    if (interval === undefined) continue;
    if (interval.first >= completions) break;
    found.push({ first: interval.first, last: Math.min(interval.last, completions - 1) });
  }
  return mergeIntervals(found, []);
}

/** The union of two. */
export function mergeIntervals(a: Intervals, b: Intervals): Intervals {
  const result: { first: number; last: number }[] = [];
  for (const { first, last } of [...a, ...b].toSorted((x, y) => x.first - y.first)) {
    const end = result.at(-1);
    if (end === undefined || first > end.last + 1) result.push({ first, last });
    else if (end.last < last) end.last = last;
  }
  return result;
}

/** With more indexes, in any order. */
export function withIndexes(intervals: Intervals, indexes: Iterable<number>): Intervals {
  return mergeIntervals(
    intervals,
    Array.from(indexes, (index) => ({ first: index, last: index })),
  );
}

/** How many indexes there are. */
export function countIndexes(intervals: Intervals): number {
  return intervals.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}

/** Whether the index is one of them. */
export function hasIndex(intervals: Intervals, index: number): boolean {
  let low = 0;
  let high = intervals.length;
  while (high > low) {
    const middle = (low + high) >> 1;
    if ((intervals[middle]?.last ?? 0) >= index) high = middle;
    else low = middle + 1;
  }
  const found = intervals[low];
  return found !== undefined && found.first <= index;
}

/** The text of a status: two neighbours are `1,2`, three `1-3`. */
export function formatIntervals(intervals: Intervals): string {
  return intervals
    .map(({ first, last }) => (last === first ? `${first}` : `${first}${last === first + 1 ? ',' : '-'}${last}`))
    .join(',');
}

/** The lowest `count` indexes below `completions` that are not taken (`firstPendingIndexes`). */
export function firstFreeIndexes(taken: Intervals, count: number, completions: number): number[] {
  const result: number[] = [];
  let candidate = 0;
  const upTo = (end: number): void => {
    for (; candidate < end && candidate < completions && result.length < count; candidate++) result.push(candidate);
  };
  for (const { first, last } of taken) {
    upTo(first);
    candidate = Math.max(candidate, last + 1);
  }
  upTo(completions);
  return result;
}

/** How many indexes are in both. */
export function countCommon(a: Intervals, b: Intervals): number {
  let [i, j, common] = [0, 0, 0];
  for (;;) {
    const [x, y] = [a[i], b[j]];
    if (x === undefined || y === undefined) return common;
    common += Math.max(0, Math.min(x.last, y.last) - Math.max(x.first, y.first) + 1);
    if (x.last <= y.last) i++;
    if (y.last <= x.last) j++;
  }
}
