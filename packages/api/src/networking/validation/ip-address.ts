/** IPAddresses (`pkg/apis/networking/validation/validation.go`, `ValidateIPAddress`). */
import { Path, type FieldError } from '@kubets/apimachinery/field';
import { validatePathSegmentName, type NameValidator } from '@kubets/apimachinery/names';
import { formatIP, isValidIP, parseIP } from '@kubets/apimachinery/validation-ip';
import { validateImmutableField } from '@kubets/apimachinery/validation-meta';
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import { dnsSubdomain } from '../../core/validation/pod-names.ts';
import type { IPAddress } from '../../generated/types/networking-v1.ts';

/** The name is the address, in canonical form. */
export const validateIPAddressName: NameValidator = (name) => {
  const ip = parseIP(name);
  if (ip === undefined) return isValidIP(name);
  const canonical = formatIP(ip);
  return canonical === name ? [] : [`must be in canonical form (${JSON.stringify(canonical)})`];
};

export function validateIPAddress({ spec }: IPAddress): FieldError[] {
  const errors = new ErrorList();
  const path = 'spec.parentRef';
  const parent = spec?.parentRef;
  if (!parent) {
    errors.required(path);
    return errors.errors;
  }
  if (parent.group) errors.eachInvalid(`${path}.group`, parent.group, dnsSubdomain(parent.group));
  for (const field of ['resource', 'name', 'namespace'] as const) {
    const value = parent[field];
    if (value) errors.eachInvalid(`${path}.${field}`, value, validatePathSegmentName(value, false));
    else if (field !== 'namespace') errors.required(`${path}.${field}`);
  }
  return errors.errors;
}

export function validateIPAddressUpdate(address: IPAddress, old: Readonly<IPAddress>): FieldError[] {
  return validateImmutableField(address.spec?.parentRef, old.spec?.parentRef, Path.of('spec.parentRef'));
}
