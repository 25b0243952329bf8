/**
 * Validation of request options (`k8s.io/apimachinery/pkg/apis/meta/v1/validation/validation.go`).
 */
import { forbidden, invalid, notSupported, Path, required, tooLong, type FieldError } from './field.ts';
import { byteLength } from './names.ts';

const maxFieldManagerLength = 128;
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

/** At most 128 bytes, printable. The empty manager is fine: it means unset. */
export function validateFieldManager(manager: string, path: Path): FieldError[] {
  if (/^[ -~]{0,128}$/.test(manager)) return [];
  const errors: FieldError[] = [];
  if (byteLength(manager) > maxFieldManagerLength) errors.push(tooLong(path, maxFieldManagerLength));
  let position = 0;
  for (const character of manager) {
    if (!printable.test(character)) {
      const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
      errors.push(invalid(path, manager, `invalid character U+${code} (at position ${position})`));
    }
    position += byteLength(character);
  }
  return errors;
}

/** Empty or `All`. */
export function validateDryRun(path: Path, dryRun: readonly string[]): FieldError[] {
  return dryRun.every((value) => value === 'All') ? [] : [notSupported(path, dryRun, ['All'])];
}

/** Empty, `Ignore`, `Warn` or `Strict`. */
export function validateFieldValidation(path: Path, value: string): FieldError[] {
  const allowed = ['', 'Ignore', 'Strict', 'Warn'];
  return allowed.includes(value) ? [] : [notSupported(path, value, allowed)];
}

/** The options that writes share. */
export interface WriteOptions {
  readonly fieldManager?: string;
  readonly dryRun?: readonly string[];
  readonly fieldValidation?: string;
}

/** Create and update options. */
export function validateWriteOptions(options: WriteOptions): FieldError[] {
  return [
    ...validateFieldManager(options.fieldManager ?? '', Path.of('fieldManager')),
    ...validateDryRun(Path.of('dryRun'), options.dryRun ?? []),
    ...validateFieldValidation(Path.of('fieldValidation'), options.fieldValidation ?? ''),
  ];
}

/** The options of a patch. */
export interface PatchOptions extends WriteOptions {
  readonly force?: boolean;
}

/** Patch options: `force` only for apply, `fieldManager` required there. */
export function validatePatchOptions(options: PatchOptions, kind: 'apply' | 'other'): FieldError[] {
  const errors: FieldError[] = [];
  if (kind === 'other' && options.force !== undefined) {
    errors.push(forbidden(Path.of('force'), 'may not be specified for non-apply patch'));
  }
  if (kind === 'apply' && !options.fieldManager) {
    errors.push(required(Path.of('fieldManager'), 'is required for apply patch'));
  }
  return [...errors, ...validateWriteOptions(options)];
}

/** The options of a deletion that are validated. */
export interface DeleteOptions {
  readonly orphanDependents?: boolean | null;
  readonly propagationPolicy?: string | null;
  readonly dryRun?: readonly string[];
}

const policies = ['Foreground', 'Background', 'Orphan'];

/** Known propagation policy, and not both ways of asking for orphans. */
export function validateDeleteOptions(options: DeleteOptions): FieldError[] {
  const errors: FieldError[] = [];
  const path = Path.of('propagationPolicy');
  const policy = options.propagationPolicy ?? undefined;
  if (policy !== undefined && (options.orphanDependents ?? undefined) !== undefined) {
    errors.push(invalid(path, policy, 'orphanDependents and deletionPropagation cannot be both set'));
  }
  if (policy !== undefined && !policies.includes(policy)) errors.push(notSupported(path, policy, [...policies, 'nil']));
  return [...errors, ...validateDryRun(Path.of('dryRun'), options.dryRun ?? [])];
}

/** `includeObject` of a Table request. */
export function validateTableOptions(includeObject: string): FieldError[] {
  if (['', 'Metadata', 'None', 'Object'].includes(includeObject)) return [];
  return [invalid(Path.of('includeObject'), includeObject, "must be 'Metadata', 'Object', 'None', or empty")];
}
