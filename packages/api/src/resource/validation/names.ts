/** Names and small values of the resource API (`pkg/apis/resource/validation/validation.go`). */
import {
  byteLength,
  isCIdentifier,
  isDNS1123Label,
  isDNS1123Subdomain,
  isQualifiedName,
  isValidLabelValue,
} from '@kubets/apimachinery/names';
import type { ErrorList } from '../../core/validation/pod-error-list.ts';

const maxDriver = 63;
const maxPool = 253;
const maxIdentifier = 32;
/** Domain, slash, identifier. */
export const maxQualifiedName: number = maxDriver + 1 + maxIdentifier;

/** `ValidateCSIDriverName`: the names of drivers of both kinds follow one rule. */
export function checkDriverName(errors: ErrorList, name: string | undefined, path: string): void {
  if (!name) {
    errors.required(path);
    return;
  }
  if (byteLength(name) > maxDriver) errors.tooLong(path, maxDriver);
  errors.eachInvalid(path, name, isDNS1123Subdomain(name.toLowerCase()));
}

/** Subdomains with slashes between them. */
export function checkPoolName(errors: ErrorList, name: string | undefined, path: string): void {
  if (!name) {
    errors.required(path);
    return;
  }
  if (byteLength(name) > maxPool) errors.tooLong(path, maxPool);
  for (const part of name.split('/')) errors.eachInvalid(path, part, isDNS1123Subdomain(part));
}

export function checkLabel(errors: ErrorList, name: string | undefined, path: string): void {
  errors.eachInvalid(path, name ?? '', isDNS1123Label(name ?? ''));
}

export function checkDeviceClassName(errors: ErrorList, name: string | undefined, path: string): void {
  if (!name) errors.required(path);
  else errors.eachInvalid(path, name, isDNS1123Subdomain(name));
}

export function checkLabelName(errors: ErrorList, name: string | undefined, path: string): void {
  errors.eachInvalid(path, name ?? '', isQualifiedName(name ?? ''));
}

export function checkLabelValue(errors: ErrorList, value: string, path: string): void {
  errors.eachInvalid(path, value, isValidLabelValue(value));
}

function checkIdentifier(errors: ErrorList, id: string, path: string): void {
  if (byteLength(id) > maxIdentifier) errors.tooLong(path, maxIdentifier);
  errors.eachInvalid(path, id, isCIdentifier(id));
}

/** The name of an attribute or a capacity: an identifier, with the domain of its driver or without. */
export function checkQualifiedName(errors: ErrorList, name: string, path: string): void {
  const [first = '', second, ...more] = name.split('/');
  if (more.length > 0) errors.invalid(path, name, 'must not contain more than one slash');
  else if (second === undefined) checkIdentifier(errors, first, path);
  else {
    if (first === '') errors.invalid(path, '', 'the domain must not be empty');
    else checkDriverName(errors, first, path);
    if (second === '') errors.invalid(path, '', 'the name must not be empty');
    else checkIdentifier(errors, second, path);
  }
}

export function checkFullyQualifiedName(errors: ErrorList, name: string, path: string): void {
  checkQualifiedName(errors, name, path);
  if (name.includes('/')) return;
  errors.invalid(path, name, 'a fully qualified name must be a domain and a name separated by a slash');
}

const uuid = /^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/;
/** Accepted by the parser, but not as a value: braces, the URN form, no dashes. */
const otherForms = /^(?:urn:uuid:.{36}|\{.{36}\}|[0-9a-fA-F]{32})$/;

export function checkUid(errors: ErrorList, uid: string, path: string): void {
  if (uuid.test(uid) && uid === uid.toLowerCase()) return;
  if (uuid.test(uid) || otherForms.test(uid)) {
    const form = '`xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters';
    errors.invalid(path, uid, `uid must be in RFC 4122 normalized form, ${form}`);
  } else {
    const why = [32, 36, 38, 45].includes(uid.length) ? 'invalid UUID format' : `invalid UUID length: ${uid.length}`;
    errors.invalid(path, uid, `error validating uid: ${why}`);
  }
}

/** A raw JSON value that must be an object; its size is that of its compact form. */
export function checkRawObject(
  errors: ErrorList,
  value: unknown,
  { path, max, stored = false }: { path: string; max: number; stored?: boolean },
): void {
  if (value === undefined || value === null) errors.required(path);
  else if (!stored && byteLength(JSON.stringify(value)) > max) errors.tooLong(path, max);
  else if (typeof value !== 'object' || Array.isArray(value)) {
    errors.invalid(path, '<value omitted>', 'must be a valid JSON object');
  }
}
