/** Deployments (`pkg/apis/apps/validation/validation.go`, `ValidateDeployment…`). */
import type { FieldError } from '@kubets/apimachinery/field';
import type {
  Deployment,
  DeploymentSpec,
  DeploymentStrategy,
  RollingUpdateDeployment,
} from '../../generated/types/apps-v1.ts';
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import type { PodValidationOptions } from '../../core/validation/pod-options.ts';
import {
  checkAtMost100Percent,
  checkCollisions,
  checkCounts,
  checkIntOrPercent,
  checkNotNegative,
  countOrPercent,
} from '../../core/validation/template-counts.ts';
import { checkImmutable, checkWorkloadSelector } from '../../core/validation/template-selector.ts';
import { checkReplicatedTemplate } from './replicated-template.ts';

function checkRollingUpdate(
  errors: ErrorList,
  { maxUnavailable, maxSurge }: RollingUpdateDeployment,
  path: string,
): void {
  checkIntOrPercent(errors, maxUnavailable, `${path}.maxUnavailable`);
  checkIntOrPercent(errors, maxSurge, `${path}.maxSurge`);
  if (countOrPercent(maxUnavailable) === 0 && countOrPercent(maxSurge) === 0) {
    errors.invalid(`${path}.maxUnavailable`, maxUnavailable ?? 0, 'may not be 0 when `maxSurge` is 0');
  }
  checkAtMost100Percent(errors, maxUnavailable, `${path}.maxUnavailable`);
}

function checkStrategy(errors: ErrorList, strategy: DeploymentStrategy, path: string): void {
  const { type, rollingUpdate } = strategy;
  if (type === 'Recreate') {
    if (rollingUpdate) {
      errors.forbidden(`${path}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'");
    }
  } else if (type !== 'RollingUpdate') errors.notSupported(path, strategy, ['Recreate', 'RollingUpdate']);
  else if (rollingUpdate) checkRollingUpdate(errors, rollingUpdate, `${path}.rollingUpdate`);
  else errors.required(`${path}.rollingUpdate`, 'this should be defaulted and never be nil');
}

function checkSpec(errors: ErrorList, spec: DeploymentSpec, options: PodValidationOptions): void {
  const { replicas, minReadySeconds = 0, revisionHistoryLimit, progressDeadlineSeconds: deadline } = spec;
  checkNotNegative(errors, replicas, 'spec.replicas');
  checkWorkloadSelector(errors, spec.selector, {
    path: 'spec.selector',
    emptyMessage: 'empty selector is invalid for deployment',
    invalidMessage: 'invalid label selector',
    allowInvalidValues: options.allowInvalidLabelValueInSelector,
  });
  checkReplicatedTemplate(errors, spec, { path: 'spec.template', options, kind: 'ReplicaSet' });
  checkStrategy(errors, spec.strategy ?? {}, 'spec.strategy');
  checkCounts(errors, { minReadySeconds, revisionHistoryLimit, progressDeadlineSeconds: deadline }, 'spec');
  if (deadline !== undefined && deadline <= minReadySeconds) {
    errors.invalid('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds');
  }
}

const emptySpec = {} as DeploymentSpec;

export function validateDeployment(object: Deployment, options: PodValidationOptions): FieldError[] {
  const errors = new ErrorList();
  checkSpec(errors, object.spec ?? emptySpec, options);
  return errors.errors;
}

export function validateDeploymentUpdate(
  object: Deployment,
  old: Readonly<Deployment>,
  options: PodValidationOptions,
): FieldError[] {
  const errors = new ErrorList();
  checkSpec(errors, object.spec ?? emptySpec, options);
  checkImmutable(errors, [object.spec?.selector, old.spec?.selector], 'spec.selector');
  return errors.errors;
}

export function validateDeploymentStatusUpdate(object: Deployment, old: Readonly<Deployment>): FieldError[] {
  const errors = new ErrorList();
  const { conditions: _conditions, ...counts } = object.status ?? {};
  const { replicas = 0, updatedReplicas = 0, readyReplicas = 0, availableReplicas = 0 } = counts;
  checkCounts(errors, counts, 'status');
  for (const [name, value] of Object.entries({ updatedReplicas, readyReplicas, availableReplicas })) {
    if (value > replicas) errors.invalid(`status.${name}`, value, 'cannot be greater than status.replicas');
  }
  if (availableReplicas > readyReplicas) {
    errors.invalid('status.availableReplicas', availableReplicas, 'cannot be greater than readyReplicas');
  }
  checkCollisions(errors, counts.collisionCount, old.status?.collisionCount);
  return errors.errors;
}
