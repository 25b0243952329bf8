import { describe, expect, it } from 'vitest';
import { RestartableMetrics } from './manager-metrics.ts';

describe('RestartableMetrics', () => {
  it('goes on counting, and looks things up in the newest', () => {
    const metrics = new RestartableMetrics();
    metrics.counter('a_total', 'A').add(1);
    metrics.counter('a_total', 'A').add(2);
    const head = { name: 'b', help: 'B', type: 'gauge' } as const;
    metrics.collected(head, () => [['', 1]]);
    metrics.collected(head, () => [['', 2]]);
    metrics.histogram('c', 'C', [1]).observe(1);
    metrics.histogram('c', 'C', [1]).observe(1);
    expect(metrics.text()).toContain('\na_total 3\n');
    expect(metrics.text()).toContain('\nb 2\n');
    expect(metrics.text()).toContain('\nc_count 2\n');
  });

  it('refuses a name with two types', () => {
    const metrics = new RestartableMetrics();
    metrics.counter('a', 'A');
    expect(() => metrics.gauge('a', 'A')).toThrow('metric a is registered with two types');
    expect(() => metrics.histogram('a', 'A', [])).toThrow('metric a is registered with two types');
  });
});
