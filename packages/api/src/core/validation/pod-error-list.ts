/**
 * Collects the errors of a pod's validation. Paths are plain strings that callers put together only
 * when there is an error: a valid pod, the usual one, costs no path at all.
 */
import {
  duplicate,
  forbidden,
  invalid,
  notFound,
  notSupported,
  Path,
  required,
  tooLong,
  tooMany,
  type FieldError,
} from '@kubets/apimachinery/field';

export class ErrorList {
  /** In the order in which they were found, which is upstream's. */
  readonly errors: FieldError[] = [];

  get length(): number {
    return this.errors.length;
  }

  required(path: string, detail = ''): void {
    this.errors.push(required(Path.of(path), detail));
  }

  invalid(path: string, value: unknown, detail: string): void {
    this.errors.push(invalid(Path.of(path), value, detail));
  }

  forbidden(path: string, detail: string): void {
    this.errors.push(forbidden(Path.of(path), detail));
  }

  duplicate(path: string, value: unknown): void {
    this.errors.push(duplicate(Path.of(path), value));
  }

  /** `detail` explains what upstream's plain "Not found" leaves open. */
  notFound(path: string, value: unknown, detail = ''): void {
    this.errors.push({ ...notFound(Path.of(path), value), detail });
  }

  notSupported(path: string, value: unknown, supported: readonly string[]): void {
    this.errors.push(notSupported(Path.of(path), value, supported));
  }

  tooLong(path: string, maxBytes: number): void {
    this.errors.push(tooLong(Path.of(path), maxBytes));
  }

  tooMany(path: string, actual: number, max: number): void {
    this.errors.push(tooMany(Path.of(path), actual, max));
  }

  /** An `invalid` per message: the form of all name checks. */
  eachInvalid(path: string, value: unknown, messages: readonly string[]): void {
    for (const message of messages) this.invalid(path, value, message);
  }

  add(errors: readonly FieldError[]): void {
    for (const error of errors) this.errors.push(error);
  }
}
