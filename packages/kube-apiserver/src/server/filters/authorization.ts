/** May they? (`apiserver/pkg/endpoints/filters/authorization.go`). */
import { newForbidden, type StatusError } from '@kubets/apimachinery/status';
import type { AuthorizationAttributes, Authorizer, Decision } from '../../authorization/authorizer.ts';
import type { ApiRequest, ApiResult, Filter, Next } from '../types.ts';

const noQuery = (request: ApiRequest): boolean => !selectorVerbs.has(request.info.verb);
const selectorVerbs: ReadonlySet<string> = new Set(['list', 'watch', 'deletecollection']);

/** What authorizers are asked about a request (`GetAuthorizerAttributes`). */
export function attributesOf(request: ApiRequest): AuthorizationAttributes {
  const { info } = request;
  const bare = noQuery(request);
  return {
    user: request.user,
    verb: info.verb,
    isResourceRequest: info.isResourceRequest,
    path: info.path,
    namespace: info.namespace,
    group: info.group,
    version: info.version,
    resource: info.resource,
    subresource: info.subresource,
    name: info.name,
    fieldSelector: bare ? undefined : (request.query.get('fieldSelector') ?? undefined),
    labelSelector: bare ? undefined : (request.query.get('labelSelector') ?? undefined),
  };
}

/** Go's `%q` for the texts that come up here. */
const quoted = (text: string): string => JSON.stringify(text);

function forbiddenMessage(attributes: AuthorizationAttributes): string {
  const { user, verb, namespace, group, subresource } = attributes;
  const who = `User ${quoted(user.name)} cannot ${verb}`;
  if (!attributes.isResourceRequest) return `${who} path ${quoted(attributes.path)}`;
  const resource = subresource === '' ? attributes.resource : `${attributes.resource}/${subresource}`;
  const what = `${who} resource ${quoted(resource)} in API group ${quoted(group)}`;
  return namespace === '' ? `${what} at the cluster scope` : `${what} in the namespace ${quoted(namespace)}`;
}

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** The 403 (`responsewriters.ForbiddenStatusError`): `pods is forbidden: User "x" cannot list …: reason`. */
export function forbidden(attributes: AuthorizationAttributes, reason: string): StatusError {
  const message = forbiddenMessage(attributes).replaceAll(/[&<>]/g, (c) => escapes[c] ?? c);
  const { group, resource, name } = attributes;
  return newForbidden({ group, resource }, name, reason === '' ? message : `${message}: ${reason}`);
}

async function decideLater(request: ApiRequest, pending: Pending, next: Next): Promise<ApiResult> {
  const decision = await pending.decision;
  if (decision.decision !== 'allow') throw forbidden(pending.attributes, decision.reason);
  return next(request);
}

interface Pending {
  readonly attributes: AuthorizationAttributes;
  readonly decision: Promise<Decision>;
}

export function withAuthorization(authorizer: Authorizer): Filter {
  return (request, next) => {
    const attributes = attributesOf(request);
    const decision = authorizer.authorize(attributes);
    if (decision instanceof Promise) return decideLater(request, { attributes, decision }, next);
    if (decision.decision !== 'allow') throw forbidden(attributes, decision.reason);
    return next(request);
  };
}
