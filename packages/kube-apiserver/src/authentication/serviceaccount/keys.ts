/** Keys that sign and verify service account tokens (`pkg/serviceaccount/jwt.go`, `client-go/util/keyutil/key.go`). */
import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

export type TokenAlgorithm = 'RS256' | 'ES256' | 'ES384' | 'ES512';

export interface VerificationKey {
  readonly key: KeyObject;
  readonly id: string;
  readonly algorithm: TokenAlgorithm;
}

const curves: Readonly<Record<string, TokenAlgorithm>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
};

/** The JWS algorithm that goes with a key. Throws an Error for keys of other kinds. */
export function algorithmOf(key: KeyObject): TokenAlgorithm {
  if (key.asymmetricKeyType === 'rsa') return 'RS256';
  const curve = key.asymmetricKeyType === 'ec' ? key.asymmetricKeyDetails?.namedCurve : undefined;
  const algorithm = curve === undefined ? undefined : curves[curve];
  if (algorithm === undefined)
    throw new Error('unknown private key type, must be *rsa.PrivateKey or *ecdsa.PrivateKey');
  return algorithm;
}

/** Base64url of SHA-256 over the public key's DER, as upstream names keys in `kid`. */
export function keyId(publicKey: KeyObject): string {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64url');
}

/** A private key from PEM. Throws an Error for anything else. */
export function parseSigningKey(pem: string): KeyObject {
  const key = createPrivateKey(pem);
  algorithmOf(key);
  return key;
}

const pemBlock = /-----BEGIN ([A-Z ]+)-----[\s\S]+?-----END \1-----/g;

/** All keys of a PEM file: public keys, certificates, or private keys, whose public half is used. Throws without any. */
export function parseVerificationKeys(pem: string): VerificationKey[] {
  const keys = [...pem.matchAll(pemBlock)]
    .filter(([, label]) => label !== 'EC PARAMETERS')
    .map(([block]) => verificationKey(createPublicKey(block)));
  if (keys.length === 0) throw new Error('data does not contain any valid RSA or ECDSA public keys');
  return keys;
}

/** The public half of a key, with its name and algorithm. */
export function verificationKey(key: KeyObject): VerificationKey {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return { key: publicKey, id: keyId(publicKey), algorithm: algorithmOf(publicKey) };
}
