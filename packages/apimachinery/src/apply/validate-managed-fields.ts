/**
 * Validation of manager names and managed fields in requests
 * (`k8s.io/apimachinery/pkg/apis/meta/v1/validation/validation.go`: ValidateFieldManager, ValidateManagedFields).
 */
import { invalid, tooLong, type FieldError, type Path } from '../field.ts';
import type { ManagedFieldsEntry } from '../meta.ts';

/** Longest manager name, in bytes. */
export const fieldManagerMaxLength = 128;
const maxSubresourceLength = 256;

const unprintable = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u;
const nonAscii = /[^ -~]/;

function byteLength(text: string): number {
  return nonAscii.test(text) ? new TextEncoder().encode(text).length : text.length;
}

/** At most 128 bytes, printable characters only; `''` means unset. */
export function validateFieldManager(name: string, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  if (byteLength(name) > fieldManagerMaxLength) errors.push(tooLong(path, fieldManagerMaxLength));
  if (!nonAscii.test(name)) return errors;
  let position = 0;
  for (const character of name) {
    if (unprintable.test(character)) {
      const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
      errors.push(invalid(path, name, `invalid character U+${code} (at position ${position})`));
    }
    position += byteLength(character);
  }
  return errors;
}

/** What a request may put into `metadata.managedFields`; `path` is the list's. */
export function validateManagedFields(entries: readonly ManagedFieldsEntry[], path: Path): FieldError[] {
  return entries.flatMap((entry, i) => validateEntry(entry, path.index(i)));
}

function validateEntry(entry: ManagedFieldsEntry, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  const operation: string = entry.operation ?? '';
  if (operation !== 'Apply' && operation !== 'Update') {
    errors.push(invalid(path.child('operation'), operation, 'must be `Apply` or `Update`'));
  }
  const type: string = entry.fieldsType ?? '';
  if (type !== '' && type !== 'FieldsV1') errors.push(invalid(path.child('fieldsType'), type, 'must be `FieldsV1`'));
  errors.push(...validateFieldManager(entry.manager ?? '', path.child('manager')));
  if (byteLength(entry.subresource ?? '') > maxSubresourceLength) {
    errors.push(tooLong(path.child('subresource'), maxSubresourceLength));
  }
  return errors;
}

/**
 * The manager of a request that names none: what stands before the first `/` of the User-Agent, printable
 * characters only, at most 128 bytes (`apiserver/pkg/endpoints/handlers/create.go` managerOrUserAgent,
 * prefixFromUserAgent). `''` when nothing is left; the field manager calls it `unknown`.
 */
export function managerOrUserAgent(fieldManager: string, userAgent: string): string {
  if (fieldManager !== '') return fieldManager;
  const slash = userAgent.indexOf('/');
  const prefix = slash < 0 ? userAgent : userAgent.slice(0, slash);
  if (!nonAscii.test(prefix)) return prefix.slice(0, fieldManagerMaxLength);
  let out = '';
  let length = 0;
  for (const character of prefix) {
    if (unprintable.test(character)) continue;
    length += byteLength(character);
    if (length > fieldManagerMaxLength) break;
    out += character;
  }
  return out;
}
