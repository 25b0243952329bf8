/** CertificateSigningRequests (`pkg/apis/certificates/validation/validation.go`). */
import type { FieldError } from '@kubets/apimachinery/field';
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import type {
  CertificateSigningRequest,
  CertificateSigningRequestCondition,
  CertificateSigningRequestSpec,
} from '../../generated/types/certificates-v1.ts';
import { decodeBase64, readPem } from '../pem.ts';
import { checkSignerName } from './signer-name.ts';

/** What needs cryptography, which this package has none of. Each returns what is wrong, or `undefined`. */
export interface CertificateChecks {
  /** Of `spec.request`, base64: it can be read, and is signed with its own key. */
  request(request: string): string | undefined;
  /** Of one block of an issued certificate. */
  certificate(der: Uint8Array): string | undefined;
}

/** Which endpoint an update came through: each may change one part of the status. */
export type CertificateEndpoint = 'spec' | 'status' | 'approval';

type Csr = Readonly<CertificateSigningRequest>;

const legacySigner = 'kubernetes.io/legacy-unknown';
const minExpirationSeconds = 600;
const approvalTypes = ['Approved', 'Denied'];
/** Conditions that hold or are not there. */
const finalTypes = [...approvalTypes, 'Failed'];
const statuses = ['False', 'True', 'Unknown'];
const usages = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
];

const conditionsOf = (csr: Csr | undefined): readonly CertificateSigningRequestCondition[] =>
  csr?.status?.conditions ?? [];
const usagesOf = (csr: Csr | undefined): readonly string[] => csr?.spec?.usages ?? [];
const hasRepeats = (list: readonly unknown[]): boolean => new Set(list).size < list.length;
const countOf = (csr: Csr, type: string): number =>
  conditionsOf(csr).filter((condition) => condition.type === type).length;

/** Usages that an older release has let in may stay as they are. */
function checkUsages(errors: ErrorList, csr: Csr, old: Csr | undefined): void {
  const [list, before] = [usagesOf(csr), usagesOf(old)];
  if (list.length === 0) errors.required('spec.usages', 'usages must be provided');
  const mayBeUnknown = before.some((usage) => !usages.includes(usage));
  const mayRepeat = hasRepeats(before);
  for (const [i, usage] of list.entries()) {
    if (!mayBeUnknown && !usages.includes(usage)) errors.notSupported(`spec.usages[${i}]`, usage, usages);
  }
  for (const [i, usage] of list.entries()) {
    if (!mayRepeat && list.indexOf(usage) < i) errors.duplicate(`spec.usages[${i}]`, usage);
  }
}

function checkSpec(errors: ErrorList, csr: Csr, old: Csr | undefined, checks: CertificateChecks): void {
  const spec: Partial<CertificateSigningRequestSpec> = csr.spec ?? {};
  const { request = '', signerName = '', expirationSeconds } = spec;
  // A stored request has been checked, and no endpoint changes it.
  const fault = old?.spec?.request === request ? undefined : checks.request(request ?? '');
  if (fault !== undefined) errors.invalid('spec.request', request, fault);
  checkUsages(errors, csr, old);
  if (signerName === legacySigner && old?.spec?.signerName !== legacySigner) {
    const detail = 'the legacy signerName is not allowed via this API version';
    errors.invalid('spec.signerName', signerName, detail);
  } else checkSignerName(errors, signerName, 'spec.signerName');
  if (expirationSeconds !== undefined && expirationSeconds < minExpirationSeconds) {
    const detail = 'may not specify a duration less than 600 seconds (10 minutes)';
    errors.invalid('spec.expirationSeconds', expirationSeconds, detail);
  }
}

const isApprovedAndDenied = (csr: Csr | undefined): boolean =>
  approvalTypes.every((type) => conditionsOf(csr).some((condition) => condition.type === type));

function checkConditionStatus(errors: ErrorList, { type, status }: Condition, path: string): void {
  const choices = finalTypes.includes(type) ? ['True'] : statuses;
  if (status === '') errors.required(path);
  else if (!choices.includes(status)) errors.notSupported(path, status, choices);
}

type Condition = { type: string; status: string };

