/** What is to be done about a CronJob (upstream `pkg/controller/cronjob/cronjob_controllerv2.go`, `syncCronJob`). */
import { timeZoneError } from '@kubets/api/batch/validation/cron-schedule';
import type { CronJob, CronJobStatus, Job } from '@kubets/api/types/batch-v1';
import type { ObjectReference } from '@kubets/api/types/core-v1';
import type { EventType } from '@kubets/client';
import { finishedType } from '../job/job-spec.ts';
import { dueTimes, isTooMany, ScheduleError, untilNext } from './schedule-times.ts';
import { parseSchedule, type Schedule } from './schedule.ts';
import { formatIn, zoneOffset } from './zone.ts';

export interface Event {
  readonly type: EventType;
  readonly reason: string;
  readonly message: string;
}

const normal = (reason: string, message: string): Event => ({ type: 'Normal', reason, message });
const warning = (reason: string, message: string): Event => ({ type: 'Warning', reason, message });

/** What the CronJob's Jobs say about its status. */
export interface Review {
  readonly status: CronJobStatus;
  /** In the status: but the caches do not know them. Whether they exist is to be asked. */
  readonly missing: readonly ObjectReference[];
  /** Not in the status, and not finished. */
  readonly unexpected: readonly Readonly<Job>[];
  readonly events: readonly Event[];
}

/** The status without a Job. */
export function withoutActive(status: CronJobStatus, uid: string | undefined): CronJobStatus {
  return { ...status, active: (status.active ?? []).filter((reference) => reference.uid !== uid) };
}

/** Finished Jobs leave the list of active ones; the last success is noted. */
export function reviewJobs(cronJob: Readonly<CronJob>, jobs: readonly Readonly<Job>[]): Review {
  let status: CronJobStatus = cronJob.status ?? {};
  const events: Event[] = [];
  const unexpected: Readonly<Job>[] = [];
  for (const job of jobs) {
    const { uid, name = '' } = job.metadata;
    const isListed = status.active?.some((reference) => reference.uid === uid) === true;
    const finished = finishedType(job);
    if (finished === undefined) {
      if (!isListed) unexpected.push(job);
      continue;
    }
    if (isListed) {
      status = withoutActive(status, uid);
      events.push(normal('SawCompletedJob', `Saw completed job: ${name}, condition: ${finished}`));
    }
    if (finished === 'Complete') status = withSuccess(status, job.status?.completionTime);
  }
  const known = new Set(jobs.map((job) => job.metadata.uid));
  const missing = (status.active ?? []).filter((reference) => !known.has(reference.uid));
  return { status, missing, unexpected, events };
}

function withSuccess(status: CronJobStatus, completionTime: string | null | undefined): CronJobStatus {
  const { lastSuccessfulTime } = status;
  if (!completionTime || (lastSuccessfulTime && Date.parse(lastSuccessfulTime) >= Date.parse(completionTime))) {
    return status;
  }
  return { ...status, lastSuccessfulTime: completionTime };
}

/** `UnexpectedJob`, once it is certain that the status does not list the Job. */
export const unexpectedJob = (job: Readonly<Job>): Event =>
  warning('UnexpectedJob', `Saw a job that the controller did not create or forgot: ${job.metadata.name}`);

/** `MissingJob`, once it is certain that the Job is gone. */
export const missingJob = (reference: ObjectReference): Event =>
  normal('MissingJob', `Active job went missing: ${reference.name}`);

export interface Start {
  readonly events: readonly Event[];
  /** Milliseconds until this is to be asked again; undefined: only when something changes. */
  readonly requeueMs?: number;
  /** The time for which a Job is to be started. */
  readonly at?: number;
  /** Jobs that are to be deleted first. */
  readonly replace: readonly ObjectReference[];
}

interface Parsed {
  readonly schedule?: Schedule;
  readonly events: readonly Event[];
}

/** The schedule in the CronJob's zone (`formatSchedule`). */
export function scheduleOf({ spec }: Readonly<CronJob>): Parsed {
  const events: Event[] = [];
  const hasZone = spec.schedule.includes('TZ');
  if (hasZone) {
    const message = `CRON_TZ or TZ used in schedule ${JSON.stringify(spec.schedule)} is not officially supported, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details`;
    events.push(warning('UnsupportedSchedule', message));
  }
  try {
    return { schedule: parseSchedule(spec.schedule, hasZone ? 'Local' : (spec.timeZone ?? 'Local')), events };
  } catch (error) {
    const message = `unparseable schedule: ${JSON.stringify(spec.schedule)} : ${(error as Error).message}`;
    return { events: [...events, warning('UnparseableSchedule', message)] };
  }
}

