/** The namespaces that are always there (`pkg/controlplane/controller/systemnamespaces/system_namespaces_controller.go`). */
import type { CacheDirectory } from '../storage/cache.ts';
import { ensureNamespace } from './ensure.ts';
import type { InternalClient } from './internal-client.ts';

export const systemNamespaces = ['kube-system', 'kube-public', 'kube-node-lease', 'default'] as const;

/** Idempotent. */
export async function ensureSystemNamespaces(client: InternalClient, caches: CacheDirectory): Promise<void> {
  await Promise.all(systemNamespaces.map((name) => ensureNamespace(client, caches, name)));
}
