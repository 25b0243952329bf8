/** ReplicationControllers (`pkg/apis/core/validation/validation.go`, `ValidateReplicationController…`). */
import type { FieldError } from '@kubets/apimachinery/field';
import type { ReplicationController, ReplicationControllerSpec } from '../../generated/types/core-v1.ts';
import { ErrorList } from './pod-error-list.ts';
import type { PodValidationOptions } from './pod-options.ts';
import { checkNotNegative } from './template-counts.ts';
import { checkTemplateLabels } from './template-selector.ts';
import { checkPodTemplate } from './template.ts';

function checkTemplate(errors: ErrorList, spec: ReplicationControllerSpec, options: PodValidationOptions): void {
  const path = 'spec.template';
  const { template, selector: matchLabels = {} } = spec;
  if (!template) return errors.required(path);
  if (Object.keys(matchLabels).length > 0) {
    checkTemplateLabels(errors, { selector: { matchLabels }, template }, `${path}.metadata.labels`);
  }
  checkPodTemplate(errors, template, { path, options });
  const { restartPolicy, activeDeadlineSeconds } = template.spec ?? {};
  if (restartPolicy !== 'Always') errors.notSupported(`${path}.spec.restartPolicy`, restartPolicy ?? '', ['Always']);
  if (activeDeadlineSeconds !== undefined) {
    const detail = 'activeDeadlineSeconds in ReplicationController is not Supported';
    errors.forbidden(`${path}.spec.activeDeadlineSeconds`, detail);
  }
}

/** Create and update. */
export function validateReplicationController(
  object: ReplicationController,
  options: PodValidationOptions,
): FieldError[] {
  const errors = new ErrorList();
  const spec = object.spec ?? {};
  checkNotNegative(errors, spec.minReadySeconds, 'spec.minReadySeconds');
  if (Object.keys(spec.selector ?? {}).length === 0) errors.required('spec.selector');
  checkNotNegative(errors, spec.replicas, 'spec.replicas');
  checkTemplate(errors, spec, options);
  return errors.errors;
}
