/**
 * Updates of a Job's status (`pkg/apis/batch/validation/validation.go`, `ValidateJobStatusUpdate`;
 * `pkg/registry/batch/job/strategy.go`, `getStatusValidationOptions`). Most rules hold only when the
 * fields that they are about change, so that what earlier releases have stored can still be updated.
 */
import { omitValue, type FieldError } from '@kubets/apimachinery/field';
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import type { Job, JobStatus } from '../../generated/types/batch-v1.ts';
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import { checkCounts } from '../../core/validation/template-counts.ts';
import { commonIndex, indexesError } from './job-indexes.ts';

type ConditionType = 'Complete' | 'Failed' | 'FailureTarget' | 'SuccessCriteriaMet';

const conditionTypes: readonly ConditionType[] = ['Complete', 'Failed', 'FailureTarget', 'SuccessCriteriaMet'];

function isTrue(status: JobStatus | undefined, type: string): boolean {
  return (status?.conditions ?? []).some((condition) => condition.type === type && condition.status === 'True');
}

/** `JobSuspended` and the like: what strategies ask about. */
export const hasTrueCondition = (job: Readonly<Job>, type: string): boolean => isTrue(job.status, type);

interface Change {
  readonly errors: ErrorList;
  readonly job: Job;
  readonly now: JobStatus;
  readonly before: JobStatus;
  readonly is: Readonly<Record<ConditionType, boolean>>;
  readonly was: Readonly<Record<ConditionType, boolean>>;
  readonly finished: boolean;
  /** Whether any of the fields or conditions differs from before; `finished` is either terminal condition. */
  changed(...names: (keyof JobStatus | ConditionType | 'finished')[]): boolean;
}

function conditionsOf(status: JobStatus): Record<ConditionType, boolean> {
  return {
    Complete: isTrue(status, 'Complete'),
    Failed: isTrue(status, 'Failed'),
    FailureTarget: isTrue(status, 'FailureTarget'),
    SuccessCriteriaMet: isTrue(status, 'SuccessCriteriaMet'),
  };
}

function changeOf(errors: ErrorList, job: Job, old: Readonly<Job>): Change {
  const [now, before]: [JobStatus, JobStatus] = [job.status ?? {}, old.status ?? {}];
  const [is, was] = [conditionsOf(now), conditionsOf(before)];
  const finished = is.Complete || is.Failed;
  const differs = (name: keyof JobStatus | ConditionType | 'finished'): boolean => {
    if (name === 'finished') return finished !== (was.Complete || was.Failed);
    const condition = conditionTypes.find((type) => type === name);
    if (condition !== undefined) return is[condition] !== was[condition];
    return !semanticEqual(now[name as keyof JobStatus], before[name as keyof JobStatus]);
  };
  return { errors, job, now, before, is, was, finished, changed: (...names) => names.some(differs) };
}

const conditions = 'status.conditions';

function checkUids({ errors, now }: Change): void {
  const seen = new Set<string>();
  for (const list of ['succeeded', 'failed'] as const) {
    (now.uncountedTerminatedPods?.[list] ?? []).forEach((uid, i) => {
      const path = `status.uncountedTerminatedPods.${list}[${i}]`;
      if (uid === '') errors.invalid(path, uid, 'must not be empty');
      else if (seen.has(uid)) errors.duplicate(path, uid);
      seen.add(uid);
    });
  }
}

function checkConditions({ errors, job, is, changed }: Change): void {
  const wrong = (detail: string): void => errors.invalid(conditions, omitValue, detail);
  if (is.Complete && is.Failed && changed('Complete', 'Failed')) {
    wrong('cannot set Complete=True and Failed=true conditions');
  }
  if (is.Complete && is.FailureTarget && changed('Complete', 'FailureTarget')) {
    wrong('cannot set Complete=True and FailureTarget=true conditions');
  }
  if (is.Failed && !is.FailureTarget && changed('Failed', 'FailureTarget')) {
    wrong('cannot set Failed=True condition without the FailureTarget=true condition');
  }
  if (is.Complete && !is.SuccessCriteriaMet && changed('Complete', 'SuccessCriteriaMet')) {
    wrong('cannot set Complete=True condition without the SuccessCriteriaMet=true condition');
  }
  if (is.SuccessCriteriaMet && is.Failed) wrong('cannot set SuccessCriteriaMet=True and Failed=true conditions');
  if (is.SuccessCriteriaMet && is.FailureTarget) {
    wrong('cannot set SuccessCriteriaMet=True and FailureTarget=true conditions');
  }
  if (job.spec?.successPolicy && !is.SuccessCriteriaMet && is.Complete) {
    wrong('cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True');
  }
}

