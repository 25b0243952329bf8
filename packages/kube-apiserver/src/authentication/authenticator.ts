/** The authenticator port (`apiserver/pkg/authentication/authenticator/interfaces.go`). */
import type { ApiRequest, UserInfo } from '../server/types.ts';

/**
 * `undefined`: no credentials of this kind, ask the next. Throwing a StatusError `Unauthorized`:
 * credentials of this kind, but bad ones.
 */
export interface RequestAuthenticator {
  authenticate(request: ApiRequest): UserInfo | undefined | Promise<UserInfo | undefined>;
}

/** For TokenReview as well as for bearer headers. */
export interface TokenAuthenticator {
  /** `undefined`: not a token of this kind. Throws when it is one, but a bad one. */
  authenticateToken(
    token: string,
    audiences: readonly string[],
  ): TokenResult | undefined | Promise<TokenResult | undefined>;
}

export interface TokenResult {
  readonly user: UserInfo;
  /** The audiences the token is good for, among those asked for. */
  readonly audiences: readonly string[];
}
