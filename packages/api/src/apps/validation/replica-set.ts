/** ReplicaSets (`pkg/apis/apps/validation/validation.go`, `ValidateReplicaSet…`). */
import type { FieldError } from '@kubets/apimachinery/field';
import type { ReplicaSet, ReplicaSetSpec } from '../../generated/types/apps-v1.ts';
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import type { PodValidationOptions } from '../../core/validation/pod-options.ts';
import { checkCounts } from '../../core/validation/template-counts.ts';
import { checkImmutable, checkWorkloadSelector } from '../../core/validation/template-selector.ts';
import { checkReplicatedTemplate } from './replicated-template.ts';

function checkSpec(errors: ErrorList, spec: ReplicaSetSpec, options: PodValidationOptions): void {
  const { replicas, minReadySeconds } = spec;
  checkCounts(errors, { replicas, minReadySeconds }, 'spec');
  checkWorkloadSelector(errors, spec.selector, {
    path: 'spec.selector',
    // The wording is upstream's, deployment and all.
    emptyMessage: 'empty selector is invalid for deployment',
    invalidMessage: 'invalid label selector',
    allowInvalidValues: options.allowInvalidLabelValueInSelector,
  });
  const { selector, template } = spec;
  checkReplicatedTemplate(errors, { selector, template }, { path: 'spec.template', options, kind: 'ReplicaSet' });
}

const emptySpec = {} as ReplicaSetSpec;

export function validateReplicaSet(object: ReplicaSet, options: PodValidationOptions): FieldError[] {
  const errors = new ErrorList();
  checkSpec(errors, object.spec ?? emptySpec, options);
  return errors.errors;
}

export function validateReplicaSetUpdate(
  object: ReplicaSet,
  old: Readonly<ReplicaSet>,
  options: PodValidationOptions,
): FieldError[] {
  const errors = new ErrorList();
  checkSpec(errors, object.spec ?? emptySpec, options);
  checkImmutable(errors, [object.spec?.selector, old.spec?.selector], 'spec.selector');
  return errors.errors;
}

/** What the statuses of ReplicaSets and ReplicationControllers have in common. */
export interface ReplicaCounts {
  readonly replicas: number;
  readonly fullyLabeledReplicas?: number;
  readonly readyReplicas?: number;
  readonly availableReplicas?: number;
  readonly terminatingReplicas?: number;
  readonly observedGeneration?: number;
}

/** `ValidateReplicaSetStatus`, `ValidateReplicationControllerStatus`. */
export function validateReplicaCounts(counts: ReplicaCounts): FieldError[] {
  const errors = new ErrorList();
  const { replicas, fullyLabeledReplicas = 0, readyReplicas = 0, availableReplicas = 0 } = counts;
  const { terminatingReplicas, observedGeneration } = counts;
  const all = { replicas, fullyLabeledReplicas, readyReplicas, availableReplicas };
  checkCounts(errors, { ...all, terminatingReplicas, observedGeneration }, 'status');
  for (const [name, value] of Object.entries({ fullyLabeledReplicas, readyReplicas, availableReplicas })) {
    if (value > replicas) errors.invalid(`status.${name}`, value, 'cannot be greater than status.replicas');
  }
  if (availableReplicas > readyReplicas) {
    errors.invalid('status.availableReplicas', availableReplicas, 'cannot be greater than readyReplicas');
  }
  return errors.errors;
}

export function validateReplicaSetStatusUpdate(object: ReplicaSet): FieldError[] {
  return validateReplicaCounts(object.status ?? { replicas: 0 });
}
