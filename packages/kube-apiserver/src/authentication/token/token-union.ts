/** Several kinds of tokens (`apiserver/pkg/authentication/token/union/union.go`). */
import type { TokenAuthenticator, TokenResult } from '../authenticator.ts';
import { BadTokenError } from '../errors.ts';

const invalidBearerToken = 'invalid bearer token';

/**
 * The first kind that knows the token counts. Throws {@link BadTokenError} when none does: with the texts of those
 * that found it bad, behind `invalid bearer token`.
 */
export class UnionTokenAuthenticator {
  readonly #members: readonly TokenAuthenticator[];

  constructor(members: readonly TokenAuthenticator[]) {
    this.#members = members;
  }

  authenticateToken(token: string, audiences: readonly string[]): TokenResult | Promise<TokenResult> {
    const errors: unknown[] = [];
    for (let i = 0; i < this.#members.length; i++) {
      const result = this.#ask(i, { token, audiences, errors });
      if (result instanceof Promise) return this.#continueAfter(result, i, { token, audiences, errors });
      if (result !== undefined) return result;
    }
    throw badToken(errors);
  }

  #ask(i: number, ask: Asking): TokenResult | undefined | Promise<TokenResult | undefined> {
    try {
      return this.#members[i]?.authenticateToken(ask.token, ask.audiences);
    } catch (error) {
      ask.errors.push(error);
      return undefined;
    }
  }

  async #continueAfter(pending: Promise<TokenResult | undefined>, at: number, ask: Asking): Promise<TokenResult> {
    let waiting: TokenResult | undefined | Promise<TokenResult | undefined> = pending;
    for (let i = at; ;) {
      try {
        const result = await waiting;
        if (result !== undefined) return result;
      } catch (error) {
        ask.errors.push(error);
      }
      if (++i >= this.#members.length) throw badToken(ask.errors);
      waiting = this.#ask(i, ask);
    }
  }
}

interface Asking {
  readonly token: string;
  readonly audiences: readonly string[];
  readonly errors: unknown[];
}

function badToken(errors: readonly unknown[]): BadTokenError {
  const texts = errors.map((error) => (error instanceof Error ? error.message : String(error)));
  const message = texts.length === 0 ? invalidBearerToken : `[${[invalidBearerToken, ...texts].join(', ')}]`;
  return new BadTokenError(message, { cause: errors[0] });
}
