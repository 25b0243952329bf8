/** The little that bootstrap and admission need to write through the server itself. */
import type { ApiObject, GroupVersionResource } from '@kubets/apimachinery/meta';

/**
 * Requests by `system:apiserver` in the group `system:masters`, through the whole pipeline. All errors are StatusErrors; a
 * missing object is `NotFound`. `namespace` is '' for cluster-scoped resources. Objects handed over belong to the
 * server; those returned are shared and must not be changed.
 */
export interface InternalClient {
  get(resource: GroupVersionResource, namespace: string, name: string): Promise<Readonly<ApiObject>>;
  create(resource: GroupVersionResource, namespace: string, object: ApiObject): Promise<Readonly<ApiObject>>;
  /** Fails with `Conflict` when the object's resourceVersion is not the current one. */
  update(resource: GroupVersionResource, namespace: string, object: ApiObject): Promise<Readonly<ApiObject>>;
  /** As update, for the status subresource. */
  updateStatus(resource: GroupVersionResource, namespace: string, object: ApiObject): Promise<Readonly<ApiObject>>;
  delete(resource: GroupVersionResource, namespace: string, name: string): Promise<void>;
}

/** Who the internal client is (`system:apiserver`, as upstream's loopback client). */
export const internalUser = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] } as const;
