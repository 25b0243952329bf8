import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { parseCertificateRequest } from '@kubets/api/certificates/certificate-request';
import * as x509 from '@peculiar/x509';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  changed,
  created,
  createErrors,
  strategyContext,
  updated,
  updateErrors,
  type Change,
} from '../testing/strategy-check.ts';
import type { Strategy } from '../strategy.ts';
import { certificateSigningRequestStrategy } from './certificate-signing-request-strategy.ts';

const strategy = certificateSigningRequestStrategy as Strategy;
const status = strategy.subresources['status']!;
const approval = strategy.subresources['approval']!;
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const pem = (type: string, der: Uint8Array): string =>
  base64(`-----BEGIN ${type}-----\n${Buffer.from(der).toString('base64')}\n-----END ${type}-----\n`);

const algorithms = {
  ecdsa: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  rsa: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', publicExponent: new Uint8Array([1, 0, 1]), modulusLength: 2048 },
  pss: {
    name: 'RSA-PSS',
    saltLength: 32,
    hash: 'SHA-256',
    publicExponent: new Uint8Array([1, 0, 1]),
    modulusLength: 2048,
  },
  ed25519: { name: 'Ed25519' },
} as const;

async function request(algorithm: (typeof algorithms)[keyof typeof algorithms]): Promise<Buffer> {
  x509.cryptoProvider.set(webcrypto as Crypto);
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const signed = await x509.Pkcs10CertificateRequestGenerator.create({
    name: 'O=system:nodes, O=Zürich, CN=system:node:a',
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.SubjectAlternativeNameExtension([
        { type: 'dns', value: 'a.example.com' },
        { type: 'ip', value: '10.0.0.1' },
        { type: 'email', value: 'a@example.com' },
        { type: 'url', value: 'https://example.com/a' },
      ]),
    ],
  });
  return Buffer.from(signed.rawData);
}

let der: Buffer = Buffer.alloc(0);
let certificate = '';
let csr: Record<string, unknown> = {};

beforeAll(async () => {
  der = await request(algorithms.ecdsa);
  const keys = (await webcrypto.subtle.generateKey(algorithms.ecdsa, true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair;
  const issued = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=a',
    keys,
    signingAlgorithm: algorithms.ecdsa,
    notBefore: new Date(0),
    notAfter: new Date(1e12),
  });
  certificate = pem('CERTIFICATE', new Uint8Array(issued.rawData));
  csr = {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    spec: {
      request: pem('CERTIFICATE REQUEST', der),
      signerName: 'example.com/signer',
      usages: ['client auth'],
    },
  };
});

describe('certificate requests', () => {
  it('are read: subject, alternative names', () => {
    const { subject, names } = parseCertificateRequest(pem('CERTIFICATE REQUEST', der));
    expect(subject).toMatchObject({ commonName: 'system:node:a', organizations: ['system:nodes', 'Zürich'] });
    expect(names).toEqual({
      dnsNames: ['a.example.com'],
      emailAddresses: ['a@example.com'],
      uris: ['https://example.com/a'],
      ipAddresses: [new Uint8Array([10, 0, 0, 1])],
    });
  });

  it.each(Object.entries(algorithms))(
    'are accepted when signed with %s, and not when tampered with',
    async (_, kind) => {
      const bytes = await request(kind);
      const of = (content: Buffer) =>
        createErrors(strategy, changed(csr, ['spec.request', pem('CERTIFICATE REQUEST', content)]));
      expect(of(bytes)).toEqual([]);
      const at = bytes.indexOf('a.example.com');
      bytes[at] = 'b'.charCodeAt(0);
      expect(of(bytes)).toEqual([
        expect.stringMatching(
          /^spec\.request: Invalid value: ".*": (x509: (ECDSA|Ed25519) verification failure|crypto\/rsa: verification error)$/,
        ),
      ]);
    },
  );

  it('that are cut off anywhere are refused', () => {
    for (let length = 0; length < der.length; length += 7) {
      const cut = pem('CERTIFICATE REQUEST', der.subarray(0, length));
      expect(createErrors(strategy, changed(csr, ['spec.request', cut]))).toHaveLength(1);
    }
  });

  it('survive any changed byte without an exception', () => {
    for (let i = 0; i < der.length; i++) {
      const bytes = Buffer.from(der);
      bytes[i] = (bytes[i] ?? 0) ^ 0xff;
      expect(createErrors(strategy, changed(csr, ['spec.request', pem('CERTIFICATE REQUEST', bytes)]))).toHaveLength(1);
    }
  });
});

