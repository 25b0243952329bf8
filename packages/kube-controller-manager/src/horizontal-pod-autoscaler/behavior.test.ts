import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HPAScalingRules, HorizontalPodAutoscaler } from '@kubets/api/types/autoscaling-v2';
import { longestPeriodMs, normalize, type Normalized } from './behavior.ts';
import { History } from './history.ts';

const now = Date.UTC(2026, 0, 1);
const second = 1000;

interface Given {
  readonly current: number;
  readonly desired: number;
  readonly min?: number;
  readonly max?: number;
  readonly up?: HPAScalingRules;
  readonly down?: HPAScalingRules;
  readonly history?: History;
}

function run(given: Given): Normalized {
  const { current, desired, min = 1, max = 100, up, down, history = new History() } = given;
  const behavior = { ...(up && { scaleUp: up }), ...(down && { scaleDown: down }) };
  const hpa: HorizontalPodAutoscaler = {
    metadata: {},
    spec: {
      scaleTargetRef: { kind: 'Deployment', name: 'd' },
      maxReplicas: max,
      ...((up ?? down) && { behavior }),
    },
  };
  return normalize({
    hpa,
    history,
    currentReplicas: current,
    desiredReplicas: desired,
    minReplicas: min,
    now,
    downscaleStabilizationMs: 300 * second,
  });
}

const summary = ({ replicas, findings }: Normalized): [number, ...string[]] => [
  replicas,
  ...findings.map(({ status, reason }) => `${status} ${reason}`),
];

const pods = (value: number, periodSeconds = 60): { type: string; value: number; periodSeconds: number } => ({
  type: 'Pods',
  value,
  periodSeconds,
});
const percent = (value: number, periodSeconds = 60): ReturnType<typeof pods> => ({
  ...pods(value, periodSeconds),
  type: 'Percent',
});
const rules = (selectPolicy: string, ...policies: ReturnType<typeof pods>[]): HPAScalingRules => ({
  stabilizationWindowSeconds: 0,
  selectPolicy,
  policies,
});

describe('without a behavior', () => {
  it.each<[string, Given, [number, ...string[]]]>([
    ['within range', { current: 3, desired: 5 }, [5, 'True ReadyForNewScale', 'False DesiredWithinRange']],
    ['twice as many at most', { current: 3, desired: 9 }, [6, 'True ReadyForNewScale', 'True ScaleUpLimit']],
    ['four from one', { current: 1, desired: 9 }, [4, 'True ReadyForNewScale', 'True ScaleUpLimit']],
    [
      'no more than the maximum',
      { current: 3, desired: 9, max: 5 },
      [5, 'True ReadyForNewScale', 'True TooManyReplicas'],
    ],
    [
      'no less than the minimum',
      { current: 3, desired: 1, min: 2 },
      [2, 'True ReadyForNewScale', 'True TooFewReplicas'],
    ],
  ])('%s', (_title, given, expected) => {
    expect(summary(run(given))).toEqual(expected);
  });

  it('follows the highest recommendation of the window', () => {
    const history = new History();
    history.recommend(9, now - 301 * second, 3_000_000);
    history.recommend(5, now - 200 * second, 3_000_000);
    expect(summary(run({ current: 6, desired: 2, history }))).toEqual([
      5,
      'True ScaleDownStabilized',
      'False DesiredWithinRange',
    ]);
    expect(history.recommendations.map(({ replicas }) => replicas)).toEqual([5, 2]);
  });
});

