/**
 * Shows people what differs between two values, line by line, with `-` for the old and `+` for the new
 * (in place of Go's `diff.Diff` of `k8s.io/apimachinery/pkg/util/diff`, which prints indented JSON that way).
 */

/** The stretch from the first differing line to the last, of the two values as indented JSON, with a little context. */
export function describeDifference(before: unknown, after: unknown): string {
  const [a, b] = [lines(before), lines(after)];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  const context = 3;
  const head = a.slice(Math.max(0, start - context), start).map((line) => `  ${line}`);
  const tail = a.slice(a.length - end, a.length - end + context).map((line) => `  ${line}`);
  const removed = a.slice(start, a.length - end).map((line) => `- ${line}`);
  const added = b.slice(start, b.length - end).map((line) => `+ ${line}`);
  return [...head, ...removed, ...added, ...tail].slice(0, maxLines).join('\n');
}

/** Enough to see what is meant; a message is no place for a whole pod. */
const maxLines = 200;

function lines(value: unknown): string[] {
  return JSON.stringify(sorted(value), null, 2).split('\n');
}

/** Key order carries no meaning, so it must not show as a difference. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value ?? null;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, sorted(item)]));
}
