import { X509Certificate, type webcrypto } from 'node:crypto';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CertificateSigningRequest } from '@kubets/api/types/certificates-v1';
import { isNotFound } from '@kubets/apimachinery/status';
import { kubeClient } from '@kubets/client';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { certificateApprovingController } from './approving-controller.ts';
import { certificateCleanerController } from './cleaner-controller.ts';
import { certificateSigningController } from './signing-controller.ts';

type Csr = CertificateSigningRequest;

const ec = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const rsa = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  publicExponent: new Uint8Array([1, 0, 1]),
  modulusLength: 2048,
} as const;

const pem = (label: string, der: ArrayBuffer): string => x509.PemConverter.encode(der, label);

async function authority(algorithm: typeof ec | typeof rsa) {
  const keys = await crypto.subtle.generateKey(algorithm as webcrypto.EcKeyGenParams, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=ca',
    notBefore: new Date(Date.UTC(2025, 0, 1)),
    notAfter: new Date(Date.UTC(2036, 0, 1)),
    signingAlgorithm: algorithm,
    keys: keys as webcrypto.CryptoKeyPair,
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
  });
  const key = pem('PRIVATE KEY', await crypto.subtle.exportKey('pkcs8', (keys as webcrypto.CryptoKeyPair).privateKey));
  return { certificate: certificate.toString('pem'), key };
}

interface Asked {
  readonly name: string;
  readonly organization?: string;
  readonly dns?: readonly string[];
}

async function request({ name, organization = 'system:nodes', dns = [] }: Asked): Promise<string> {
  const keys = await crypto.subtle.generateKey(ec, true, ['sign', 'verify']);
  const generated = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ O: [organization] }, { CN: [name] }],
    keys: keys as webcrypto.CryptoKeyPair,
    signingAlgorithm: ec,
    extensions:
      dns.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(dns.map((value) => ({ type: 'dns', value })))],
  });
  return Buffer.from(generated.toString('pem')).toString('base64');
}

let ca: { certificate: string; key: string };
let rsaCa: { certificate: string; key: string };
beforeAll(async () => {
  ca = await authority(ec);
  rsaCa = await authority(rsa);
});

const csr = (name: string, spec: Pick<Csr['spec'], 'request'> & Partial<Csr['spec']>): Csr => ({
  metadata: { name },
  spec: {
    signerName: 'kubernetes.io/kube-apiserver-client',
    usages: ['digital signature', 'client auth'],
    ...spec,
  },
});

async function approve({ client }: ControllerFixture, created: Readonly<Csr>, type = 'Approved'): Promise<void> {
  const conditions = [{ type, status: 'True' as const, reason: 'Test' }];
  await client
    .certificateSigningRequests()
    .updateSubresource({ ...created, status: { ...created.status, conditions } }, 'approval');
}

const certificateOf = async ({ client }: ControllerFixture, name: string): Promise<X509Certificate | undefined> => {
  const { status } = await client.certificateSigningRequests().get(name);
  if (status?.certificate === undefined) return undefined;
  return new X509Certificate(Buffer.from(status.certificate, 'base64'));
};

const failureOf = async ({ client }: ControllerFixture, name: string): Promise<string | undefined> => {
  const { status } = await client.certificateSigningRequests().get(name);
  const failed = status?.conditions?.find(({ type }) => type === 'Failed');
  return failed && `${failed.reason}: ${failed.message}`;
};

const signing = (clusterSigning = ca): Promise<ControllerFixture> =>
  ControllerFixture.start([certificateSigningController], { options: { clusterSigning } });

