/** Counts and percentages that workloads have (`pkg/apis/apps/validation/validation.go`, `ValidatePositiveIntOrPercent`). */
import { isValidPercent } from '@kubets/apimachinery/names';
import type { IntOrString } from '../../scalars.ts';
import type { ErrorList } from './pod-error-list.ts';

/** `ValidateNonnegativeField`; absent fields are fine. */
export function checkNotNegative(errors: ErrorList, value: number | null | undefined, path: string): void {
  if (value !== undefined && value !== null && value < 0) {
    errors.invalid(path, value, 'must be greater than or equal to 0');
  }
}

/** Each named field of the object, under `path`. */
export function checkCounts(
  errors: ErrorList,
  counts: Readonly<Record<string, number | null | undefined>>,
  path: string,
): void {
  for (const name in counts) checkNotNegative(errors, counts[name], `${path}.${name}`);
}

export function checkIntOrPercent(errors: ErrorList, value: IntOrString | undefined, path: string): void {
  if (typeof value === 'string') errors.eachInvalid(path, value, isValidPercent(value));
  else checkNotNegative(errors, value ?? 0, path);
}

/** `25%` is 25; anything that is neither a number nor a percentage is 0. */
export function countOrPercent(value: IntOrString | undefined): number {
  if (typeof value !== 'string') return value ?? 0;
  return /^[0-9]+%$/.test(value) ? Number(value.slice(0, -1)) : 0;
}

export function checkAtMost100Percent(errors: ErrorList, value: IntOrString | undefined, path: string): void {
  if (typeof value === 'string' && countOrPercent(value) > 100) {
    errors.invalid(path, value, 'must not be greater than 100%');
  }
}

/** A collision count only grows. */
export function checkCollisions(errors: ErrorList, now: number | undefined, before: number | undefined): void {
  if (before !== undefined && (now === undefined || now < before)) {
    errors.invalid('status.collisionCount', now ?? 0, 'cannot be decremented');
  }
}
