/** Tokens that live in secrets and do not expire (`pkg/serviceaccount/legacy.go`, `jwt.go`). */
import { createHash, createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto';
import type { Secret, ServiceAccount } from '@kubets/api/types/core-v1';

interface Algorithm {
  readonly name: string;
  readonly hash: string;
}

const byCurve: Readonly<Record<string, Algorithm>> = {
  prime256v1: { name: 'ES256', hash: 'sha256' },
  secp384r1: { name: 'ES384', hash: 'sha384' },
  secp521r1: { name: 'ES512', hash: 'sha512' },
};

function algorithmOf(key: KeyObject): Algorithm {
  if (key.asymmetricKeyType === 'rsa') return { name: 'RS256', hash: 'sha256' };
  const algorithm = byCurve[key.asymmetricKeyDetails?.namedCurve ?? ''];
  if (algorithm === undefined)
    throw new Error(`unknown private key type ${key.asymmetricKeyType}, must be RSA or ECDSA`);
  return algorithm;
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Base64url of SHA-256 over the public key: verifiers find the key by it. */
const keyId = (key: KeyObject): string =>
  createHash('sha256')
    .update(createPublicKey(key).export({ type: 'spki', format: 'der' }))
    .digest('base64url');

/** Signs with one key: RS256 for RSA keys, ES256 to ES512 by curve. */
export class LegacyTokenSigner {
  readonly #key: KeyObject;
  readonly #algorithm: Algorithm;
  readonly #header: string;

  /** Throws for keys that are no RSA or ECDSA key in PEM. */
  constructor(pem: string) {
    this.#key = createPrivateKey(pem);
    this.#algorithm = algorithmOf(this.#key);
    this.#header = encode({ alg: this.#algorithm.name, kid: keyId(this.#key) });
  }

  /** A token that says that it is the service account's, and holds as long as the secret does. */
  sign(account: Readonly<ServiceAccount>, secret: Readonly<Secret>): string {
    const { name = '', namespace = '', uid = '' } = account.metadata;
    const prefix = 'kubernetes.io/serviceaccount';
    const claims = {
      iss: 'kubernetes/serviceaccount',
      [`${prefix}/namespace`]: namespace,
      [`${prefix}/secret.name`]: secret.metadata.name ?? '',
      [`${prefix}/service-account.name`]: name,
      [`${prefix}/service-account.uid`]: uid,
      sub: `system:serviceaccount:${namespace}:${name}`,
    };
    const signed = `${this.#header}.${encode(claims)}`;
    const key = { key: this.#key, dsaEncoding: 'ieee-p1363' as const };
    return `${signed}.${sign(this.#algorithm.hash, Buffer.from(signed), key).toString('base64url')}`;
  }
}
