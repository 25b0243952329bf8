/** What an Ingress sends requests to (`pkg/apis/networking/validation/validation.go`, `validateIngressBackend`). */
import { isDNS1035Label, isDNS1123Label, validatePathSegmentName } from '@kubets/apimachinery/names';
import type { ErrorList } from '../../core/validation/pod-error-list.ts';
import { dnsSubdomain, portName, portNumber } from '../../core/validation/pod-names.ts';
import type { IngressBackend, IngressServiceBackend } from '../../generated/types/networking-v1.ts';

export interface IngressValidationOptions {
  /** Names of Services may begin with a digit. */
  readonly relaxedServiceNames: boolean;
  /** As in the stored object. */
  readonly allowInvalidSecretName: boolean;
  readonly allowInvalidWildcardHostRule: boolean;
}

interface Reference {
  readonly apiGroup?: string;
  readonly kind?: string;
  readonly name?: string;
}

/** `validateIngressTypedLocalObjectReference`. */
export function checkTypedReference(errors: ErrorList, { apiGroup, kind, name }: Reference, path: string): void {
  if (apiGroup !== undefined) errors.eachInvalid(`${path}.apiGroup`, apiGroup, dnsSubdomain(apiGroup));
  if (!kind) errors.required(`${path}.kind`);
  else errors.eachInvalid(`${path}.kind`, kind, validatePathSegmentName(kind, false));
  if (!name) errors.required(`${path}.name`);
  else errors.eachInvalid(`${path}.name`, name, validatePathSegmentName(name, false));
}

function checkService(
  errors: ErrorList,
  { name, port = {} }: IngressServiceBackend,
  { path, relaxed }: { path: string; relaxed: boolean },
): void {
  if (!name) errors.required(`${path}.service.name`);
  else errors.eachInvalid(`${path}.service.name`, name, relaxed ? isDNS1123Label(name) : isDNS1035Label(name));
  if (port.name && port.number) errors.invalid(path, '', 'cannot set both port name & port number');
  else if (port.name) errors.eachInvalid(`${path}.service.port.name`, port.name, portName(port.name));
  else if (port.number) errors.eachInvalid(`${path}.service.port.number`, port.number, portNumber(port.number));
  else errors.required(path, 'port name or number is required');
}

export function checkBackend(
  errors: ErrorList,
  { resource, service }: IngressBackend,
  { path, options }: { path: string; options: IngressValidationOptions },
): void {
  if (resource && service) errors.invalid(path, '', 'cannot set both resource and service backends');
  else if (resource) checkTypedReference(errors, resource, `${path}.resource`);
  else if (service) checkService(errors, service, { path, relaxed: options.relaxedServiceNames });
  else errors.invalid(path, '', 'resource or service backend is required');
}
