/** Dispatches requests to resources, subresources and verbs (`apiserver/pkg/endpoints/installer.go`). */
import { apiVersionOf } from '@kubets/apimachinery/meta';
import { newMethodNotSupported } from '@kubets/apimachinery/status';
import { addWarning, type ApiRequest, type ApiResult, type Next, type RequestInfo } from '../../server/types.ts';
import { createResource } from './create.ts';
import { deleteCollection } from './delete-collection.ts';
import { deleteResource } from './delete.ts';
import { methodNotAllowed, notServed } from './errors.ts';
import { getResource } from './get.ts';
import { listResource } from './list.ts';
import { patchResource } from './patch.ts';
import type { ResourceScope } from './scope.ts';
import { builtInExtras } from './built-in-extras.ts';
import type { ExtraHandler } from './extra-handler.ts';
import { updateResource, updateStrategyOf } from './update.ts';
import { watchResource } from './watch.ts';

export interface ApiHandlerOptions {
  /** Stored resources, by `group/version/resource` (`/v1/pods`). */
  readonly scopes: ReadonlyMap<string, ResourceScope>;
  /** By `group/resource/subresource` (`/serviceaccounts/token`); asked before the {@link builtInExtras}. */
  readonly extraSubresources?: Readonly<Record<string, ExtraHandler>>;
  /** Resources without storage, by `group/resource` (`authorization.k8s.io/subjectaccessreviews`), and stored ones that answer themselves. */
  readonly extraResources?: Readonly<Record<string, ExtraHandler>>;
  /** Whether a group version is served at all; for the extra resources. Default: yes. */
  readonly serves?: (group: string, version: string) => boolean;
  /** Called for each request of a deprecated kind, whatever becomes of it. */
  readonly onDeprecated?: (info: RequestInfo) => void;
}

type VerbHandler = (scope: ResourceScope, request: ApiRequest) => ApiResult | Promise<ApiResult>;

const updateMain: VerbHandler = (scope, request) => updateResource(scope, request, scope.strategy);
const patchMain: VerbHandler = (scope, request) => patchResource(scope, request, scope.strategy);

const verbs: Readonly<Record<string, VerbHandler>> = {
  get: getResource,
  list: listResource,
  watch: watchResource,
  create: createResource,
  update: updateMain,
  patch: patchMain,
  delete: deleteResource,
  deletecollection: deleteCollection,
};

/** Of `v1`; as upstream's `prerelease-lifecycle` marks word it (`apiserver/pkg/endpoints/deprecation`). */
const deprecated: ReadonlyMap<string, string> = new Map([
  ['componentstatuses', 'v1 ComponentStatus is deprecated in v1.19+'],
  ['endpoints', 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice'],
]);

function warnOfDeprecation(request: ApiRequest, onDeprecated: ApiHandlerOptions['onDeprecated']): void {
  const { info } = request;
  const text = deprecated.get(info.resource);
  // Other versions and subresources of them do not exist.
  if (text === undefined || info.version !== 'v1' || info.subresource !== '') return;
  addWarning(request, text);
  onDeprecated?.(info);
}

/**
 * The innermost handler for resource requests. Throws the 404 of unknown resources and the 405 of
 * verbs a resource has not.
 */
export function makeApiHandler(options: ApiHandlerOptions): Next {
  const { scopes, onDeprecated } = options;
  const builtIn = builtInExtras(scopes);
  const extraSubresources = { ...builtIn.subresources, ...options.extraSubresources };
  const extraResources = { ...builtIn.resources, ...options.extraResources };
  return (request) => {
    const { info } = request;
    if (info.group === '') warnOfDeprecation(request, onDeprecated);
    const scope = scopes.get(`${info.group}/${info.version}/${info.resource}`);
    // Before anything that answers: authorization has looked at the namespace of the path.
    if (scope !== undefined && !isRoute(scope, request)) throw notServed();
    if (info.subresource !== '') {
      const extra = extraSubresources[`${info.group}/${info.resource}/${info.subresource}`];
      if (extra !== undefined) return extra(request, scope);
      return handleSubresource(scope, request);
    }
    const extra = extraResources[`${info.group}/${info.resource}`];
    if (extra !== undefined && (options.serves?.(info.group, info.version) ?? true)) return extra(request, scope);
    return handleResource(scope, request);
  };
}

function handleResource(scope: ResourceScope | undefined, request: ApiRequest): ApiResult | Promise<ApiResult> {
  if (scope === undefined) throw notServed();
  const { verb } = request.info;
  const handler = verbs[verb];
  if (handler === undefined || !scope.info.verbs.includes(verb)) throw methodNotAllowed();
  if (scope.info.namespaced && request.info.namespace === '' && !acrossNamespaces(verb)) throw methodNotAllowed();
  if ((verb === 'create' || verb === 'deletecollection') && isNamed(request)) throw methodNotAllowed();
  return handler(scope, request);
}

/**
 * Namespaced objects have a namespace in their path; the lists of all namespaces have none;
 * cluster-scoped ones never, but for a namespace, which counts as within itself and only there.
 */
function isRoute(scope: ResourceScope, request: ApiRequest): boolean {
  const { info } = request;
  if (!scope.info.namespaced) {
    return info.namespace === '' || (info.resource === 'namespaces' && info.parts[1] === info.namespace);
  }
  return info.namespace !== '' || !isNamed(request);
}

/** The path itself names an object; the name of a list or watch may come from its field selector. */
function isNamed(request: ApiRequest): boolean {
  const { info } = request;
  return info.verb === 'list' || info.verb === 'watch' || info.verb === 'deletecollection'
    ? (info.parts[1] ?? '') !== ''
    : info.name !== '';
}

function acrossNamespaces(verb: string): boolean {
  return verb === 'list' || verb === 'watch';
}

function handleSubresource(scope: ResourceScope | undefined, request: ApiRequest): ApiResult | Promise<ApiResult> {
  const { info } = request;
  const facts = scope?.subresources.get(info.subresource);
  if (scope === undefined || facts === undefined) throw notServed();
  const strategy = updateStrategyOf(scope, info.subresource);
  if (strategy === undefined) throw notServed();
  if (!facts.verbs.includes(info.verb)) throw methodNotAllowed();
  switch (info.verb) {
    case 'get':
      return getResource(scope, request);
    case 'update':
      return updateResource(scope, request, strategy);
    case 'patch':
      return patchResource(scope, request, strategy);
    default:
      throw newMethodNotSupported(
        scope.groupResource,
        `${info.verb} of ${apiVersionOf(scope.gvk)} ${info.subresource}`,
      );
  }
}
