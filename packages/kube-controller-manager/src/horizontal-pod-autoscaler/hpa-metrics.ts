/** What is measured of autoscaling (upstream `pkg/controller/podautoscaler/monitor/metrics.go`). */
import { labelText, type LabelText, type MetricsRegistry } from '@kubets/apimachinery/metrics';

export type Action = 'scale_up' | 'scale_down' | 'none';
export type Failure = 'spec' | 'internal' | 'none';

/** An autoscaler. */
export interface Named {
  readonly namespace: string;
  readonly name: string;
}

export interface HpaMetrics {
  reconciled(action: Action, error: Failure, seconds: number): void;
  computed(type: string, outcome: { readonly action: Action; readonly error: Failure }, seconds: number): void;
  desired(autoscaler: Named, replicas: number): void;
  /** It is gone, and so is its series. */
  forget(autoscaler: Named): void;
  count(autoscalers: number): void;
}

const known = new WeakMap<MetricsRegistry, HpaMetrics>();
const buckets = Array.from({ length: 15 }, (_, i) => 0.001 * 2 ** i);
const prefix = 'horizontal_pod_autoscaler_controller_';

/** The families of a process. */
export function hpaMetrics(registry: MetricsRegistry): HpaMetrics {
  let metrics = known.get(registry);
  if (metrics === undefined) known.set(registry, (metrics = register(registry)));
  return metrics;
}

function register(registry: MetricsRegistry): HpaMetrics {
  const reconciliations = registry.counter(
    `${prefix}reconciliations_total`,
    "Number of reconciliations of HPA controller. The label 'action' should be either 'scale_down', 'scale_up', or 'none'. Also, the label 'error' should be either 'spec', 'internal', or 'none'. Note that if both spec and internal errors happen during a reconciliation, the first one to occur is reported in `error` label.",
  );
  const durations = registry.histogram(
    `${prefix}reconciliation_duration_seconds`,
    "The time(seconds) that the HPA controller takes to reconcile once. The label 'action' should be either 'scale_down', 'scale_up', or 'none'. Also, the label 'error' should be either 'spec', 'internal', or 'none'. Note that if both spec and internal errors happen during a reconciliation, the first one to occur is reported in `error` label.",
    buckets,
  );
  const computations = registry.counter(
    `${prefix}metric_computation_total`,
    "Number of metric computations. The label 'action' should be either 'scale_down', 'scale_up', or 'none'. Also, the label 'error' should be either 'spec', 'internal', or 'none'. The label 'metric_type' corresponds to HPA.spec.metrics[*].type",
  );
  const computationDurations = registry.histogram(
    `${prefix}metric_computation_duration_seconds`,
    "The time(seconds) that the HPA controller takes to calculate one metric. The label 'action' should be either 'scale_down', 'scale_up', or 'none'. The label 'error' should be either 'spec', 'internal', or 'none'. The label 'metric_type' corresponds to HPA.spec.metrics[*].type",
    buckets,
  );
  const count = registry.gauge(`${prefix}num_horizontal_pod_autoscalers`, 'Current number of controlled HPA objects.');
  const desired = new Map<LabelText, number>();
  const about = 'Current desired replica count for HPA objects.';
  registry.collected({ name: `${prefix}desired_replicas`, help: about, type: 'gauge' }, () => desired);
  return {
    reconciled(action, error, seconds) {
      const labels = labelText({ action, error });
      reconciliations.add(1, labels);
      durations.observe(seconds, labels);
    },
    computed(type, { action, error }, seconds) {
      const labels = labelText({ action, error, metric_type: type });
      computations.add(1, labels);
      computationDurations.observe(seconds, labels);
    },
    desired: (autoscaler, replicas) => void desired.set(labelsOf(autoscaler), replicas),
    forget: (autoscaler) => void desired.delete(labelsOf(autoscaler)),
    count: (autoscalers) => count.set(autoscalers),
  };
}

const labelsOf = ({ namespace, name }: Named): LabelText => labelText({ hpa_name: name, namespace });
