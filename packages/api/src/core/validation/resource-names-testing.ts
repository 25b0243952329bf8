/** Helpers of validation tests. */
import { fieldErrorText, type FieldError } from '@kubets/apimachinery/field';

/** A copy of `base` with the values at some dotted paths replaced; `undefined` removes. Keys with dots go in brackets: `data[tls.crt]`, list items by number: `ports[0]`. */
export function changed<T extends object>(base: T, changes: Readonly<Record<string, unknown>>): T {
  const copy = structuredClone(base);
  for (const [path, value] of Object.entries(changes)) set(copy as Record<string, unknown>, keysOf(path), value);
  return copy;
}

function keysOf(path: string): string[] {
  return [...path.matchAll(/\[([^\]]*)\]|[^.[\]]+/g)].map(([whole, inner]) => inner ?? whole);
}

function set(object: Record<string, unknown>, keys: readonly string[], value: unknown): void {
  const [key = '', ...rest] = keys;
  if (rest.length === 0) {
    if (value === undefined) delete object[key];
    else object[key] = value;
    return;
  }
  object[key] ??= /^\d+$/.test(rest[0] ?? '') ? [] : {};
  set(object[key] as Record<string, unknown>, rest, value);
}

/** The errors as users read them. */
export const texts = (errors: readonly FieldError[]): string[] => errors.map(fieldErrorText);
