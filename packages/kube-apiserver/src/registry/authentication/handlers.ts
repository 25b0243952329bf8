/** Create handlers of the authentication group's virtual resources, by `group/resource`. */
import type { Clock } from '@kubets/apimachinery/clock';
import type { ApiObject, GroupVersionKind } from '@kubets/apimachinery/meta';
import { newBadRequest, newInternalError } from '@kubets/apimachinery/status';
import { formatTime } from '@kubets/apimachinery/time';
import { BadTokenError } from '../../authentication/errors.ts';
import type { UnionTokenAuthenticator } from '../../authentication/token/token-union.ts';
import type { ApiRequest, ApiResult, UserInfo } from '../../server/types.ts';
import { createOnly } from '../rest/create-only.ts';
import { readObject } from '../rest/read-object.ts';

export interface AuthenticationHandlerDeps {
  readonly tokens: UnionTokenAuthenticator;
  /** Audiences of this server, meant when a review names none. */
  readonly apiAudiences: readonly string[];
  readonly clock: Clock;
}

interface TokenReview extends ApiObject {
  spec: { token?: string; audiences?: string[] };
}

const group = 'authentication.k8s.io';
const tokenReviewKind: GroupVersionKind = { group, version: 'v1', kind: 'TokenReview' };
const selfReviewKind: GroupVersionKind = { group, version: 'v1', kind: 'SelfSubjectReview' };

/** For the installer's table of extra resources. */
export function authenticationHandlers(
  deps: AuthenticationHandlerDeps,
): Readonly<Record<string, (request: ApiRequest) => Promise<ApiResult>>> {
  return {
    [`${group}/tokenreviews`]: createOnly(false, (request) => tokenReview(request, deps)),
    [`${group}/selfsubjectreviews`]: createOnly(false, (request) => selfSubjectReview(request, deps.clock)),
  };
}

/** `pkg/registry/authentication/tokenreview/storage.go` Create. */
async function tokenReview(request: ApiRequest, deps: AuthenticationHandlerDeps): Promise<ApiResult> {
  const review = (await readObject(request, tokenReviewKind)) as TokenReview;
  const token = review.spec?.token ?? '';
  if (token === '') throw newBadRequest('token is required for TokenReview in authentication');
  const asked = review.spec.audiences ?? [];
  const status = await authenticate(deps, token, asked.length === 0 ? deps.apiAudiences : asked);
  return { type: 'object', status: 201, object: { ...review, status }, gvk: tokenReviewKind };
}

async function authenticate(
  deps: AuthenticationHandlerDeps,
  token: string,
  audiences: readonly string[],
): Promise<object> {
  try {
    const result = await deps.tokens.authenticateToken(token, audiences);
    const good = audiences.filter((audience) => result.audiences.includes(audience));
    if (audiences.length > 0 && good.length === 0) {
      throw newInternalError(new Error('the token authenticator returned unexpected audiences'));
    }
    return { authenticated: true, user: userObject(result.user), ...(good.length > 0 && { audiences: good }) };
  } catch (error) {
    if (error instanceof BadTokenError) return { user: {}, error: error.message };
    throw error;
  }
}

/** `pkg/registry/authentication/selfsubjectreview/rest.go` Create. */
async function selfSubjectReview(request: ApiRequest, clock: Clock): Promise<ApiResult> {
  const review = await readObject(request, selfReviewKind);
  const object = {
    ...review,
    metadata: { ...review.metadata, creationTimestamp: formatTime(clock.now()) },
    status: { userInfo: userObject(request.user) },
  };
  return { type: 'object', status: 201, object, gvk: selfReviewKind };
}

/** `authentication/v1.UserInfo`. */
function userObject(user: UserInfo): object {
  return {
    username: user.name,
    ...(user.uid !== undefined && user.uid !== '' && { uid: user.uid }),
    ...(user.groups.length > 0 && { groups: user.groups }),
    ...(user.extra !== undefined && { extra: user.extra }),
  };
}
