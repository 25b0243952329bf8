/** Finalizers of Kubernetes' own kinds (`pkg/apis/core/validation/validation.go`, `validateFinalizerName`, `validateKubeFinalizerName`). */
import type { ObjectMeta } from '@kubets/apimachinery/meta';
import type { FieldError } from '@kubets/apimachinery/field';
import { ErrorList } from './pod-error-list.ts';
import { qualifiedName } from './pod-names.ts';

const standard: ReadonlySet<string> = new Set(['kubernetes', 'orphan', 'foregroundDeletion']);
const notStandard = 'name is neither a standard finalizer name nor is it fully qualified';

/** A finalizer without a domain has to be one that Kubernetes knows. */
export function checkStandardFinalizer(errors: ErrorList, name: string, path: string): void {
  if (!name.includes('/') && !standard.has(name)) errors.invalid(path, name, notStandard);
}

/** A qualified name that is standard or has a domain. */
export function checkFinalizerName(errors: ErrorList, name: string, path: string): void {
  const messages = qualifiedName(name);
  errors.eachInvalid(path, name, messages);
  if (messages.length === 0) checkStandardFinalizer(errors, name, path);
}

/** The rule for `metadata.finalizers`, on top of what holds for every kind. */
export function validateKubeFinalizers({ finalizers }: Readonly<ObjectMeta>): FieldError[] {
  if (finalizers === undefined || finalizers.length === 0) return [];
  const errors = new ErrorList();
  finalizers.forEach((name, i) => checkStandardFinalizer(errors, name, `metadata.finalizers[${i}]`));
  return errors.errors;
}
