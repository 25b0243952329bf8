import { describe, expect, it } from 'vitest';
import { Selector } from '@kubets/apimachinery/labels';
import { formatTime } from '@kubets/apimachinery/time';
import type { Pod } from '@kubets/api/types/core-v1';
import { planReplicas, planStatus, sortPods, untilNextAvailable, type ReplicaOwner } from './plan.ts';

const now = Date.UTC(2026, 0, 1);
const labels = { app: 'web' };

const pod = (name: string, more: Partial<Pod> = {}, owner: string | undefined = 'u'): Pod => ({
  ...more,
  metadata: {
    name,
    uid: name,
    labels,
    ...(owner !== '' && {
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: owner, controller: true }],
    }),
    ...more.metadata,
  },
});

const ready = (name: string, sinceMs = 0): Pod => {
  const since = formatTime(now - sinceMs);
  const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: since }];
  return pod(name, { status: { phase: 'Running', conditions } });
};

const owner = (more: Partial<ReplicaOwner> = {}): ReplicaOwner => ({
  metadata: { name: 'web', uid: 'u', generation: 1 },
  spec: { replicas: 2, template: { metadata: { labels } } },
  ...more,
});

const many = (count: number): Pod[] => Array.from({ length: count }, (_, i) => pod(`p${i}`));
const ranking = { now, related: [], deletionCost: true };

describe('planReplicas', () => {
  it.each([
    [3, 3, { type: 'keep' }],
    [3, 1, { type: 'create', count: 2 }],
    [2000, 0, { type: 'create', count: 500 }],
  ] as const)('%d wanted, %d there', (wanted, there, plan) => {
    expect(planReplicas(wanted, many(there), () => ranking)).toEqual(plan);
  });

  it('deletes the surplus, at most a burst', () => {
    const some = planReplicas(1, many(3), () => ranking);
    expect(some.type === 'delete' && some.pods).toHaveLength(2);
    const burst = planReplicas(0, many(600), () => ranking);
    expect(burst.type === 'delete' && burst.pods).toHaveLength(500);
  });
});

describe('sortPods', () => {
  it('tells pods apart', () => {
    const mine = pod('mine');
    const renamed = pod('renamed', { metadata: { labels: { app: 'other' } } });
    const orphan = pod('orphan', {}, '');
    const foreignOrphan = pod('x', { metadata: { labels: { app: 'other' } } }, '');
    const others = pod('others', {}, 'v');
    const ended = pod('ended', { status: { phase: 'Failed' } });
    const leaving = pod('leaving', { metadata: { deletionTimestamp: formatTime(now) } });
    const all = [mine, renamed, orphan, foreignOrphan, others, ended, leaving];
    const sorted = sortPods(all, 'u', Selector.fromLabels(labels));
    expect(sorted).toEqual({ mine: [mine], disputed: [renamed, orphan], terminating: 1 });
  });
});

describe('planStatus', () => {
  const active = [ready('a', 60_000), ready('b', 1000), pod('c')];

  it('counts', () => {
    const minReady = owner({ spec: { ...owner().spec, minReadySeconds: 30 } });
    expect(planStatus({ owner: minReady, active, terminating: 0, failure: undefined, now })).toEqual({
      replicas: 3,
      fullyLabeledReplicas: 3,
      readyReplicas: 2,
      availableReplicas: 1,
      terminatingReplicas: 0,
      observedGeneration: 1,
    });
    expect(untilNextAvailable(active, 30, now)).toBe(29_000);
    expect(untilNextAvailable(active, 0, now)).toBeUndefined();
  });

  it('is silent when nothing changed', () => {
    const input = { owner: owner(), active, terminating: undefined, failure: undefined, now };
    const status = planStatus(input);
    expect(planStatus({ ...input, owner: owner({ status: status as NonNullable<typeof status> }) })).toBeUndefined();
  });

  it('keeps the first failure until all went well', () => {
    const input = { owner: owner(), active: [], terminating: undefined, failure: 'no', now };
    const status = planStatus(input) as NonNullable<ReplicaOwner['status']>;
    expect(status.conditions).toEqual([
      {
        type: 'ReplicaFailure',
        status: 'True',
        lastTransitionTime: formatTime(now),
        reason: 'FailedCreate',
        message: 'no',
      },
    ]);
    const failing = owner({ status });
    expect(planStatus({ ...input, owner: failing, failure: 'another' })).toBeUndefined();
    expect(planStatus({ ...input, owner: failing, failure: undefined })?.conditions).toBeUndefined();
    const tooMany = planStatus({ ...input, active });
    expect(tooMany?.conditions?.[0]?.reason).toBe('FailedDelete');
  });
});
