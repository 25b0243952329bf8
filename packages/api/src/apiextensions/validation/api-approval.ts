/** Groups of Kubernetes' own need approval (`apiextensions-apiserver/pkg/apihelpers/helpers.go`, `GetAPIApprovalState`). */
import type { ErrorList } from '../../core/validation/pod-error-list.ts';
import type { CustomResourceDefinition } from '../../generated/types/apiextensions-v1.ts';

const annotation = 'api-approved.kubernetes.io';
const protectedGroup = /(?:^|\.)(?:k8s|kubernetes)\.io$/;

type Crd = Readonly<CustomResourceDefinition>;
type State = 'missing' | 'bypassed' | 'approved' | 'invalid';

const valueOf = (crd: Crd): string => crd.metadata.annotations?.[annotation] ?? '';

function stateOf(crd: Crd): State {
  const value = valueOf(crd);
  if (value === '') return 'missing';
  if (value.startsWith('unapproved')) return 'bypassed';
  return /^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/?#\s]+/.test(value) ? 'approved' : 'invalid';
}

/** A state that was let in before is let in again. */
export function checkApiApproval(errors: ErrorList, crd: Crd, old: Crd | undefined): void {
  if (!protectedGroup.test(crd.spec.group ?? '')) return;
  const state = stateOf(crd);
  if (old !== undefined && stateOf(old) === state) return;
  const path = `metadata.annotations[${annotation}]`;
  const rule = `protected groups must have approval annotation "${annotation}"`;
  const see = 'see https://github.com/kubernetes/enhancements/pull/1111';
  if (state === 'missing') errors.required(path, `${rule}, ${see}`);
  if (state === 'invalid') {
    const form = 'with either a URL or a reason starting with "unapproved"';
    errors.invalid(path, valueOf(crd), `${rule} ${form}, ${see}`);
  }
}
