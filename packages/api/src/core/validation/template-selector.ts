/** Selectors of workloads and the labels of their templates. */
import { Path } from '@kubets/apimachinery/field';
import { compileLabelSelector, validateLabelSelector } from '@kubets/apimachinery/label-selector';
import type { Selector } from '@kubets/apimachinery/labels';
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import type { LabelSelector } from '../../generated/types/meta-v1.ts';
import type { PodTemplateSpec } from '../../generated/types/core-v1.ts';
import type { ErrorList } from './pod-error-list.ts';

/** The selector compiled; undefined when it is not valid. */
export function tryCompile(selector: LabelSelector | undefined): Selector | undefined {
  try {
    return compileLabelSelector(selector);
  } catch {
    // Why it is invalid has been reported by the check of the selector itself.
    return undefined;
  }
}

export function isEmptySelector(selector: LabelSelector): boolean {
  return Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions?.length ?? 0) === 0;
}

const mismatch = '`selector` does not match template `labels`';

/** A template that the selector does not match would be made again and again. */
export function checkTemplateLabels(
  errors: ErrorList,
  { selector, template }: { selector: LabelSelector | undefined; template: PodTemplateSpec | undefined },
  path: string,
): void {
  const labels = template?.metadata?.labels;
  const compiled = tryCompile(selector);
  if (compiled === undefined || (selector && isEmptySelector(selector))) return;
  if (!compiled.matches(labels ?? {})) errors.invalid(path, labels ?? null, mismatch);
}

export interface SelectorRules {
  readonly path: string;
  /** What an empty selector is called. */
  readonly emptyMessage: string;
  /** What a selector that cannot be compiled is called. */
  readonly invalidMessage: string;
  readonly allowInvalidValues: boolean;
}

/** Required, valid, not empty. */
export function checkWorkloadSelector(
  errors: ErrorList,
  selector: LabelSelector | undefined,
  rules: SelectorRules,
): void {
  const { path, emptyMessage, invalidMessage, allowInvalidValues } = rules;
  if (!selector) return errors.required(path);
  errors.add(validateLabelSelector(selector, Path.of(path), { allowInvalidValues }));
  if (isEmptySelector(selector)) errors.invalid(path, selector, emptyMessage);
  if (tryCompile(selector) === undefined) errors.invalid(path, selector, invalidMessage);
}

/** `ValidateImmutableField`. */
export function checkImmutable(errors: ErrorList, [now, before]: [unknown, unknown], path: string): void {
  if (!semanticEqual(now, before)) errors.invalid(path, now ?? null, 'field is immutable');
}
