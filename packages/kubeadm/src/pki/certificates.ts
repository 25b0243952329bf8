/**
 * X.509 certificates with `@peculiar/x509` and ECDSA P-256 keys.
 *
 * kubeadm makes RSA 2048 keys unless told otherwise; P-256 is one of the algorithms it offers
 * (`ClusterConfiguration.encryptionAlgorithm`), is made in a millisecond and shakes hands faster.
 */
import { createPrivateKey, createPublicKey, type webcrypto } from 'node:crypto';
import type { Clock } from '@kubets/apimachinery/clock';

/** PEM texts. The key is PKCS #8. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

export interface AuthorityRequest {
  readonly commonName: string;
  readonly years: number;
  readonly clock: Clock;
  /** PEM of a key to make the certificate for; default: a new one. */
  readonly key?: string;
}

export interface LeafRequest {
  readonly commonName: string;
  readonly organizations?: readonly string[];
  readonly usages: readonly ('server' | 'client')[];
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  readonly days: number;
  readonly clock: Clock;
}

/** Keys we make. Authorities of others may have RSA keys. */
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const dayMs = 86_400_000;
/** Clocks differ: certificates are valid from a little before they are made, as kubeadm's are. */
const backdateMs = 300_000;

/** Loaded only when a certificate has to be made: later starts do without the 50 ms it takes. */
const x509 = async () => {
  // The container library inside it refuses to load without this polyfill.
  await import('reflect-metadata');
  return await import('@peculiar/x509');
};

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
}

function toPem(label: string, der: ArrayBuffer): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

async function privateKeyPem(key: CryptoKey): Promise<string> {
  return toPem('PRIVATE KEY', await crypto.subtle.exportKey('pkcs8', key));
}

const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } as const;

/** Both halves of a private key in any PEM form. Throws for keys that are neither P-256 nor RSA. */
async function importKeys(pem: string): Promise<webcrypto.CryptoKeyPair> {
  const key = createPrivateKey(pem);
  const kind = key.asymmetricKeyType === 'rsa' ? rsa : algorithm;
  const privateDer = key.export({ type: 'pkcs8', format: 'der' });
  const publicDer = createPublicKey(key).export({ type: 'spki', format: 'der' });
  return {
    privateKey: await crypto.subtle.importKey('pkcs8', privateDer, kind, true, ['sign']),
    publicKey: await crypto.subtle.importKey('spki', publicDer, kind, true, ['verify']),
  };
}

function serialNumber(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  // Positive and without leading zeros, as RFC 5280 section 4.1.2.2 asks.
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x01;
  return Buffer.from(bytes).toString('hex');
}

/** A self-signed certificate authority. */
export async function createAuthority(request: AuthorityRequest): Promise<KeyPair> {
  const lib = await x509();
  const keys = request.key === undefined ? await generateKeys() : await importKeys(request.key);
  const now = request.clock.now();
  const certificate = await lib.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: [request.commonName] }],
    notBefore: new Date(now - backdateMs),
    notAfter: new Date(now + request.years * 365 * dayMs),
    signingAlgorithm: { ...algorithm, ...keys.privateKey.algorithm },
    keys,
    extensions: [
      new lib.BasicConstraintsExtension(true, undefined, true),
      new lib.KeyUsagesExtension(
        lib.KeyUsageFlags.digitalSignature | lib.KeyUsageFlags.keyEncipherment | lib.KeyUsageFlags.keyCertSign,
        true,
      ),
      await lib.SubjectKeyIdentifierExtension.create(keys.publicKey),
      new lib.SubjectAlternativeNameExtension([{ type: 'dns', value: request.commonName }]),
    ],
  });
  return {
    certificate: `${certificate.toString('pem')}\n`,
    key: request.key ?? (await privateKeyPem(keys.privateKey)),
  };
}

/** A certificate with a new key, signed by `authority`. */
export async function createLeaf(authority: KeyPair, request: LeafRequest): Promise<KeyPair> {
  const lib = await x509();
  const keys = await generateKeys();
  const issuer = new lib.X509Certificate(authority.certificate);
  const { privateKey: signingKey } = await importKeys(authority.key);
  const now = request.clock.now();
  const usageOid = { server: lib.ExtendedKeyUsage.serverAuth, client: lib.ExtendedKeyUsage.clientAuth };
  const alternatives = [
    ...(request.dnsNames ?? []).map((value) => ({ type: 'dns' as const, value })),
    ...(request.ipAddresses ?? []).map((value) => ({ type: 'ip' as const, value })),
  ];
  const certificate = await lib.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [...(request.organizations ?? []).map((o) => ({ O: [o] })), { CN: [request.commonName] }],
    issuer: issuer.subjectName,
    notBefore: new Date(now - backdateMs),
    notAfter: new Date(Math.min(now + request.days * dayMs, issuer.notAfter.getTime())),
    signingAlgorithm: { ...algorithm, ...signingKey.algorithm },
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new lib.BasicConstraintsExtension(false, undefined, true),
      new lib.KeyUsagesExtension(lib.KeyUsageFlags.digitalSignature | lib.KeyUsageFlags.keyEncipherment, true),
      new lib.ExtendedKeyUsageExtension(request.usages.map((u) => usageOid[u])),
      await lib.AuthorityKeyIdentifierExtension.create(issuer),
      ...(alternatives.length > 0 ? [new lib.SubjectAlternativeNameExtension(alternatives)] : []),
    ],
  });
  return { certificate: `${certificate.toString('pem')}\n`, key: await privateKeyPem(keys.privateKey) };
}

/** A bare signing key pair (service accounts): private PKCS #8 and public SPKI, both PEM. */
export async function createSigningKey(): Promise<{ privateKey: string; publicKey: string }> {
  const keys = await generateKeys();
  return {
    privateKey: await privateKeyPem(keys.privateKey),
    publicKey: toPem('PUBLIC KEY', await crypto.subtle.exportKey('spki', keys.publicKey)),
  };
}

/** The public half, SPKI PEM, of a private key in any PEM form. Throws when it is none. */
export function publicKeyOf(privateKey: string): string {
  return createPublicKey(createPrivateKey(privateKey)).export({ type: 'spki', format: 'pem' }).toString();
}
