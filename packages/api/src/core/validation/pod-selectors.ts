/** Label selectors and labels inside pods, with errors going to the pod's list. */
import { Path } from '@kubets/apimachinery/field';
import { validateLabelSelector } from '@kubets/apimachinery/label-selector';
import type { LabelSelector } from '../../generated/types/meta-v1.ts';
import type { ErrorList } from './pod-error-list.ts';
import { labelValue, qualifiedName } from './pod-names.ts';

export function checkSelector(
  errors: ErrorList,
  selector: LabelSelector | undefined,
  { path, allowInvalidValues }: { path: string; allowInvalidValues: boolean },
): void {
  if (selector) errors.add(validateLabelSelector(selector, Path.of(path), { allowInvalidValues }));
}

/** `ValidateLabelName`: a label's key. */
export function checkLabelName(errors: ErrorList, name: string | undefined, path: string): void {
  errors.eachInvalid(path, name ?? '', qualifiedName(name ?? ''));
}

/** `ValidateLabels`. */
export function checkLabels(
  errors: ErrorList,
  labels: Readonly<Record<string, string>> | undefined,
  path: string,
): void {
  for (const key in labels) {
    errors.eachInvalid(path, key, qualifiedName(key));
    const value = labels[key] as string;
    errors.eachInvalid(path, value, labelValue(value));
  }
}
