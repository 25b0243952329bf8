/** How far a certificate request has come (`pkg/controller/certificates/certificate_controller_utils.go`). Pure. */
import type { CertificateSigningRequest } from '@kubets/api/types/certificates-v1';
import { parseTime } from '@kubets/apimachinery/time';

type Csr = Readonly<CertificateSigningRequest>;

const has = (csr: Csr, type: string): boolean =>
  csr.status?.conditions?.some((condition) => condition.type === type) === true;

const isTrue = (csr: Csr, type: string): boolean =>
  csr.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') === true;

export const isIssued = (csr: Csr): boolean => (csr.status?.certificate ?? '') !== '';

/** Somebody has said yes or no. */
export const isDecided = (csr: Csr): boolean => has(csr, 'Approved') || has(csr, 'Denied');

/** It may be signed: approved, not denied, and no signer has refused it. */
export const isToBeSigned = (csr: Csr): boolean =>
  has(csr, 'Approved') && !has(csr, 'Denied') && !isTrue(csr, 'Failed') && !isIssued(csr);

const hourMs = 3_600_000;
const decidedMs = hourMs;
const pendingMs = 24 * hourMs;

const isOlder = (time: string | null | undefined, ms: number, now: number): boolean =>
  typeof time === 'string' && time !== '' && now - parseTime(time) > ms;

/**
 * Whether it has served its purpose: an hour after it was issued, denied or failed, a day after it was made while nobody has
 * decided (`cleaner.go`). `expiresAt`: when its certificate ends, in milliseconds.
 */
export function isPastUse(csr: Csr, now: number, expiresAt: number | undefined): boolean {
  const conditions = csr.status?.conditions ?? [];
  if (conditions.length === 0) return isOlder(csr.metadata.creationTimestamp, pendingMs, now);
  return conditions.some(({ type, lastUpdateTime }) => {
    if (type === 'Denied' || type === 'Failed') return isOlder(lastUpdateTime, decidedMs, now);
    if (type !== 'Approved' || !isIssued(csr)) return false;
    return isOlder(lastUpdateTime, decidedMs, now) || (expiresAt !== undefined && now > expiresAt);
  });
}
