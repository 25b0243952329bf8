/** Questions that every plugin asks about a request. */
import type { StatusError } from '@kubets/apimachinery/status';
import { newForbidden } from '@kubets/apimachinery/status';
import type { AdmissionAttributes } from '../plugin.ts';

/** Is it a request for this resource (and subresource)? */
export function isResource(
  attributes: AdmissionAttributes,
  group: string,
  resource: string,
  subresource = '',
): boolean {
  return (
    attributes.resource.resource === resource &&
    attributes.resource.group === group &&
    attributes.subresource === subresource
  );
}

/** The 403 of a plugin (`apiserver/pkg/admission/errors.go` NewForbidden); objects without a name go by generateName. */
export function forbid(attributes: AdmissionAttributes, why: string): StatusError {
  const { group, resource } = attributes.resource;
  return newForbidden({ group, resource }, nameOf(attributes), why);
}

function nameOf(attributes: AdmissionAttributes): string {
  const metadata = attributes.object?.metadata;
  return attributes.name || metadata?.name || metadata?.generateName || '';
}
