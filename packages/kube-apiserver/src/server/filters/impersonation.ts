/** Acting as somebody else (`apiserver/pkg/endpoints/filters/impersonation`). */
import type { Authorizer } from '../../authorization/authorizer.ts';
import { impersonate } from '../impersonation/modes.ts';
import { wantedUserOf, type WantedUser } from '../impersonation/wanted-user.ts';
import type { ApiRequest, ApiResult, Filter, Next } from '../types.ts';
import { attributesOf } from './authorization.ts';

export function withImpersonation(authorizer: Authorizer): Filter {
  const actAs = async (request: ApiRequest, wanted: WantedUser, next: Next): Promise<ApiResult> => {
    request.user = await impersonate(authorizer, attributesOf(request), wanted);
    return next(request);
  };
  return (request, next) => {
    const wanted = wantedUserOf(request);
    return wanted === undefined ? next(request) : actAs(request, wanted, next);
  };
}
