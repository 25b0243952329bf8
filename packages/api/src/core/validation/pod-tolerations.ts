/** Tolerations and scheduling gates (`pkg/apis/core/validation/validation.go`, `ValidateTolerations`, `validateSchedulingGates`). */
import type { PodSchedulingGate, Toleration } from '../../generated/types/core-v1.ts';
import type { ErrorList } from './pod-error-list.ts';
import { labelValue, qualifiedName } from './pod-names.ts';
import type { PodValidationOptions } from './pod-options.ts';
import { checkLabelName } from './pod-selectors.ts';

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];
const allOperators = ['Equal', 'Exists', 'Lt', 'Gt'];
const maxInt64 = 2n ** 63n - 1n;

function checkComparedValue(errors: ErrorList, value: string, path: string): void {
  if (!/^(0|-?[1-9][0-9]*)$/.test(value)) {
    errors.invalid(path, value, 'must be a valid decimal integer in canonical form');
  }
  if (!/^[-+]?[0-9]+$/.test(value)) {
    errors.invalid(path, value, `strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`);
  } else if (BigInt(value) > maxInt64 || BigInt(value) < -maxInt64 - 1n) {
    errors.invalid(path, value, `strconv.ParseInt: parsing ${JSON.stringify(value)}: value out of range`);
  }
}

function checkOperator(
  errors: ErrorList,
  { operator = '' as string, value = '' }: { operator?: string; value?: string },
  { path, options }: { path: string; options: PodValidationOptions },
): void {
  if (operator === '' || operator === 'Equal') {
    const wrong = labelValue(value);
    if (wrong.length > 0) errors.invalid(`${path}.operator`, value, wrong.join(';'));
  } else if (operator === 'Exists') {
    if (value !== '') errors.invalid(`${path}.operator`, value, "value must be empty when `operator` is 'Exists'");
  } else if (operator === 'Lt' || operator === 'Gt') {
    if (options.allowTolerationComparison) checkComparedValue(errors, value, `${path}.value`);
    else errors.notSupported(`${path}.operator`, operator, allOperators);
  } else errors.notSupported(`${path}.operator`, operator, ['Equal', 'Exists']);
}

export function checkTolerations(
  errors: ErrorList,
  tolerations: readonly Toleration[],
  { path, options }: { path: string; options: PodValidationOptions },
): void {
  for (let i = 0; i < tolerations.length; i++) {
    const toleration = tolerations[i] as Toleration;
    const { key, operator, effect, tolerationSeconds } = toleration;
    const at = `${path}[${i}]`;
    if (key) checkLabelName(errors, key, `${at}.key`);
    else if (operator !== 'Exists') {
      const detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      errors.invalid(`${at}.operator`, operator ?? '', detail);
    }
    if (tolerationSeconds !== undefined && tolerationSeconds !== null && effect !== 'NoExecute') {
      errors.invalid(`${at}.effect`, effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set");
    }
    checkOperator(errors, toleration, { path: at, options });
    if (effect && !effects.includes(effect)) errors.notSupported(`${at}.effect`, effect, effects);
  }
}

export function checkSchedulingGates(errors: ErrorList, gates: readonly PodSchedulingGate[], path: string): void {
  const seen = new Set<string>();
  gates.forEach(({ name }, i) => {
    errors.eachInvalid(`${path}[${i}]`, name, qualifiedName(name));
    if (seen.has(name)) errors.duplicate(`${path}[${i}]`, name);
    seen.add(name);
  });
}
