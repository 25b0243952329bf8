/** Throw-away certificates for tests. */
import type { webcrypto } from 'node:crypto';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import type { TlsMaterial } from '../tls.ts';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export interface TestCertificate {
  readonly certificate: string;
  readonly key: string;
}

export class TestCa {
  readonly certificate: x509.X509Certificate;
  readonly #keys: webcrypto.CryptoKeyPair;

  private constructor(certificate: x509.X509Certificate, keys: webcrypto.CryptoKeyPair) {
    this.certificate = certificate;
    this.#keys = keys;
  }

  static async create(name: string): Promise<TestCa> {
    const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      name: `CN=${name}`,
      keys,
      notBefore: new Date(Date.now() - 60_000),
      notAfter: new Date(Date.now() + 86_400_000),
      signingAlgorithm: algorithm,
      extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
    });
    return new TestCa(certificate, keys);
  }

  get pem(): string {
    return this.certificate.toString('pem');
  }

  async issue(subject: string, usage: 'server' | 'client', notAfter = new Date(Date.now() + 3_600_000)) {
    const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const certificate = await x509.X509CertificateGenerator.create({
      subject,
      issuer: this.certificate.subject,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: algorithm,
      notBefore: new Date(Date.now() - 7_200_000),
      notAfter,
      extensions: [
        new x509.ExtendedKeyUsageExtension([
          usage === 'server' ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth,
        ]),
        new x509.SubjectAlternativeNameExtension([
          { type: 'dns', value: 'localhost' },
          { type: 'ip', value: '127.0.0.1' },
        ]),
      ],
    });
    const der = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
    const key = x509.PemConverter.encode(der, 'PRIVATE KEY');
    return { certificate: certificate.toString('pem'), key } satisfies TestCertificate;
  }
}

export interface TestPki {
  readonly ca: TestCa;
  readonly frontProxyCa: TestCa;
  readonly admin: TestCertificate;
  readonly material: TlsMaterial;
}

let shared: Promise<TestPki> | undefined;

async function make(): Promise<TestPki> {
  const [ca, frontProxyCa] = await Promise.all([TestCa.create('test-ca'), TestCa.create('test-front-proxy-ca')]);
  const serving = await ca.issue('CN=kube-apiserver', 'server');
  const admin = await ca.issue('O=system:masters, CN=admin', 'client');
  const material = { ...serving, clientCas: [ca.pem], frontProxyCas: [frontProxyCa.pem] };
  return { ca, frontProxyCa, admin, material };
}

/** One set per test process: making keys takes time. */
export function testPki(): Promise<TestPki> {
  shared ??= make();
  return shared;
}
