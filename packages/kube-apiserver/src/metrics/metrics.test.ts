import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { describe, expect, it } from 'vitest';
import { AdmissionChain } from '../admission/chain.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../admission/plugin.ts';
import { HealthChecks } from '../health/checks.ts';
import { silentLog } from '@kubets/apimachinery/log';
import { requestInfoOf } from '../server/request-info.ts';
import type { ApiRequest } from '../server/types.ts';
import { admissionMetrics } from './admission-metrics.ts';
import { healthMetrics } from './health-metrics.ts';
import { labelText, MetricsRegistry } from '@kubets/apimachinery/metrics';
import { RequestMetrics } from './request-metrics.ts';

describe('MetricsRegistry', () => {
  it('writes the text format', () => {
    const registry = new MetricsRegistry();
    const counter = registry.counter('b_total', 'Counts b.');
    counter.add(2, labelText({ x: 'a"\\\n' }));
    registry.gauge('a', 'Shows a.').set(0.5);
    registry.histogram('c', 'Spreads c.', [0.1, 1]).observe(0.5, labelText({ y: 'z' }));
    registry.counter('d_total', 'Never counted.');
    expect(registry.text()).toBe(
      [
        '# HELP a Shows a.',
        '# TYPE a gauge',
        'a 0.5',
        '# HELP b_total Counts b.',
        '# TYPE b_total counter',
        'b_total{x="a\\"\\\\\\n"} 2',
        '# HELP c Spreads c.',
        '# TYPE c histogram',
        'c_bucket{y="z",le="0.1"} 0',
        'c_bucket{y="z",le="1"} 1',
        'c_bucket{y="z",le="+Inf"} 1',
        'c_sum{y="z"} 0.5',
        'c_count{y="z"} 1',
        '',
      ].join('\n'),
    );
    expect(() => registry.counter('a', '')).toThrow('twice');
  });
});

function requestOf(method: string, url: string): ApiRequest {
  const { pathname, searchParams } = new URL(url, 'https://x');
  const info = requestInfoOf({ method, path: pathname, query: searchParams });
  return { query: searchParams, headers: {}, info } as unknown as ApiRequest;
}

describe('RequestMetrics', () => {
  it('labels requests as upstream does', () => {
    const registry = new MetricsRegistry();
    const metrics = new RequestMetrics(registry);
    metrics.finished(requestOf('GET', '/api/v1/namespaces/a/pods'), 200, 0.001);
    metrics.finished(requestOf('POST', '/apis/apps/v1/namespaces/a/deployments?dryRun=All'), 201, 0.001);
    const text = registry.text();
    expect(text).toContain(
      'apiserver_request_total{code="200",component="apiserver",dry_run="",group="",resource="pods",scope="namespace",subresource="",verb="LIST",version="v1"} 1',
    );
    expect(text).toContain(
      'apiserver_request_total{code="201",component="apiserver",dry_run="All",group="apps",resource="deployments",scope="resource",subresource="",verb="POST",version="v1"} 1',
    );
  });

  it('keeps its size whatever clients name', () => {
    const registry = new MetricsRegistry();
    const metrics = new RequestMetrics(registry);
    for (let i = 0; i < 6000; i++) metrics.finished(requestOf('GET', `/apis/g${i}/v1/things`), 404, 0.001);
    expect(registry.text().match(/^apiserver_request_total\{/gm)?.length).toBeLessThanOrEqual(4100);
  });
});

describe('admissionMetrics', () => {
  it('times each plugin and the phase, passed and refused, synchronous or not', async () => {
    const clock = new FakeClock();
    const registry = new MetricsRegistry();
    const quick: AdmissionPlugin = { name: 'Quick', handles: () => true, admit: () => clock.advance(30) };
    const slow: AdmissionPlugin = {
      name: 'Slow',
      handles: () => true,
      async admit() {
        await Promise.resolve();
        clock.advance(600);
        throw new Error('no');
      },
    };
    const chain = new AdmissionChain([quick, slow], admissionMetrics(registry, clock));
    await expect(chain.admit({ operation: 'CREATE' } as AdmissionAttributes)).rejects.toThrow('no');
    const text = registry.text();
    const controller = 'apiserver_admission_controller_admission_duration_seconds';
    expect(text).toContain(`${controller}_sum{name="Quick",operation="CREATE",rejected="false",type="admit"} 0.03`);
    expect(text).toContain(`${controller}_sum{name="Slow",operation="CREATE",rejected="true",type="admit"} 0.6`);
    const step = 'apiserver_admission_step_admission_duration_seconds';
    expect(text).toContain(`${step}_bucket{operation="CREATE",rejected="true",type="admit",le="1"} 1`);
    expect(text).not.toContain('type="validate"');
  });
});

describe('healthMetrics', () => {
  it('counts the results of checks and shows the last', async () => {
    const registry = new MetricsRegistry();
    let healthy = true;
    const checks = new HealthChecks('livez', silentLog, healthMetrics(registry));
    checks.add({
      name: 'etcd',
      check() {
        if (!healthy) throw new Error('gone');
      },
    });
    const request = { path: '/livez', query: new URLSearchParams() } as ApiRequest;
    await checks.serve(request);
    healthy = false;
    await checks.serve(request);
    const text = registry.text();
    expect(text).toContain('kubernetes_healthcheck{name="etcd",type="livez"} 0');
    expect(text).toContain('kubernetes_healthchecks_total{name="etcd",status="success",type="livez"} 1');
    expect(text).toContain('kubernetes_healthchecks_total{name="etcd",status="error",type="livez"} 1');
  });
});