const label = expect.stringContaining('a lowercase RFC 1123') as string;
const bad = (value: string, detail: string): string => `spec.signerName: Invalid value: "${value}": ${detail}`;

describe('certificate signing requests', () => {
  it.each<[Change, string[]]>([
    [['spec.expirationSeconds', 600], []],
    [
      ['spec.request', base64('nothing')],
      [`spec.request: Invalid value: "${base64('nothing')}": PEM block type must be CERTIFICATE REQUEST`],
    ],
    [['spec.usages', []], ['spec.usages: Required value: usages must be provided']],
    [
      ['spec.usages', ['fun', 'any', 'any']],
      [
        expect.stringMatching(
          /^spec\.usages\[0\]: Unsupported value: "fun": supported values: "any", "cert sign", /,
        ) as string,
        'spec.usages[2]: Duplicate value: "any"',
      ],
    ],
    [['spec.signerName', ''], ['spec.signerName: Required value: signerName must be provided']],
    [
      ['spec.signerName', 'kubernetes.io/legacy-unknown'],
      [bad('kubernetes.io/legacy-unknown', 'the legacy signerName is not allowed via this API version')],
    ],
    [
      ['spec.signerName', 'a/b/c'],
      [bad('a/b/c', "must be a fully qualified domain and path of the form 'example.com/signer-name'")],
    ],
    [
      ['spec.signerName', 'example/signer'],
      [bad('example', 'should be a domain with at least two segments separated by dots')],
    ],
    [['spec.signerName', 'Example.com/signer'], [label]],
    [['spec.signerName', 'example.com/Signer'], [label]],
    [['spec.signerName', `${'a.'.repeat(126)}ab/x`], ['spec.signerName: Too long: may not be more than 253 bytes']],
    [
      ['spec.expirationSeconds', 599],
      ['spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 600 seconds (10 minutes)'],
    ],
  ])('%j', (change, errors) => {
    expect(createErrors(strategy, changed(csr, change))).toEqual(errors);
  });

  it('record who asked, whatever the client says, and start without a status', () => {
    const object = changed(
      csr,
      ['spec.username', 'root'],
      ['spec.groups', ['system:masters']],
      ['status', { certificate }],
    );
    expect(created(strategy, object)).toMatchObject({
      spec: { username: 'jane', uid: 'u1', groups: ['system:authenticated'], extra: { scopes: ['a'] } },
      status: {},
    });
    const anonymous = { ...strategyContext, user: { name: 'x', groups: [] } };
    expect(Object.keys(created(strategy, object, anonymous)['spec'] as object)).toEqual([
      'request',
      'signerName',
      'usages',
      'username',
    ]);
  });

  it('keep their spec and status on update', () => {
    const object = changed(csr, ['spec.signerName', 'other.com/x'], ['status', { certificate }]);
    const result = updated(strategy, object, csr);
    expect(result['spec']).toEqual(csr['spec']);
    expect(result['status']).toEqual({});
    expect(updateErrors(strategy, object, csr)).toEqual([]);
  });

  it('are found by signer', () => {
    expect(strategy.selectableFields?.(created(strategy, csr))).toEqual({ 'spec.signerName': 'example.com/signer' });
  });
});

const condition = (type: string, value = 'True', more: object = {}) => ({ type, status: value, ...more });
const conditions = (...list: object[]): Change => ['status.conditions', list];

