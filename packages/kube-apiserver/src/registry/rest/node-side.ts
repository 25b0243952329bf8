/**
 * Subresources that lead to a node: logs, exec, attach, port-forward, proxies. As long as no node side is
 * plugged in, they are answered as far as the API server alone can
 * (`pkg/registry/core/pod/strategy.go`, `LogLocation`, `streamLocation`; `pkg/registry/core/node/strategy.go`).
 */
import type { ApiObject } from '@kubets/apimachinery/meta';
import { newBadRequest, newNotFound, newServiceUnavailable } from '@kubets/apimachinery/status';
import type { ApiRequest, ApiResult } from '../../server/types.ts';
import { notServed } from './errors.ts';
import type { ResourceScope } from './scope.ts';

interface Pod extends ApiObject {
  spec?: {
    nodeName?: string;
    containers?: { name: string }[];
    initContainers?: { name: string }[];
    ephemeralContainers?: { name: string }[];
  };
}

function find(scope: ResourceScope | undefined, request: ApiRequest): Readonly<ApiObject> {
  if (scope === undefined) throw notServed();
  const { namespace, name } = request.info;
  const entry = scope.store.cache.get(namespace, name);
  if (entry === undefined) throw newNotFound(scope.groupResource, name);
  return entry.object;
}

function unreachable(nodeName: string): Error {
  return newServiceUnavailable(`the node ${JSON.stringify(nodeName)} cannot be reached`);
}

/** The container that is meant must be there, or be the only one. */
function checkContainer(pod: Readonly<Pod>, request: ApiRequest): void {
  const { containers = [], initContainers = [], ephemeralContainers = [] } = pod.spec ?? {};
  const asked = request.query.get('container') ?? '';
  const all = [...containers, ...initContainers, ...ephemeralContainers];
  const { name } = pod.metadata;
  if (asked !== '') {
    if (all.some((c) => c.name === asked)) return;
    throw newBadRequest(`container ${asked} is not valid for pod ${name}`);
  }
  if (containers.length === 1) return;
  if (containers.length === 0) throw newBadRequest(`a container name must be specified for pod ${name}`);
  const names = containers.map((c) => c.name).join(' ');
  const init = initContainers.map((c) => c.name).join(' ');
  const more = init === '' ? '' : ` or one of the init containers: [${init}]`;
  throw newBadRequest(`a container name must be specified for pod ${name}, choose one of: [${names}]${more}`);
}

/** A pod without a node has no log yet: an empty answer. */
export function refuseLog(request: ApiRequest, scope: ResourceScope | undefined): ApiResult {
  const pod = find(scope, request) as Pod;
  checkContainer(pod, request);
  const { nodeName } = pod.spec ?? {};
  if (nodeName) throw unreachable(nodeName);
  return { type: 'bytes', status: 204, contentType: 'text/plain', bytes: '' };
}

/** exec, attach, portforward. */
export function refuseStream(request: ApiRequest, scope: ResourceScope | undefined): ApiResult {
  const pod = find(scope, request) as Pod;
  if (request.info.subresource !== 'portforward') checkContainer(pod, request);
  const { nodeName } = pod.spec ?? {};
  if (!nodeName) throw newBadRequest(`pod ${pod.metadata.name} does not have a host assigned`);
  throw unreachable(nodeName);
}

export function refusePodProxy(request: ApiRequest, scope: ResourceScope | undefined): ApiResult {
  const pod = find(scope, request);
  throw newServiceUnavailable(`no path to the pod ${JSON.stringify(pod.metadata.name)}`);
}

export function refuseNodeProxy(request: ApiRequest, scope: ResourceScope | undefined): ApiResult {
  throw unreachable(find(scope, request).metadata.name ?? '');
}

/** The name may carry a scheme and a port: `https:name:port`. */
export function refuseServiceProxy(request: ApiRequest, scope: ResourceScope | undefined): ApiResult {
  if (scope === undefined) throw notServed();
  const { namespace, name } = request.info;
  const parts = name.split(':');
  const service = parts.length === 3 ? (parts[1] ?? '') : (parts[0] ?? '');
  if (scope.store.cache.get(namespace, service) === undefined) throw newNotFound(scope.groupResource, service);
  throw newServiceUnavailable(`no endpoints available for service ${JSON.stringify(service)}`);
}
