/** CronJobs (`pkg/apis/batch/validation/validation.go`, `ValidateCronJobCreate`, `ValidateCronJobUpdate`). */
import type { FieldError } from '@kubets/apimachinery/field';
import type { CronJob, CronJobSpec } from '../../generated/types/batch-v1.ts';
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import type { PodValidationOptions } from '../../core/validation/pod-options.ts';
import { checkCounts } from '../../core/validation/template-counts.ts';
import { scheduleError, timeZoneError } from './cron-schedule.ts';
import { checkJobSpec } from './job-spec.ts';

/** A job's name is that of the CronJob with a time of 11 characters behind. */
const maxName = 52;
const policies = ['Allow', 'Forbid', 'Replace'];

function checkSchedule(errors: ErrorList, { schedule, timeZone }: CronJobSpec, oldSchedule: string | undefined): void {
  const path = 'spec.schedule';
  if (!schedule) return errors.required(path);
  const problem = scheduleError(schedule);
  if (problem !== undefined) errors.invalid(path, schedule, problem);
  if (!schedule.includes('TZ')) return;
  if (!oldSchedule?.includes('TZ')) {
    errors.invalid(path, schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead');
  } else if (timeZone !== undefined) {
    errors.invalid(path, schedule, 'cannot use both timeZone field and TZ or CRON_TZ in schedule');
  }
}

const zonePart = /^[A-Za-z.\-_0-9+]{1,14}$/;

function checkTimeZone(errors: ErrorList, zone: string | undefined): void {
  const path = 'spec.timeZone';
  if (zone === undefined) return;
  if (zone === '') return errors.invalid(path, zone, 'timeZone must be nil or non-empty string');
  const bad = zone
    .split('/')
    .some((part) => part === '.' || part === '..' || part.startsWith('-') || !zonePart.test(part));
  if (bad) return errors.invalid(path, zone, `unknown time zone ${zone}`);
  if (zone.toLowerCase() === 'local') {
    const detail = 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones';
    errors.invalid(path, zone, detail);
  }
  const problem = timeZoneError(zone);
  if (problem !== undefined) errors.invalid(path, zone, problem);
}

function checkJobTemplate(errors: ErrorList, { jobTemplate }: CronJobSpec, options: PodValidationOptions): void {
  const path = 'spec.jobTemplate.spec';
  const spec = jobTemplate?.spec ?? ({} as NonNullable<CronJobSpec['jobTemplate']['spec']>);
  checkJobSpec(errors, spec, { path, options });
  if (spec.selector) errors.invalid(`${path}.selector`, spec.selector, '`selector` will be auto-generated');
  if (spec.manualSelector) errors.notSupported(`${path}.manualSelector`, true, ['nil', 'false']);
}

function checkSpec(
  errors: ErrorList,
  spec: CronJobSpec,
  { options, old }: { options: PodValidationOptions; old?: CronJobSpec },
): void {
  checkSchedule(errors, spec, old?.schedule);
  const { startingDeadlineSeconds, concurrencyPolicy, successfulJobsHistoryLimit, failedJobsHistoryLimit } = spec;
  checkCounts(errors, { startingDeadlineSeconds }, 'spec');
  if (old === undefined || old.timeZone !== spec.timeZone) checkTimeZone(errors, spec.timeZone);
  if (!concurrencyPolicy) errors.required('spec.concurrencyPolicy');
  else if (!policies.includes(concurrencyPolicy)) {
    errors.notSupported('spec.concurrencyPolicy', concurrencyPolicy, policies);
  }
  checkJobTemplate(errors, spec, options);
  checkCounts(errors, { successfulJobsHistoryLimit, failedJobsHistoryLimit }, 'spec');
}

const emptySpec = {} as CronJobSpec;

export function validateCronJob(object: CronJob, options: PodValidationOptions): FieldError[] {
  const errors = new ErrorList();
  checkSpec(errors, object.spec ?? emptySpec, { options });
  const name = object.metadata.name ?? '';
  if (name.length > maxName) errors.invalid('metadata.name', name, `must be no more than ${maxName} characters`);
  return errors.errors;
}

/** Names that are too long were possible once, and stay. */
export function validateCronJobUpdate(
  object: CronJob,
  old: Readonly<CronJob>,
  options: PodValidationOptions,
): FieldError[] {
  const errors = new ErrorList();
  checkSpec(errors, object.spec ?? emptySpec, { options, old: old.spec ?? emptySpec });
  return errors.errors;
}
