import { describe, expect, it } from 'vitest';
import { formatTime } from '@kubets/apimachinery/time';
import type { Deployment, DeploymentCondition, ReplicaSet } from '@kubets/api/types/apps-v1';
import { planDeployment, type DeploymentPlan } from './plan.ts';
import { replicasOf } from './replica-sets.ts';

const now = Date.UTC(2026, 0, 1);
const labels = { app: 'web' };

interface Wish {
  readonly replicas?: number;
  readonly maxSurge?: number | string;
  readonly maxUnavailable?: number | string;
  readonly recreate?: boolean;
  readonly paused?: boolean;
  readonly historyLimit?: number;
  readonly minReadySeconds?: number;
  readonly image?: string;
  readonly annotations?: Record<string, string>;
  readonly status?: NonNullable<Deployment['status']>;
}

function deployment(wish: Wish = {}): Deployment {
  const { replicas = 10, maxSurge = '25%', maxUnavailable = '25%', recreate, paused, minReadySeconds } = wish;
  return {
    metadata: {
      name: 'web',
      namespace: 'default',
      uid: 'd',
      generation: 1,
      annotations: wish.annotations ?? { 'deployment.kubernetes.io/revision': '2' },
    },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: wish.image ?? 'new' }] } },
      strategy: recreate
        ? { type: 'Recreate' }
        : { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } },
      progressDeadlineSeconds: 600,
      ...(paused === true && { paused }),
      ...(minReadySeconds !== undefined && { minReadySeconds }),
      ...(wish.historyLimit !== undefined && { revisionHistoryLimit: wish.historyLimit }),
    },
    ...(wish.status && { status: wish.status }),
  };
}

interface SetTraits {
  readonly replicas: number;
  /** Default: all of them. */
  readonly available?: number;
  readonly revision?: string;
  /** What the Deployment wanted when it scaled the set; default 10 and 13. */
  readonly desired?: number;
  readonly max?: number;
  readonly ageMs?: number;
  readonly image?: string;
  readonly history?: string;
}

function set(name: string, traits: SetTraits): ReplicaSet {
  const { replicas, available = replicas, revision = '1', desired = 10, max = 13, ageMs = 0, image = name } = traits;
  const hashed = { ...labels, 'pod-template-hash': name };
  return {
    metadata: {
      name: `web-${name}`,
      namespace: 'default',
      uid: name,
      generation: 1,
      creationTimestamp: formatTime(now - ageMs),
      labels: hashed,
      annotations: {
        'deployment.kubernetes.io/revision': revision,
        'deployment.kubernetes.io/desired-replicas': String(desired),
        'deployment.kubernetes.io/max-replicas': String(max),
        ...(traits.history !== undefined && { 'deployment.kubernetes.io/revision-history': traits.history }),
      },
    },
    spec: {
      replicas,
      selector: { matchLabels: hashed },
      template: { metadata: { labels: hashed }, spec: { containers: [{ name: 'c', image }] } },
    },
    status: { replicas, readyReplicas: available, availableReplicas: available, observedGeneration: 1 },
  };
}

const plan = (wish: Wish, sets: readonly ReplicaSet[], running: readonly string[] = []): DeploymentPlan =>
  planDeployment({
    deployment: deployment(wish),
    replicaSets: sets,
    hasRunningPods: (uid) => running.includes(uid),
    now,
    countTerminating: true,
  });

/** `web-x: from → to` of each set whose size changes. */
const sizes = ({ updates }: DeploymentPlan): string[] =>
  updates
    .filter(({ set: changed, from }) => replicasOf(changed) !== from)
    .map(({ set: changed, from }) => `${changed.metadata.name?.slice(4)}: ${from} → ${replicasOf(changed)}`);

const fresh = (traits: Partial<SetTraits> & { readonly replicas: number }): ReplicaSet =>
  set('new', { revision: '2', ...traits });

