/** What is measured of DaemonSets (upstream `pkg/controller/daemon/metrics/metrics.go`). */
import type { GroupResource } from '@kubets/apimachinery/meta';
import { labelText, type MetricsRegistry } from '@kubets/apimachinery/metrics';

export interface DaemonSetMetrics {
  /** A turn was passed over, since a cache had not seen what was written. */
  stale(resource: GroupResource): void;
}

const known = new WeakMap<MetricsRegistry, DaemonSetMetrics>();

/** The families of a process. */
export function daemonSetMetrics(registry: MetricsRegistry): DaemonSetMetrics {
  let metrics = known.get(registry);
  if (metrics === undefined) {
    const name = 'daemonset_controller_stale_sync_skips_total';
    const skips = registry.counter(name, 'Number of DaemonSet syncs skipped due to a stale cache.');
    metrics = { stale: ({ group, resource }) => skips.add(1, labelText({ group, resource })) };
    known.set(registry, metrics);
  }
  return metrics;
}
