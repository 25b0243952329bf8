/** Wall clocks of time zones, with Go's rules for times that do not exist or exist twice (`time.Date`, `time.LoadLocation`). */

/** Milliseconds that a zone's wall clock is ahead of UTC at an instant. */
export type Offset = (ms: number) => number;

const names = ['year', 'month', 'day', 'hour', 'minute', 'second'] as const;
const utc: Offset = () => 0;

/** The zone of that name; '' and 'UTC' are UTC, 'Local' is the machine's. @throws RangeError for zones that do not exist. */
export function zoneOffset(name: string): Offset {
  if (name === '' || name === 'UTC') return utc;
  const format = new Intl.DateTimeFormat('en-US-u-hc-h23', {
    ...(name !== 'Local' && { timeZone: name }),
    calendar: 'gregory',
    numberingSystem: 'latn',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (ms) => {
    const whole = Math.floor(ms / 1000) * 1000;
    const parts = new Map(format.formatToParts(whole).map(({ type, value }) => [type, Number(value)]));
    const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = names.map((part) => parts.get(part));
    return Date.UTC(year, month - 1, day, hour, minute, second) - whole;
  };
}

/** The instant at which a wall clock shows a time, given as if it were UTC. Of a skipped hour it is an hour before or after. */
export function instantOf(wall: number, offset: Offset): number {
  const guess = offset(wall);
  return guess === 0 ? wall : wall - offset(wall - guess);
}

/** RFC 3339 with the zone's offset, `Z` for none. */
export function formatIn(ms: number, offset: Offset): string {
  const ahead = offset(ms);
  const wall = new Date(ms + ahead).toISOString().slice(0, 19);
  if (ahead === 0) return `${wall}Z`;
  const minutes = Math.abs(Math.trunc(ahead / 60_000));
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${wall}${ahead < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
