/** What service account tokens say (`pkg/serviceaccount/claims.go`, `legacy.go`). */

export interface ObjectClaim {
  name: string;
  uid?: string;
}

/** The `kubernetes.io` claim of bound tokens. */
export interface KubernetesClaim {
  namespace: string;
  node?: ObjectClaim;
  pod?: ObjectClaim;
  secret?: ObjectClaim;
  serviceaccount: ObjectClaim;
  /** Seconds since the epoch. */
  warnafter?: number;
}

/** The payload of a bound or legacy token; times are seconds since the epoch. */
export interface TokenClaims {
  iss?: string;
  sub?: string;
  aud?: string | string[];
  exp?: number;
  nbf?: number;
  iat?: number;
  jti?: string;
  'kubernetes.io'?: KubernetesClaim;
  'kubernetes.io/serviceaccount/namespace'?: string;
  'kubernetes.io/serviceaccount/secret.name'?: string;
  'kubernetes.io/serviceaccount/service-account.name'?: string;
  'kubernetes.io/serviceaccount/service-account.uid'?: string;
}

/** Issuer of tokens kept in secrets. */
export const legacyIssuer = 'kubernetes/serviceaccount';

/** The requested lifetime that kubelets put into projected volumes, which triggers the extended one. */
export const warnOnlyExpirationSeconds = 60 * 60 + 7;

/** The extended lifetime: a year. */
export const extendedExpirationSeconds = 365 * 24 * 60 * 60;

/** The audiences as a list; a token may carry one as a plain string. */
export function audiencesOf(claims: TokenClaims): readonly string[] {
  if (claims.aud === undefined) return [];
  return typeof claims.aud === 'string' ? [claims.aud] : claims.aud;
}
