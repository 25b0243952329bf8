/**
 * When a cron schedule is due (`github.com/robfig/cron/v3`, `ParseStandard`, `SpecSchedule.Next`): five fields, `@hourly` and
 * the like, `@every 90s`, `TZ=…` in front.
 *
 * Restricting both days means either of them; a wall clock that jumps over a time skips it; one that shows a time twice is due
 * twice where the schedule goes by the hour.
 */
import { scheduleError, timeZoneError } from '@kubets/api/batch/validation/cron-schedule';
import { instantOf, zoneOffset, type Offset } from './zone.ts';

/** When it is due next after an instant, both in milliseconds since 1970; undefined: not within five years. */
export type Schedule = (after: number) => number | undefined;

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const yearLimit = 5;

const descriptors: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

interface Field {
  readonly values: ReadonlySet<number>;
  /** Written as `*` or `?`: it restricts nothing. */
  readonly any: boolean;
}

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const bounds: readonly Bounds[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'] },
  { min: 0, max: 6, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
];

interface Spec {
  readonly minutes: Field;
  readonly hours: Field;
  readonly daysOfMonth: Field;
  readonly months: Field;
  readonly daysOfWeek: Field;
}

function readValue(text: string, { min, names }: Bounds): number {
  const named = names?.indexOf(text.toLowerCase()) ?? -1;
  return named < 0 ? Number(text) : named + min;
}

/** One part of a list: `*`, `5`, `1-5`, with a step perhaps; `10/5` goes on to the end. */
function readRange(text: string, limits: Bounds, values: Set<number>): boolean {
  const [range = '', stepText] = text.split('/');
  const [low = '', high] = range.split('-');
  const any = low === '*' || low === '?';
  const step = stepText === undefined ? 1 : Number(stepText);
  const start = any ? limits.min : readValue(low, limits);
  let end = start;
  if (any || (high === undefined && stepText !== undefined)) end = limits.max;
  else if (high !== undefined) end = readValue(high, limits);
  for (let value = start; value <= end; value += step) values.add(value);
  return any && step === 1;
}

function readField(text: string, limits: Bounds): Field {
  const values = new Set<number>();
  const parts = text.split(',').filter((part) => part !== '');
  const any = parts.map((part) => readRange(part, limits, values)).includes(true);
  return { values, any };
}

const units: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: second, m: minute, h: hour };

function readDuration(text: string): number {
  const parts = text.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)/g);
  const sum = Array.from(parts).reduce((ms, [, amount, unit = '']) => ms + Number(amount) * (units[unit] ?? 0), 0);
  return text.startsWith('-') ? -sum : sum;
}

/** Every so often, in whole seconds, at least one. */
function every(text: string): Schedule {
  const delay = Math.max(second, Math.floor(readDuration(text) / second) * second);
  return (after) => Math.floor(after / second) * second + delay;
}

/**
 * The schedule, in a zone unless it names one itself.
 *
 * @throws Error worded as the cron library words it.
 */
export function parseSchedule(text: string, zone = 'Local'): Schedule {
  const problem = scheduleError(text);
  if (problem !== undefined) throw new Error(problem);
  const badZone = timeZoneError(zone);
  if (badZone !== undefined) throw new Error(`provided bad location ${zone}: ${badZone}`);
  const prefix = /^(?:TZ|CRON_TZ)=(\S*)\s+/.exec(text);
  const rest = prefix === null ? text : text.slice(prefix[0].length);
  if (rest.startsWith('@every ')) return every(rest.slice('@every '.length));
  const fields = (descriptors[rest] ?? rest).split(/\s+/).filter((field) => field !== '');
  const [minutes, hours, daysOfMonth, months, daysOfWeek] = fields.map((field, i) =>
    readField(field, bounds[i] ?? { min: 0, max: 0 }),
  ) as [Field, Field, Field, Field, Field];
  const offset = zoneOffset(prefix?.[1] ?? zone);
  return (after) => nextTime({ minutes, hours, daysOfMonth, months, daysOfWeek }, offset, after);
}

/** The searched time: an instant, and what the wall clock shows then, as if it were UTC. */
class Cursor {
  readonly #offset: Offset;
  #at: number;
  #wall: Date;

  constructor(at: number, offset: Offset) {
    this.#offset = offset;
    this.#at = at;
    this.#wall = new Date(at + offset(at));
  }

  get at(): number {
    return this.#at;
  }

  get wall(): Readonly<Date> {
    return this.#wall;
  }

  /** To an instant. */
  to(at: number): void {
    this.#at = at;
    this.#wall = new Date(at + this.#offset(at));
  }

  /** To what the wall clock is to show. */
  toWall(wall: number): void {
    this.to(instantOf(wall, this.#offset));
  }
}

function dayMatches({ daysOfMonth, daysOfWeek }: Spec, wall: Readonly<Date>): boolean {
  const ofMonth = daysOfMonth.values.has(wall.getUTCDate());
  const ofWeek = daysOfWeek.values.has(wall.getUTCDay());
  return daysOfMonth.any || daysOfWeek.any ? ofMonth && ofWeek : ofMonth || ofWeek;
}

/** Each step ends early, with false, when a larger unit has turned over and has to be looked at again. */
function seekMonth({ months }: Spec, cursor: Cursor): boolean {
  while (!months.values.has(cursor.wall.getUTCMonth() + 1)) {
    cursor.toWall(Date.UTC(cursor.wall.getUTCFullYear(), cursor.wall.getUTCMonth() + 1, 1));
    if (cursor.wall.getUTCMonth() === 0) return false;
  }
  return true;
}

function seekDay(spec: Spec, cursor: Cursor): boolean {
  while (!dayMatches(spec, cursor.wall)) {
    cursor.toWall(Math.floor(cursor.wall.getTime() / day) * day + day);
    // Where the clock jumps at midnight the day begins at another hour.
    const hours = cursor.wall.getUTCHours();
    if (hours !== 0) cursor.to(cursor.at + (hours > 12 ? 24 - hours : -hours) * hour);
    if (cursor.wall.getUTCDate() === 1) return false;
  }
  return true;
}

function seekHour({ hours }: Spec, cursor: Cursor): boolean {
  let begun = false;
  while (!hours.values.has(cursor.wall.getUTCHours())) {
    if (!begun) cursor.toWall(Math.floor(cursor.wall.getTime() / hour) * hour);
    begun = true;
    cursor.to(cursor.at + hour);
    if (cursor.wall.getUTCHours() === 0) return false;
  }
  return true;
}

function seekMinute({ minutes }: Spec, cursor: Cursor): boolean {
  while (!minutes.values.has(cursor.wall.getUTCMinutes())) {
    cursor.to(cursor.at + minute);
    if (cursor.wall.getUTCMinutes() === 0) return false;
  }
  return true;
}

function nextTime(spec: Spec, offset: Offset, after: number): number | undefined {
  // The first whole minute that is at least a second later.
  const first = Math.ceil((Math.floor(after / second) * second + second) / minute) * minute;
  const cursor = new Cursor(first, offset);
  const lastYear = cursor.wall.getUTCFullYear() + yearLimit;
  while (cursor.wall.getUTCFullYear() <= lastYear) {
    if (!seekMonth(spec, cursor) || !seekDay(spec, cursor) || !seekHour(spec, cursor)) continue;
    if (seekMinute(spec, cursor)) return cursor.at;
  }
  return undefined;
}
