/** How long something takes: a fixed time, or one drawn from a range. */
import { parseDurationMs } from '@kubets/apimachinery/duration';
import type { Random } from '@kubets/apimachinery/clock';

/** Milliseconds; `max` is `Infinity` for what never happens. */
export interface Delay {
  readonly min: number;
  readonly max: number;
}

export const noDelay: Delay = { min: 0, max: 0 };
export const never: Delay = { min: Infinity, max: Infinity };

/** `1s`, `200ms..3s`, `never`. Throws an Error that says what is wrong. */
export function parseDelay(text: string): Delay {
  if (text === 'never') return never;
  const [from = '', to = from, ...rest] = text.split('..');
  if (rest.length > 0) throw new Error(`${JSON.stringify(text)} is no delay: write 2s, 500ms..2s or never`);
  const delay = { min: parseDurationMs(from), max: parseDurationMs(to) };
  if (delay.min < 0 || delay.max < delay.min)
    throw new Error(`${JSON.stringify(text)} is no delay: it must not be negative, nor end before it begins`);
  return delay;
}

/** A time of the range, evenly distributed. */
export function sample({ min, max }: Delay, random: Random): number {
  return min === max ? min : min + Math.round((max - min) * random.float());
}
