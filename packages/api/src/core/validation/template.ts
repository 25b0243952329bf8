/**
 * Pod templates (`pkg/apis/core/validation/validation.go`, `ValidatePodTemplateSpec`, `ValidatePodTemplate`).
 */
import { Path, type FieldError } from '@kubets/apimachinery/field';
import { validateAnnotations } from '@kubets/apimachinery/validation-meta';
import type { PodSpec, PodTemplate, PodTemplateSpec } from '../../generated/types/core-v1.ts';
import { checkAnnotationsMatchFields, checkPodAnnotations } from './pod-annotations.ts';
import { ErrorList } from './pod-error-list.ts';
import type { PodValidationOptions } from './pod-options.ts';
import { checkPodSpec } from './pod-spec.ts';
import { checkLabels } from './pod-selectors.ts';

/** An absent spec is checked as an empty one, so that each missing field is named. */
const emptySpec: PodSpec = { containers: [] };

/** Checks a template; labels and annotations are reported without `metadata` in their path, as upstream does. */
export function checkPodTemplate(
  errors: ErrorList,
  template: PodTemplateSpec,
  { path, options }: { path: string; options: PodValidationOptions },
): void {
  const { metadata, spec = emptySpec } = template;
  const annotations = metadata?.annotations;
  checkLabels(errors, metadata?.labels, `${path}.labels`);
  if (annotations) errors.add(validateAnnotations(annotations, Path.of(`${path}.annotations`)));
  checkPodAnnotations(errors, annotations, { spec, path: `${path}.annotations`, options });
  checkPodSpec(errors, spec, { path: `${path}.spec`, options });
  checkAnnotationsMatchFields(errors, annotations, { spec, path: `${path}.spec` });
  if (spec.ephemeralContainers?.length) {
    errors.forbidden(`${path}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template');
  }
}

/** Create and update of a PodTemplate; metadata is the caller's business. */
export function validatePodTemplate(object: PodTemplate, options: PodValidationOptions): FieldError[] {
  const errors = new ErrorList();
  checkPodTemplate(errors, object.template ?? {}, { path: 'template', options });
  return errors.errors;
}
