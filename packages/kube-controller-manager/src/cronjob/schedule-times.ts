/** Which start of a CronJob is due (upstream `pkg/controller/cronjob/utils.go`). All times are milliseconds since 1970. */
import type { CronJob } from '@kubets/api/types/batch-v1';
import type { Schedule } from './schedule.ts';

/** Keys come back a little after the time they wait for. */
const deltaMs = 100;
const manyMissed = 100;

/** Due starts, seen from a moment. */
export interface DueTimes {
  /** From here on starts count: the last one, the creation, or the starting deadline. */
  readonly earliest: number;
  /** The last start that is due, if one is. */
  readonly due?: number;
  /** About how many starts are due. */
  readonly missed: number;
}

/** The clock of a schedule must move on. */
export class ScheduleError extends Error {}

const timeOf = (text: string | null | undefined): number => (text ? Date.parse(text) : 0);

/**
 * `mostRecentScheduleTime`. With `withDeadline`, what is older than the starting deadline does not count.
 *
 * @throws ScheduleError when the schedule is never due.
 */
export function dueTimes(
  cronJob: Readonly<CronJob>,
  { now, schedule, withDeadline }: { now: number; schedule: Schedule; withDeadline: boolean },
): DueTimes {
  const { startingDeadlineSeconds } = cronJob.spec;
  let earliest = timeOf(cronJob.status?.lastScheduleTime ?? cronJob.metadata.creationTimestamp);
  if (withDeadline && startingDeadlineSeconds !== undefined) {
    earliest = Math.max(earliest, now - startingDeadlineSeconds * 1000);
  }
  const first = schedule(earliest);
  if (first !== undefined && now < first) return { earliest, missed: 0 };
  const second = first === undefined ? undefined : schedule(first);
  if (first === undefined || second === undefined) {
    throw new ScheduleError('time difference between two schedules is less than 1 second');
  }
  if (now < second) return { earliest, due: first, missed: 0 };
  const interval = Math.round((second - first) / 1000) * 1000;
  const missed = Math.floor((now - first) / interval) + 1;
  // Two intervals back, as not all are of the same length; from there the schedule itself counts.
  let due: number | undefined;
  for (let t = schedule(first + (missed - 2) * interval); t !== undefined && t <= now; t = schedule(t)) due = t;
  return { earliest, missed, ...(due !== undefined && { due }) };
}

/** Whether so many starts were missed that something is wrong. */
export const isTooMany = ({ missed }: DueTimes): boolean => missed > manyMissed;

/** Milliseconds until the next start that is not due yet (`nextScheduleTimeDuration`); undefined: never. */
export function untilNext(cronJob: Readonly<CronJob>, now: number, schedule: Schedule): number | undefined {
  let from = now;
  try {
    const { earliest, due, missed } = dueTimes(cronJob, { now, schedule, withDeadline: false });
    from = due ?? (missed === 0 ? earliest : now);
  } catch (error) {
    if (!(error instanceof ScheduleError)) throw error;
  }
  const next = schedule(from);
  return next === undefined ? undefined : next + deltaMs - now;
}
