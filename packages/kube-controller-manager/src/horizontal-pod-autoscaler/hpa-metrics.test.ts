import { describe, expect, it } from 'vitest';
import { MetricsRegistry } from '@kubets/apimachinery/metrics';
import { hpaMetrics } from './hpa-metrics.ts';

describe('hpaMetrics', () => {
  it('registers once for a process, and forgets autoscalers that are gone', () => {
    const registry = new MetricsRegistry();
    const metrics = hpaMetrics(registry);
    expect(hpaMetrics(registry)).toBe(metrics);
    metrics.desired({ namespace: 'a', name: 'x' }, 3);
    metrics.desired({ namespace: 'b', name: 'y' }, 4);
    metrics.forget({ namespace: 'b', name: 'y' });
    metrics.count(1);
    metrics.reconciled('scale_up', 'none', 0.01);
    metrics.computed('Resource', { action: 'none', error: 'internal' }, 0.01);
    const lines = registry.text().split('\n');
    const prefix = 'horizontal_pod_autoscaler_controller_';
    expect(lines).toContain(`${prefix}desired_replicas{hpa_name="x",namespace="a"} 3`);
    expect(lines.some((line) => line.includes('hpa_name="y"'))).toBe(false);
    expect(lines).toContain(`${prefix}num_horizontal_pod_autoscalers 1`);
    expect(lines).toContain(`${prefix}reconciliations_total{action="scale_up",error="none"} 1`);
    expect(lines).toContain(
      `${prefix}metric_computation_total{action="none",error="internal",metric_type="Resource"} 1`,
    );
  });
});
