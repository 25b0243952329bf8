/** Whom a rule of a FlowSchema speaks of (`pkg/apis/flowcontrol/validation/validation.go`, `ValidateFlowSchemaSubject`). */
import { isDNS1123Label, isDNS1123Subdomain } from '@kubets/apimachinery/names';
import type { ErrorList } from '../../core/validation/pod-error-list.ts';
import type { ServiceAccountSubject, Subject } from '../../generated/types/flowcontrol-v1.ts';

/** Field of the subject to the kind that fills it. */
const kindOfField = { serviceAccount: 'ServiceAccount', user: 'User', group: 'Group' } as const;
const fields = ['serviceAccount', 'user', 'group'] as const;
const kinds = ['Group', 'ServiceAccount', 'User'];

function checkServiceAccount(errors: ErrorList, account: Partial<ServiceAccountSubject>, path: string): void {
  const { name = '', namespace = '' } = account;
  if (name === '') errors.required(`${path}.name`);
  else if (name !== '*') errors.eachInvalid(`${path}.name`, name, isDNS1123Subdomain(name));
  if (namespace === '') errors.required(`${path}.namespace`, 'must specify namespace for service account');
  else errors.eachInvalid(`${path}.namespace`, namespace, isDNS1123Label(namespace));
}

/** The field of the kind is there and the others are not. */
export function checkFlowSubject(errors: ErrorList, subject: Subject, path: string): void {
  const own = fields.find((field) => kindOfField[field] === subject.kind);
  if (own === undefined) {
    errors.notSupported(`${path}.kind`, subject.kind ?? '', kinds);
    return;
  }
  const value = subject[own];
  if (value === undefined)
    errors.required(`${path}.${own}`, `${own} is required when subject kind is '${subject.kind}'`);
  else if (own === 'serviceAccount') {
    checkServiceAccount(errors, value as ServiceAccountSubject, `${path}.serviceAccount`);
  } else if (!value.name) errors.required(`${path}.${own}.name`);
  for (const field of fields) {
    if (field === own || subject[field] === undefined) continue;
    errors.forbidden(`${path}.${field}`, `${field} is forbidden when subject kind is not '${kindOfField[field]}'`);
  }
}
