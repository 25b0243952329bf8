/** RuntimeClasses (`pkg/apis/node/validation/validation.go`). */
import { Path, type FieldError } from '@kubets/apimachinery/field';
import { isDNS1123Label } from '@kubets/apimachinery/names';
import { validateLabels } from '@kubets/apimachinery/validation-meta';
import { checkResources } from '../../core/validation/container-resources.ts';
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import type { PodValidationOptions } from '../../core/validation/pod-options.ts';
import { checkTolerations } from '../../core/validation/pod-tolerations.ts';
import type { RuntimeClass } from '../../generated/types/node-v1.ts';

const noClaims: ReadonlySet<string> = new Set();

/** `options`: which tolerations are accepted, as for pods. */
export function validateRuntimeClass(object: RuntimeClass, options: PodValidationOptions): FieldError[] {
  const errors = new ErrorList();
  const { handler, overhead, scheduling } = object;
  errors.eachInvalid('handler', handler, isDNS1123Label(handler));
  if (overhead !== undefined) {
    const limits = overhead.podFixed ?? {};
    checkResources(errors, { limits }, { path: 'overhead', claimNames: noClaims, allowIndivisibleHugePages: false });
  }
  if (scheduling !== undefined) {
    errors.add(validateLabels(scheduling.nodeSelector, Path.of('scheduling.nodeSelector')));
    checkTolerations(errors, scheduling.tolerations ?? [], { path: 'scheduling.tolerations', options });
  }
  return errors.errors;
}

/** The handler stays: pods that run have been started with it. */
export function validateRuntimeClassUpdate(
  object: RuntimeClass,
  old: Readonly<RuntimeClass>,
  options: PodValidationOptions,
): FieldError[] {
  const errors = new ErrorList();
  errors.add(validateRuntimeClass(object, options));
  if (object.handler !== old.handler) errors.invalid('handler', object.handler, 'field is immutable');
  return errors.errors;
}