function checkConditions(errors: ErrorList, csr: Csr, old: Csr | undefined): void {
  const before = conditionsOf(old);
  const mayBeEmpty = before.some((condition) => !condition.type);
  const mayRepeat = hasRepeats(before.map((condition) => condition.type));
  const mayContradict = isApprovedAndDenied(old);
  const seen = new Set<string>();
  for (const [i, condition] of conditionsOf(csr).entries()) {
    const path = `status.conditions[${i}]`;
    const type = condition.type ?? '';
    if (type === '' && !mayBeEmpty) errors.required(`${path}.type`);
    checkConditionStatus(errors, { type, status: condition.status ?? '' }, `${path}.status`);
    const other = approvalTypes.find((name) => name !== type);
    if (!mayContradict && approvalTypes.includes(type) && other !== undefined && seen.has(other)) {
      errors.invalid(`${path}.type`, type, 'Approved and Denied conditions are mutually exclusive');
    }
    if (!mayRepeat && seen.has(type)) errors.duplicate(`${path}.type`, type);
    seen.add(type);
  }
}

const latin1 = new TextDecoder('latin1');

function certificateFault(certificate: string, checks: CertificateChecks): string | undefined {
  if (certificate === '') return undefined;
  const blocks = readPem(latin1.decode(decodeBase64(certificate) ?? new Uint8Array()));
  for (const { type, hasHeaders, bytes } of blocks) {
    if (type !== 'CERTIFICATE') {
      return `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(type)}`;
    }
    if (hasHeaders) return 'no PEM block headers are permitted';
    if (bytes.length === 0) return 'found CERTIFICATE PEM block containing 0 certificates';
    const fault = checks.certificate(bytes);
    if (fault !== undefined) return fault;
  }
  return blocks.length === 0 ? 'must contain at least one CERTIFICATE PEM block' : undefined;
}

function checkAll(errors: ErrorList, csr: Csr, old: Csr | undefined, checks: CertificateChecks): void {
  checkSpec(errors, csr, old, checks);
  checkConditions(errors, csr, old);
  const [certificate = '', before = ''] = [csr.status?.certificate, old?.status?.certificate];
  if (certificate === before) return;
  // An arbitrary certificate of an older release may be replaced by another one.
  const mayBeAnything = before !== '' && certificateFault(before, checks) !== undefined;
  const fault = mayBeAnything ? undefined : certificateFault(certificate, checks);
  if (fault !== undefined) errors.invalid('status.certificate', '<certificate data>', fault);
}

export function validateCertificateSigningRequest(csr: Csr, checks: CertificateChecks): FieldError[] {
  const errors = new ErrorList();
  checkAll(errors, csr, undefined, checks);
  return errors.errors;
}

/** Decisions stay; whether they may be added depends on the endpoint. */
function checkDecisions(errors: ErrorList, { csr, old, endpoint }: CertificateUpdate): void {
  for (const type of finalTypes) {
    if (countOf(csr, type) < countOf(old, type)) {
      errors.forbidden('status.conditions', `updates may not remove a condition of type ${JSON.stringify(type)}`);
    }
  }
  if (endpoint === 'approval') return;
  // The preparation of the other endpoints has restored decisions that were changed.
  for (const type of approvalTypes) {
    if (countOf(csr, type) > countOf(old, type)) {
      errors.forbidden('status.conditions', `updates may not add a condition of type ${JSON.stringify(type)}`);
    }
  }
}

export interface CertificateUpdate {
  readonly csr: Csr;
  readonly old: Csr;
  readonly endpoint: CertificateEndpoint;
}

/** An issued certificate is never replaced. */
export function validateCertificateSigningRequestUpdate(
  update: CertificateUpdate,
  checks: CertificateChecks,
): FieldError[] {
  const { csr, old, endpoint } = update;
  const errors = new ErrorList();
  checkAll(errors, csr, old, checks);
  checkDecisions(errors, update);
  const [certificate = '', before = ''] = [csr.status?.certificate, old.status?.certificate];
  if (certificate === before) return errors.errors;
  if (endpoint !== 'status') errors.forbidden('status.certificate', 'updates may not set certificate content');
  else if (before !== '') {
    errors.forbidden('status.certificate', 'updates may not modify existing certificate content');
  }
  return errors.errors;
}
