/** How long admission takes (`apiserver/pkg/admission/metrics/metrics.go`). */
import type { Clock } from '@kubets/apimachinery/clock';
import type { AdmissionObserver } from '../admission/chain.ts';
import { labelText, type MetricsRegistry } from '@kubets/apimachinery/metrics';

/** Seconds; as in the list of stable metrics. */
const bounds = [0.005, 0.025, 0.1, 0.5, 1, 2.5];

/** Registers the families, and returns what the chain tells them. */
export function admissionMetrics(metrics: MetricsRegistry, clock: Clock): AdmissionObserver {
  const prefix = 'apiserver_admission';
  const plugins = metrics.histogram(
    `${prefix}_controller_admission_duration_seconds`,
    'Latency of one admission plugin.',
    bounds,
  );
  const steps = metrics.histogram(
    `${prefix}_step_admission_duration_seconds`,
    'Latency of all plugins of a phase.',
    bounds,
  );
  return {
    now: () => clock.monotonic(),
    series(name, { operation, phase: type, rejected }) {
      const labels = { ...(name !== '' && { name }), operation, rejected: String(rejected), type };
      const series = (name === '' ? steps : plugins).series(labelText(labels));
      return (ms) => series.observe(ms / 1000);
    },
  };
}
