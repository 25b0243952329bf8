/** Taints of nodes (`pkg/apis/core/validation/validation.go`, `validateNodeTaints`). */
import type { Taint } from '../../generated/types/core-v1.ts';
import type { ErrorList } from './pod-error-list.ts';
import { labelValue, qualifiedName } from './pod-names.ts';

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

/** `validateTaintEffect`. */
export function checkTaintEffect(errors: ErrorList, effect: string | undefined, path: string): void {
  if (!effect) errors.required(path);
  else if (!effects.includes(effect)) errors.notSupported(path, effect, effects);
}

/** Each taint complete, and each pair of key and effect once. */
export function checkTaints(errors: ErrorList, taints: readonly Taint[], path: string): void {
  const seen = new Set<string>();
  taints.forEach((taint, i) => {
    const at = `${path}[${i}]`;
    const { key, value = '', effect } = taint;
    errors.eachInvalid(`${at}.key`, key, qualifiedName(key));
    const wrong = labelValue(value);
    if (wrong.length > 0) errors.invalid(`${at}.value`, value, wrong.join(';'));
    checkTaintEffect(errors, effect, `${at}.effect`);
    const id = `${effect}/${key}`;
    if (seen.has(id)) {
      const detail = 'taints must be unique by key and effect pair';
      errors.errors.push({ type: 'FieldValueDuplicate', field: at, badValue: taint, detail });
    }
    seen.add(id);
  });
}
