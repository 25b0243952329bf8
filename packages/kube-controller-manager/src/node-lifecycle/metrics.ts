/** `node_collector_*` (upstream `pkg/controller/nodelifecycle/metrics.go`). */
import { labelText, type MetricsRegistry } from '@kubets/apimachinery/metrics';
import type { ZoneHealth } from './zones.ts';

export class NodeLifecycleMetrics {
  readonly #evictions;
  readonly #size;
  readonly #health;
  readonly #unhealthy;
  readonly #pass;
  readonly #node;

  constructor(metrics: MetricsRegistry) {
    const name = (rest: string): string => `node_collector_${rest}`;
    this.#evictions = metrics.counter(
      name('evictions_total'),
      'Number of Node evictions that happened since current instance of NodeController started.',
    );
    this.#size = metrics.gauge(name('zone_size'), 'Gauge measuring number of registered Nodes per zones.');
    this.#health = metrics.gauge(name('zone_health'), 'Gauge measuring percentage of healthy nodes per zone.');
    this.#unhealthy = metrics.gauge(
      name('unhealthy_nodes_in_zone'),
      'Gauge measuring number of not Ready Nodes per zones.',
    );
    const powers = (first: number): number[] => Array.from({ length: 8 }, (_, i) => first * 4 ** i);
    this.#pass = metrics.histogram(
      name('update_all_nodes_health_duration_seconds'),
      'Duration in seconds for NodeController to update the health of all nodes.',
      powers(0.01),
    );
    this.#node = metrics.histogram(
      name('update_node_health_duration_seconds'),
      'Duration in seconds for NodeController to update the health of a single node.',
      powers(0.001),
    );
  }

  /** A node of the zone got its NoExecute taint; 0: the zone was seen for the first time. */
  evicted(zone: string, nodes = 1): void {
    this.#evictions.add(nodes, labelText({ zone }));
  }

  zone(zone: string, { ready, notReady }: ZoneHealth): void {
    const label = labelText({ zone });
    const size = ready + notReady;
    this.#size.set(size, label);
    this.#health.set(size === 0 ? 100 : (100 * ready) / size, label);
    this.#unhealthy.set(notReady, label);
  }

  pass(ms: number): void {
    this.#pass.observe(ms / 1000);
  }

  node(ms: number): void {
    this.#node.observe(ms / 1000);
  }
}
