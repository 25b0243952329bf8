import { describe, expect, it } from 'vitest';
import type { Pod } from '@kubets/api/types/core-v1';
import type { PodDisruptionBudgetSpec, PodDisruptionBudgetStatus } from '@kubets/api/types/policy-v1';
import {
  countHealthy,
  disruptedOf,
  expectedOf,
  failSafeStatus,
  needsScale,
  planStatus,
  type Budget,
} from './budget.ts';
import { selectorText } from './selector-text.ts';
import { untilStale, withoutTarget } from './stale-target.ts';

const now = Date.UTC(2026, 0, 1, 0, 10, 0);
const ago = (seconds: number): string => new Date(now - seconds * 1000).toISOString().replace('.000', '');

const budgetOf = (spec: PodDisruptionBudgetSpec = {}, status?: PodDisruptionBudgetStatus): Budget => ({
  metadata: { name: 'b', namespace: 'default', generation: 2 },
  spec,
  ...(status && { status }),
});

const podOf = (name: string, ready: boolean, more: Partial<Pod['metadata']> = {}): Pod => ({
  metadata: { name, ...more },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
});

describe('expectedOf', () => {
  it.each<[PodDisruptionBudgetSpec, boolean, number, number]>([
    [{}, false, 0, 0],
    [{ minAvailable: 3 }, false, 7, 3],
    [{ minAvailable: '50%' }, true, 9, 5],
    [{ maxUnavailable: 2 }, true, 9, 7],
    [{ maxUnavailable: '50%' }, true, 9, 4],
    [{ maxUnavailable: 20 }, true, 9, 0],
  ])('%j: needs the scale %s, expects %i pods, %i healthy', (spec, scaled, expectedPods, desiredHealthy) => {
    const budget = budgetOf(spec);
    expect(needsScale(budget)).toBe(scaled);
    expect(expectedOf(budget, 7, 9)).toEqual({ expectedPods, desiredHealthy });
  });

  it('throws for what is no percentage', () => {
    expect(() => expectedOf(budgetOf({ minAvailable: 'many' }), 1, 1)).toThrow('string is not a percentage');
  });
});

describe('disruptedOf', () => {
  const disruptedPods = { going: ago(5), soon: ago(10), late: ago(121), gone: ago(1) };
  const pods = [
    podOf('going', true, { deletionTimestamp: ago(1) }),
    podOf('soon', true),
    podOf('late', true),
    podOf('other', true),
  ];

  it('keeps what is still to go, for two minutes', () => {
    const disrupted = disruptedOf(budgetOf({}, { disruptedPods }), pods, now);
    expect(disrupted.pods).toEqual({ soon: ago(10) });
    expect(disrupted.late.map(({ metadata }) => metadata.name)).toEqual(['late']);
    expect(disrupted.recheckMs).toBe(110_001);
    expect(disruptedOf(budgetOf(), pods, now)).toEqual({ pods: {}, late: [] });
  });

  it('does not count what goes as healthy', () => {
    expect(countHealthy([...pods, podOf('unready', false)], { soon: ago(10) }, now)).toBe(2);
    expect(countHealthy(pods, { soon: ago(120) }, now)).toBe(3);
  });
});

describe('planStatus', () => {
  const counted = { expectedPods: 3, desiredHealthy: 2, currentHealthy: 3, disruptedPods: {} };

  it('allows what is above, and says so only once', () => {
    const status = planStatus(budgetOf(), counted, now);
    expect(status).toMatchObject({ observedGeneration: 2, disruptionsAllowed: 1 });
    expect(status?.conditions?.[0]).toMatchObject({ reason: 'SufficientPods', lastTransitionTime: ago(0) });
    expect(planStatus(budgetOf({}, status), counted, now + 5000)).toBeUndefined();
    const fewer = planStatus(budgetOf({}, status), { ...counted, currentHealthy: 1 }, now + 5000);
    expect(fewer).toMatchObject({ disruptionsAllowed: 0 });
    expect(fewer?.conditions?.[0]).toMatchObject({
      status: 'False',
      reason: 'InsufficientPods',
      lastTransitionTime: ago(-5),
    });
    const more = planStatus(budgetOf({}, status), { ...counted, currentHealthy: 4 }, now + 5000);
    expect(more?.conditions?.[0]?.lastTransitionTime).toBe(ago(0));
  });

  it('allows nothing while no pods are expected', () => {
    const none = { expectedPods: 0, desiredHealthy: 0, currentHealthy: 1, disruptedPods: {} };
    expect(planStatus(budgetOf(), none, now)?.disruptionsAllowed).toBe(0);
  });

  it('fails on the safe side', () => {
    const before = planStatus(budgetOf(), counted, now);
    const status = failSafeStatus(budgetOf({}, before), 'no idea', now + 1000);
    expect(status).toMatchObject({ disruptionsAllowed: 0, currentHealthy: 3 });
    expect(status?.conditions).toHaveLength(1);
    expect(status?.conditions?.[0]).toMatchObject({ status: 'False', reason: 'SyncFailed', message: 'no idea' });
    expect(failSafeStatus(budgetOf({}, status), 'no idea', now + 2000)).toBeUndefined();
    expect(failSafeStatus(budgetOf({}, status), 'other', now + 2000)).toBeDefined();
  });
});

describe('stale targets', () => {
  const target = (seconds: number, reason = 'EvictionByEvictionAPI'): Pod => ({
    metadata: { name: 'a', generation: 3 },
    status: {
      phase: 'Running',
      conditions: [
        { type: 'Ready', status: 'True' },
        { type: 'DisruptionTarget', status: 'True', reason, message: 'm', lastTransitionTime: ago(seconds) },
      ],
    },
  });

  it('are those that stayed for two minutes', () => {
    expect(untilStale(target(20), now)).toBe(100_000);
    expect(untilStale(target(120), now)).toBe(0);
    expect(untilStale(target(500), now)).toBe(0);
    expect(untilStale(target(500, 'TerminationByKubelet'), now)).toBeUndefined();
    expect(untilStale(podOf('a', true), now)).toBeUndefined();
    const ended = target(500);
    expect(untilStale({ ...ended, status: { ...ended.status, phase: 'Failed' } }, now)).toBeUndefined();
    const going = { ...ended, metadata: { ...ended.metadata, deletionTimestamp: ago(1) } };
    expect(untilStale(going, now)).toBeUndefined();
  });

  it('are told to be none', () => {
    const { status } = withoutTarget(target(500), now);
    expect(status?.conditions).toEqual([
      { type: 'Ready', status: 'True' },
      { type: 'DisruptionTarget', observedGeneration: 3, status: 'False', lastTransitionTime: ago(0) },
    ]);
  });
});

describe('selectorText', () => {
  it('is as Go prints it', () => {
    expect(selectorText({ matchLabels: { b: '2', a: '1' } })).toBe(
      '&LabelSelector{MatchLabels:map[string]string{a: 1,b: 2,},MatchExpressions:[]LabelSelectorRequirement{},}',
    );
    expect(selectorText({ matchExpressions: [{ key: 'a', operator: 'In', values: ['x', 'y'] }] })).toBe(
      '&LabelSelector{MatchLabels:map[string]string{},MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement{Key:a,Operator:In,Values:[x y],},},}',
    );
    expect(selectorText(undefined)).toBe('nil');
  });
});