describe('certificate signing', () => {
  it('signs what is approved, and nothing else', async () => {
    await using fixture = await signing();
    const { client, clock } = fixture;
    const created = await client
      .certificateSigningRequests()
      .create(csr('a', { request: await request({ name: 'jane', organization: 'dev' }), expirationSeconds: 3600 }));
    await client.certificateSigningRequests().create(csr('b', { request: created.spec.request }));
    await approve(fixture, created);
    await fixture.until(async () => (await certificateOf(fixture, 'a')) !== undefined);
    const certificate = await certificateOf(fixture, 'a');
    expect(certificate?.verify(new X509Certificate(ca.certificate).publicKey)).toBe(true);
    expect(certificate?.subject).toBe('O=dev\nCN=jane');
    expect(certificate?.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(certificate?.ca).toBe(false);
    expect((certificate?.validFromDate.getTime() ?? 0) - clock.now()).toBeLessThanOrEqual(-300_000);
    expect(certificate?.validToDate.getTime()).toBe(Date.UTC(2026, 0, 1, 1));
    expect(await certificateOf(fixture, 'b')).toBeUndefined();
    expect(fixture.errors).toEqual([]);
  });

  it('signs kubelets with their names, also with RSA', async () => {
    await using fixture = await signing(rsaCa);
    const created = await fixture.client.certificateSigningRequests().create(
      csr('a', {
        signerName: 'kubernetes.io/kubelet-serving',
        usages: ['digital signature', 'server auth'],
        request: await request({ name: 'system:node:n', dns: ['n.example.com'] }),
      }),
    );
    await approve(fixture, created);
    await fixture.until(async () => (await certificateOf(fixture, 'a')) !== undefined);
    const certificate = await certificateOf(fixture, 'a');
    expect(certificate?.subjectAltName).toBe('DNS:n.example.com');
    expect(certificate?.verify(new X509Certificate(rsaCa.certificate).publicKey)).toBe(true);
  });

  it.each<[string, Asked, Partial<Csr['spec']>, string]>([
    [
      'other usages of clients',
      { name: 'jane' },
      { usages: ['server auth'] },
      'invalid usage for client certificate: server auth',
    ],
    [
      'clients without their usage',
      { name: 'jane' },
      { usages: ['digital signature'] },
      'missing required usage for client certificate: client auth',
    ],
    [
      'kubelets without names',
      { name: 'system:node:n' },
      { signerName: 'kubernetes.io/kubelet-serving', usages: ['digital signature', 'server auth'] },
      'DNS or IP subjectAltName is required',
    ],
    [
      'kubelets of other usages',
      { name: 'system:node:n' },
      { signerName: 'kubernetes.io/kube-apiserver-client-kubelet', usages: ['client auth'] },
      'usages did not match [client auth digital signature key encipherment]',
    ],
    [
      'kubelets of another group',
      { name: 'system:node:n', organization: 'dev' },
      { signerName: 'kubernetes.io/kube-apiserver-client-kubelet' },
      'subject organization is not system:nodes',
    ],
  ])('refuses %s, once and for all', async (_name, asked, spec, message) => {
    await using fixture = await signing();
    const created = await fixture.client
      .certificateSigningRequests()
      .create(csr('a', { request: await request(asked), ...spec }));
    await approve(fixture, created);
    await fixture.until(async () => (await failureOf(fixture, 'a')) !== undefined);
    expect(await failureOf(fixture, 'a')).toBe(`SignerValidationFailure: ${message}`);
    const { metadata } = await fixture.client.certificateSigningRequests().get('a');
    await fixture.advance(5_000);
    expect((await fixture.client.certificateSigningRequests().get('a')).metadata.resourceVersion).toBe(
      metadata.resourceVersion,
    );
    expect(fixture.errors).toEqual([]);
  });

  it('leaves the signers of others alone', async () => {
    await using fixture = await signing();
    const created = await fixture.client
      .certificateSigningRequests()
      .create(csr('a', { request: await request({ name: 'jane' }), signerName: 'example.com/signer' }));
    await approve(fixture, created);
    await fixture.advance(5_000);
    expect(await certificateOf(fixture, 'a')).toBeUndefined();
    expect(await failureOf(fixture, 'a')).toBeUndefined();
  });
});

describe('certificate approval', () => {
  const kubelet = { signerName: 'kubernetes.io/kube-apiserver-client-kubelet' };

  async function approvalOf({ client }: ControllerFixture, name: string): Promise<string | undefined> {
    const { status } = await client.certificateSigningRequests().get(name);
    return status?.conditions?.find(({ type }) => type === 'Approved')?.message;
  }

  it('lets nodes renew their own, and those who may ask for others', async () => {
    await using fixture = await ControllerFixture.start([certificateApprovingController]);
    const { client, plane } = fixture;
    const node = kubeClient(plane.transport('system:node:n', ['system:nodes', 'system:authenticated']));
    const joining = kubeClient(plane.transport('joining', ['system:bootstrappers', 'system:authenticated']));
    const body = await request({ name: 'system:node:n' });
    await node.certificateSigningRequests().create(csr('own', { request: body, ...kubelet }));
    const grant = (name: string, role: string, group: string) =>
      client.clusterRoleBindings().create({
        metadata: { name },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
        subjects: [{ kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: group }],
      });
    await grant('create', 'system:node-bootstrapper', 'system:bootstrappers');
    await joining.certificateSigningRequests().create(csr('other', { request: body, ...kubelet }));
    await fixture.advance(1_000);
    expect(await approvalOf(fixture, 'own')).toBeUndefined();
    expect(await approvalOf(fixture, 'other')).toBeUndefined();
    await grant('self', 'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient', 'system:nodes');
    await grant('any', 'system:certificates.k8s.io:certificatesigningrequests:nodeclient', 'system:bootstrappers');
    await fixture.until(async () => (await approvalOf(fixture, 'other')) !== undefined);
    await fixture.until(async () => (await approvalOf(fixture, 'own')) !== undefined);
    expect(await approvalOf(fixture, 'own')).toBe(
      'Auto approving self kubelet client certificate after SubjectAccessReview.',
    );
    expect(await approvalOf(fixture, 'other')).toBe(
      'Auto approving kubelet client certificate after SubjectAccessReview.',
    );
    expect(fixture.errors).toEqual([]);
  });

  it('decides on nothing else', async () => {
    await using fixture = await ControllerFixture.start([certificateApprovingController]);
    const { client } = fixture;
    await client.certificateSigningRequests().create(csr('a', { request: await request({ name: 'jane' }) }));
    const denied = await client
      .certificateSigningRequests()
      .create(csr('b', { request: await request({ name: 'system:node:n' }), ...kubelet }));
    await approve(fixture, denied, 'Denied').catch(() => undefined);
    await fixture.advance(2_000);
    expect(await approvalOf(fixture, 'a')).toBeUndefined();
  });
});

describe('certificate cleaner', () => {
  it('removes what is past its use, and only that', async () => {
    await using fixture = await ControllerFixture.start([certificateCleanerController, certificateSigningController], {
      options: { clusterSigning: ca },
    });
    const { client } = fixture;
    const body = await request({ name: 'jane' });
    const names = async (): Promise<string> =>
      (await client.certificateSigningRequests().list()).items.map(({ metadata }) => metadata.name).join(',');
    for (const name of ['denied', 'issued', 'pending']) {
      const created = await client.certificateSigningRequests().create(csr(name, { request: body }));
      if (name !== 'pending') await approve(fixture, created, name === 'denied' ? 'Denied' : 'Approved');
    }
    await fixture.until(async () => (await certificateOf(fixture, 'issued')) !== undefined);
    await fixture.advance(50 * 60_000);
    expect(await names()).toBe('denied,issued,pending');
    await fixture.until(async () => (await names()) === 'pending', { stepMs: 600_000, steps: 20 });
    const isGone = (): Promise<boolean> =>
      client
        .certificateSigningRequests()
        .get('pending')
        .then(() => false, isNotFound);
    await fixture.until(isGone, { stepMs: 1_800_000, steps: 60 });
  });
});
