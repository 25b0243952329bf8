/** Completion indexes of pods (upstream `pkg/controller/job/indexed_job_utils.go`). */
import type { Job } from '@kubets/api/types/batch-v1';
import type { Container, EnvVar, Pod, PodTemplateSpec } from '@kubets/api/types/core-v1';
import { hasBackoffLimitPerIndex, isIndexed, jobTrackingFinalizer } from './job-spec.ts';
import { podFailure } from './pod-failure-policy.ts';

/** Annotation and label. */
export const completionIndexKey = 'batch.kubernetes.io/job-completion-index';
const failureCountKey = 'batch.kubernetes.io/job-index-failure-count';
const ignoredFailureCountKey = 'batch.kubernetes.io/job-index-ignored-failure-count';
const environmentName = 'JOB_COMPLETION_INDEX';
/** A generated name is at most so long before its random part (apiserver `storage/names`, `MaxGeneratedNameLength`). */
const maxPrefix = 58;

/** The pod's index; undefined when it has none that makes sense. */
export function completionIndex(pod: Readonly<Pod>): number | undefined {
  const text = pod.metadata.annotations?.[completionIndexKey];
  return text !== undefined && /^\+?[0-9]{1,10}$/.test(text) ? Number(text) : undefined;
}

/** The pod's index when it is one that the Job still has. */
export function validIndex(pod: Readonly<Pod>, job: Readonly<Job>): number | undefined {
  const index = completionIndex(pod);
  return index !== undefined && index < (job.spec?.completions ?? 0) ? index : undefined;
}

/** Anybody may have written annotations: what is no count is none. */
function countOf(pod: Readonly<Pod>, key: string): number {
  const text = pod.metadata.annotations?.[key];
  const count = text !== undefined && /^\+?[0-9]{1,10}$/.test(text) ? Number(text) : 0;
  return count <= 0x7fffffff ? count : 0;
}

/** How often the index had failed before this pod, as far as it counts. */
export const indexFailureCount = (pod: Readonly<Pod>): number => countOf(pod, failureCountKey);

/** The same with failures that a policy ignores. */
export const indexAbsoluteFailureCount = (pod: Readonly<Pod>): number =>
  countOf(pod, failureCountKey) + countOf(pod, ignoredFailureCountKey);

function withEnvironment(container: Container): Container {
  if (container.env?.some(({ name }) => name === environmentName)) return container;
  const variable: EnvVar = {
    name: environmentName,
    valueFrom: { fieldRef: { fieldPath: `metadata.labels['${completionIndexKey}']` } },
  };
  return { ...container, env: [...(container.env ?? []), variable] };
}

/** The template of all pods of a Job, without what differs between indexes. */
export function jobPodTemplate(job: Readonly<Job>): PodTemplateSpec {
  const template = job.spec?.template ?? {};
  const { finalizers = [] } = template.metadata ?? {};
  const tracked = finalizers.includes(jobTrackingFinalizer) ? finalizers : [...finalizers, jobTrackingFinalizer];
  const metadata = { ...template.metadata, finalizers: tracked };
  const { spec } = template;
  if (spec === undefined || !isIndexed(job)) return { ...template, metadata };
  const { initContainers } = spec;
  return {
    metadata,
    spec: {
      ...spec,
      ...(initContainers && { initContainers: initContainers.map(withEnvironment) }),
      containers: spec.containers.map(withEnvironment),
    },
  };
}

/** What the pod that takes another's place says about failures of its index (`getNewIndexFailureCounts`). */
function failureCounts(job: Readonly<Job>, replaced: Readonly<Pod> | undefined): Record<string, string> {
  if (!hasBackoffLimitPerIndex(job)) return {};
  if (replaced === undefined) return { [failureCountKey]: '0' };
  const counted = podFailure(job.spec?.podFailurePolicy, replaced).counts;
  const failures = countOf(replaced, failureCountKey) + (counted ? 1 : 0);
  const ignored = countOf(replaced, ignoredFailureCountKey) + (counted ? 0 : 1);
  return {
    [failureCountKey]: String(failures),
    ...(ignored > 0 && { [ignoredFailureCountKey]: String(ignored) }),
  };
}

/** The template of the pod of one index; `replaced` is the failed pod before it. */
export function indexedTemplate(
  template: PodTemplateSpec,
  job: Readonly<Job>,
  { index, replaced }: { readonly index: number; readonly replaced: Readonly<Pod> | undefined },
): PodTemplateSpec {
  const { metadata, spec } = template;
  const text = String(index);
  return {
    metadata: {
      ...metadata,
      labels: { ...metadata?.labels, [completionIndexKey]: text },
      annotations: { ...metadata?.annotations, [completionIndexKey]: text, ...failureCounts(job, replaced) },
    },
    ...(spec && { spec: { ...spec, hostname: `${job.metadata.name}-${index}` } }),
  };
}

/** `job-3-`, cut so that the random part fits (`podGenerateNameWithIndex`). */
export function indexedNamePrefix(jobName: string, index: number): string {
  const suffix = `-${index}-`;
  return jobName.slice(0, maxPrefix - suffix.length) + suffix;
}
