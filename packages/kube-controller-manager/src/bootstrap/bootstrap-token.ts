/** Secrets with tokens by which nodes join (`cluster-bootstrap/util/secrets`, `cluster-bootstrap/token/jws`). */
import { createHmac } from 'node:crypto';
import type { Secret } from '@kubets/api/types/core-v1';

const tokenSecretType = 'bootstrap.kubernetes.io/token';
export const tokenNamespace = 'kube-system';

const namePattern = /^bootstrap-token-([a-z0-9]{6})$/;
const timePattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/;

export const isTokenSecret = (secret: Readonly<Secret>): boolean =>
  secret.type === tokenSecretType && secret.metadata.namespace === tokenNamespace;

const dataOf = (secret: Readonly<Secret>, key: string): string =>
  Buffer.from(secret.data?.[key] ?? '', 'base64').toString();

/**
 * How long the token still lasts, in milliseconds: 0 when it has expired, or when that cannot be read; `undefined` when it does
 * not expire (`GetExpiration`).
 */
export function remainingMs(secret: Readonly<Secret>, now: number): number | undefined {
  const expiration = dataOf(secret, 'expiration');
  if (expiration === '') return undefined;
  const at = timePattern.test(expiration) ? Date.parse(expiration) : Number.NaN;
  return Number.isNaN(at) ? 0 : Math.max(0, at - now);
}

/** The id and secret of a token that may sign; `undefined` for all others. */
export function signingToken(secret: Readonly<Secret>, now: number): { id: string; secret: string } | undefined {
  if (!isTokenSecret(secret) || secret.metadata.deletionTimestamp !== undefined) return undefined;
  const id = dataOf(secret, 'token-id');
  const tokenSecret = dataOf(secret, 'token-secret');
  const named = namePattern.exec(secret.metadata.name ?? '')?.[1];
  if (tokenSecret === '' || named === undefined || named !== id) return undefined;
  if (remainingMs(secret, now) === 0 || dataOf(secret, 'usage-bootstrap-signing') !== 'true') return undefined;
  return { id, secret: tokenSecret };
}

const encode = (text: string): string => Buffer.from(text).toString('base64url');

/** A JSON web signature without its payload: `header..signature` (`ComputeDetachedSignature`). */
export function detachedSignature(content: string, id: string, secret: string): string {
  const header = encode(JSON.stringify({ alg: 'HS256', kid: id }));
  const signature = createHmac('sha256', secret)
    .update(`${header}.${encode(content)}`)
    .digest('base64url');
  return `${header}..${signature}`;
}
