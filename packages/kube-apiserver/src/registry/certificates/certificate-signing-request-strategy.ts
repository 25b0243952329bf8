/** CertificateSigningRequests (`pkg/registry/certificates/certificates/strategy.go`). Who may approve and sign is admission's business. */
import {
  validateCertificateSigningRequest,
  validateCertificateSigningRequestUpdate,
  type CertificateEndpoint,
} from '@kubets/api/certificates/validation/certificate-signing-request';
import type {
  CertificateSigningRequest,
  CertificateSigningRequestCondition,
  CertificateSigningRequestSpec,
} from '@kubets/api/types/certificates-v1';
import type { FieldError } from '@kubets/apimachinery/field';
import { validatePathSegmentName } from '@kubets/apimachinery/names';
import type { UserInfo } from '../../server/types.ts';
import { baseStrategy, keepStatus, statusUpdateStrategy } from '../generic/base-strategy.ts';
import type { Strategy, StrategyContext, UpdateStrategy } from '../strategy.ts';
import { certificateChecks } from './certificate-checks.ts';

type Csr = CertificateSigningRequest;
type Conditions = CertificateSigningRequestCondition[];

/** Whoever asks is written down by the server; what the client says about it does not count. */
function recordUser(spec: CertificateSigningRequestSpec, user: UserInfo): void {
  for (const field of ['username', 'uid', 'groups', 'extra'] as const) delete spec[field];
  if (user.name !== '') spec.username = user.name;
  if (user.uid !== undefined && user.uid !== '') spec.uid = user.uid;
  if (user.groups.length > 0) spec.groups = [...user.groups];
  const extra = Object.entries(user.extra ?? {}).map(([key, values]) => [key, [...values]] as [string, string[]]);
  if (extra.length > 0) spec.extra = Object.fromEntries(extra);
}

/** Fills in times that are missing; a condition that has held before has held since then. */
function stampConditions(conditions: Conditions, old: Readonly<Csr>, now: string): Conditions {
  return conditions.map((condition) => {
    const { type, status, reason, message } = condition;
    const before = (old.status?.conditions ?? []).find(
      (other) => other.type === type && other.status === status && other.lastTransitionTime,
    );
    return {
      type,
      status,
      ...(reason !== undefined && { reason }),
      ...(message !== undefined && { message }),
      lastUpdateTime: condition.lastUpdateTime || now,
      lastTransitionTime: condition.lastTransitionTime || before?.lastTransitionTime || now,
    };
  });
}

/** Puts the old decisions back, unless some were added or removed: validation reports that. */
function keepDecisions(conditions: Conditions, old: Readonly<Csr>): Conditions {
  let result = conditions;
  for (const type of ['Approved', 'Denied']) {
    const before = (old.status?.conditions ?? []).filter((condition) => condition.type === type);
    if (result.filter((condition) => condition.type === type).length !== before.length) continue;
    let next = 0;
    result = result.map((condition) => (condition.type === type ? (before[next++] ?? condition) : condition));
  }
  return result;
}

function setStatus(object: Csr, conditions: Conditions, certificate: string | undefined): void {
  object.status = {
    ...(conditions.length > 0 && { conditions }),
    ...(certificate !== undefined && { certificate }),
  };
}

const validateUpdateOf =
  (endpoint: CertificateEndpoint) =>
  (_context: StrategyContext, csr: Csr, old: Readonly<Csr>): FieldError[] =>
    validateCertificateSigningRequestUpdate({ csr, old, endpoint }, certificateChecks);

/** Changes the conditions and nothing else. */
const approvalStrategy: UpdateStrategy<Csr> = {
  ...statusUpdateStrategy<Csr>({
    resetFields: ['spec', 'status.certificate'],
    prepareForUpdate: ({ now }, object, old) =>
      setStatus(object, stampConditions(object.status?.conditions ?? [], old, now), old.status?.certificate),
  }),
  validateUpdate: validateUpdateOf('approval'),
};

/** Changes the certificate, and conditions that are no decisions. */
const statusStrategy: UpdateStrategy<Csr> = {
  ...statusUpdateStrategy<Csr>({
    resetFields: ['spec', 'status.conditions'],
    prepareForUpdate: ({ now }, object, old) => {
      const conditions = keepDecisions(object.status?.conditions ?? [], old);
      setStatus(object, stampConditions(conditions, old, now), object.status?.certificate);
    },
  }),
  validateUpdate: validateUpdateOf('status'),
};

/** A request is what was asked for: only metadata can be changed afterwards. */
export const certificateSigningRequestStrategy: Strategy<Csr> = baseStrategy<Csr>({
  status: {},
  // Upstream does not care about the name; that it can stand in a path is asked of all names.
  validateName: validatePathSegmentName,
  resetFields: ['spec', 'status'],
  prepareForCreate: (context, object) =>
    recordUser((object.spec ??= {} as CertificateSigningRequestSpec), context.user),
  prepareForUpdate: (_context, object, old) => {
    object.spec = old.spec;
    keepStatus(object, old);
  },
  validate: (_context, object) => validateCertificateSigningRequest(object, certificateChecks),
  validateUpdate: validateUpdateOf('spec'),
  subresources: { approval: approvalStrategy, status: statusStrategy },
  selectableFieldNames: ['spec.signerName'],
  selectableFields: (object) => ({ 'spec.signerName': object.spec?.signerName ?? '' }),
});