function checkTimes({ errors, now, before, job, is, finished, changed }: Change): void {
  const { completionTime, startTime } = now;
  const path = 'status.completionTime';
  if (changed('Complete', 'completionTime')) {
    if (completionTime && !is.Complete) {
      errors.invalid(path, completionTime, 'cannot set completionTime when there is no Complete=True condition');
    }
    if (!completionTime && is.Complete) errors.required(path, 'completionTime is required for Complete jobs');
  }
  const early = completionTime && startTime && Date.parse(completionTime) < Date.parse(startTime);
  if (early && changed('startTime', 'completionTime')) {
    errors.invalid(path, completionTime, 'completionTime cannot be set before startTime');
  }
  if (completionTime && before.completionTime && completionTime !== before.completionTime) {
    errors.invalid(path, completionTime, 'completionTime cannot be mutated');
  }
  if (!startTime && finished && changed('finished', 'startTime')) {
    errors.required('status.startTime', 'startTime is required for finished job');
  }
  // A resumed Job starts anew: its deadline counts from then on.
  const resumed = isTrue(before, 'Suspended') && !isTrue(now, 'Suspended');
  if (before.startTime && changed('startTime') && !job.spec?.suspend && !resumed) {
    errors.required('status.startTime', 'startTime cannot be removed for unsuspended job');
  }
}

function checkFinished({ errors, now, finished, changed }: Change): void {
  if (!finished) return;
  const { active = 0, terminating = 0, uncountedTerminatedPods: uncounted } = now;
  if (active > 0 && changed('finished', 'active')) {
    errors.invalid('status.active', active, 'active>0 is invalid for finished job');
  }
  const left = (uncounted?.failed?.length ?? 0) + (uncounted?.succeeded?.length ?? 0);
  if (left > 0 && changed('finished', 'uncountedTerminatedPods')) {
    const detail = 'uncountedTerminatedPods needs to be empty for finished job';
    errors.invalid('status.uncountedTerminatedPods', uncounted, detail);
  }
  if (terminating > 0 && changed('finished', 'terminating')) {
    errors.invalid('status.terminating', terminating, 'terminating>0 is invalid for finished job');
  }
}

function checkIndexLists({ errors, job, now, changed }: Change): void {
  const { completions, backoffLimitPerIndex, completionMode } = job.spec ?? {};
  const { completedIndexes: completed = '', failedIndexes: failed } = now;
  const parse = (name: 'completedIndexes' | 'failedIndexes', text: string): void => {
    const wrong = completions === undefined ? undefined : indexesError(text, completions);
    if (wrong !== undefined) errors.invalid(`status.${name}`, text, `error parsing ${name}: ${wrong}`);
  };
  if (changed('completedIndexes')) {
    parse('completedIndexes', completed);
    if (completed !== '' && completionMode !== 'Indexed') {
      const detail = 'cannot set non-empty completedIndexes when non-indexed completion mode';
      errors.invalid('status.completedIndexes', completed, detail);
    }
  }
  if (failed === undefined) return;
  if (changed('failedIndexes')) {
    if (backoffLimitPerIndex !== undefined) parse('failedIndexes', failed);
    else {
      const detail = 'cannot set non-null failedIndexes when backoffLimitPerIndex is null';
      errors.invalid('status.failedIndexes', failed, detail);
    }
  }
  if (completions === undefined || !changed('failedIndexes', 'completedIndexes')) return;
  const common = commonIndex(completed, failed, completions);
  if (common !== undefined) {
    errors.invalid('status.failedIndexes', failed, `failedIndexes and completedIndexes overlap at index: ${common}`);
  }
}

function checkCounters({ errors, job, now, before, changed }: Change): void {
  const { active = 0, ready = 0, failed = 0, succeeded = 0 } = now;
  if (ready > active && changed('ready', 'active')) {
    errors.invalid('status.ready', ready, 'cannot set more ready pods than active');
  }
  if (failed < (before.failed ?? 0)) errors.invalid('status.failed', failed, 'cannot decrease the failed counter');
  const { completionMode, completions, parallelism } = job.spec ?? {};
  // An indexed job with as many completions as parallel pods can be scaled down.
  const scalable = completionMode === 'Indexed' && completions === parallelism;
  if (!scalable && succeeded < (before.succeeded ?? 0)) {
    errors.invalid('status.succeeded', succeeded, 'cannot decrease the succeeded counter');
  }
}

function checkTerminal({ errors, is, was }: Change): void {
  for (const type of ['Failed', 'Complete', 'FailureTarget'] as const) {
    if (was[type] && !is[type]) {
      errors.invalid(conditions, omitValue, `cannot disable the terminal ${type}=True condition`);
    }
  }
  if (was.SuccessCriteriaMet && !is.SuccessCriteriaMet) {
    errors.invalid(conditions, omitValue, 'cannot disable the SuccessCriteriaMet=True condition');
  }
  if (was.Complete && !was.SuccessCriteriaMet && is.SuccessCriteriaMet) {
    const detail = 'cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions';
    errors.invalid(conditions, omitValue, detail);
  }
}

export function validateJobStatusUpdate(job: Job, old: Readonly<Job>): FieldError[] {
  const errors = new ErrorList();
  const change = changeOf(errors, job, old);
  const { active, succeeded, failed, ready, terminating } = change.now;
  checkCounts(errors, { active, succeeded, failed, ready, terminating }, 'status');
  checkUids(change);
  checkConditions(change);
  checkTimes(change);
  checkFinished(change);
  checkIndexLists(change);
  checkCounters(change);
  checkTerminal(change);
  return errors.errors;
}
