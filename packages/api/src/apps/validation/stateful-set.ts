/** StatefulSets (`pkg/apis/apps/validation/validation.go`, `ValidateStatefulSet…`). */
import { Path, type FieldError } from '@kubets/apimachinery/field';
import { isDNS1123Label } from '@kubets/apimachinery/names';
import { semanticEqual, validateAnnotations } from '@kubets/apimachinery/validation-meta';
import type { StatefulSet, StatefulSetSpec, StatefulSetUpdateStrategy } from '../../generated/types/apps-v1.ts';
import type { PodTemplateSpec } from '../../generated/types/core-v1.ts';
import { checkPodAnnotations } from '../../core/validation/pod-annotations.ts';
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import type { PodValidationOptions } from '../../core/validation/pod-options.ts';
import { checkLabels } from '../../core/validation/pod-selectors.ts';
import {
  checkAtMost100Percent,
  checkCollisions,
  checkCounts,
  checkIntOrPercent,
  checkNotNegative,
  countOrPercent,
} from '../../core/validation/template-counts.ts';
import { checkTemplateLabels, checkWorkloadSelector } from '../../core/validation/template-selector.ts';

function checkManagement(errors: ErrorList, policy: string | undefined, path: string): void {
  if (!policy) errors.required(path);
  else if (policy !== 'OrderedReady' && policy !== 'Parallel') {
    errors.invalid(path, policy, "must be 'OrderedReady' or 'Parallel'");
  }
}

function checkStrategy(errors: ErrorList, strategy: StatefulSetUpdateStrategy, path: string): void {
  const { type, rollingUpdate } = strategy;
  if (!type) errors.required(path);
  else if (type === 'OnDelete') {
    if (rollingUpdate) {
      errors.invalid(`${path}.rollingUpdate`, rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'");
    }
  } else if (type !== 'RollingUpdate') {
    errors.invalid(path, strategy, "must be 'RollingUpdate' or 'OnDelete'");
  } else if (rollingUpdate) {
    const { partition, maxUnavailable } = rollingUpdate;
    const at = `${path}.rollingUpdate.maxUnavailable`;
    checkNotNegative(errors, partition, `${path}.rollingUpdate.partition`);
    if (maxUnavailable === undefined) return;
    checkIntOrPercent(errors, maxUnavailable, at);
    if (countOrPercent(maxUnavailable) === 0) errors.invalid(at, maxUnavailable, 'cannot be 0');
    checkAtMost100Percent(errors, maxUnavailable, at);
  }
}

function checkRetention(errors: ErrorList, spec: StatefulSetSpec, path: string): void {
  const policy = spec.persistentVolumeClaimRetentionPolicy;
  if (!policy) return;
  for (const field of ['whenDeleted', 'whenScaled'] as const) {
    const value = policy[field] ?? '';
    if (value !== 'Retain' && value !== 'Delete') errors.notSupported(`${path}.${field}`, value, ['Retain', 'Delete']);
  }
}

/** Volumes come from claims that do not exist yet, so that the pod spec itself is checked with the first pod only. */
function checkTemplate(errors: ErrorList, template: PodTemplateSpec, options: PodValidationOptions): void {
  const { metadata, spec = { containers: [] } } = template;
  const annotations = metadata?.annotations;
  checkLabels(errors, metadata?.labels, 'spec.template.labels');
  if (annotations) errors.add(validateAnnotations(annotations, Path.of('spec.template.annotations')));
  checkPodAnnotations(errors, annotations, { spec, path: 'spec.template.annotations', options });
  const { restartPolicy, activeDeadlineSeconds } = spec;
  const at = 'spec.template.spec';
  if (restartPolicy !== 'Always') errors.notSupported(`${at}.restartPolicy`, restartPolicy ?? '', ['Always']);
  if (activeDeadlineSeconds !== undefined) {
    errors.forbidden(`${at}.activeDeadlineSeconds`, 'activeDeadlineSeconds in StatefulSet is not Supported');
  }
}

function checkSpec(
  errors: ErrorList,
  spec: StatefulSetSpec,
  { options, old }: { options: PodValidationOptions; old?: StatefulSetSpec },
): void {
  const { selector, template, replicas, minReadySeconds, serviceName } = spec;
  checkManagement(errors, spec.podManagementPolicy, 'spec.podManagementPolicy');
  checkStrategy(errors, spec.updateStrategy ?? {}, 'spec.updateStrategy');
  checkRetention(errors, spec, 'spec.persistentVolumeClaimRetentionPolicy');
  checkCounts(errors, { replicas, minReadySeconds, 'ordinals.start': spec.ordinals?.start }, 'spec');
  // It never changes, and one that an earlier release has let in may stay.
  if (serviceName && !old) errors.eachInvalid('spec.serviceName', serviceName, isDNS1123Label(serviceName));
  checkWorkloadSelector(errors, selector, {
    path: 'spec.selector',
    emptyMessage: 'empty selector is invalid for statefulset',
    invalidMessage: '',
    allowInvalidValues: options.allowInvalidLabelValueInSelector,
  });
  checkTemplateLabels(errors, { selector, template }, 'spec.template.metadata.labels');
  checkTemplate(errors, template ?? {}, options);
}

const emptySpec = {} as StatefulSetSpec;

export function validateStatefulSet(object: StatefulSet, options: PodValidationOptions): FieldError[] {
  const errors = new ErrorList();
  checkSpec(errors, object.spec ?? emptySpec, { options });
  return errors.errors;
}

const mutable = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
] as const;
const immutableMessage =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

export function validateStatefulSetUpdate(
  object: StatefulSet,
  old: Readonly<StatefulSet>,
  options: PodValidationOptions,
): FieldError[] {
  const errors = new ErrorList();
  const spec = object.spec ?? emptySpec;
  checkSpec(errors, spec, { options, old: old.spec });
  const comparable: Record<string, unknown> = { ...spec };
  for (const field of mutable) comparable[field] = old.spec?.[field];
  if (!semanticEqual(comparable, old.spec)) errors.forbidden('spec', immutableMessage);
  return errors.errors;
}

export function validateStatefulSetStatusUpdate(object: StatefulSet, old: Readonly<StatefulSet>): FieldError[] {
  const errors = new ErrorList();
  const status = object.status ?? { replicas: 0 };
  const { replicas, readyReplicas = 0, currentReplicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status;
  const { observedGeneration, collisionCount } = status;
  const counts = { readyReplicas, currentReplicas, updatedReplicas, availableReplicas };
  checkCounts(errors, { replicas, ...counts, observedGeneration, collisionCount }, 'status');
  for (const [name, value] of Object.entries(counts)) {
    if (value > replicas) errors.invalid(`status.${name}`, value, 'cannot be greater than status.replicas');
  }
  if (availableReplicas > readyReplicas) {
    errors.invalid('status.availableReplicas', availableReplicas, 'cannot be greater than status.readyReplicas');
  }
  checkCollisions(errors, collisionCount, old.status?.collisionCount);
  return errors.errors;
}
