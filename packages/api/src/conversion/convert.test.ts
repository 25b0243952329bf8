import { describe, expect, it } from 'vitest';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { convert, needsConversion } from './convert.ts';

const v1 = { group: 'autoscaling', version: 'v1', kind: 'HorizontalPodAutoscaler' };
const v2 = { ...v1, version: 'v2' };
const core = { group: '', version: 'v1', kind: 'Event' };
const events = { group: 'events.k8s.io', version: 'v1', kind: 'Event' };

const full: ApiObject = {
  kind: 'HorizontalPodAutoscaler',
  apiVersion: 'autoscaling/v2',
  metadata: { name: 'web', annotations: { mine: 'x' } },
  spec: {
    scaleTargetRef: { kind: 'Deployment', name: 'web', apiVersion: 'apps/v1' },
    minReplicas: 1,
    maxReplicas: 9,
    metrics: [
      {
        type: 'Object',
        object: {
          describedObject: { kind: 'Service', name: 's' },
          target: { type: 'Value', value: '5' },
          metric: { name: 'hits' },
        },
      },
      {
        type: 'Pods',
        pods: {
          metric: { name: 'qps', selector: { matchLabels: { a: 'b' } } },
          target: { type: 'AverageValue', averageValue: '1k' },
        },
      },
      { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } } },
      {
        type: 'ContainerResource',
        containerResource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 }, container: 'c' },
      },
      { type: 'External', external: { metric: { name: 'queue' }, target: { type: 'Value', value: '30' } } },
      { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
    ],
    behavior: {
      scaleDown: { stabilizationWindowSeconds: 10, policies: [{ type: 'Pods', value: 4, periodSeconds: 15 }] },
    },
  },
  status: {
    currentReplicas: 2,
    desiredReplicas: 3,
    currentMetrics: [
      { type: 'Resource', resource: { name: 'cpu', current: { averageValue: '100m', averageUtilization: 40 } } },
    ],
    conditions: [
      { type: 'AbleToScale', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z', reason: 'r', message: 'm' },
    ],
  },
};

describe('HorizontalPodAutoscaler', () => {
  it('puts into annotations what v1 has no field for', () => {
    const old = convert(full, v2, v1);
    expect(old.apiVersion).toBe('autoscaling/v1');
    expect(old['spec']).toEqual({
      scaleTargetRef: { kind: 'Deployment', name: 'web', apiVersion: 'apps/v1' },
      minReplicas: 1,
      maxReplicas: 9,
      targetCPUUtilizationPercentage: 80,
    });
    expect(old['status']).toMatchObject({ currentCPUUtilizationPercentage: 40 });
    expect(Object.keys(old.metadata.annotations ?? {})).toHaveLength(5);
    expect(JSON.parse(old.metadata.annotations?.['autoscaling.alpha.kubernetes.io/behavior'] ?? '')).toEqual({
      ScaleDown: { StabilizationWindowSeconds: 10, Policies: [{ Type: 'Pods', Value: 4, PeriodSeconds: 15 }] },
    });
  });

  it('survives the way to v1 and back', () => {
    expect(convert(convert(full, v2, v1), v1, v2)).toEqual(full);
  });

  it('makes a metric of the CPU target', () => {
    const old: ApiObject = {
      ...full,
      apiVersion: 'autoscaling/v1',
      spec: { maxReplicas: 2, targetCPUUtilizationPercentage: 60 },
      status: { currentReplicas: 1, desiredReplicas: 1, currentCPUUtilizationPercentage: 9 },
    };
    expect(convert(old, v1, v2)['spec']).toMatchObject({
      metrics: [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } } },
      ],
    });
    expect(convert(old, v1, v2)['status']).toMatchObject({
      currentMetrics: [{ resource: { current: { averageUtilization: 9 } } }],
    });
  });

  it('reads through annotations that are no JSON', () => {
    const broken = convert(full, v2, v1);
    broken.metadata.annotations = { 'autoscaling.alpha.kubernetes.io/metrics': '{' };
    expect(convert(broken, v1, v2)['spec']).toMatchObject({ metrics: [{ type: 'Resource' }] });
  });

  it('converts lists item by item', () => {
    const list = { kind: 'HorizontalPodAutoscalerList', apiVersion: 'autoscaling/v2', metadata: {}, items: [full] };
    const kind = 'HorizontalPodAutoscalerList';
    const old = convert(list, { ...v2, kind }, { ...v1, kind });
    expect((old['items'] as ApiObject[])[0]?.['spec']).toMatchObject({ targetCPUUtilizationPercentage: 80 });
    expect(old.apiVersion).toBe('autoscaling/v1');
  });
});

describe('Event', () => {
  const event: ApiObject = {
    kind: 'Event',
    apiVersion: 'v1',
    metadata: { name: 'e' },
    involvedObject: { kind: 'Pod', name: 'p' },
    reason: 'Started',
    message: 'Started container',
    source: { component: 'kubelet' },
    firstTimestamp: '2026-01-01T00:00:00Z',
    lastTimestamp: '2026-01-01T00:00:00Z',
    count: 1,
    type: 'Normal',
    eventTime: null,
    reportingComponent: 'kubelet',
    reportingInstance: 'n',
  };

  it('renames fields', () => {
    expect(convert(event, core, events)).toMatchObject({
      apiVersion: 'events.k8s.io/v1',
      regarding: { kind: 'Pod', name: 'p' },
      note: 'Started container',
      deprecatedCount: 1,
      reportingController: 'kubelet',
    });
  });

  it('survives the way there and back', () => {
    expect(convert(convert(event, core, events), events, core)).toEqual(event);
  });
});

describe('others', () => {
  it('change their apiVersion only', () => {
    const kind = 'Lease';
    const from = { group: 'coordination.k8s.io', version: 'v1', kind };
    expect(needsConversion(from, { ...from, version: 'v1beta1' })).toBe(false);
    expect(needsConversion(v1, v2)).toBe(true);
  });
});