describe('with a behavior', () => {
  it.each<[string, Given, [number, ...string[]]]>([
    ['pods', { current: 3, desired: 9, up: rules('Max', pods(2)) }, [5, 'True ReadyForNewScale', 'True ScaleUpLimit']],
    [
      'percent, rounded up',
      { current: 3, desired: 9, up: rules('Max', percent(10)) },
      [4, 'True ReadyForNewScale', 'True ScaleUpLimit'],
    ],
    [
      'the most of several',
      { current: 10, desired: 30, up: rules('Max', pods(4), percent(100)) },
      [20, 'True ReadyForNewScale', 'True ScaleUpLimit'],
    ],
    [
      'the least of several',
      { current: 10, desired: 30, up: rules('Min', pods(4), percent(100)) },
      [14, 'True ReadyForNewScale', 'True ScaleUpLimit'],
    ],
    [
      'not at all',
      { current: 10, desired: 30, up: rules('Disabled', pods(4)) },
      [10, 'True ReadyForNewScale', 'True ScaleUpLimit'],
    ],
    [
      'down by pods',
      { current: 10, desired: 2, down: rules('Max', pods(3)) },
      [7, 'True ReadyForNewScale', 'True ScaleDownLimit'],
    ],
    [
      'down by percent, rounded down',
      { current: 9, desired: 1, down: rules('Max', percent(50)) },
      [4, 'True ReadyForNewScale', 'True ScaleDownLimit'],
    ],
    [
      'down by the least',
      { current: 10, desired: 1, down: rules('Min', percent(50), pods(2)) },
      [8, 'True ReadyForNewScale', 'True ScaleDownLimit'],
    ],
    [
      'down to the minimum',
      { current: 4, desired: 1, min: 3, down: rules('Max', pods(9)) },
      [3, 'True ReadyForNewScale', 'True TooFewReplicas'],
    ],
    [
      'up to the maximum',
      { current: 4, desired: 9, max: 6, up: rules('Max', pods(9)) },
      [6, 'True ReadyForNewScale', 'True TooManyReplicas'],
    ],
  ])('%s', (_title, given, expected) => {
    expect(summary(run({ up: rules('Max'), down: rules('Max'), ...given }))).toEqual(expected);
  });

  it('counts what was scaled within the period', () => {
    const history = new History();
    history.scaled(2, now - 30 * second, 60_000);
    history.scaled(-1, now - 90 * second, 600_000);
    expect(run({ current: 6, desired: 20, up: rules('Max', pods(3)), history }).replicas).toBe(7);
    expect(run({ current: 6, desired: 20, up: rules('Max', pods(3, 120)), history }).replicas).toBe(8);
  });

  it('waits on both sides', () => {
    const history = new History();
    for (const [replicas, ago] of [
      [4, 50],
      [8, 20],
    ] as const)
      history.recommend(replicas, now - ago * second, 3_000_000);
    const up = { ...rules('Max', pods(100)), stabilizationWindowSeconds: 60 };
    const down = { ...rules('Max', pods(100)), stabilizationWindowSeconds: 30 };
    expect(summary(run({ current: 5, desired: 12, up, down, history })).slice(0, 2)).toEqual([
      5,
      'True ScaleUpStabilized',
    ]);
    expect(summary(run({ current: 9, desired: 2, up, down, history })).slice(0, 2)).toEqual([
      9,
      'True ScaleDownStabilized',
    ]);
  });

  it('knows the longest period', () => {
    expect(longestPeriodMs(rules('Max', pods(1, 15), percent(1, 90)))).toBe(90_000);
    expect(longestPeriodMs(undefined)).toBe(0);
  });
});

describe('whatever is asked for', () => {
  const rule = fc.record({
    stabilizationWindowSeconds: fc.nat(600),
    selectPolicy: fc.constantFrom('Max', 'Min', 'Disabled'),
    policies: fc.array(
      fc.record({
        type: fc.constantFrom('Pods', 'Percent'),
        value: fc.integer({ min: 1, max: 200 }),
        periodSeconds: fc.integer({ min: 1, max: 1800 }),
      }),
      { minLength: 1, maxLength: 3 },
    ),
  });

  it('stays between the limits, and a whole number', () => {
    const given = fc.record({
      current: fc.integer({ min: 1, max: 50 }),
      desired: fc.nat(200),
      behavior: fc.option(fc.record({ up: rule, down: rule })),
      past: fc.array(fc.record({ replicas: fc.nat(100), ago: fc.nat(900), change: fc.integer({ min: -20, max: 20 }) })),
    });
    fc.assert(
      fc.property(given, ({ current, desired, behavior, past }) => {
        const history = new History();
        for (const { replicas, ago, change } of past) {
          history.recommend(replicas, now - ago * second, 3_000_000);
          history.scaled(change, now - ago * second, 3_000_000);
        }
        const { replicas } = run({ current, desired, min: 1, max: 50, history, ...behavior });
        expect(Number.isInteger(replicas)).toBe(true);
        expect(replicas).toBeGreaterThanOrEqual(1);
        expect(replicas).toBeLessThanOrEqual(50);
      }),
    );
  });
});
