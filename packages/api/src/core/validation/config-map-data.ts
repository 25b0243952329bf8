/** What config maps and secrets have in common. */
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import type { ErrorList } from './pod-error-list.ts';

/** `core.MaxSecretSize`: of all values together, in bytes. */
export const maxDataBytes = 1024 * 1024;

/** How many bytes a base64 text stands for. */
export function base64Length(text: string): number {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  return Math.floor((text.length * 3) / 4) - padding;
}

interface Immutable {
  readonly immutable?: boolean;
}

const sealed = 'field is immutable when `immutable` is set';

/** Once `immutable` is true, neither it nor the data may change. */
export function checkImmutableData<T extends Immutable>(
  errors: ErrorList,
  { obj, old, fields }: { obj: T; old: Readonly<T>; fields: readonly (keyof T & string)[] },
): void {
  if (old.immutable !== true) return;
  if (obj.immutable !== true) errors.forbidden('immutable', sealed);
  for (const field of fields) if (!semanticEqual(obj[field], old[field])) errors.forbidden(field, sealed);
}
