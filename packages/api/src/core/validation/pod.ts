/** A pod about to be created, and bindings (`pkg/apis/core/validation/validation.go`, `ValidatePodCreate`). */
import type { FieldError } from '@kubets/apimachinery/field';
import type { Binding, Pod } from '../../generated/types/core-v1.ts';
import { checkImagePadding } from './container-lists.ts';
import { checkAnnotationsMatchFields, checkPodAnnotations } from './pod-annotations.ts';
import { ErrorList } from './pod-error-list.ts';
import type { PodValidationOptions } from './pod-options.ts';
import { checkPodSpec } from './pod-spec.ts';

const annotationsPath = 'metadata.annotations';

/** Tokens are made for a service account. */
function checkTokenVolumes(errors: ErrorList, pod: Pod): void {
  if (pod.spec?.serviceAccountName) return;
  (pod.spec?.volumes ?? []).forEach((volume, i) =>
    (volume.projected?.sources ?? []).forEach((source, j) => {
      if (!source.serviceAccountToken) return;
      const at = `spec.volumes[${i}].projected.sources[${j}].serviceAccountToken`;
      errors.forbidden(at, 'must not be specified when serviceAccountName is not set');
    }),
  );
}

/**
 * What create and update share (`validatePodMetadataAndSpec`), without the generic checks of metadata.
 */
export function checkPod(errors: ErrorList, pod: Pod, options: PodValidationOptions): void {
  const { metadata, spec = { containers: [] } } = pod;
  checkPodAnnotations(errors, metadata.annotations, { spec, path: annotationsPath, options });
  checkPodSpec(errors, spec, { path: 'spec', options, metadata });
  checkTokenVolumes(errors, pod);
  spec.containers?.forEach(({ image }, i) => image && checkImagePadding(errors, image, `spec.containers[${i}].image`));
  spec.initContainers?.forEach(
    ({ image }, i) => image && checkImagePadding(errors, image, `spec.initContainers[${i}].image`),
  );
}

export function validatePodCreate(pod: Pod, options: PodValidationOptions): FieldError[] {
  const errors = new ErrorList();
  const { metadata, spec = { containers: [] } } = pod;
  checkPod(errors, pod, options);
  if (spec.ephemeralContainers?.length) errors.forbidden('spec.ephemeralContainers', 'cannot be set on create');
  if (spec.nodeName && spec.schedulingGates?.length) {
    errors.forbidden('spec.nodeName', 'cannot be set until all schedulingGates have been cleared');
  }
  checkAnnotationsMatchFields(errors, metadata.annotations, { spec, path: 'spec' });
  return errors.errors;
}

/** `ValidatePodBinding`. */
export function validatePodBinding(binding: Binding): FieldError[] {
  const errors = new ErrorList();
  const { kind, name } = binding.target ?? {};
  if (kind && kind !== 'Node') errors.notSupported('target.kind', kind, ['Node', '<empty>']);
  if (!name) errors.required('target.name');
  return errors.errors;
}
