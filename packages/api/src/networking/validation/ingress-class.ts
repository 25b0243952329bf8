/** IngressClasses (`pkg/apis/networking/validation/validation.go`, `ValidateIngressClass`). */
import { Path, type FieldError } from '@kubets/apimachinery/field';
import { byteLength } from '@kubets/apimachinery/names';
import { isDomainPrefixedPath } from '@kubets/apimachinery/validation-domain';
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import { dnsLabel } from '../../core/validation/pod-names.ts';
import type { IngressClass, IngressClassParametersReference } from '../../generated/types/networking-v1.ts';
import { checkTypedReference } from './ingress-backend.ts';

const maxController = 250;
const scopes = ['Cluster', 'Namespace'];

function checkParameters(errors: ErrorList, parameters: IngressClassParametersReference, path: string): void {
  checkTypedReference(errors, parameters, path);
  const { scope, namespace } = parameters;
  if (!scope) return errors.required(`${path}.scope`);
  if (!scopes.includes(scope)) return errors.notSupported(`${path}.scope`, scope, scopes);
  const at = `${path}.namespace`;
  if (scope === 'Cluster') {
    if (namespace !== undefined) errors.forbidden(at, "`parameters.scope` is set to 'Cluster'");
  } else if (namespace === undefined) errors.required(at, "`parameters.scope` is set to 'Namespace'");
  else errors.eachInvalid(at, namespace, dnsLabel(namespace));
}

export function validateIngressClass({ spec }: IngressClass): FieldError[] {
  const errors = new ErrorList();
  const { controller = '', parameters } = spec ?? {};
  if (byteLength(controller) > maxController) errors.tooLong('spec.controller', maxController);
  errors.add(isDomainPrefixedPath(Path.of('spec.controller'), controller));
  if (parameters) checkParameters(errors, parameters, 'spec.parameters');
  return errors.errors;
}

export function validateIngressClassUpdate(ingressClass: IngressClass, old: Readonly<IngressClass>): FieldError[] {
  const errors = new ErrorList();
  errors.add(validateIngressClass(ingressClass));
  const controller = ingressClass.spec?.controller ?? '';
  if (controller !== (old.spec?.controller ?? '')) errors.invalid('spec.controller', controller, 'field is immutable');
  return errors.errors;
}
