import { describe, expect, it } from 'vitest';
import { formatTime } from '@kubets/apimachinery/time';
import type { Pod } from '@kubets/api/types/core-v1';
import { groupPods, podRequests, type PodMetrics } from './pod-groups.ts';
import { averageReplicas, perPodReplicas, utilizationReplicas, valueReplicas } from './replica-calculator.ts';
import { isWithin, tolerancesOf } from './tolerances.ts';

const now = Date.UTC(2026, 0, 1);
const tolerances = { scaleDown: 0.1, scaleUp: 0.1 };
const minute = 60_000;

interface Traits {
  readonly phase?: string;
  readonly ready?: boolean;
  readonly startedMs?: number;
  readonly changedMs?: number;
  readonly deleted?: boolean;
  readonly request?: string;
}

function pod(name: string, traits: Traits = {}): Pod {
  const { phase = 'Running', ready = true, startedMs = 60 * minute, changedMs = 59 * minute, request = '1' } = traits;
  const time = (agoMs: number): string => formatTime(now - agoMs);
  return {
    metadata: { name, ...(traits.deleted === true && { deletionTimestamp: time(0) }) },
    spec: { containers: [{ name: 'c', resources: { requests: { cpu: request } } }] },
    status: {
      phase: phase as 'Running',
      startTime: time(startedMs),
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: time(changedMs) }],
    },
  };
}

const pods = (count: number): Pod[] => Array.from({ length: count }, (_, i) => pod(`p${i}`));

const groups = { resource: 'cpu', cpuInitializationPeriodMs: 5 * minute, initialReadinessDelayMs: 30_000, now };

/** Thousandths by pod, of p0, p1 … */
const metrics = (...values: (number | undefined)[]): PodMetrics => {
  const known: PodMetrics = new Map();
  for (const [i, value] of values.entries())
    if (value !== undefined) known.set(`p${i}`, { timestamp: now, windowMs: 30_000, value });
  return known;
};

const utilization = (
  { currentReplicas, target, of }: { currentReplicas: number; target: number; of: readonly Pod[] },
  measured: PodMetrics,
): number =>
  utilizationReplicas({
    currentReplicas,
    tolerances,
    pods: of,
    metrics: measured,
    groups,
    container: '',
    podLevel: true,
    target,
  }).replicas;

describe('utilization', () => {
  it.each<[string, number, PodMetrics, readonly Pod[], number]>([
    ['grows', 30, metrics(300, 500, 700), pods(3), 5],
    ['shrinks', 50, metrics(100, 300, 500, 250, 250), pods(5), 3],
    ['stays within the tolerance', 100, metrics(1010, 1030, 1020), pods(3), 3],
    [
      'unready pods count nothing on the way up',
      30,
      metrics(300, 500, 700),
      [pod('p0', { ready: false, changedMs: 60 * minute }), pod('p1'), pod('p2')],
      4,
    ],
    [
      'starting pods do not count at all',
      30,
      metrics(400, 500, 700),
      [pod('p0', { phase: 'Pending' }), pod('p1'), pod('p2')],
      4,
    ],
    [
      'failed and deleted pods are ignored',
      30,
      metrics(5000, 300, 5000),
      [pod('p0', { phase: 'Failed' }), pod('p1'), pod('p2', { deleted: true })],
      3,
    ],
    ['missing pods count nothing on the way up', 15, metrics(300, undefined, 300), pods(3), 4],
    ['missing pods count as full on the way down', 100, metrics(100, undefined, 100), pods(3), 2],
    ['missing pods do not turn the direction', 60, metrics(250, undefined), pods(2), 3],
  ])('%s', (_title, target, measured, of, expected) => {
    expect(utilization({ currentReplicas: 3, target, of }, measured)).toBe(expected);
  });

  it('refuses to guess', () => {
    const input = { currentReplicas: 3, target: 50 };
    expect(() => utilization({ ...input, of: [] }, metrics(1))).toThrow(
      'no pods returned by selector while calculating replica count',
    );
    const unready = [pod('p0', { phase: 'Pending' })];
    expect(() => utilization({ ...input, of: unready }, metrics(1))).toThrow(
      'did not receive metrics for targeted pods (pods might be unready)',
    );
    const modest: Pod = { ...pod('p0'), spec: { containers: [{ name: 'c' }] } };
    expect(() => utilization({ ...input, of: [modest] }, metrics(1))).toThrow(
      'missing request for cpu in container c of Pod p0',
    );
  });
});

