/**
 * Validation of `metav1.Condition` lists (`k8s.io/apimachinery/pkg/apis/meta/v1/validation.ValidateConditions`).
 */
import { duplicate, invalid, notSupported, required, tooLong, type FieldError, type Path } from './field.ts';
import { byteLength, isQualifiedName, regexError } from './names.ts';

/** A condition as it may arrive: everything still to be checked. */
export interface ConditionLike {
  readonly type?: string;
  readonly status?: string;
  readonly observedGeneration?: number;
  readonly lastTransitionTime?: string | null;
  readonly reason?: string;
  readonly message?: string;
}

const maxReasonLength = 1024;
const maxMessageLength = 32 * 1024;
const reasonPattern = '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?';
const reasonRegex = new RegExp(`^${reasonPattern}$`);
const reasonMessage = regexError(
  "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'",
  reasonPattern,
  'my_name',
  'MY_NAME',
  'MyName',
  'ReasonA,ReasonB',
  'ReasonA:ReasonB',
);

/** Each condition complete, each type once. */
export function validateConditions(conditions: readonly ConditionLike[], path: Path): FieldError[] {
  const seen = new Set<string>();
  const errors: FieldError[] = [];
  for (const [i, condition] of conditions.entries()) {
    const type = condition.type ?? '';
    if (seen.has(type)) errors.push(duplicate(path.index(i).child('type'), type));
    seen.add(type);
    errors.push(...validateCondition(condition, path.index(i)));
  }
  return errors;
}

function validateReason(reason: string, path: Path): FieldError[] {
  if (reason === '') return [required(path, 'must be set')];
  const errors = reasonRegex.test(reason) ? [] : [invalid(path, reason, reasonMessage)];
  if (byteLength(reason) > maxReasonLength) errors.push(tooLong(path, maxReasonLength));
  return errors;
}

/** Type, status, transition time and reason are required. */
export function validateCondition(condition: ConditionLike, path: Path): FieldError[] {
  const { type = '', status = '', observedGeneration = 0 } = condition;
  const errors = isQualifiedName(type).map((message) => invalid(path.child('type'), type, message));
  if (status !== 'True' && status !== 'False' && status !== 'Unknown') {
    errors.push(notSupported(path.child('status'), status, ['False', 'True', 'Unknown']));
  }
  if (observedGeneration < 0) {
    const at = path.child('observedGeneration');
    errors.push(invalid(at, observedGeneration, 'must be greater than or equal to zero'));
  }
  if (!condition.lastTransitionTime) errors.push(required(path.child('lastTransitionTime'), 'must be set'));
  errors.push(...validateReason(condition.reason ?? '', path.child('reason')));
  if (byteLength(condition.message ?? '') > maxMessageLength) {
    errors.push(tooLong(path.child('message'), maxMessageLength));
  }
  return errors;
}
