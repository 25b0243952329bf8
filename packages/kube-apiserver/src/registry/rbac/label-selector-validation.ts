/** Checks of a label selector (`apimachinery/pkg/apis/meta/v1/validation/validation.go` ValidateLabelSelector). */
import { forbidden, invalid, required, type FieldError, type Path } from '@kubets/apimachinery/field';
import type { LabelSelector, LabelSelectorRequirement } from '../../authorization/rbac/types.ts';

const labelName = /^([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$/;
const prefix = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const nameMessage =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const valueMessage =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

function keyErrors(key: string): string[] {
  const slash = key.indexOf('/');
  const name = key.slice(slash + 1);
  const errors: string[] = [];
  if (slash >= 0 && !prefix.test(key.slice(0, slash)))
    errors.push('prefix part must be a lowercase RFC 1123 subdomain');
  if (!labelName.test(name)) errors.push(nameMessage);
  return errors;
}

/** All faults of a selector; none for an empty one. */
export function validateLabelSelector(selector: LabelSelector, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  const labels = path.child('matchLabels');
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) {
    for (const message of keyErrors(key)) errors.push(invalid(labels, key, message));
    if (value !== '' && !labelName.test(value)) errors.push(invalid(labels, value, valueMessage));
  }
  const expressions = path.child('matchExpressions');
  (selector.matchExpressions ?? []).forEach((e, i) => errors.push(...requirementErrors(e, expressions.index(i))));
  return errors;
}

function requirementErrors(requirement: LabelSelectorRequirement, path: Path): FieldError[] {
  const count = requirement.values?.length ?? 0;
  const errors: FieldError[] = [];
  if (requirement.operator === 'In' || requirement.operator === 'NotIn') {
    if (count === 0)
      errors.push(required(path.child('values'), "must be specified when `operator` is 'In' or 'NotIn'"));
  } else if (requirement.operator === 'Exists' || requirement.operator === 'DoesNotExist') {
    if (count > 0)
      errors.push(
        forbidden(path.child('values'), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
      );
  } else {
    errors.push(invalid(path.child('operator'), requirement.operator, 'not a valid selector operator'));
  }
  for (const message of keyErrors(requirement.key)) errors.push(invalid(path.child('key'), requirement.key, message));
  return errors;
}
