/**
 * Go durations (`1h30m0s`, `1.5s`), and ages as kubectl shows them (`5d3h`).
 *
 * Exact durations are nanoseconds in a bigint, as Go's `time.Duration`.
 */

const unitNanos = new Map<string, bigint>([
  ['ns', 1n],
  ['us', 1_000n],
  ['µs', 1_000n],
  ['μs', 1_000n],
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
]);

const maxNanos = (1n << 63n) - 1n;
const part = /([0-9]*)(?:(\.)([0-9]*))?([^0-9.]*)/y;

function partNanos(match: RegExpExecArray, text: string): bigint {
  const [, integer = '', point = '', fraction = '', unit = ''] = match;
  if (integer === '' && fraction === '') throw new Error(`time: invalid duration ${JSON.stringify(text)}`);
  if (unit === '') {
    const reason = point === '' || fraction !== '' || integer !== '' ? 'missing unit in duration' : 'invalid duration';
    throw new Error(`time: ${reason} ${JSON.stringify(text)}`);
  }
  const nanos = unitNanos.get(unit);
  if (nanos === undefined) {
    throw new Error(`time: unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}`);
  }
  const whole = BigInt(integer === '' ? '0' : integer) * nanos;
  // Digits past the nanosecond are dropped, as Go drops them.
  return fraction === '' ? whole : whole + (BigInt(fraction) * nanos) / 10n ** BigInt(fraction.length);
}

/**
 * Parses a Go duration to nanoseconds (Go `time.ParseDuration`).
 *
 * @throws Error worded as Go words it.
 */
export function parseDuration(text: string): bigint {
  const negative = text.startsWith('-');
  const start = negative || text.startsWith('+') ? 1 : 0;
  if (text.slice(start) === '0') return 0n;
  if (text.length === start || text.length > 256) throw new Error(`time: invalid duration ${JSON.stringify(text)}`);
  let total = 0n;
  part.lastIndex = start;
  while (part.lastIndex < text.length) {
    const match = part.exec(text);
    if (match === null || match[0] === '') throw new Error(`time: invalid duration ${JSON.stringify(text)}`);
    total += partNanos(match, text);
    if (total > maxNanos + (negative ? 1n : 0n)) throw new Error(`time: invalid duration ${JSON.stringify(text)}`);
  }
  return negative ? -total : total;
}

/** As {@link parseDuration}, in milliseconds with fractions. */
export function parseDurationMs(text: string): number {
  return Number(parseDuration(text)) / 1e6;
}

function withFraction(value: bigint, unit: bigint): string {
  const rest = (value % unit)
    .toString()
    .padStart(unit.toString().length - 1, '0')
    .replace(/0+$/, '');
  return rest === '' ? `${value / unit}` : `${value / unit}.${rest}`;
}

/** Go's `Duration.String()`: `1h30m0s`, `1.5s`, `100ms`, `0s`. */
export function formatDuration(nanos: bigint): string {
  if (nanos === 0n) return '0s';
  const sign = nanos < 0n ? '-' : '';
  const n = nanos < 0n ? -nanos : nanos;
  if (n < 1_000n) return `${sign}${n}ns`;
  if (n < 1_000_000n) return `${sign}${withFraction(n, 1_000n)}µs`;
  if (n < 1_000_000_000n) return `${sign}${withFraction(n, 1_000_000n)}ms`;
  const minutes = n / 60_000_000_000n;
  const seconds = withFraction(n % 60_000_000_000n, 1_000_000_000n);
  if (minutes === 0n) return `${sign}${seconds}s`;
  const hours = minutes / 60n;
  return hours === 0n ? `${sign}${minutes}m${seconds}s` : `${sign}${hours}h${minutes % 60n}m${seconds}s`;
}

/** A `metav1.Duration` as decoding and encoding it upstream gives. @throws Error as {@link parseDuration}. */
export function canonicalizeDuration(text: string): string {
  return formatDuration(parseDuration(text));
}

const two = (large: number, largeUnit: string, small: number, smallUnit: string): string =>
  small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`;

/**
 * An age in at most two units, as kubectl shows it; `<invalid>` for ages more than a second in the future
 * (`k8s.io/apimachinery/pkg/util/duration.HumanDuration`).
 */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.trunc(seconds / 60);
  if (minutes < 10) return two(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.trunc(minutes / 60);
  if (hours < 8) return two(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  const days = Math.trunc(hours / 24);
  if (hours < 24 * 8) return two(days, 'd', hours % 24, 'h');
  if (hours < 24 * 365 * 2) return `${days}d`;
  const years = Math.trunc(days / 365);
  return hours < 24 * 365 * 8 ? two(years, 'y', days % 365, 'd') : `${years}y`;
}
