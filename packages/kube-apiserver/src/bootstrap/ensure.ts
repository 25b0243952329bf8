/** Objects that have to be there; what users made of them stays. */
import type { ApiObject, GroupVersionResource } from '@kubets/apimachinery/meta';
import { isAlreadyExists } from '@kubets/apimachinery/status';
import type { CacheDirectory } from '../storage/cache.ts';
import type { InternalClient } from './internal-client.ts';

export const namespaces: GroupVersionResource = { group: '', version: 'v1', resource: 'namespaces' };

/** Creates the object unless one of its name is there. Idempotent. */
export async function ensureObject(
  client: InternalClient,
  caches: CacheDirectory,
  wanted: { resource: GroupVersionResource; object: ApiObject },
): Promise<void> {
  const { namespace = '', name = '' } = wanted.object.metadata;
  if (caches.of(wanted.resource).get(namespace, name) !== undefined) return;
  try {
    await client.create(wanted.resource, namespace, wanted.object);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}

/** Creates the namespace unless it is there. Idempotent. */
export function ensureNamespace(client: InternalClient, caches: CacheDirectory, name: string): Promise<void> {
  const object = { kind: 'Namespace', apiVersion: 'v1', metadata: { name } };
  return ensureObject(client, caches, { resource: namespaces, object });
}
