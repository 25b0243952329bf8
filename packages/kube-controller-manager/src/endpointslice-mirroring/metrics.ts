/** `endpoint_slice_mirroring_controller_*` (upstream `pkg/controller/endpointslicemirroring/metrics`). */
import { labelText, type MetricsRegistry } from '@kubets/apimachinery/metrics';
import type { MirrorCount, MirrorPlan } from './plan.ts';

const prefix = 'endpoint_slice_mirroring_controller';
const powersOfTwo = Array.from({ length: 15 }, (_, i) => 2 ** (i + 1));
const durations = Array.from({ length: 15 }, (_, i) => 0.001 * 2 ** i);

type Totals = { endpoints: number; slices: number; desired: number };

export class MirrorMetrics {
  readonly #max: number;
  readonly #mirrored = new Map<string, ReadonlyMap<string, MirrorCount>>();
  readonly #added;
  readonly #updated;
  readonly #removed;
  readonly #skipped;
  readonly #duration;
  readonly #changes;

  constructor(metrics: MetricsRegistry, maxEndpointsPerSubset: number) {
    this.#max = maxEndpointsPerSubset;
    const perSync = (name: string, help: string) => metrics.histogram(`${prefix}_${name}`, help, powersOfTwo);
    this.#added = perSync('endpoints_added_per_sync', 'Number of endpoints added on each Endpoints sync');
    this.#updated = perSync('endpoints_updated_per_sync', 'Number of endpoints updated on each Endpoints sync');
    this.#removed = perSync('endpoints_removed_per_sync', 'Number of endpoints removed on each Endpoints sync');
    this.#skipped = perSync(
      'addresses_skipped_per_sync',
      'Number of addresses skipped on each Endpoints sync due to being invalid or exceeding MaxEndpointsPerSubset',
    );
    this.#duration = metrics.histogram(
      `${prefix}_endpoints_sync_duration`,
      'Duration of syncEndpoints() in seconds',
      durations,
    );
    this.#changes = metrics.counter(`${prefix}_changes`, 'Number of EndpointSlice changes');
    this.#gauge(metrics, 'num_endpoint_slices', 'Number of EndpointSlices', (t) => t.slices);
    const desired = 'Number of EndpointSlices that would exist with perfect endpoint allocation';
    this.#gauge(metrics, 'desired_endpoint_slices', desired, (t) => t.desired);
    this.#gauge(metrics, 'endpoints_desired', 'Number of endpoints desired', (t) => t.endpoints);
  }

  planned(key: string, plan: MirrorPlan): void {
    this.#mirrored.set(key, plan.counts);
    this.#added.observe(plan.added);
    this.#updated.observe(plan.updated);
    this.#removed.observe(plan.removed);
    this.#skipped.observe(plan.skipped);
  }

  changed(operation: 'create' | 'update' | 'delete'): void {
    this.#changes.add(1, labelText({ operation }));
  }

  synced(ms: number): void {
    this.#duration.observe(ms / 1000);
  }

  forget(key: string): void {
    this.#mirrored.delete(key);
  }

  #gauge(metrics: MetricsRegistry, name: string, help: string, of: (totals: Totals) => number): void {
    metrics.collected({ name: `${prefix}_${name}`, help, type: 'gauge' }, () => [['', of(this.#totals())]]);
  }

  #totals(): Totals {
    const totals: Totals = { endpoints: 0, slices: 0, desired: 0 };
    for (const counts of this.#mirrored.values()) {
      for (const { endpoints, slices } of counts.values()) {
        totals.endpoints += endpoints;
        totals.slices += slices;
        totals.desired += Math.ceil(endpoints / this.#max);
      }
    }
    return totals;
  }
}