describe('approval', () => {
  it.each<[object[], object[], string[]]>([
    [[], [condition('Approved')], []],
    [[], [condition('Denied')], []],
    [
      [],
      [condition('Approved', 'False')],
      ['status.conditions[0].status: Unsupported value: "False": supported values: "True"'],
    ],
    [
      [],
      [condition('Other', 'Maybe')],
      ['status.conditions[0].status: Unsupported value: "Maybe": supported values: "False", "True", "Unknown"'],
    ],
    [[], [{}], ['status.conditions[0].type: Required value', 'status.conditions[0].status: Required value']],
    [
      [],
      [condition('Approved'), condition('Denied')],
      ['status.conditions[1].type: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive'],
    ],
    [[], [condition('A'), condition('A')], ['status.conditions[1].type: Duplicate value: "A"']],
    [
      [condition('Approved')],
      [],
      ['status.conditions: Forbidden: updates may not remove a condition of type "Approved"'],
    ],
    [[condition('Failed')], [], ['status.conditions: Forbidden: updates may not remove a condition of type "Failed"']],
  ])('%j to %j', (before, after, errors) => {
    expect(updateErrors(approval, changed(csr, conditions(...after)), changed(csr, conditions(...before)))).toEqual(
      errors,
    );
  });

  it('stamps conditions, and changes nothing else', () => {
    const old = changed(csr, [
      'status',
      { certificate, conditions: [condition('A', 'True', { lastTransitionTime: '2020-01-01T00:00:00Z' })] },
    ]);
    const object = changed(csr, conditions(condition('A'), condition('Approved', 'True', { reason: 'Good' })), [
      'spec.signerName',
      'other.com/x',
    ]);
    const result = updated(approval, object, old);
    expect(result['spec']).toEqual(csr['spec']);
    expect(result['status']).toEqual({
      conditions: [
        { type: 'A', status: 'True', lastUpdateTime: strategyContext.now, lastTransitionTime: '2020-01-01T00:00:00Z' },
        {
          type: 'Approved',
          status: 'True',
          reason: 'Good',
          lastUpdateTime: strategyContext.now,
          lastTransitionTime: strategyContext.now,
        },
      ],
      certificate,
    });
  });
});

describe('status', () => {
  const issue = (text: string, old: object = csr): string[] =>
    updateErrors(status, changed(csr, ['status.certificate', text]), old);
  const fault = (detail: string): string => `status.certificate: Invalid value: "<certificate data>": ${detail}`;

  it('takes a certificate once', () => {
    expect(issue(certificate)).toEqual([]);
    const other = base64(Buffer.from(certificate, 'base64').toString() + '\n');
    expect(issue(other, changed(csr, ['status.certificate', certificate]))).toEqual([
      'status.certificate: Forbidden: updates may not modify existing certificate content',
    ]);
  });

  it('takes certificates only', () => {
    expect(issue(base64('abc'))).toEqual([fault('must contain at least one CERTIFICATE PEM block')]);
    expect(issue(pem('PRIVATE KEY', der))).toEqual([
      fault('only CERTIFICATE PEM blocks are allowed, found "PRIVATE KEY"'),
    ]);
    expect(issue(pem('CERTIFICATE', der))).toEqual([fault('x509: malformed certificate')]);
    const text = Buffer.from(certificate, 'base64').toString();
    expect(issue(base64(text.replace('-----\n', '-----\nA: b\n\n')))).toEqual([
      fault('no PEM block headers are permitted'),
    ]);
  });

  it('may fail the request, and neither adds nor changes decisions', () => {
    const old = changed(csr, conditions(condition('Approved', 'True', { reason: 'Good' })));
    const failed = changed(csr, conditions(condition('Approved', 'True', { reason: 'Bad' }), condition('Failed')));
    expect(updateErrors(status, failed, old)).toEqual([]);
    expect(updated(status, failed, old)['status']).toMatchObject({
      conditions: [{ type: 'Approved', reason: 'Good' }, { type: 'Failed' }],
    });
    expect(updateErrors(status, failed, csr)).toEqual([
      'status.conditions: Forbidden: updates may not add a condition of type "Approved"',
    ]);
  });
});