describe('a rolling update', () => {
  it('creates the new ReplicaSet as large as the surge allows', () => {
    const { creation, updates } = plan({}, [set('old', { replicas: 10 })]);
    expect(creation?.spec?.replicas).toBe(3);
    expect(creation?.metadata.annotations).toEqual({
      'deployment.kubernetes.io/revision': '2',
      'deployment.kubernetes.io/desired-replicas': '10',
      'deployment.kubernetes.io/max-replicas': '13',
    });
    // The three new pods that are missing are within what may be missing: two old ones can go besides.
    expect(updates).toHaveLength(1);
  });

  it.each<[string, Wish, readonly ReplicaSet[], readonly string[]]>([
    ['grows first', {}, [set('old', { replicas: 8 }), fresh({ replicas: 3 })], ['new: 3 → 5']],
    [
      'shrinks as far as new pods are missing',
      {},
      [set('old', { replicas: 10 }), fresh({ replicas: 3, available: 0 })],
      ['old: 10 → 8'],
    ],
    ['waits for new pods', {}, [set('old', { replicas: 8 }), fresh({ replicas: 5, available: 0 })], []],
    [
      'takes unhealthy pods first',
      { maxUnavailable: 2 },
      [set('old', { replicas: 10, available: 5 }), fresh({ replicas: 3, available: 3 })],
      ['old: 10 → 5'],
    ],
    [
      'without surge: one after the other',
      { maxSurge: 0, maxUnavailable: 1 },
      [set('old', { replicas: 10, max: 10 }), fresh({ replicas: 0, max: 10 })],
      ['old: 10 → 9'],
    ],
    [
      'percentages of few pods: neither surge nor gap would be left',
      { replicas: 2, maxSurge: 0, maxUnavailable: '25%' },
      [set('old', { replicas: 2, desired: 2, max: 2 }), fresh({ replicas: 0, desired: 2, max: 2 })],
      ['old: 2 → 1'],
    ],
    [
      'old ones of several revisions, the oldest first',
      {},
      [
        set('a', { replicas: 2, ageMs: 9000 }),
        set('b', { replicas: 4, ageMs: 5000 }),
        fresh({ replicas: 7, available: 7 }),
      ],
      ['a: 2 → 0', 'b: 4 → 1'],
    ],
    ['is done', {}, [set('old', { replicas: 0 }), fresh({ replicas: 10 })], []],
    ['a new set that is too large shrinks', {}, [fresh({ replicas: 12 })], ['new: 12 → 10']],
  ])('%s', (_title, wish, sets, expected) => {
    expect(sizes(plan(wish, sets))).toEqual(expected);
  });
});

describe('scaling', () => {
  it.each<[string, Wish, readonly ReplicaSet[], readonly string[]]>([
    ['only one set', { replicas: 12 }, [set('old', { replicas: 0 }), fresh({ replicas: 10 })], ['new: 10 → 12']],
    [
      'in proportion, up',
      { replicas: 20, maxSurge: 3, maxUnavailable: 2 },
      [set('old', { replicas: 8 }), fresh({ replicas: 5 })],
      ['old: 8 → 14', 'new: 5 → 9'],
    ],
    [
      'in proportion, down',
      { replicas: 5, maxSurge: 3, maxUnavailable: 2 },
      [set('old', { replicas: 8 }), fresh({ replicas: 5 })],
      ['old: 8 → 5', 'new: 5 → 3'],
    ],
    [
      'what rounding leaves goes to the largest',
      { replicas: 11, maxSurge: 0, maxUnavailable: 1 },
      [
        set('a', { replicas: 5, max: 15, desired: 15, ageMs: 9000 }),
        set('b', { replicas: 5, max: 15, desired: 15, ageMs: 5000 }),
        fresh({ replicas: 5, max: 15, desired: 15 }),
      ],
      ['a: 5 → 3', 'b: 5 → 4', 'new: 5 → 4'],
    ],
    [
      'to nothing',
      { replicas: 0, maxSurge: 3 },
      [set('old', { replicas: 8 }), fresh({ replicas: 5 })],
      ['old: 8 → 0', 'new: 5 → 0'],
    ],
    [
      'a saturated new set lets old ones go',
      { paused: true },
      [set('old', { replicas: 3 }), fresh({ replicas: 10 })],
      ['old: 3 → 0'],
    ],
  ])('%s', (_title, wish, sets, expected) => {
    expect(sizes(plan(wish, sets))).toEqual(expected);
  });

  it('does not roll out in the same turn, and never while paused', () => {
    expect(plan({ replicas: 12, image: 'newer' }, [fresh({ replicas: 10 })]).creation).toBeUndefined();
    expect(plan({ paused: true, image: 'newer' }, [fresh({ replicas: 10 })]).creation).toBeUndefined();
  });
});

describe('the strategy Recreate', () => {
  const wish: Wish = { recreate: true };

  it('ends old pods', () => {
    const { creation, ...rest } = plan(wish, [set('old', { replicas: 10 })]);
    expect([creation, sizes({ ...rest })]).toEqual([undefined, ['old: 10 → 0']]);
  });

  it('ends them also when the size was changed in the middle of a rolling update', () => {
    expect(sizes(plan({ ...wish, replicas: 0 }, [set('old', { replicas: 2 }), fresh({ replicas: 3 })]))).toEqual([
      'old: 2 → 0',
    ]);
  });

  it('waits for their end', () => {
    expect(plan(wish, [set('old', { replicas: 0 })], ['old']).creation).toBeUndefined();
    const leaving = { ...set('old', { replicas: 0 }), status: { replicas: 1 } };
    expect(plan(wish, [leaving]).creation).toBeUndefined();
  });

  it('then makes all new ones at once', () => {
    expect(plan(wish, [set('old', { replicas: 0 })]).creation?.spec?.replicas).toBe(10);
    expect(sizes(plan(wish, [set('old', { replicas: 0 }), fresh({ replicas: 0 })]))).toEqual(['new: 0 → 10']);
  });
});

