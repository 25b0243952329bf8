/** Job specs, in Jobs and in the templates of CronJobs (`pkg/apis/batch/validation/validation.go`, `validateJobSpec`). */
import { Path } from '@kubets/apimachinery/field';
import { isDomainPrefixedPath } from '@kubets/apimachinery/validation-domain';
import type { JobSpec } from '../../generated/types/batch-v1.ts';
import type { ErrorList } from '../../core/validation/pod-error-list.ts';
import type { PodValidationOptions } from '../../core/validation/pod-options.ts';
import { checkCounts } from '../../core/validation/template-counts.ts';
import { checkPodTemplate } from '../../core/validation/template.ts';
import { checkFailurePolicy, checkReplacementPolicy, checkSuccessPolicy } from './job-policies.ts';

const maxParallelism = 100_000;
const maxFailedIndexes = 100_000;
/** Above this many completions the tighter limits hold. */
export const manyCompletions = 100_000;
const limitForMany = 10_000;
const maxManagedBy = 63;

function checkManyCompletions(errors: ErrorList, spec: JobSpec, path: string): void {
  const { parallelism = 0, maxFailedIndexes: failed } = spec;
  const reason = `when completions are above ${manyCompletions} and used with backoff limit per index`;
  if (failed === undefined) {
    errors.required(`${path}.maxFailedIndexes`, `must be specified when completions is above ${manyCompletions}`);
  }
  if (parallelism > limitForMany) {
    errors.invalid(`${path}.parallelism`, parallelism, `must be less than or equal to ${limitForMany} ${reason}`);
  }
  if (failed !== undefined && failed > limitForMany) {
    errors.invalid(`${path}.maxFailedIndexes`, failed, `must be less than or equal to ${limitForMany} ${reason}`);
  }
}

function checkIndexed(errors: ErrorList, spec: JobSpec, path: string): void {
  const { completions, parallelism = 0, maxFailedIndexes: failed } = spec;
  if (completions === undefined) errors.required(`${path}.completions`, 'when completion mode is Indexed');
  if (parallelism > maxParallelism) {
    const detail = `must be less than or equal to ${maxParallelism} when completion mode is Indexed`;
    errors.invalid(`${path}.parallelism`, parallelism, detail);
  }
  if (failed !== undefined && completions !== undefined && failed > completions) {
    errors.invalid(`${path}.maxFailedIndexes`, failed, 'must be less than or equal to completions');
  }
  if (failed !== undefined && failed > maxFailedIndexes) {
    errors.invalid(`${path}.maxFailedIndexes`, failed, `must be less than or equal to ${maxFailedIndexes}`);
  }
  if ((completions ?? 0) > manyCompletions && spec.backoffLimitPerIndex !== undefined) {
    checkManyCompletions(errors, spec, path);
  }
}

function checkCompletionMode(errors: ErrorList, spec: JobSpec, path: string): void {
  const { completionMode: mode } = spec;
  if (mode !== undefined && mode !== 'Indexed' && mode !== 'NonIndexed') {
    errors.notSupported(`${path}.completionMode`, mode, ['NonIndexed', 'Indexed']);
  }
  if (mode === 'Indexed') checkIndexed(errors, spec, path);
  if (mode !== undefined && mode !== 'NonIndexed') return;
  for (const field of ['backoffLimitPerIndex', 'maxFailedIndexes'] as const) {
    if (spec[field] !== undefined) errors.invalid(`${path}.${field}`, spec[field], 'requires indexed completion mode');
  }
}

function checkManagedBy(errors: ErrorList, managedBy: string | undefined, path: string): void {
  if (managedBy === undefined) return;
  errors.add(isDomainPrefixedPath(Path.of(path), managedBy));
  if (managedBy.length > maxManagedBy) errors.tooLong(path, maxManagedBy);
}

function checkRestartPolicy(errors: ErrorList, spec: JobSpec, path: string): void {
  const policy = spec.template?.spec?.restartPolicy;
  if (!policy || policy === 'Always') errors.required(path, 'valid values: "OnFailure", "Never"');
  else if (policy !== 'OnFailure' && policy !== 'Never') errors.notSupported(path, policy, ['OnFailure', 'Never']);
  else if (spec.podFailurePolicy && policy !== 'Never') {
    errors.invalid(path, policy, 'only "Never" is supported when podFailurePolicy is specified');
  }
}

/** All rules but those about the selector, which templates of CronJobs do not have. */
export function checkJobSpec(
  errors: ErrorList,
  spec: JobSpec,
  { path, options }: { path: string; options: PodValidationOptions },
): void {
  const { parallelism, completions, activeDeadlineSeconds, backoffLimit, ttlSecondsAfterFinished } = spec;
  const { backoffLimitPerIndex, maxFailedIndexes: failed } = spec;
  checkCounts(errors, { parallelism, completions, activeDeadlineSeconds, backoffLimit }, path);
  checkCounts(errors, { ttlSecondsAfterFinished, backoffLimitPerIndex, maxFailedIndexes: failed }, path);
  if (failed !== undefined && backoffLimitPerIndex === undefined) {
    errors.required(`${path}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified');
  }
  checkManagedBy(errors, spec.managedBy, `${path}.managedBy`);
  checkCompletionMode(errors, spec, path);
  if (spec.podFailurePolicy) checkFailurePolicy(errors, spec, `${path}.podFailurePolicy`);
  checkSuccessPolicy(errors, spec, `${path}.successPolicy`);
  checkReplacementPolicy(errors, spec, `${path}.podReplacementPolicy`);
  checkPodTemplate(errors, spec.template ?? {}, { path: `${path}.template`, options });
  checkRestartPolicy(errors, spec, `${path}.template.spec.restartPolicy`);
}
