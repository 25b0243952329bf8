/** `endpoint_slice_controller_*` (upstream `staging/src/k8s.io/endpointslice/metrics`). */
import { labelText, type MetricsRegistry } from '@kubets/apimachinery/metrics';
import type { PortCount } from './plan.ts';

const prefix = 'endpoint_slice_controller';
const powersOfTwo = Array.from({ length: 15 }, (_, i) => 2 ** (i + 1));
/** client_golang's `DefBuckets`. */
const defaultBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

interface Totals {
  endpoints: number;
  slices: number;
  desired: number;
}

type Counts = ReadonlyMap<string, ReadonlyMap<string, PortCount>>;

export class SliceMetrics {
  readonly #max: number;
  /** Service → family → port map. */
  readonly #services = new Map<string, Map<string, ReadonlyMap<string, PortCount>>>();
  readonly #distributions = new Map<string, string>();
  readonly #added;
  readonly #removed;
  readonly #changed;
  readonly #changes;
  readonly #syncs;

  constructor(metrics: MetricsRegistry, maxEndpointsPerSlice: number) {
    this.#max = maxEndpointsPerSlice;
    const perSync = (name: string, help: string) => metrics.histogram(`${prefix}_${name}`, help, powersOfTwo);
    this.#added = perSync('endpoints_added_per_sync', 'Number of endpoints added on each Service sync');
    this.#removed = perSync('endpoints_removed_per_sync', 'Number of endpoints removed on each Service sync');
    this.#changed = metrics.histogram(
      `${prefix}_endpointslices_changed_per_sync`,
      'Number of EndpointSlices changed on each Service sync',
      defaultBuckets,
    );
    this.#changes = metrics.counter(`${prefix}_changes`, 'Number of EndpointSlice changes');
    this.#syncs = metrics.counter(`${prefix}_syncs`, 'Number of EndpointSlice syncs');
    this.#gauge(metrics, 'num_endpoint_slices', 'Number of EndpointSlices', (t) => t.slices);
    const desired = 'Number of EndpointSlices that would exist with perfect endpoint allocation';
    this.#gauge(metrics, 'desired_endpoint_slices', desired, (t) => t.desired);
    this.#gauge(metrics, 'endpoints_desired', 'Number of endpoints desired', (t) => t.endpoints);
    metrics.collected(
      {
        name: `${prefix}_services_count_by_traffic_distribution`,
        help: 'Number of Services using some specific trafficDistribution',
        type: 'gauge',
      },
      () => this.#byDistribution(),
    );
  }

  /** What a plan found of one Service and family. */
  planned(
    key: string,
    family: string,
    plan: { counts: ReadonlyMap<string, PortCount>; added: number; removed: number },
  ): void {
    let families = this.#services.get(key);
    if (families === undefined) this.#services.set(key, (families = new Map()));
    families.set(family, plan.counts);
    this.#added.observe(plan.added);
    this.#removed.observe(plan.removed);
  }

  /** How traffic of the Service is distributed; '' when it does not say. */
  distribution(key: string, distribution: string): void {
    if (distribution === '') this.#distributions.delete(key);
    else this.#distributions.set(key, distribution);
  }

  written(changes: number, topology: 'Auto' | 'Disabled', distribution: string): void {
    this.#changed.observe(changes, labelText({ topology, traffic_distribution: distribution }));
  }

  changed(operation: 'create' | 'update' | 'delete'): void {
    this.#changes.add(1, labelText({ operation }));
  }

  synced(result: 'success' | 'stale' | 'error'): void {
    this.#syncs.add(1, labelText({ result }));
  }

  forget(key: string): void {
    this.#services.delete(key);
    this.#distributions.delete(key);
  }

  #gauge(metrics: MetricsRegistry, name: string, help: string, of: (totals: Totals) => number): void {
    metrics.collected({ name: `${prefix}_${name}`, help, type: 'gauge' }, () => [['', of(this.#totals())]]);
  }

  #totals(): Totals {
    const totals: Totals = { endpoints: 0, slices: 0, desired: 0 };
    for (const families of this.#services.values()) addCounts(totals, families, this.#max);
    return totals;
  }

  #byDistribution(): [string, number][] {
    const counts = new Map<string, number>();
    for (const value of this.#distributions.values()) counts.set(value, (counts.get(value) ?? 0) + 1);
    return Array.from(counts, ([value, count]) => [labelText({ traffic_distribution: value }), count]);
  }
}

function addCounts(totals: Totals, families: Counts, max: number): void {
  for (const ports of families.values()) {
    for (const { endpoints, slices } of ports.values()) {
      totals.endpoints += endpoints;
      totals.slices += slices;
      totals.desired += Math.max(1, Math.ceil(endpoints / max));
    }
  }
}
