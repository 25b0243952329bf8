/** Match conditions and variables (`validateMatchConditions`, `validateVariable`). Expressions are not compiled: there is no CEL engine. */
import { isQualifiedName } from '@kubets/apimachinery/names';
import type { ErrorList } from '../../core/validation/pod-error-list.ts';
import type { MatchCondition, Variable } from '../../generated/types/admissionregistration-v1.ts';

const maxConditions = 64;

/** Each with a name of its own and an expression. */
export function checkMatchConditions(
  errors: ErrorList,
  conditions: readonly MatchCondition[] | undefined,
  path: string,
): void {
  if (conditions === undefined) return;
  if (conditions.length > maxConditions) errors.tooMany(path, conditions.length, maxConditions);
  const seen = new Set<string>();
  for (const [i, condition] of conditions.entries()) {
    const name = condition.name ?? '';
    if ((condition.expression ?? '').trim() === '') errors.required(`${path}[${i}].expression`);
    if (name === '') errors.required(`${path}[${i}].name`);
    else {
      errors.eachInvalid(`${path}[${i}].name`, name, isQualifiedName(name));
      if (seen.has(name)) errors.duplicate(`${path}[${i}].name`, name);
    }
    seen.add(name);
  }
}

const reserved = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);

export function checkVariables(errors: ErrorList, variables: readonly Variable[] | undefined, path: string): void {
  for (const [i, variable] of (variables ?? []).entries()) {
    const name = variable.name ?? '';
    if (name.trim() === '') errors.required(`${path}[${i}].name`, 'name is not specified');
    else if (!/^[_a-zA-Z][_a-zA-Z0-9]*$/.test(name) || reserved.has(name)) {
      errors.invalid(`${path}[${i}].name`, name, 'name is not a valid CEL identifier');
    }
    if ((variable.expression ?? '').trim() === '') {
      errors.required(`${path}[${i}].expression`, 'expression is not specified');
    }
  }
}
