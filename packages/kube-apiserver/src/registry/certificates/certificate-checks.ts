/** Cryptographic checks of certificate requests and certificates (Go's `x509.CertificateRequest.CheckSignature`, `x509.ParseCertificates`). */
import { constants, createPublicKey, verify, X509Certificate, type KeyObject } from 'node:crypto';
import { parseCertificateRequest, type CertificateRequest } from '@kubets/api/certificates/certificate-request';
import type { CertificateChecks } from '@kubets/api/certificates/validation/certificate-signing-request';

interface Algorithm {
  /** Of the digest; `undefined` for algorithms that hash by themselves. */
  readonly digest: string | undefined;
  readonly keyType: 'rsa' | 'ec' | 'ed25519';
  readonly pss?: boolean;
  readonly failure: string;
}

const rsa = (digest: string): Algorithm => ({ digest, keyType: 'rsa', failure: 'crypto/rsa: verification error' });
const ec = (digest: string): Algorithm => ({ digest, keyType: 'ec', failure: 'x509: ECDSA verification failure' });

/** By dotted numbers. Go accepts no others: MD5 and SHA-1 are broken. */
const algorithms: Readonly<Record<string, Algorithm>> = {
  '1.2.840.113549.1.1.11': rsa('sha256'),
  '1.2.840.113549.1.1.12': rsa('sha384'),
  '1.2.840.113549.1.1.13': rsa('sha512'),
  '1.2.840.10045.4.3.2': ec('sha256'),
  '1.2.840.10045.4.3.3': ec('sha384'),
  '1.2.840.10045.4.3.4': ec('sha512'),
  '1.3.101.112': { digest: undefined, keyType: 'ed25519', failure: 'x509: Ed25519 verification failure' },
};

const pssOid = '1.2.840.113549.1.1.10';
const insecure: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.4': 'MD5-RSA',
  '1.2.840.113549.1.1.5': 'SHA1-RSA',
  '1.2.840.10045.4.1': 'ECDSA-SHA1',
};
/** The last byte of the digest's object identifier 2.16.840.1.101.3.4.2.x, which the parameters of RSA-PSS carry. */
const pssDigests: Readonly<Record<number, string>> = { 1: 'sha256', 2: 'sha384', 3: 'sha512' };
const digestOidPrefix = '6086480165030402';

function pssAlgorithm(parameters: Uint8Array): Algorithm | undefined {
  const text = Buffer.from(parameters).toString('hex');
  const at = text.indexOf(digestOidPrefix);
  const digest = at < 0 ? undefined : pssDigests[Number.parseInt(text.slice(at + 16, at + 18), 16)];
  return digest === undefined ? undefined : { ...rsa(digest), pss: true };
}

function algorithmOf({ signatureAlgorithm: { oid, parameters } }: CertificateRequest): Algorithm | undefined {
  return oid === pssOid ? pssAlgorithm(parameters) : algorithms[oid];
}

function verifies(request: CertificateRequest, algorithm: Algorithm, key: KeyObject): boolean {
  const padding = algorithm.pss === true ? constants.RSA_PKCS1_PSS_PADDING : undefined;
  const saltLength = padding === undefined ? undefined : constants.RSA_PSS_SALTLEN_AUTO;
  const options = { key, ...(padding !== undefined && { padding, saltLength }) };
  return verify(algorithm.digest, request.signedBytes, options, request.signature);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A request proves that whoever asks holds the key. */
function signatureFault(request: CertificateRequest): string | undefined {
  const broken = insecure[request.signatureAlgorithm.oid];
  if (broken !== undefined) return `x509: cannot verify signature: insecure algorithm ${broken}`;
  const algorithm = algorithmOf(request);
  if (algorithm === undefined) return 'x509: cannot verify signature: algorithm unimplemented';
  const key = createPublicKey({ key: Buffer.from(request.publicKey), format: 'der', type: 'spki' });
  if (key.asymmetricKeyType !== algorithm.keyType) {
    return "x509: signature algorithm specifies a different kind of key than the request's";
  }
  return verifies(request, algorithm, key) ? undefined : algorithm.failure;
}

/** The checks with Node's cryptography. */
export const certificateChecks: CertificateChecks = {
  request(text) {
    try {
      return signatureFault(parseCertificateRequest(text));
    } catch (error) {
      return messageOf(error);
    }
  },
  certificate(der) {
    try {
      // The constructor reads the certificate, and throws when it cannot.
      return new X509Certificate(der) instanceof X509Certificate ? undefined : 'x509: malformed certificate';
    } catch {
      return 'x509: malformed certificate';
    }
  },
};