describe('requests', () => {
  it('takes those of the whole pod, of sidecars, or of one container', () => {
    const whole = pod('p0');
    whole.spec = {
      containers: [{ name: 'a', resources: { requests: { cpu: '100m' } } }, { name: 'b' }],
      initContainers: [
        { name: 's', restartPolicy: 'Always', resources: { requests: { cpu: '10m' } } },
        { name: 'setup' },
      ],
      resources: { requests: { cpu: '2' } },
    };
    const of = (container: string, podLevel: boolean): number | undefined =>
      podRequests([whole], 'cpu', { container, podLevel }).get('p0');
    expect(of('', true)).toBe(2000);
    expect(of('a', true)).toBe(100);
    expect(of('s', true)).toBe(10);
    expect(() => of('', false)).toThrow('missing request for cpu in container b of Pod p0');
    whole.spec.resources = { requests: { memory: '1' } };
    expect(() => of('', true)).toThrow('missing pod-level request for cpu in Pod p0');
  });
});

describe('cpu of pods that have just started', () => {
  it.each<[string, Traits, boolean]>([
    ['ready, and a window measured since', { startedMs: 2 * minute, changedMs: minute }, true],
    ['ready, but measured before', { startedMs: 2 * minute, changedMs: 10_000 }, false],
    ['not ready', { startedMs: 2 * minute, changedMs: minute, ready: false }, false],
    ['later: ready', { startedMs: 10 * minute, changedMs: 5000 }, true],
    ['later: was ready once', { startedMs: 10 * minute, changedMs: minute, ready: false }, true],
    ['later: never ready', { startedMs: 10 * minute, changedMs: 10 * minute - 5000, ready: false }, false],
  ])('%s', (_title, traits, counts) => {
    const grouped = groupPods([pod('p0', traits)], metrics(1), groups);
    expect(grouped.ready).toBe(counts ? 1 : 0);
    expect(groupPods([pod('p0', traits)], metrics(1), { ...groups, resource: 'memory' }).ready).toBe(1);
  });
});

describe('values', () => {
  it('averages over pods', () => {
    const input = { currentReplicas: 3, tolerances, pods: pods(3), groups: { ...groups, resource: '' } };
    expect(averageReplicas({ ...input, metrics: metrics(20_000, 10_000, 30_000), target: 15_000 })).toEqual({
      replicas: 4,
      usage: 20_000,
    });
  });

  it('relates one value to the ready pods', () => {
    const input = { currentReplicas: 3, tolerances, pods: [...pods(3), pod('x', { ready: false })] };
    expect(valueReplicas(input, 20_000, 15_000).replicas).toBe(4);
    expect(valueReplicas(input, 15_500, 15_000).replicas).toBe(3);
    expect(valueReplicas({ ...input, currentReplicas: 0 }, 40_000, 15_000).replicas).toBe(3);
    expect(() => valueReplicas({ ...input, pods: [] }, 40_000, 15_000)).toThrow('unable to calculate ready pods');
  });

  it('divides one value among the replicas', () => {
    expect(perPodReplicas({ statusReplicas: 3, tolerances }, 8600, 2150)).toEqual({ replicas: 4, usage: 2867 });
    expect(perPodReplicas({ statusReplicas: 4, tolerances }, 8600, 2200)).toEqual({ replicas: 4, usage: 2150 });
    expect(perPodReplicas({ statusReplicas: 0, tolerances }, 8600, 2150)).toEqual({ replicas: 4, usage: 0 });
  });
});

describe('tolerances', () => {
  it('takes those of the autoscaler where the gate allows it', () => {
    const hpa = {
      metadata: {},
      spec: {
        scaleTargetRef: { kind: 'D', name: 'd' },
        maxReplicas: 3,
        behavior: { scaleUp: { tolerance: '50m' } },
      },
    };
    expect(tolerancesOf(hpa, 0.1, true)).toEqual({ scaleDown: 0.1, scaleUp: 0.05 });
    expect(tolerancesOf(hpa, 0.1, false)).toEqual(tolerances);
    expect([0.89, 0.9, 1.1, 1.11].map((ratio) => isWithin(tolerances, ratio))).toEqual([false, true, true, false]);
  });
});
