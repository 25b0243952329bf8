/** APIServices (`kube-aggregator/pkg/apis/apiregistration/validation/validation.go`). */
import type { FieldError } from '@kubets/apimachinery/field';
import { isDNS1035Label, isDNS1123Subdomain, isValidPortNum } from '@kubets/apimachinery/names';
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import type { APIService, APIServiceSpec, ServiceReference } from '../../generated/types/apiregistration-v1.ts';
import { base64Length } from '../../admissionregistration/validation/base64-length.ts';

const statuses = ['True', 'False', 'Unknown'];

function checkGroupVersion(errors: ErrorList, { group = '', version = '' }: Partial<APIServiceSpec>): void {
  if (group === '' && version !== 'v1') {
    errors.required('spec.group', 'only v1 may have an empty group and it better be legacy kube');
  }
  if (group !== '') errors.eachInvalid('spec.group', group, isDNS1123Subdomain(group));
  errors.eachInvalid('spec.version', version, isDNS1035Label(version));
}

function checkPriority(errors: ErrorList, value: number, { path, max }: { path: string; max: number }): void {
  if (value <= 0 || value > max) errors.invalid(path, value, `must be positive and less than ${max}`);
}

function checkService(errors: ErrorList, { namespace = '', name = '', port }: ServiceReference): void {
  if (namespace === '') errors.required('spec.service.namespace');
  if (name === '') errors.required('spec.service.name');
  const wrong = isValidPortNum(port ?? 0);
  if (wrong.length > 0) errors.invalid('spec.service.port', port ?? 0, `port is not valid: ${wrong.join(', ')}`);
}

/** Who serves it is this server when there is no service: then there is no TLS to speak of. */
function checkTls(errors: ErrorList, spec: Partial<APIServiceSpec>): void {
  const { service, caBundle = '', insecureSkipTLSVerify = false } = spec;
  if (service === undefined) {
    if (caBundle !== '') {
      const size = `${base64Length(caBundle)} bytes`;
      errors.invalid('spec.caBundle', size, 'local APIServices may not have a caBundle');
    }
    if (insecureSkipTLSVerify) {
      errors.invalid('spec.insecureSkipTLSVerify', true, 'local APIServices may not have insecureSkipTLSVerify');
    }
  } else if (insecureSkipTLSVerify && caBundle !== '') {
    errors.invalid('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present');
  }
}

/** Create and update. The name is version and group with a dot between them. */
export function validateAPIService(object: APIService): FieldError[] {
  const errors = new ErrorList();
  const spec: Partial<APIServiceSpec> = object.spec ?? {};
  const name = `${spec.version ?? ''}.${spec.group ?? ''}`;
  if (object.metadata.name !== name) {
    const detail = `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(name)}`;
    errors.invalid('metadata.name', object.metadata.name ?? '', detail);
  }
  checkGroupVersion(errors, spec);
  checkPriority(errors, spec.groupPriorityMinimum ?? 0, { path: 'spec.groupPriorityMinimum', max: 20_000 });
  checkPriority(errors, spec.versionPriority ?? 0, { path: 'spec.versionPriority', max: 1000 });
  if (spec.service !== undefined) checkService(errors, spec.service);
  checkTls(errors, spec);
  return errors.errors;
}

export function validateAPIServiceStatus(object: APIService): FieldError[] {
  const errors = new ErrorList();
  for (const [i, { status }] of (object.status?.conditions ?? []).entries()) {
    if (!statuses.includes(status)) errors.notSupported(`status.conditions[${i}].status`, status ?? '', statuses);
  }
  return errors.errors;
}
