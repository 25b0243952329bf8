/** Service account tokens, bound and legacy (`pkg/serviceaccount/jwt.go` jwtTokenAuthenticator). */
import type { Clock } from '@kubets/apimachinery/clock';
import { compactVerify, decodeProtectedHeader } from 'jose';
import { serviceAccountUsername } from '../../authorization/rbac/subjects.ts';
import type { UserInfo } from '../../server/types.ts';
import type { CacheDirectory } from '../../storage/cache.ts';
import type { TokenAuthenticator, TokenResult } from '../authenticator.ts';
import { BadTokenError } from '../errors.ts';
import {
  allAuthenticated,
  allServiceAccountsGroup,
  credentialIdExtra,
  nodeNameExtra,
  nodeUidExtra,
  podNameExtra,
  podUidExtra,
} from '../user.ts';
import { audiencesOf, legacyIssuer, type TokenClaims } from './claims.ts';
import type { VerificationKey } from './keys.ts';
import { TokenObjectValidator, validateTimes, type Witness } from './validator.ts';

export interface ServiceAccountAuthenticatorOptions {
  /** Accepted `iss` values of bound tokens; the first is the one that signs. */
  readonly issuers: readonly string[];
  readonly keys: readonly VerificationKey[];
  /** Audiences of this server: for tokens without any, and asked for when a request asks for none. */
  readonly apiAudiences: readonly string[];
  readonly caches: CacheDirectory;
  readonly clock: Clock;
  /** Verified tokens kept; default 4096. */
  readonly cacheSize?: number;
}

/** A token whose signature is good. Objects and times are looked at with each use. */
interface VerifiedToken {
  readonly claims: TokenClaims;
  readonly legacy: boolean;
  readonly user: UserInfo;
  readonly audiences: readonly string[];
  /** Objects the last positive answer rested on. */
  witnesses: readonly Witness[];
  lastAsked: readonly string[] | undefined;
  lastResult: TokenResult | undefined;
}

/**
 * Checks a signature once per token; afterwards the answer is synchronous and costs a few map look-ups.
 * A deleted service account, pod, secret or node makes its tokens bad at once.
 */
export class ServiceAccountAuthenticator implements TokenAuthenticator {
  readonly #options: ServiceAccountAuthenticatorOptions;
  readonly #validator: TokenObjectValidator;
  readonly #verified = new Map<string, VerifiedToken>();
  readonly #keyById: ReadonlyMap<string, VerificationKey>;

  constructor(options: ServiceAccountAuthenticatorOptions) {
    this.#options = options;
    this.#validator = new TokenObjectValidator(options.caches);
    this.#keyById = new Map(options.keys.map((key) => [key.id, key]));
  }

  authenticateToken(
    token: string,
    audiences: readonly string[],
  ): TokenResult | undefined | Promise<TokenResult | undefined> {
    const known = this.#verified.get(token);
    if (known !== undefined) return this.#answer(token, known, audiences);
    const claims = unverifiedClaims(token);
    if (claims === undefined) return undefined;
    const legacy = claims.iss === legacyIssuer;
    if (!legacy && !this.#options.issuers.includes(claims.iss ?? '')) return undefined;
    return this.#verify(token, claims, legacy).then((verified) => this.#answer(token, verified, audiences));
  }

  async #verify(token: string, claims: TokenClaims, legacy: boolean): Promise<VerifiedToken> {
    await this.#checkSignature(token);
    const tokenAudiences = audiencesOf(claims);
    const verified: VerifiedToken = {
      claims,
      legacy,
      user: userOf(claims, legacy),
      audiences: tokenAudiences.length === 0 ? this.#options.apiAudiences : tokenAudiences,
      witnesses: [],
      lastAsked: undefined,
      lastResult: undefined,
    };
    return verified;
  }

