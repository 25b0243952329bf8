/** Selectors, configurations, taints and binding conditions: what several kinds of the resource API share. */
import { byteLength } from '@kubets/apimachinery/names';
import type { ErrorList } from '../../core/validation/pod-error-list.ts';
import type {
  DeviceConfiguration,
  DeviceSelector,
  DeviceTaint,
  DeviceToleration,
} from '../../generated/types/resource-v1.ts';
import { checkList } from './lists.ts';
import { checkDriverName, checkLabelName, checkLabelValue, checkRawObject } from './names.ts';

const maxSelectors = 32;
const maxExpression = 10 * 1024;
const maxParameters = 10 * 1024;
const effects = ['NoExecute', 'NoSchedule', 'None'];
const maxConditions = 4;

/** The expression is there and not too long; it is not compiled, there is no CEL engine. */
function checkSelector(errors: ErrorList, { cel }: DeviceSelector, path: string): void {
  if (cel === undefined) {
    errors.required(`${path}.cel`);
    return;
  }
  const expression = cel.expression ?? '';
  if (expression.trim() === '') errors.required(`${path}.cel.expression`);
  else if (byteLength(expression) > maxExpression) errors.tooLong(`${path}.cel.expression`, maxExpression);
}

export function checkSelectors(
  errors: ErrorList,
  selectors: readonly DeviceSelector[] | undefined,
  path: string,
): void {
  checkList(errors, selectors, { path, max: maxSelectors, check: checkSelector });
}

/** `stored`: it has been accepted before, so its size is not asked. */
export function checkConfiguration(
  errors: ErrorList,
  { opaque }: DeviceConfiguration,
  { path, stored }: { path: string; stored: boolean },
): void {
  if (opaque === undefined) {
    errors.required(`${path}.opaque`);
    return;
  }
  checkDriverName(errors, opaque.driver, `${path}.opaque.driver`);
  checkRawObject(errors, opaque.parameters, { path: `${path}.opaque.parameters`, max: maxParameters, stored });
}

export function checkTaint(errors: ErrorList, taint: DeviceTaint, path: string): void {
  const effect: string | undefined = taint.effect;
  checkLabelName(errors, taint.key, `${path}.key`);
  if (taint.value) checkLabelValue(errors, taint.value, `${path}.value`);
  if (!effect) errors.required(`${path}.effect`);
  else if (!effects.includes(effect)) errors.notSupported(`${path}.effect`, effect, effects);
}

export function checkToleration(errors: ErrorList, toleration: DeviceToleration, path: string): void {
  const { key, value = '', effect } = toleration;
  const operator: string | undefined = toleration.operator;
  if (key) checkLabelName(errors, key, `${path}.key`);
  if (operator === 'Exists') {
    if (value !== '') errors.invalid(`${path}.value`, value, 'must be empty for operator `Exists`');
  } else if (operator === 'Equal') checkLabelValue(errors, value, `${path}.value`);
  else if (!operator) errors.required(`${path}.operator`);
  else errors.notSupported(`${path}.operator`, operator, ['Equal', 'Exists']);
  if (effect && !effects.includes(effect)) errors.notSupported(`${path}.effect`, effect, effects);
}

export function checkTolerations(
  errors: ErrorList,
  tolerations: readonly DeviceToleration[] | undefined,
  path: string,
): void {
  checkList(errors, tolerations, { path, check: checkToleration });
}

export interface Binding {
  readonly bindingConditions?: readonly string[];
  readonly bindingFailureConditions?: readonly string[];
}

function checkDistinct(errors: ErrorList, list: readonly string[], path: string): void {
  list.forEach((condition, i) => list.indexOf(condition) < i && errors.duplicate(`${path}[${i}]`, condition));
}

/** What a pod waits for before it is bound, and what makes the scheduler give up: both or none. */
export function checkBinding(errors: ErrorList, binding: Binding, path: string): void {
  const { bindingConditions: ready = [], bindingFailureConditions: failed = [] } = binding;
  const [readyPath, failedPath] = [`${path}.bindingConditions`, `${path}.bindingFailureConditions`];
  checkList(errors, ready, { path: readyPath, max: maxConditions, check: checkLabelName });
  checkList(errors, failed, { path: failedPath, max: maxConditions, check: checkLabelName });
  checkDistinct(errors, ready, readyPath);
  checkDistinct(errors, failed, failedPath);
  for (const [i, condition] of failed.entries()) {
    if (!ready.includes(condition)) continue;
    const detail = 'bindingFailureConditions must not overlap with bindingConditions';
    errors.invalid(`${failedPath}[${i}]`, condition, detail);
  }
  if (ready.length === 0 && failed.length > 0) {
    errors.invalid(readyPath, ready, 'bindingConditions are required to use bindingFailureConditions');
  }
  if (failed.length === 0 && ready.length > 0) {
    errors.invalid(failedPath, failed, 'bindingFailureConditions are required to use bindingConditions');
  }
}
