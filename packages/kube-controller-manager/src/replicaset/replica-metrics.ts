/** What is measured of ReplicaSets and ReplicationControllers together (upstream `pkg/controller/replicaset/metrics/metrics.go`). */
import type { GroupResource } from '@kubets/apimachinery/meta';
import { labelText, type MetricsRegistry } from '@kubets/apimachinery/metrics';
import type { Pod } from '@kubets/api/types/core-v1';
import { podCondition } from '@kubets/api/core/helpers/pod';

export interface ReplicaMetrics {
  /** Some of the active pods were chosen for deletion. */
  chosen(pods: readonly Readonly<Pod>[], active: readonly Readonly<Pod>[], now: number): void;
  /** A turn was passed over, since the cache had not seen what was written. */
  stale(resource: GroupResource): void;
}

const known = new WeakMap<MetricsRegistry, ReplicaMetrics>();

/** The families of a process; both controllers share them. */
export function replicaMetrics(registry: MetricsRegistry): ReplicaMetrics {
  let metrics = known.get(registry);
  if (metrics === undefined) known.set(registry, (metrics = register(registry)));
  return metrics;
}

function register(registry: MetricsRegistry): ReplicaMetrics {
  const ratio = registry.histogram(
    'replicaset_controller_sorting_deletion_age_ratio',
    "The ratio of chosen deleted pod's ages to the current youngest pod's age (at the time). Should be <2. The intent of this metric is to measure the rough efficacy of the LogarithmicScaleDown feature gate's effect on the sorting (and deletion) of pods when a replicaset scales down. This only considers Ready pods when calculating and reporting.",
    [0.25, 0.5, 1, 2, 4, 8],
  );
  const skips = registry.counter(
    'replicaset_controller_stale_sync_skips_total',
    'Number of ReplicaSet syncs skipped due to a stale cache.',
  );
  return {
    chosen(pods, active, now) {
      const youngest = Math.min(...readyAges(active, now));
      for (const age of readyAges(pods, now)) if (youngest > 0) ratio.observe(age / youngest);
    },
    stale: ({ group, resource }) => skips.add(1, labelText({ group, resource })),
  };
}

function readyAges(pods: readonly Readonly<Pod>[], now: number): number[] {
  const ages: number[] = [];
  for (const pod of pods) {
    const ready = podCondition(pod, 'Ready');
    if (ready?.status === 'True' && ready.lastTransitionTime !== undefined)
      ages.push(now - Date.parse(ready.lastTransitionTime));
  }
  return ages;
}
