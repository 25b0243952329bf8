/** Signs certificate requests (`pkg/controller/certificates/authority/{authority,policies}.go`). */
import { createPrivateKey, type webcrypto } from 'node:crypto';
import { parseCertificateRequest } from '@kubets/api/certificates/certificate-request';
import { validityOf } from './signers.ts';

/** Bits of the key usage extension, and oids of the extended ones, by the API's names. */
const keyUsages: Readonly<Record<string, number>> = {
  signing: 1,
  'digital signature': 1,
  'content commitment': 2,
  'key encipherment': 4,
  'data encipherment': 8,
  'key agreement': 16,
  'cert sign': 32,
  'crl sign': 64,
  'encipher only': 128,
  'decipher only': 256,
};

const extendedUsages: Readonly<Record<string, string>> = {
  any: '2.5.29.37.0',
  'server auth': '1.3.6.1.5.5.7.3.1',
  'client auth': '1.3.6.1.5.5.7.3.2',
  'code signing': '1.3.6.1.5.5.7.3.3',
  'email protection': '1.3.6.1.5.5.7.3.4',
  's/mime': '1.3.6.1.5.5.7.3.4',
  'ipsec end system': '1.3.6.1.5.5.7.3.5',
  'ipsec tunnel': '1.3.6.1.5.5.7.3.6',
  'ipsec user': '1.3.6.1.5.5.7.3.7',
  timestamping: '1.3.6.1.5.5.7.3.8',
  'ocsp signing': '1.3.6.1.5.5.7.3.9',
  'microsoft sgc': '1.3.6.1.4.1.311.10.3.3',
  'netscape sgc': '2.16.840.1.113730.4.1',
};

const alternativeNamesOid = '2.5.29.17';

interface SigningAlgorithm {
  readonly name: string;
  readonly hash: string;
  readonly namedCurve?: string;
}

const curves: Readonly<Record<string, SigningAlgorithm>> = {
  prime256v1: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  secp384r1: { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
  secp521r1: { name: 'ECDSA', namedCurve: 'P-521', hash: 'SHA-512' },
};

/** Loaded when the first certificate is signed: most starts do without the 50 ms it takes. */
const x509 = async () => {
  // The container library inside it refuses to load without this polyfill.
  await import('reflect-metadata');
  return await import('@peculiar/x509');
};

async function importKey(pem: string): Promise<{ key: webcrypto.CryptoKey; algorithm: SigningAlgorithm }> {
  const key = createPrivateKey(pem);
  const algorithm =
    key.asymmetricKeyType === 'rsa'
      ? { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
      : curves[key.asymmetricKeyDetails?.namedCurve ?? ''];
  if (algorithm === undefined)
    throw new Error(`a certificate authority cannot have a key of type ${key.asymmetricKeyType}`);
  const der = key.export({ type: 'pkcs8', format: 'der' });
  return { key: await crypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']), algorithm };
}

/** 128 bits, positive and without leading zeros. */
function serialNumber(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x01;
  return Buffer.from(bytes).toString('hex');
}

export interface SigningRequest {
  /** As the API has it: base64 of PEM. */
  readonly request: string;
  readonly usages: readonly string[];
  readonly now: number;
  readonly ttlMs: number;
}

interface Usages {
  readonly flags: number;
  readonly extended: readonly string[];
}

/** Throws for names that are none. */
function usagesOf(names: readonly string[]): Usages {
  const unknown = names.filter((name) => !(name in keyUsages) && !(name in extendedUsages));
  if (unknown.length > 0) throw new Error(`unrecognized usage values: ${JSON.stringify(unknown)}`);
  return {
    flags: names.reduce((flags, name) => flags | (keyUsages[name] ?? 0), 0),
    extended: [...new Set(names.flatMap((name) => extendedUsages[name] ?? []))],
  };
}

export class CertificateAuthority {
  readonly #certificate: string;
  readonly #key: string;

  /** Both PEM. */
  constructor(certificate: string, key: string) {
    this.#certificate = certificate;
    this.#key = key;
  }

  /** A certificate in PEM. Throws for requests that cannot be read or are not signed by their own key, and for unknown usages. */
  async sign({ request, usages, now, ttlMs }: SigningRequest): Promise<string> {
    const { flags, extended } = usagesOf(usages);
    // Reads what the API server has accepted, with its texts for what is wrong.
    parseCertificateRequest(request);
    const lib = await x509();
    const asked = new lib.Pkcs10CertificateRequest(Buffer.from(request, 'base64').toString('latin1'));
    if (!(await asked.verify())) throw new Error('the signature of the request is not that of its key');
    const issuer = new lib.X509Certificate(this.#certificate);
    const { key, algorithm } = await importKey(this.#key);
    const { notBefore, notAfter } = validityOf(now, ttlMs, issuer.notAfter.getTime());
    const names = asked.getExtension(alternativeNamesOid);
    const certificate = await lib.X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject: asked.subjectName,
      issuer: issuer.subjectName,
      notBefore: new Date(notBefore),
      notAfter: new Date(notAfter),
      signingAlgorithm: { ...algorithm, ...key.algorithm },
      publicKey: asked.publicKey,
      signingKey: key,
      extensions: [
        ...(flags === 0 ? [] : [new lib.KeyUsagesExtension(flags, true)]),
        ...(extended.length === 0 ? [] : [new lib.ExtendedKeyUsageExtension([...extended])]),
        new lib.BasicConstraintsExtension(false, undefined, true),
        await lib.AuthorityKeyIdentifierExtension.create(issuer),
        ...(names === null ? [] : [names]),
      ],
    });
    return `${certificate.toString('pem')}\n`;
  }
}
