/** Namespaces (`pkg/apis/core/validation/validation.go`, `ValidateNamespace` and its updates). */
import type { FieldError } from '@kubets/apimachinery/field';
import type { Namespace } from '../../generated/types/core-v1.ts';
import { ErrorList } from './pod-error-list.ts';
import { checkFinalizerName } from './resource-names-finalizers.ts';

export function validateNamespace(namespace: Namespace): FieldError[] {
  const errors = new ErrorList();
  for (const name of namespace.spec?.finalizers ?? []) checkFinalizerName(errors, name, 'spec.finalizers');
  return errors.errors;
}

/** The phase tells whether the namespace is being deleted, and nothing else. */
export function validateNamespaceStatusUpdate(namespace: Namespace): FieldError[] {
  const errors = new ErrorList();
  const phase = namespace.status?.phase ?? '';
  if (!namespace.metadata.deletionTimestamp) {
    if (phase !== 'Active') {
      errors.invalid('status.Phase', phase, "may only be 'Active' if `deletionTimestamp` is empty");
    }
  } else if (phase !== 'Terminating') {
    errors.invalid('status.Phase', phase, "may only be 'Terminating' if `deletionTimestamp` is not empty");
  }
  return errors.errors;
}

export function validateNamespaceFinalizeUpdate(namespace: Namespace): FieldError[] {
  const errors = new ErrorList();
  (namespace.spec?.finalizers ?? []).forEach((name, i) => checkFinalizerName(errors, name, `spec.finalizers[${i}]`));
  return errors.errors;
}