/** Whether a Job is to be started now. `cronJob.status` is as {@link reviewJobs} left it. */
export function planStart(cronJob: Readonly<CronJob>, now: number): Start {
  const { spec } = cronJob;
  const zoneProblem = spec.timeZone === undefined ? undefined : timeZoneError(spec.timeZone);
  if (zoneProblem !== undefined) {
    return nothing(warning('UnknownTimeZone', `invalid timeZone: ${JSON.stringify(spec.timeZone)}: ${zoneProblem}`));
  }
  if (spec.suspend === true) return nothing();
  const { schedule, events } = scheduleOf(cronJob);
  if (schedule === undefined) return nothing(...events);
  try {
    const start = decideStart(cronJob, now, schedule);
    return { ...start, events: [...events, ...start.events] };
  } catch (error) {
    if (!(error instanceof ScheduleError)) throw error;
    return nothing(...events, warning('InvalidSchedule', `invalid schedule: ${spec.schedule} : ${error.message}`));
  }
}

const nothing = (...events: Event[]): Start => ({ events, replace: [] });

function decideStart(cronJob: Readonly<CronJob>, now: number, schedule: Schedule): Start {
  const { spec, status = {} } = cronJob;
  const times = dueTimes(cronJob, { now, schedule, withDeadline: true });
  const { due } = times;
  const wait = untilNext(cronJob, now, schedule);
  const later = { replace: [], ...(wait !== undefined && { requeueMs: wait }) };
  if (due === undefined) return { ...later, events: [] };
  const events: Event[] = [];
  if (isTooMany(times)) {
    const message = 'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew';
    events.push(warning('TooManyMissedTimes', message));
  }
  const { startingDeadlineSeconds: deadline, concurrencyPolicy } = spec;
  if (deadline !== undefined && due + deadline * 1000 < now) {
    const text = new Date(due).toUTCString().replace('GMT', '+0000');
    return { ...later, events: [...events, warning('MissSchedule', `Missed scheduled time to start a job: ${text}`)] };
  }
  const active = status.active ?? [];
  const name = jobName(cronJob, due);
  const isDone = status.lastScheduleTime && Date.parse(status.lastScheduleTime) === due;
  if (isDone || active.some((reference) => reference.name === name)) return { ...later, events };
  if (concurrencyPolicy === 'Forbid' && active.length > 0) {
    const message = 'Not starting job because prior execution is running and concurrency policy is Forbid';
    return { ...later, events: [...events, normal('JobAlreadyActive', message)] };
  }
  return { ...later, events, at: due, replace: concurrencyPolicy === 'Replace' ? active : [] };
}

/** A Job for each scheduled minute: the name is what keeps it from being made twice (`getJobName`). */
const jobName = (cronJob: Readonly<CronJob>, at: number): string =>
  `${cronJob.metadata.name}-${Math.floor(at / 60_000)}`;

/** The Job of one scheduled time (`getJobFromTemplate2`). */
export function newJob(cronJob: Readonly<CronJob>, at: number): Job {
  const { name = '', namespace, uid = '' } = cronJob.metadata;
  const { jobTemplate, timeZone = '' } = cronJob.spec;
  const { labels, annotations } = jobTemplate.metadata ?? {};
  const scheduled = { 'batch.kubernetes.io/cronjob-scheduled-timestamp': formatIn(at, zoneOffset(timeZone)) };
  return {
    kind: 'Job',
    apiVersion: 'batch/v1',
    metadata: {
      name: jobName(cronJob, at),
      namespace,
      ...(labels && { labels: { ...labels } }),
      annotations: { ...annotations, ...scheduled },
      ownerReferences: [
        { apiVersion: 'batch/v1', kind: 'CronJob', name, uid, controller: true, blockOwnerDeletion: true },
      ],
    },
    ...(jobTemplate.spec && { spec: structuredClone(jobTemplate.spec) }),
  } as Job;
}

/** Finished Jobs beyond the history limits, the oldest first (`cleanupFinishedJobs`). */
export function jobsToRemove(cronJob: Readonly<CronJob>, jobs: readonly Readonly<Job>[]): readonly Readonly<Job>[] {
  const { successfulJobsHistoryLimit, failedJobsHistoryLimit } = cronJob.spec;
  return [...surplus(jobs, 'Complete', successfulJobsHistoryLimit), ...surplus(jobs, 'Failed', failedJobsHistoryLimit)];
}

function surplus(
  jobs: readonly Readonly<Job>[],
  type: 'Complete' | 'Failed',
  limit: number | undefined,
): readonly Readonly<Job>[] {
  if (limit === undefined) return [];
  const finished = jobs.filter((job) => job.metadata.deletionTimestamp === undefined && finishedType(job) === type);
  return finished.toSorted(byStartTime).slice(0, Math.max(0, finished.length - limit));
}

/** Jobs that never started last; then by name (`byJobStartTime`). */
function byStartTime(a: Readonly<Job>, b: Readonly<Job>): number {
  const [x, y] = [a, b].map((job) => (job.status?.startTime ? Date.parse(job.status.startTime) : Infinity));
  if (x !== y) return (x ?? 0) < (y ?? 0) ? -1 : 1;
  return (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1;
}
