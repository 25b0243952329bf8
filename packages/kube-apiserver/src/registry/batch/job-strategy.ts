/** Jobs (`pkg/registry/batch/job/strategy.go`). */
import { jobLabels, validateJob, validateJobUpdate, type JobUpdateOptions } from '@kubets/api/batch/validation/job';
import { hasTrueCondition, validateJobStatusUpdate } from '@kubets/api/batch/validation/job-status';
import { manyCompletions } from '@kubets/api/batch/validation/job-spec';
import type { Job, JobSpec } from '@kubets/api/types/batch-v1';
import type { PodTemplateSpec } from '@kubets/api/types/core-v1';
import { orderLike } from '../core/pod/struct-order.ts';
import { baseStrategy, statusUpdateStrategy } from '../generic/base-strategy.ts';
import type { Strategy, StrategyContext } from '../strategy.ts';
import {
  dropDisabledTemplateFields,
  nameWarnings,
  templateOptions,
  templateUpdateWarnings,
  templateWarnings,
  zeroOf,
} from '../apps/template-support.ts';

const sorted = (labels: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));

function labelTemplate(template: PodTemplateSpec, { uid, name }: { uid: string; name: string }): PodTemplateSpec {
  const generated = {
    [jobLabels.legacyName]: name,
    [jobLabels.name]: name,
    [jobLabels.legacyUid]: uid,
    [jobLabels.uid]: uid,
  };
  // What the client has set stays, for validation to refuse when it conflicts.
  const labels = sorted({ ...generated, ...template.metadata?.labels });
  const { metadata, ...others } = template;
  return { metadata: { ...metadata, labels }, ...others };
}

/** Ties the job to its pods by its uid, unless the client selects by itself. Name and uid are set by now. */
function generateSelector(job: Job): void {
  const { spec } = job;
  if (!spec || spec.manualSelector) return;
  const { uid = '', name = '' } = job.metadata;
  spec.template = labelTemplate(spec.template, { uid, name });
  const matchLabels = sorted({ [jobLabels.uid]: uid, ...spec.selector?.matchLabels });
  const before = spec.selector;
  spec.selector = { ...before, matchLabels };
  if (before?.matchExpressions) spec.selector = { matchLabels, matchExpressions: before.matchExpressions };
  if (before === undefined) orderLike(spec, 'batch-v1.JobSpec');
}

function updateOptions(context: StrategyContext, old: Readonly<Job>): JobUpdateOptions {
  const suspended = old.spec?.suspend === true;
  const neverStarted = suspended && old.status?.startTime === undefined;
  const stopped = suspended && hasTrueCondition(old, 'Suspended') && !old.status?.active;
  return {
    pod: templateOptions(context, old.spec?.template),
    mutableScheduling:
      neverStarted || (stopped && context.featureEnabled('MutableSchedulingDirectivesForSuspendedJobs')),
    mutableResources: (neverStarted || stopped) && context.featureEnabled('MutablePodResourcesForSuspendedJobs'),
  };
}

const parallelismForMany = 10_000;

/** `WarningsForJobSpec`, without the template's. */
export function jobSpecWarnings(spec: JobSpec | undefined, path: string): string[] {
  const { completionMode, completions = 0, parallelism = 0 } = spec ?? {};
  if (completionMode !== 'Indexed' || completions <= manyCompletions || parallelism <= parallelismForMany) return [];
  const risk =
    'In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail';
  return [`${path}: ${risk}`];
}

export const jobStrategy: Strategy<Job> = baseStrategy<Job>({
  status: zeroOf('batch-v1.JobStatus'),
  generation: true,
  // For clients from before propagation policies.
  defaultGarbageCollection: 'orphan',
  prepareForCreate(context, job) {
    generateSelector(job);
    dropDisabledTemplateFields(context, job.spec?.template);
  },
  validate: (context, job) => validateJob(job, templateOptions(context)),
  warningsOnCreate: (_context, job) => [
    ...nameWarnings(job.metadata.name),
    ...jobSpecWarnings(job.spec, 'spec'),
    ...templateWarnings(job.spec?.template),
  ],
  prepareForUpdate: (context, job, old) => dropDisabledTemplateFields(context, job.spec?.template, old.spec?.template),
  validateUpdate: (context, job, old) => validateJobUpdate(job, old, updateOptions(context, old)),
  warningsOnUpdate: (_context, job, old) => [...jobSpecWarnings(job.spec, 'spec'), ...templateUpdateWarnings(job, old)],
  selectableFields: ({ status }) => ({ 'status.successful': String(status?.succeeded ?? 0) }),
  selectableFieldNames: ['status.successful'],
  subresources: {
    status: statusUpdateStrategy<Job>({
      validateUpdate: (_context, job, old) => validateJobStatusUpdate(job, old),
    }),
  },
});
