/** Jobs (`pkg/apis/batch/validation/validation.go`, `ValidateJob`, `ValidateJobUpdate`). */
import { Path, type FieldError } from '@kubets/apimachinery/field';
import { validateLabelSelector } from '@kubets/apimachinery/label-selector';
import { isDNS1123Label } from '@kubets/apimachinery/names';
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import type { Job, JobSpec } from '../../generated/types/batch-v1.ts';
import type { Affinity, Container, PodTemplateSpec } from '../../generated/types/core-v1.ts';
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import type { PodValidationOptions } from '../../core/validation/pod-options.ts';
import { checkImmutable, tryCompile } from '../../core/validation/template-selector.ts';
import { checkJobSpec } from './job-spec.ts';

export const jobLabels = {
  uid: 'batch.kubernetes.io/controller-uid',
  name: 'batch.kubernetes.io/job-name',
  legacyUid: 'controller-uid',
  legacyName: 'job-name',
} as const;

const emptySpec = {} as JobSpec;

function checkLabel(errors: ErrorList, job: Job, [key, expected]: [string, string]): void {
  const labels = job.spec?.template?.metadata?.labels;
  const path = `spec.template.metadata.labels[${key}]`;
  if (labels?.[key] === undefined) errors.required(path, `must be '${expected}'`);
  else if (labels[key] !== expected) errors.invalid(path, labels, `must be '${expected}'`);
}

/** Selector and labels that the server has made are what ties pods to this job and to no other. */
function checkGeneratedSelector(errors: ErrorList, job: Job): void {
  const { spec } = job;
  if (spec?.manualSelector || !spec?.selector) return;
  const { uid = '', name = '' } = job.metadata;
  if (uid === '') errors.required('metadata.uid');
  const expected: [string, string][] = [
    [jobLabels.legacyUid, uid],
    [jobLabels.legacyName, name],
    [jobLabels.uid, uid],
    [jobLabels.name, name],
  ];
  for (const label of expected) checkLabel(errors, job, label);
  if (tryCompile(spec.selector)?.matches(Object.fromEntries(expected)) === false) {
    errors.invalid('spec.selector', spec.selector, '`selector` not auto-generated');
  }
}

function checkSpecAndSelector(errors: ErrorList, spec: JobSpec, options: PodValidationOptions): void {
  checkJobSpec(errors, spec, { path: 'spec', options });
  const { selector } = spec;
  if (!selector) return errors.required('spec.selector');
  const allowInvalidValues = options.allowInvalidLabelValueInSelector;
  errors.add(validateLabelSelector(selector, Path.of('spec.selector'), { allowInvalidValues }));
  const labels = spec.template?.metadata?.labels;
  if (tryCompile(selector)?.matches(labels ?? {}) === false) {
    const detail = '`selector` does not match template `labels`';
    errors.invalid('spec.template.metadata.labels', labels ?? null, detail);
  }
}

/** Pods of an indexed job are named after it, with the index behind. */
function checkHostnames(errors: ErrorList, { metadata, spec }: Job): void {
  if (spec?.completionMode !== 'Indexed' || !spec.completions || spec.completions < 0) return;
  const last = `${metadata.name ?? ''}-${spec.completions - 1}`;
  if (isDNS1123Label(last).length === 0) return;
  errors.invalid('metadata.name', metadata.name ?? '', `will not able to create pod with invalid DNS label: ${last}`);
}

export function validateJob(job: Job, options: PodValidationOptions): FieldError[] {
  const errors = new ErrorList();
  checkGeneratedSelector(errors, job);
  checkSpecAndSelector(errors, job.spec ?? emptySpec, options);
  checkHostnames(errors, job);
  return errors.errors;
}

export interface JobUpdateOptions {
  readonly pod: PodValidationOptions;
  /** Where the pods may run can still change: none has started. */
  readonly mutableScheduling: boolean;
  /** What the containers get can still change. */
  readonly mutableResources: boolean;
}

function withNodeAffinityOf(affinity: Affinity | undefined, source: Affinity | undefined): Affinity | undefined {
  const { nodeAffinity: _old, ...others } = affinity ?? {};
  const result = { ...others, ...(source?.nodeAffinity && { nodeAffinity: source.nodeAffinity }) };
  return Object.keys(result).length === 0 ? undefined : result;
}

/** The old template with what may change taken from the new one. */
function withSchedulingOf(old: PodTemplateSpec, now: PodTemplateSpec): PodTemplateSpec {
  const { spec = { containers: [] } } = old;
  const { affinity, nodeSelector, tolerations, schedulingGates } = now.spec ?? {};
  const { annotations, labels } = now.metadata ?? {};
  return {
    ...old,
    metadata: { ...old.metadata, annotations, labels },
    spec: {
      ...spec,
      affinity: withNodeAffinityOf(spec.affinity, affinity),
      nodeSelector,
      tolerations,
      schedulingGates,
    },
  };
}

function withResourcesOf(old: PodTemplateSpec, now: PodTemplateSpec): PodTemplateSpec {
  const take = (before: Container[] | undefined, after: Container[] | undefined): Container[] | undefined =>
    before?.map((container) => {
      const next = after?.find(({ name }) => name === container.name);
      return next === undefined ? container : { ...container, resources: next.resources };
    });
  const { spec = { containers: [] } } = old;
  return {
    ...old,
    spec: {
      ...spec,
      containers: take(spec.containers, now.spec?.containers) ?? [],
      initContainers: take(spec.initContainers, now.spec?.initContainers),
    },
  };
}

function checkTemplateChange(errors: ErrorList, [now, before]: [JobSpec, JobSpec], options: JobUpdateOptions): void {
  let old = before.template ?? {};
  const template = now.template ?? {};
  if (options.mutableScheduling) old = withSchedulingOf(old, template);
  if (options.mutableResources) old = withResourcesOf(old, template);
  checkImmutable(errors, [template, old], 'spec.template');
}

/** An indexed job can be scaled: completions together with parallelism. */
function checkCompletionsChange(errors: ErrorList, now: JobSpec, before: JobSpec): void {
  const { completions, parallelism } = now;
  if (now.completionMode !== 'Indexed') {
    return checkImmutable(errors, [completions, before.completions], 'spec.completions');
  }
  if (semanticEqual(completions, before.completions) || completions === undefined) return;
  if (completions !== parallelism) {
    errors.invalid('spec.completions', completions, 'can only be modified in tandem with spec.parallelism');
  }
}

const fixed = ['completionMode', 'podFailurePolicy', 'backoffLimitPerIndex', 'managedBy', 'successPolicy'] as const;

export function validateJobUpdate(job: Job, old: Readonly<Job>, options: JobUpdateOptions): FieldError[] {
  const errors = new ErrorList();
  const now = job.spec ?? emptySpec;
  const before = old.spec ?? emptySpec;
  checkSpecAndSelector(errors, now, options.pod);
  checkCompletionsChange(errors, now, before);
  checkImmutable(errors, [now.selector, before.selector], 'spec.selector');
  checkTemplateChange(errors, [now, before], options);
  for (const field of fixed) checkImmutable(errors, [now[field], before[field]], `spec.${field}`);
  return errors.errors;
}