  /** With the key that the token names, or all of them when it names none that is known. */
  async #checkSignature(token: string): Promise<void> {
    const { kid } = decodeProtectedHeader(token);
    const named = kid === undefined ? undefined : this.#keyById.get(kid);
    for (const { key, algorithm } of named === undefined ? this.#options.keys : [named]) {
      try {
        await compactVerify(token, key, { algorithms: [algorithm] });
        return;
      } catch {
        // Signed with another key, perhaps: ask the next.
      }
    }
    throw new BadTokenError('failed to verify signature');
  }

  #answer(token: string, verified: VerifiedToken, requested: readonly string[]): TokenResult {
    const now = this.#options.clock.now() / 1000;
    try {
      validateTimes(verified.claims, now);
      if (verified.witnesses.length === 0 || !verified.witnesses.every(isUnchanged))
        this.#validate(token, verified, now);
    } catch (error) {
      this.#verified.delete(token);
      throw error;
    }
    this.#remember(token, verified);
    return this.#resultFor(verified, requested);
  }

  #validate(token: string, verified: VerifiedToken, now: number): void {
    const { witnesses } = verified.legacy
      ? this.#validator.validateLegacy(verified.claims, token, now)
      : this.#validator.validateBound(verified.claims, now);
    verified.witnesses = witnesses;
  }

  /** The oldest goes first when the cache is full; a hot token is let in again with the next request. */
  #remember(token: string, verified: VerifiedToken): void {
    if (this.#verified.has(token)) return;
    const limit = this.#options.cacheSize ?? 4096;
    if (this.#verified.size >= limit) {
      const oldest = this.#verified.keys().next();
      if (oldest.done !== true) this.#verified.delete(oldest.value);
    }
    this.#verified.set(token, verified);
  }

  #resultFor(verified: VerifiedToken, requested: readonly string[]): TokenResult {
    if (verified.lastResult !== undefined && verified.lastAsked === requested) return verified.lastResult;
    const asked = requested.length === 0 ? this.#options.apiAudiences : requested;
    const audiences = verified.audiences.filter((audience) => asked.includes(audience));
    if (audiences.length === 0 && this.#options.apiAudiences.length > 0) {
      throw new BadTokenError(
        `token audiences ${JSON.stringify(verified.audiences)} is invalid for the target audiences ${JSON.stringify(asked)}`,
      );
    }
    verified.lastAsked = requested;
    verified.lastResult = { user: verified.user, audiences };
    return verified.lastResult;
  }
}

const isUnchanged = ({ cache, entry }: Witness): boolean => cache.get(entry.namespace, entry.name) === entry;

/** The payload of a compact JWS with three parts; `undefined` for anything else. */
function unverifiedClaims(token: string): TokenClaims | undefined {
  const parts = token.split('.');
  if (parts.length !== 3 || parts[1] === undefined) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(parts[1], 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null ? claims : undefined;
  } catch {
    return undefined;
  }
}

function userOf(claims: TokenClaims, legacy: boolean): UserInfo {
  const bound = claims['kubernetes.io'];
  const namespace = (legacy ? claims['kubernetes.io/serviceaccount/namespace'] : bound?.namespace) ?? '';
  const name =
    (legacy ? claims['kubernetes.io/serviceaccount/service-account.name'] : bound?.serviceaccount?.name) ?? '';
  const uid = (legacy ? claims['kubernetes.io/serviceaccount/service-account.uid'] : bound?.serviceaccount?.uid) ?? '';
  const extra = legacy ? {} : extraOf(claims);
  return {
    name: serviceAccountUsername(namespace, name),
    uid,
    groups: [allServiceAccountsGroup, `${allServiceAccountsGroup}:${namespace}`, allAuthenticated],
    ...(Object.keys(extra).length > 0 && { extra }),
  };
}

function extraOf(claims: TokenClaims): Record<string, string[]> {
  const { pod, node } = claims['kubernetes.io'] ?? {};
  const extra: Record<string, string[]> = {};
  if (claims.jti !== undefined && claims.jti !== '') extra[credentialIdExtra] = [`JTI=${claims.jti}`];
  if (node !== undefined) {
    extra[nodeNameExtra] = [node.name];
    if (node.uid !== undefined && node.uid !== '') extra[nodeUidExtra] = [node.uid];
  }
  if (pod !== undefined) {
    extra[podNameExtra] = [pod.name];
    extra[podUidExtra] = [pod.uid ?? ''];
  }
  return extra;
}
