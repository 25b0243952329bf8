/** The two system priority classes (`pkg/registry/scheduling/rest/storage_scheduling.go`). */
import { wellKnownNames } from '@kubets/api/facts';
import type { ApiObject, GroupVersionResource } from '@kubets/apimachinery/meta';
import type { CacheDirectory } from '../storage/cache.ts';
import { ensureObject } from './ensure.ts';
import type { InternalClient } from './internal-client.ts';

const resource: GroupVersionResource = { group: 'scheduling.k8s.io', version: 'v1', resource: 'priorityclasses' };

const descriptions: Readonly<Record<string, string>> = {
  'system-node-critical': 'Used for system critical pods that must not be moved from their current node.',
  'system-cluster-critical':
    'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
};

/** Idempotent. */
export async function ensurePriorityClasses(client: InternalClient, caches: CacheDirectory): Promise<void> {
  for (const [name, value] of Object.entries(wellKnownNames().priorityClasses)) {
    const object: ApiObject = {
      kind: 'PriorityClass',
      apiVersion: 'scheduling.k8s.io/v1',
      metadata: { name },
      value,
      description: descriptions[name] ?? '',
      preemptionPolicy: 'PreemptLowerPriority',
    };
    await ensureObject(client, caches, { resource, object });
  }
}
