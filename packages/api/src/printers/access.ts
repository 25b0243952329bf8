/** Rows of RBAC bindings and certificate requests (`pkg/printers/internalversion/printers.go`). */
import { humanDuration } from '@kubets/apimachinery/duration';
import type { CertificateSigningRequest } from '../generated/types/certificates-v1.ts';
import type { ClusterRoleBinding, RoleBinding } from '../generated/types/rbac-v1.ts';
import { ageOf, nameOf, none } from './format.ts';

/** Of RoleBindings and ClusterRoleBindings: role, age, and the subjects by kind. */
export function roleBindingCells(object: RoleBinding | ClusterRoleBinding, now: number): unknown[] {
  const subjects = object.subjects ?? [];
  const names = (kind: string): string =>
    subjects
      .filter((s) => s.kind === kind)
      .map((s) => (kind === 'ServiceAccount' ? `${s.namespace ?? ''}/${s.name}` : s.name))
      .join(', ');
  return [
    nameOf(object),
    `${object.roleRef?.kind ?? ''}/${object.roleRef?.name ?? ''}`,
    ageOf(object, now),
    names('User'),
    names('Group'),
    names('ServiceAccount'),
  ];
}

function requestStatus(request: CertificateSigningRequest): string {
  const types = new Set((request.status?.conditions ?? []).map((c) => c.type));
  const decision = types.has('Denied') ? 'Denied' : types.has('Approved') ? 'Approved' : 'Pending';
  return `${decision}${types.has('Failed') ? ',Failed' : ''}${request.status?.certificate ? ',Issued' : ''}`;
}

/** Age, signer, requestor, requested duration, condition. */
export function certificateSigningRequestCells(object: CertificateSigningRequest, now: number): unknown[] {
  const seconds = object.spec?.expirationSeconds;
  return [
    nameOf(object),
    ageOf(object, now),
    object.spec?.signerName || none,
    object.spec?.username ?? '',
    seconds === undefined ? none : humanDuration(seconds * 1000),
    requestStatus(object),
  ];
}
