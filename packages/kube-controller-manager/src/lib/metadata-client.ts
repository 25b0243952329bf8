/** Access to the metadata of any resource (client-go `metadata`): over a network, specs and data stay where they are. */
import type { ApiObject } from '@kubets/apimachinery/meta';
import { ResourceClient, type Resource, type Transport, type TransportRequest } from '@kubets/client';

const transformed = (kind: string): string => `application/json;as=${kind};g=meta.k8s.io;v=v1,application/json`;
const forOne = { accept: transformed('PartialObjectMetadata') };
const forList = { accept: transformed('PartialObjectMetadataList') };

/**
 * A client whose reads bring at least the objects' metadata: only that over HTTP, the shared objects as they are from a
 * server in the same process.
 */
export function metadataClient(transport: Transport, resource: Resource): ResourceClient {
  const isList = (path: string): boolean => path.endsWith(`/${resource.resource}`);
  const asking = (request: TransportRequest, headers: { readonly accept: string }): TransportRequest =>
    request.headers === undefined
      ? { ...request, headers }
      : { ...request, headers: { ...request.headers, ...headers } };
  const metadataOnly: Transport = {
    request: (request) =>
      transport.request(request.method === 'GET' ? asking(request, isList(request.path) ? forList : forOne) : request),
    watch: (request) => transport.watch(asking(request, forOne)),
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  };
  return new ResourceClient<ApiObject>(metadataOnly, resource);
}
