import { describe, expect, it } from 'vitest';
import type { CertificateSigningRequest } from '@kubets/api/types/certificates-v1';
import { kubeletClientProblem, kubeletServingProblem, type SignedRequest } from './kubelet-requests.ts';
import { isPastUse, isToBeSigned } from './request-state.ts';
import { lifetimeMs, validityOf } from './signers.ts';

const minute = 60_000;
const hour = 60 * minute;
const now = Date.UTC(2026, 0, 1);

const request = (names: Partial<SignedRequest['names']> = {}, commonName = 'system:node:n'): SignedRequest => ({
  subject: { commonName, organizations: ['system:nodes'], attributes: [] },
  names: { dnsNames: [], emailAddresses: [], uris: [], ipAddresses: [], ...names },
});
const ip = new Uint8Array([192, 0, 2, 1]);

describe('kubelet requests', () => {
  const serving = ['digital signature', 'key encipherment', 'server auth'];
  const client = ['digital signature', 'client auth'];

  it.each<[SignedRequest, string[], string | undefined]>([
    [request({ dnsNames: ['n'] }), serving, undefined],
    [request({ ipAddresses: [ip] }), ['server auth', 'digital signature'], undefined],
    [request(), serving, 'DNS or IP subjectAltName is required'],
    [request({ dnsNames: ['n'], uris: ['u'] }), serving, 'URI subjectAltNames are not allowed'],
    [request({ dnsNames: ['n'], emailAddresses: ['e'] }), serving, 'email subjectAltNames are not allowed'],
    [request({ dnsNames: ['n'] }), client, 'usages did not match [digital signature key encipherment server auth]'],
    [request({ dnsNames: ['n'] }, 'jane'), serving, 'subject common name does not begin with system:node:'],
  ])('for serving %#', (one, usages, problem) => {
    expect(kubeletServingProblem(one, usages)).toBe(problem);
  });

  it.each<[SignedRequest, string | undefined]>([
    [request(), undefined],
    [request({ dnsNames: ['n'] }), 'DNS subjectAltNames are not allowed'],
    [request({ ipAddresses: [ip] }), 'IP subjectAltNames are not allowed'],
    [request({}, 'jane'), 'subject common name does not begin with system:node:'],
  ])('for clients %#', (one, problem) => {
    expect(kubeletClientProblem(one, client)).toBe(problem);
  });
});

describe('how long a certificate lasts', () => {
  it.each([
    [undefined, 24 * hour],
    [60, 10 * minute],
    [3600, hour],
    [10 * 24 * 3600, 24 * hour],
  ])('asked for %s seconds', (seconds, ms) => {
    expect(lifetimeMs(seconds, 24 * hour)).toBe(ms);
  });

  it('begins five minutes ago, and those are taken off long ones', () => {
    const far = now + 1000 * hour;
    expect(validityOf(now, hour, far)).toEqual({ notBefore: now - 5 * minute, notAfter: now + hour });
    expect(validityOf(now, 8 * hour, far)).toEqual({
      notBefore: now - 5 * minute,
      notAfter: now + 8 * hour - 5 * minute,
    });
    expect(validityOf(now, 8 * hour, now + hour).notAfter).toBe(now + hour);
    expect(() => validityOf(now, hour, now)).toThrow('refusing to sign a certificate that expired');
  });
});

describe('the state of a request', () => {
  type Condition = [type: string, hoursAgo: number];
  const csr = (conditions: Condition[], certificate?: string, createdHoursAgo = 0): CertificateSigningRequest => ({
    metadata: { name: 'a', creationTimestamp: new Date(now - createdHoursAgo * hour).toISOString() },
    spec: { request: '', signerName: '' },
    status: {
      conditions: conditions.map(([type, hoursAgo]) => ({
        type: type as 'Approved',
        status: 'True' as const,
        lastUpdateTime: new Date(now - hoursAgo * hour).toISOString(),
      })),
      ...(certificate !== undefined && { certificate }),
    },
  });

  it.each<[boolean, CertificateSigningRequest]>([
    [true, csr([['Approved', 0]])],
    [false, csr([])],
    [false, csr([['Denied', 0]])],
    [
      false,
      csr([
        ['Approved', 0],
        ['Failed', 0],
      ]),
    ],
    [false, csr([['Approved', 0]], 'c')],
  ])('to be signed: %s (%#)', (expected, one) => {
    expect(isToBeSigned(one)).toBe(expected);
  });

  it.each<[boolean, CertificateSigningRequest, number | undefined]>([
    [false, csr([], undefined, 23), undefined],
    [true, csr([], undefined, 25), undefined],
    [false, csr([['Denied', 0.5]]), undefined],
    [true, csr([['Denied', 1.5]]), undefined],
    [
      true,
      csr([
        ['Approved', 2],
        ['Failed', 1.5],
      ]),
      undefined,
    ],
    [false, csr([['Approved', 2]]), undefined],
    [true, csr([['Approved', 2]], 'c'), now + hour],
    [false, csr([['Approved', 0.5]], 'c'), now + hour],
    [true, csr([['Approved', 0.5]], 'c'), now - 1],
  ])('past use: %s (%#)', (expected, one, expiresAt) => {
    expect(isPastUse(one, now, expiresAt)).toBe(expected);
  });
});
