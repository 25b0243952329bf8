/** CronJobs (`pkg/registry/batch/cronjob/strategy.go`). */
import { validateCronJob, validateCronJobUpdate } from '@kubets/api/batch/validation/cron-job';
import type { CronJob } from '@kubets/api/types/batch-v1';
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import { baseStrategy, statusUpdateStrategy } from '../generic/base-strategy.ts';
import type { Strategy } from '../strategy.ts';
import {
  dropDisabledTemplateFields,
  nameWarnings,
  templateOptions,
  templateWarnings,
  zeroOf,
} from '../apps/template-support.ts';
import { jobSpecWarnings } from './job-strategy.ts';

const jobPath = 'spec.jobTemplate.spec';
const templateOf = (object: Readonly<CronJob> | undefined) => object?.spec?.jobTemplate?.spec?.template;

function jobWarnings(object: CronJob): string[] {
  return [
    ...jobSpecWarnings(object.spec?.jobTemplate?.spec, jobPath),
    ...templateWarnings(templateOf(object), `${jobPath}.template`),
  ];
}

function zoneWarnings({ spec }: CronJob): string[] {
  if (!spec?.schedule?.includes('TZ')) return [];
  const more = 'see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details';
  return [`CRON_TZ or TZ used in spec.schedule is not officially supported, ${more}`];
}

export const cronJobStrategy: Strategy<CronJob> = baseStrategy<CronJob>({
  status: zeroOf('batch-v1.CronJobStatus'),
  generation: true,
  prepareForCreate: (context, object) => dropDisabledTemplateFields(context, templateOf(object)),
  validate: (context, object) => validateCronJob(object, templateOptions(context)),
  warningsOnCreate: (_context, object) => [
    ...nameWarnings(object.metadata.name),
    ...jobWarnings(object),
    ...zoneWarnings(object),
  ],
  prepareForUpdate: (context, object, old) => dropDisabledTemplateFields(context, templateOf(object), templateOf(old)),
  validateUpdate: (context, object, old) =>
    validateCronJobUpdate(object, old, templateOptions(context, templateOf(old))),
  warningsOnUpdate: (_context, object, old) => [
    ...(semanticEqual(object.spec?.jobTemplate, old.spec?.jobTemplate) ? [] : jobWarnings(object)),
    ...zoneWarnings(object),
  ],
  subresources: { status: statusUpdateStrategy<CronJob>() },
});
