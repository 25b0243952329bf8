/** Who is asking (`apiserver/pkg/endpoints/filters/authentication.go`). */
import { newUnauthorized } from '@kubets/apimachinery/status';
import type { RequestAuthenticator } from '../../authentication/authenticator.ts';
import type { ApiRequest, ApiResult, Filter, Next, UserInfo } from '../types.ts';

export const anonymousUser = 'system:anonymous';

function accept(request: ApiRequest, user: UserInfo | undefined): void {
  if (user === undefined) throw newUnauthorized();
  const peer = request.peer;
  // A certificate that does not verify is a bad credential, not an absent one.
  if (user.name === anonymousUser && peer.transport === 'tls' && peer.certificateError !== undefined) {
    throw newUnauthorized();
  }
  request.user = user;
}

async function acceptLater(request: ApiRequest, user: Promise<UserInfo | undefined>, next: Next): Promise<ApiResult> {
  accept(request, await user);
  return next(request);
}

/** In-process callers are who the server says they are. `undefined` from the authenticator: 401. */
export function withAuthentication(authenticator: RequestAuthenticator): Filter {
  return (request, next) => {
    const peer = request.peer;
    if (peer.transport === 'in-process') {
      request.user = peer.user;
      return next(request);
    }
    const user = authenticator.authenticate(request);
    if (user instanceof Promise) return acceptLater(request, user, next);
    accept(request, user);
    return next(request);
  };
}
