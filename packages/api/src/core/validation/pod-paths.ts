/**
 * Checks of file paths inside volumes and images (`pkg/apis/core/validation/validation.go`,
 * `validateLocalDescendingPath`, `validatePathNoBacksteps`, `ValidateLocalNonReservedPath`).
 */
import type { ErrorList } from './pod-error-list.ts';

/** Whether a segment of the path is `..`. */
export function hasBackstep(target: string): boolean {
  return target.includes('..') && target.split('/').includes('..');
}

/** No `..` segment. */
export function checkNoBacksteps(errors: ErrorList, target: string, path: string): void {
  if (hasBackstep(target)) errors.invalid(path, target, "must not contain '..'");
}

/** Relative, without `..` segments. */
export function checkLocalPath(errors: ErrorList, target: string, path: string): void {
  if (target.startsWith('/')) errors.invalid(path, target, 'must be a relative path');
  checkNoBacksteps(errors, target, path);
}

/** Relative, without `..` segments, and not starting with `..` (names the kubelet keeps for itself). */
export function checkUnreservedPath(errors: ErrorList, target: string, path: string): void {
  checkLocalPath(errors, target, path);
  // `..` alone gets this error as well as the one above, as upstream has it.
  if (target.startsWith('..') && !target.startsWith('../')) {
    errors.invalid(path, target, "must not start with '..'");
  }
}

/** Whether {@link checkUnreservedPath} would accept the path. */
export function isUnreservedPath(target: string): boolean {
  return !target.startsWith('/') && !hasBackstep(target) && !target.startsWith('..');
}
