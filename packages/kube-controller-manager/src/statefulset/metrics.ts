/** What is measured of StatefulSets (upstream `pkg/controller/statefulset/metrics/metrics.go`). */
import type { GroupResource } from '@kubets/apimachinery/meta';
import { labelText, type MetricsRegistry } from '@kubets/apimachinery/metrics';
import type { Stateful } from './identity.ts';

export interface StatefulSetMetrics {
  /** A turn was passed over, since a cache had not seen what was written. */
  stale(resource: GroupResource): void;
  /** With feature gate MaxUnavailableStatefulSet: what a rolling update found. */
  unavailable(set: Stateful, counts: { readonly max: number; readonly now: number }): void;
}

const known = new WeakMap<MetricsRegistry, StatefulSetMetrics>();

/** The families of a process. */
export function statefulSetMetrics(registry: MetricsRegistry): StatefulSetMetrics {
  let metrics = known.get(registry);
  if (metrics === undefined) known.set(registry, (metrics = register(registry)));
  return metrics;
}

function register(registry: MetricsRegistry): StatefulSetMetrics {
  const prefix = 'statefulset_controller';
  const skips = registry.counter(
    `${prefix}_stale_sync_skips_total`,
    'Number of StatefulSet syncs skipped due to a stale cache.',
  );
  const max = registry.gauge(
    `${prefix}_statefulset_max_unavailable`,
    'Maximum number of unavailable pods allowed during StatefulSet rolling updates',
  );
  const unavailable = registry.gauge(
    `${prefix}_statefulset_unavailable_replicas`,
    'Current number of unavailable pods in StatefulSet',
  );
  return {
    stale: ({ group, resource }) => skips.add(1, labelText({ group, resource })),
    unavailable(set, counts) {
      const labels = labelText({
        pod_management_policy: set.spec.podManagementPolicy ?? 'OrderedReady',
        statefulset_name: set.metadata.name ?? '',
        statefulset_namespace: set.metadata.namespace ?? '',
      });
      max.cell(labels).value = counts.max;
      unavailable.cell(labels).value = counts.now;
    },
  };
}
