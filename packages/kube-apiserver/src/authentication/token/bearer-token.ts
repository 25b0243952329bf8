/**
 * Tokens in requests (`apiserver/pkg/authentication/request/bearertoken/bearertoken.go`,
 * `request/websocket/protocol.go`).
 */
import type { ApiRequest, UserInfo } from '../../server/types.ts';
import type { RequestAuthenticator, TokenResult } from '../authenticator.ts';
import { unauthorized } from '../errors.ts';
import type { UnionTokenAuthenticator } from './token-union.ts';

const websocketPrefix = 'base64url.bearer.authorization.k8s.io.';

/** The token of `Authorization: Bearer …`, or of the WebSocket sub-protocol browsers use; `undefined` without one. */
export function tokenOf(headers: ApiRequest['headers']): string | undefined {
  const authorization = headers['authorization'];
  if (authorization !== undefined) {
    const space = authorization.indexOf(' ');
    if (space < 0 || authorization.slice(0, space).toLowerCase() !== 'bearer') return undefined;
    const token = authorization.slice(space + 1).trim();
    return token === '' ? undefined : token;
  }
  const protocols = headers['sec-websocket-protocol'];
  return protocols === undefined ? undefined : websocketToken(protocols);
}

function websocketToken(protocols: string): string | undefined {
  const encoded = protocols
    .split(',')
    .map((p) => p.trim())
    .find((p) => p.startsWith(websocketPrefix));
  if (encoded === undefined) return undefined;
  const token = Buffer.from(encoded.slice(websocketPrefix.length), 'base64url').toString('utf8');
  return token === '' ? undefined : token;
}

/** Synchronous for tokens whose kind decides from memory. */
export class BearerTokenAuthenticator implements RequestAuthenticator {
  readonly #tokens: UnionTokenAuthenticator;
  readonly #audiences: readonly string[];

  /** `audiences`: those of this API server. */
  constructor(tokens: UnionTokenAuthenticator, audiences: readonly string[]) {
    this.#tokens = tokens;
    this.#audiences = audiences;
  }

  authenticate(request: ApiRequest): UserInfo | undefined | Promise<UserInfo | undefined> {
    const token = tokenOf(request.headers);
    if (token === undefined) return undefined;
    try {
      const result = this.#tokens.authenticateToken(token, this.#audiences);
      return result instanceof Promise ? result.then(userOf, rethrow) : result.user;
    } catch (error) {
      throw unauthorized(error);
    }
  }
}

const userOf = (result: TokenResult): UserInfo => result.user;
const rethrow = (error: unknown): never => {
  throw unauthorized(error);
};
