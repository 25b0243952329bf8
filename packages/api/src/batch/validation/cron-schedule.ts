/**
 * Cron schedules of five fields (`github.com/robfig/cron/v3`, `ParseStandard`, whose messages these are).
 */

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names?: Readonly<Record<string, number>>;
}

const named = (names: string, first: number): Record<string, number> =>
  Object.fromEntries(names.split(' ').map((name, i) => [name, first + i]));

const fieldBounds: readonly Bounds[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: named('jan feb mar apr may jun jul aug sep oct nov dec', 1) },
  { min: 0, max: 6, names: named('sun mon tue wed thu fri sat', 0) },
];

const descriptors = new Set(['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly']);

function parseNumber(text: string): number {
  if (!/^[+-]?[0-9]+$/.test(text)) {
    const quoted = JSON.stringify(text);
    throw new Error(`failed to parse int from ${text}: strconv.Atoi: parsing ${quoted}: invalid syntax`);
  }
  const value = Number(text);
  if (value < 0) throw new Error(`negative number (${value}) not allowed: ${text}`);
  return value;
}

function parseValue(text: string, { names }: Bounds): number {
  return names?.[text.toLowerCase()] ?? parseNumber(text);
}

function parseEnds(range: string, bounds: Bounds, expression: string): [number, number, boolean] {
  const parts = range.split('-');
  const [low = '', high] = parts;
  if (low === '*' || low === '?') return [bounds.min, bounds.max, false];
  const start = parseValue(low, bounds);
  if (parts.length > 2) throw new Error(`too many hyphens: ${expression}`);
  return high === undefined ? [start, start, true] : [start, parseValue(high, bounds), false];
}

function checkRange(expression: string, bounds: Bounds): void {
  const [range = '', stepText, ...rest] = expression.split('/');
  const [start, single, isSingle] = parseEnds(range, bounds, expression);
  let end = single;
  let step = 1;
  if (stepText !== undefined) {
    if (rest.length > 0) throw new Error(`too many slashes: ${expression}`);
    step = parseNumber(stepText);
    // `N/step` means `N-max/step`.
    if (isSingle) end = bounds.max;
  }
  if (start < bounds.min) {
    throw new Error(`beginning of range (${start}) below minimum (${bounds.min}): ${expression}`);
  }
  if (end > bounds.max) throw new Error(`end of range (${end}) above maximum (${bounds.max}): ${expression}`);
  if (start > end) throw new Error(`beginning of range (${start}) beyond end of range (${end}): ${expression}`);
  if (step === 0) throw new Error(`step of range should be a positive number: ${expression}`);
}

function checkDescriptor(text: string): void {
  if (descriptors.has(text)) return;
  if (!text.startsWith('@every ')) throw new Error(`unrecognized descriptor: ${text}`);
  const duration = text.slice('@every '.length);
  if (!/^[-+]?(\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))*$/.test(duration)) {
    throw new Error(`failed to parse duration ${text}: time: invalid duration ${JSON.stringify(duration)}`);
  }
}

/** The schedule without its time zone, which must be a known one. */
function withoutZone(text: string): string {
  const match = /^(?:TZ|CRON_TZ)=(\S*)(\s.*)?$/.exec(text);
  if (match === null) return text;
  const zone = match[1] ?? '';
  const problem = timeZoneError(zone);
  if (problem !== undefined) throw new Error(`provided bad location ${zone}: ${problem}`);
  return (match[2] ?? '').trim();
}

/** `time.LoadLocation`: why the zone cannot be used, or nothing. */
export function timeZoneError(zone: string): string | undefined {
  if (zone === '' || zone === 'UTC' || zone === 'Local') return undefined;
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return undefined;
  } catch {
    // The only way to ask; the error itself says no more than this.
    return `unknown time zone ${zone}`;
  }
}

function check(schedule: string): void {
  const text = withoutZone(schedule);
  if (text.startsWith('@')) return checkDescriptor(text);
  const fields = text.split(/\s+/).filter((field) => field !== '');
  if (fields.length !== 5) {
    throw new Error(`expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`);
  }
  fields.forEach((field, i) => {
    for (const range of field.split(',').filter((part) => part !== '')) checkRange(range, fieldBounds[i] as Bounds);
  });
}

/** Why the schedule is invalid, or nothing. */
export function scheduleError(schedule: string): string | undefined {
  try {
    check(schedule);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
