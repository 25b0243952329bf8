/**
 * Whether the objects that a token names are still there
 * (`pkg/serviceaccount/claims.go` validator.Validate, `legacy.go` legacyValidator.Validate).
 */
import type { ApiObject } from '@kubets/apimachinery/meta';
import type { CacheDirectory, CachedObject, ResourceCache } from '../../storage/cache.ts';
import { BadTokenError } from '../errors.ts';
import type { ObjectClaim, TokenClaims } from './claims.ts';

/** Clocks may differ by this much. */
export const leewaySeconds = 60;

const invalidSinceLabel = 'kubernetes.io/legacy-token-invalid-since';
const invalidated = 'service account token has been invalidated';

/** What was looked at, so that the next request need not look again while nothing changed. */
export interface Witness {
  readonly cache: ResourceCache;
  readonly entry: CachedObject;
}

export interface Validation {
  /** Every object the answer rests on. Empty when the answer depends on the time too. */
  readonly witnesses: readonly Witness[];
}

/** `exp`, `nbf` and `iat` with the leeway. `now` in seconds. Throws {@link BadTokenError}. */
export function validateTimes(claims: TokenClaims, now: number): void {
  if (claims.nbf !== undefined && now + leewaySeconds < claims.nbf) {
    throw new BadTokenError('service account token is not valid yet');
  }
  if (claims.exp !== undefined && now - leewaySeconds > claims.exp) {
    throw new BadTokenError('service account token has expired');
  }
  if (claims.iat !== undefined && now + leewaySeconds < claims.iat) {
    throw new BadTokenError('service account token is issued in the future');
  }
}

/** Looks objects up in the caches. */
export class TokenObjectValidator {
  readonly #serviceAccounts: ResourceCache;
  readonly #secrets: ResourceCache;
  readonly #pods: ResourceCache;
  readonly #nodes: ResourceCache;

  constructor(caches: CacheDirectory) {
    const of = (resource: string): ResourceCache => caches.of({ group: '', resource });
    this.#serviceAccounts = of('serviceaccounts');
    this.#secrets = of('secrets');
    this.#pods = of('pods');
    this.#nodes = of('nodes');
  }

  /** For tokens with the `kubernetes.io` claim. `now` in seconds. Throws {@link BadTokenError}. */
  validateBound(claims: TokenClaims, now: number): Validation {
    const bound = claims['kubernetes.io'];
    if (bound?.serviceaccount?.name === undefined || bound.namespace === undefined) {
      throw new BadTokenError('service account token claims could not be validated due to unexpected private claim');
    }
    const { namespace, serviceaccount, secret, pod, node } = bound;
    const check = new Checks(now);
    this.#checkServiceAccount(check, { namespace, name: serviceaccount.name, uid: serviceaccount.uid ?? '' });
    if (secret !== undefined) check.bound(this.#secrets, { kind: 'secret', namespace, claim: secret });
    if (pod !== undefined) check.bound(this.#pods, { kind: 'pod', namespace, claim: pod });
    else if (node !== undefined) check.bound(this.#nodes, { kind: 'node', namespace: '', claim: node });
    return check.result();
  }

  /** For tokens kept in secrets. `now` in seconds. Throws {@link BadTokenError}. */
  validateLegacy(claims: TokenClaims, token: string, now: number): Validation {
    const { namespace, secretName, name, uid } = legacyClaims(claims);
    const check = new Checks(now);
    const secret = this.#secrets.get(namespace, secretName);
    if (secret === undefined) throw new BadTokenError('Token has been invalidated');
    const data = (secret.object as ApiObject & { data?: Record<string, string> }).data?.['token'] ?? '';
    if (Buffer.from(data, 'base64').toString('utf8') !== token)
      throw new BadTokenError("Token does not match server's copy");
    if (!check.alive(this.#secrets, secret)) throw new BadTokenError('Token has been invalidated');
    if ((secret.labels?.[invalidSinceLabel] ?? '') !== '') {
      throw new BadTokenError(
        `the token in secret ${namespace}/${secretName} for service account ${namespace}/${name} has been marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the '${invalidSinceLabel}' label from the secret to temporarily allow use of this token`,
      );
    }
    this.#checkServiceAccount(check, { namespace, name, uid });
    return check.result();
  }

  #checkServiceAccount(check: Checks, wanted: { namespace: string; name: string; uid: string }): void {
    const { namespace, name, uid } = wanted;
    const entry = this.#serviceAccounts.get(namespace, name);
    if (entry === undefined) throw new BadTokenError(`serviceaccounts ${JSON.stringify(name)} not found`);
    if (!check.alive(this.#serviceAccounts, entry)) {
      throw new BadTokenError(`service account ${namespace}/${name} has been deleted`);
    }
    const actual = entry.object.metadata.uid ?? '';
    if (actual !== uid) throw new BadTokenError(`service account UID (${actual}) does not match claim (${uid})`);
  }
}

/** Collects what a validation rests on. */
class Checks {
  readonly #witnesses: Witness[] = [];
  readonly #invalidBefore: number;
  #timeless = true;

  constructor(now: number) {
    this.#invalidBefore = (now - leewaySeconds) * 1000;
  }

  /** False for what has been marked as deleted for longer than the leeway. */
  alive(cache: ResourceCache, entry: CachedObject): boolean {
    this.#witnesses.push({ cache, entry });
    const deleted = entry.object.metadata.deletionTimestamp;
    if (deleted === undefined) return true;
    this.#timeless = false;
    return Date.parse(deleted) >= this.#invalidBefore;
  }

  bound(
    cache: ResourceCache,
    wanted: { kind: 'pod' | 'secret' | 'node'; namespace: string; claim: ObjectClaim },
  ): void {
    const { kind, namespace, claim } = wanted;
    const entry = cache.get(namespace, claim.name);
    if (entry === undefined || !this.alive(cache, entry)) throw new BadTokenError(invalidated);
    const actual = entry.object.metadata.uid ?? '';
    if (actual === claim.uid) return;
    const label = kind === 'pod' ? 'pod UID' : kind === 'secret' ? 'secret UID' : 'node UID';
    throw new BadTokenError(
      `${label} (${actual}) does not match service account ${kind} ref claim (${claim.uid ?? ''})`,
    );
  }

  result(): Validation {
    return { witnesses: this.#timeless ? this.#witnesses : [] };
  }
}

function legacyClaims(claims: TokenClaims): { namespace: string; secretName: string; name: string; uid: string } {
  const namespace = claims['kubernetes.io/serviceaccount/namespace'] ?? '';
  const secretName = claims['kubernetes.io/serviceaccount/secret.name'] ?? '';
  const name = claims['kubernetes.io/serviceaccount/service-account.name'] ?? '';
  const uid = claims['kubernetes.io/serviceaccount/service-account.uid'] ?? '';
  if (namespace === '') throw new BadTokenError('namespace claim is missing');
  if (secretName === '') throw new BadTokenError('secretName claim is missing');
  if (name === '') throw new BadTokenError('serviceAccountName claim is missing');
  if (uid === '') throw new BadTokenError('serviceAccountUID claim is missing');
  if (claims.sub !== `system:serviceaccount:${namespace}:${name}`) throw new BadTokenError('sub claim is invalid');
  return { namespace, secretName, name, uid };
}
