import { describe, expect, it } from 'vitest';
import { parseSchedule } from './schedule.ts';
import { formatIn, zoneOffset } from './zone.ts';

const next = (schedule: string, after: string, zone = 'UTC'): string | undefined => {
  const at = parseSchedule(schedule, zone)(Date.parse(after));
  return at === undefined ? undefined : formatIn(at, zoneOffset(zone));
};

describe('parseSchedule', () => {
  it.each([
    // Simple cases, and overflow of every field.
    ['0/15 * * * *', '2012-07-09T14:45:00Z', '2012-07-09T15:00:00Z'],
    ['*/15 * * * *', '2012-07-09T14:59:59Z', '2012-07-09T15:00:00Z'],
    ['*/15 * * * *', '2012-07-09T15:00:00Z', '2012-07-09T15:15:00Z'],
    ['20-35/15 * * * *', '2012-07-09T15:45:00Z', '2012-07-09T16:20:00Z'],
    ['0 0 9 * *', '2012-07-09T00:00:00Z', '2012-08-09T00:00:00Z'],
    ['* * * * *', '2012-12-31T23:59:45Z', '2013-01-01T00:00:00Z'],
    ['0 0 * feb mon', '2012-07-09T23:35:00Z', '2013-02-04T00:00:00Z'],
    ['0 0 1 jan,JUL ?', '2012-01-02T00:00:00Z', '2012-07-01T00:00:00Z'],
    ['0 0 29 2 *', '2012-07-09T23:35:00Z', '2016-02-29T00:00:00Z'],
    // Either of two restricted days; a step over `*` restricts.
    ['0 0 13 * fri', '2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'],
    ['0 0 13 * fri', '2026-01-09T00:00:00Z', '2026-01-13T00:00:00Z'],
    ['0 0 13 * *', '2026-01-01T00:00:00Z', '2026-01-13T00:00:00Z'],
    ['0 0 */31 * mon', '2026-01-02T00:00:00Z', '2026-01-05T00:00:00Z'],
    // Descriptors.
    ['@hourly', '2026-01-01T10:20:00Z', '2026-01-01T11:00:00Z'],
    ['@weekly', '2026-01-01T10:20:00Z', '2026-01-04T00:00:00Z'],
    ['@yearly', '2026-01-01T00:00:00Z', '2027-01-01T00:00:00Z'],
    ['@every 1h30m', '2026-01-01T10:20:05.7Z', '2026-01-01T11:50:05Z'],
    ['@every 5ms', '2026-01-01T10:20:05Z', '2026-01-01T10:20:06Z'],
  ])('%s after %s', (schedule, after, expected) => {
    expect(next(schedule, after)).toBe(expected);
  });

  it.each([
    // The hour that is skipped.
    ['30 2 * * *', '2012-03-11T00:00:00-05:00', '2012-03-12T02:30:00-04:00'],
    ['0 * * * *', '2012-03-11T01:00:00-05:00', '2012-03-11T03:00:00-04:00'],
    ['0 3 * * *', '2012-03-11T01:00:00-05:00', '2012-03-11T03:00:00-04:00'],
    // The hour that comes twice.
    ['0 * * * *', '2012-11-04T01:00:00-04:00', '2012-11-04T01:00:00-05:00'],
    ['0 1 * * *', '2012-11-04T00:00:00-04:00', '2012-11-04T01:00:00-04:00'],
    ['0 1 * * *', '2012-11-04T01:00:00-04:00', '2012-11-04T01:00:00-05:00'],
    ['0 3 * * *', '2012-11-04T00:00:00-04:00', '2012-11-04T03:00:00-05:00'],
    ['30 2 11 mar ?', '2012-03-01T00:00:00-05:00', '2013-03-11T02:30:00-04:00'],
  ])('in New York: %s after %s', (schedule, after, expected) => {
    expect(next(schedule, after, 'America/New_York')).toBe(expected);
  });

  it('knows days whose midnight is skipped', () => {
    expect(next('0 0 9 10 ?', '2011-10-07T05:00:00-03:00', 'America/Sao_Paulo')).toBe('2011-10-09T00:00:00-03:00');
    expect(next('0 1 * * *', '2018-11-03T12:00:00-03:00', 'America/Sao_Paulo')).toBe('2018-11-04T01:00:00-02:00');
  });

  it('takes the zone in front of the schedule', () => {
    expect(next('TZ=Asia/Kolkata 0 9 * * *', '2026-01-01T00:00:00Z')).toBe('2026-01-01T03:30:00Z');
    expect(next('0 9 * * *', '2026-01-01T00:00:00Z', 'Asia/Kolkata')).toBe('2026-01-01T09:00:00+05:30');
  });

  it('finds nothing for days that do not exist', () => {
    expect(next('59 23 31 2 *', '2026-01-01T00:00:00Z')).toBeUndefined();
  });

  it('refuses what is no schedule', () => {
    expect(() => parseSchedule('* * * *')).toThrow('expected exactly 5 fields, found 4: [* * * *]');
    expect(() => parseSchedule('@never')).toThrow('unrecognized descriptor: @never');
    expect(() => parseSchedule('* * * * *', 'Mars/Olympus')).toThrow('unknown time zone Mars/Olympus');
  });
});