describe('revisions', () => {
  it('numbers a template that is used again, and remembers its old number', () => {
    const again = set('new', { replicas: 0, revision: '1', history: '0' });
    const { updates, status } = plan({}, [again, set('old', { replicas: 10, revision: '4' })]);
    const annotations = updates.find((update) => update.set.metadata.name === 'web-new')?.set.metadata.annotations;
    expect(annotations).toMatchObject({
      'deployment.kubernetes.io/revision': '5',
      'deployment.kubernetes.io/revision-history': '0,1',
    });
    expect(status?.metadata.annotations).toEqual({ 'deployment.kubernetes.io/revision': '5' });
  });

  it('hands on annotations, but not those of kubectl apply', () => {
    const annotations = {
      'kubectl.kubernetes.io/last-applied-configuration': '{}',
      'kubernetes.io/change-cause': 'me',
    };
    const { updates } = plan({ annotations }, [fresh({ replicas: 10 })]);
    expect(updates[0]?.set.metadata.annotations).toEqual({
      ...fresh({ replicas: 10 }).metadata.annotations,
      'kubernetes.io/change-cause': 'me',
    });
  });

  it('hands on minReadySeconds', () => {
    const { updates } = plan({ minReadySeconds: 7 }, [fresh({ replicas: 10 })]);
    expect(updates[0]?.set.spec?.minReadySeconds).toBe(7);
  });

  it('forgets the oldest beyond the limit, once the rollout is complete', () => {
    const old = ['3', '1', '2'].map((revision) => set(`r${revision}`, { replicas: 0, revision }));
    const sets = [...old, fresh({ replicas: 10, revision: '4' })];
    const status = { observedGeneration: 1, replicas: 10, updatedReplicas: 10, availableReplicas: 10 };
    const names = (wish: Wish): (string | undefined)[] =>
      plan(wish, sets).deletions.map(({ metadata }) => metadata.name);
    expect(names({ historyLimit: 1, status })).toEqual(['web-r1', 'web-r2']);
    expect(names({ historyLimit: 1 })).toEqual([]);
    expect(names({ historyLimit: 3, status })).toEqual([]);
  });
});

describe('conditions', () => {
  const at = (ms: number): string => formatTime(now - ms);
  const progressing = (status: string, reason: string, ageMs: number): DeploymentCondition => ({
    type: 'Progressing',
    status,
    lastUpdateTime: at(ageMs),
    lastTransitionTime: at(1_000_000),
    reason,
    message: '',
  });
  const counts = { observedGeneration: 1, replicas: 13, updatedReplicas: 5, availableReplicas: 8, readyReplicas: 8 };
  const stuck = [set('old', { replicas: 8 }), fresh({ replicas: 5, available: 0 })];
  const find = (result: DeploymentPlan, type: string): DeploymentCondition | undefined =>
    result.status?.status?.conditions?.find((condition) => condition.type === type);

  it('notes progress with the time of the last change', () => {
    const conditions = [progressing('True', 'ReplicaSetUpdated', 5000)];
    const result = plan({ status: { ...counts, updatedReplicas: 4, conditions } }, stuck);
    expect(find(result, 'Progressing')).toEqual({
      type: 'Progressing',
      status: 'True',
      lastUpdateTime: at(0),
      lastTransitionTime: at(1_000_000),
      reason: 'ReplicaSetUpdated',
      message: 'ReplicaSet "web-new" is progressing.',
    });
    expect(result.againAfterMs).toBe(601_000);
  });

  it('gives up after the deadline', () => {
    const late = plan(
      { status: { ...counts, conditions: [progressing('True', 'ReplicaSetUpdated', 601_000)] } },
      stuck,
    );
    expect(find(late, 'Progressing')).toMatchObject({ status: 'False', reason: 'ProgressDeadlineExceeded' });
    expect(late.againAfterMs).toBeUndefined();
    const early = plan(
      { status: { ...counts, conditions: [progressing('True', 'ReplicaSetUpdated', 300_000)] } },
      stuck,
    );
    expect(find(early, 'Progressing')).toMatchObject({ status: 'True' });
    expect(early.againAfterMs).toBe(301_000);
  });

  it('is not late when it was complete before', () => {
    const conditions = [progressing('True', 'NewReplicaSetAvailable', 9_000_000)];
    const [down] = [fresh({ replicas: 10, available: 4 })];
    const result = plan({ status: { ...counts, replicas: 10, updatedReplicas: 10, conditions } }, [down]);
    expect(find(result, 'Progressing')?.reason).toBe('NewReplicaSetAvailable');
    expect(find(result, 'Available')).toMatchObject({
      status: 'False',
      reason: 'MinimumReplicasUnavailable',
      message: 'Deployment does not have minimum availability.',
    });
  });

  it('notes that it goes on after a pause', () => {
    const conditions = [progressing('Unknown', 'DeploymentPaused', 0)];
    const result = plan({ status: { ...counts, conditions } }, stuck);
    expect(find(result, 'Progressing')).toMatchObject({
      status: 'Unknown',
      reason: 'DeploymentResumed',
      message: 'Deployment is resumed',
    });
  });
});
