/** Requests without credentials (`apiserver/pkg/authentication/request/anonymous/anonymous.go`). */
import type { ApiRequest, UserInfo } from '../server/types.ts';
import type { RequestAuthenticator } from './authenticator.ts';
import { allUnauthenticated, anonymousUser } from './user.ts';

/** As `anonymous` of upstream's AuthenticationConfiguration. */
export interface AnonymousOptions {
  readonly enabled: boolean;
  /** Paths that may be asked for anonymously; empty: all of them. */
  readonly conditions: readonly { readonly path: string }[];
}

/** Health endpoints only: a stricter default than upstream's, which leaves the rest to RBAC. */
export const anonymousForHealthOnly: AnonymousOptions = {
  enabled: true,
  conditions: [{ path: '/healthz' }, { path: '/livez' }, { path: '/readyz' }],
};

const user: UserInfo = { name: anonymousUser, groups: [allUnauthenticated] };

/** Comes last: asked only when no other authenticator found credentials. */
export function anonymousAuthenticator(options: AnonymousOptions): RequestAuthenticator {
  const paths = new Set(options.conditions.map((condition) => condition.path));
  return {
    authenticate(request: ApiRequest): UserInfo | undefined {
      if (!options.enabled || request.peer.transport === 'in-process') return undefined;
      return paths.size === 0 || paths.has(request.path) ? user : undefined;
    },
  };
}
