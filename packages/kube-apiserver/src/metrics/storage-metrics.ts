/** `apiserver_storage_*` and `apiserver_resource_objects` (`apiserver/pkg/storage/etcd3/metrics`). */
import { groupResourceString } from '@kubets/apimachinery/meta';
import type { Registry } from '../registry/resources.ts';
import { labelText, type MetricsRegistry } from '@kubets/apimachinery/metrics';

export interface StorageSize {
  readonly clusterId: string;
  bytes(): number;
}

export function registerStorageMetrics(metrics: MetricsRegistry, registry: Registry, size?: StorageSize): void {
  if (size !== undefined) {
    const labels = labelText({ storage_cluster_id: size.clusterId });
    const help = 'Bytes of the storage database file.';
    metrics.collected({ name: 'apiserver_storage_size_bytes', help, type: 'gauge' }, () => [[labels, size.bytes()]]);
  }
  metrics.collected({ name: 'apiserver_storage_objects', help: 'Objects stored, by resource.', type: 'gauge' }, () => {
    const counts = new Map<string, number>();
    for (const { groupResource } of registry.scopes.values()) {
      const resource = groupResourceString(groupResource);
      if (!counts.has(resource)) counts.set(resource, registry.directory.of(groupResource).size);
    }
    return [...counts].map(([resource, count]) => [labelText({ resource }), count]);
  });
}
