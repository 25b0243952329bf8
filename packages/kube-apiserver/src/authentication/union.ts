/** Several authenticators asked in turn (`apiserver/pkg/authentication/request/union/union.go`). */
import type { ApiRequest, UserInfo } from '../server/types.ts';
import type { RequestAuthenticator } from './authenticator.ts';

/**
 * The first user found counts, even after another authenticator found bad credentials. Without a user, the first
 * bad credentials are thrown.
 */
export class UnionRequestAuthenticator implements RequestAuthenticator {
  readonly #members: readonly RequestAuthenticator[];

  constructor(members: readonly RequestAuthenticator[]) {
    this.#members = members;
  }

  authenticate(request: ApiRequest): UserInfo | undefined | Promise<UserInfo | undefined> {
    return this.#from(0, request, undefined);
  }

  #from(start: number, request: ApiRequest, earlier: unknown): UserInfo | undefined | Promise<UserInfo | undefined> {
    let bad = earlier;
    for (let i = start; i < this.#members.length; i++) {
      try {
        const user = this.#members[i]?.authenticate(request);
        if (user instanceof Promise) return this.#continueAfter(user, { at: i, request, bad });
        if (user !== undefined) return user;
      } catch (error) {
        bad ??= error;
      }
    }
    if (bad !== undefined) throw bad;
    return undefined;
  }

  async #continueAfter(
    pending: Promise<UserInfo | undefined>,
    state: { at: number; request: ApiRequest; bad: unknown },
  ): Promise<UserInfo | undefined> {
    let { bad } = state;
    try {
      const user = await pending;
      if (user !== undefined) return user;
    } catch (error) {
      bad ??= error;
    }
    return this.#from(state.at + 1, state.request, bad);
  }
}

/** Asks `second` when `first` finds nothing; bad credentials are never taken for none (`union.NewFailOnError`). */
export function failOnError(first: RequestAuthenticator, second: RequestAuthenticator): RequestAuthenticator {
  return {
    authenticate(request) {
      const user = first.authenticate(request);
      if (user instanceof Promise) return user.then((found) => found ?? second.authenticate(request));
      return user ?? second.authenticate(request);
    },
  };
}
