/** Health checks as service level indicators, at `/metrics/slis` (`component-base/metrics/prometheus/slis`). */
import type { HealthObserver } from '../health/checks.ts';
import { labelText, type MetricsRegistry } from '@kubets/apimachinery/metrics';

/** Registers the families; the checks tell them of each of their runs. */
export function healthMetrics(metrics: MetricsRegistry): HealthObserver {
  const state = metrics.gauge('kubernetes_healthcheck', 'The result of the last run of a health check: 1 or 0.');
  const total = metrics.counter('kubernetes_healthchecks_total', 'How often a health check has come to a result.');
  return (name, type, healthy) => {
    state.set(healthy ? 1 : 0, labelText({ name, type }));
    total.add(1, labelText({ name, status: healthy ? 'success' : 'error', type }));
  };
}
