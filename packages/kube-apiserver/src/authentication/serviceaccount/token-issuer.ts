/** Signs service account tokens (`pkg/serviceaccount/jwt.go` JWTTokenGenerator). */
import type { KeyObject } from 'node:crypto';
import { SignJWT, type JWTPayload } from 'jose';
import type { TokenClaims } from './claims.ts';
import { verificationKey, type VerificationKey } from './keys.ts';

/** One per server: it knows the issuer's name and its current signing key. */
export class TokenIssuer {
  readonly issuer: string;
  /** The public half of the signing key. */
  readonly verificationKey: VerificationKey;
  readonly #key: KeyObject;

  constructor(issuer: string, signingKey: KeyObject) {
    this.issuer = issuer;
    this.#key = signingKey;
    this.verificationKey = verificationKey(signingKey);
  }

  /** A compact JWS; the issuer is added to the claims. */
  sign(claims: Readonly<TokenClaims>): Promise<string> {
    const payload = sorted({ ...claims, iss: this.issuer }) as JWTPayload;
    const { algorithm, id } = this.verificationKey;
    return new SignJWT(payload).setProtectedHeader({ alg: algorithm, kid: id }).sign(this.#key);
  }
}

/** Keys in order, as Go marshals maps. */
function sorted(claims: TokenClaims): object {
  return Object.fromEntries(Object.entries(claims).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
