/** ControllerRevisions (`pkg/apis/apps/validation/validation.go`, `ValidateControllerRevision`). */
import type { FieldError } from '@kubets/apimachinery/field';
import type { ControllerRevision } from '../../generated/types/apps-v1.ts';
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import { checkNotNegative } from '../../core/validation/template-counts.ts';
import { checkImmutable } from '../../core/validation/template-selector.ts';

function check(errors: ErrorList, object: ControllerRevision): void {
  if (object.data === undefined || object.data === null) errors.required('data', 'data is mandatory');
  checkNotNegative(errors, object.revision, 'revision');
}

export function validateControllerRevision(object: ControllerRevision): FieldError[] {
  const errors = new ErrorList();
  check(errors, object);
  return errors.errors;
}

/** What a revision holds is history; its number may grow. */
export function validateControllerRevisionUpdate(
  object: ControllerRevision,
  old: Readonly<ControllerRevision>,
): FieldError[] {
  const errors = new ErrorList();
  check(errors, object);
  checkImmutable(errors, [object.data, old.data], 'data');
  return errors.errors;
}
