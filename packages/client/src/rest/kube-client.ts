/** Every served resource as a typed client: `kubeClient(transport).pods('default').list()`. */
import * as resources from '../generated/resources.ts';
import type { Transport } from '../transport.ts';
import { ResourceClient, type Resource } from './resource-client.ts';

type Resources = typeof resources;
type ObjectOf<R> = R extends Resource<infer T> ? T : never;

/** One function for each resource; without a namespace: cluster-scoped, or all namespaces. */
export type KubeClient = {
  readonly [Name in keyof Resources]: (namespace?: string) => ResourceClient<ObjectOf<Resources[Name]>>;
};

export function kubeClient(transport: Transport): KubeClient {
  const entries = Object.entries(resources).map(([name, resource]) => [
    name,
    (namespace = '') => new ResourceClient(transport, resource as Resource, namespace),
  ]);
  return Object.fromEntries(entries) as KubeClient;
}
