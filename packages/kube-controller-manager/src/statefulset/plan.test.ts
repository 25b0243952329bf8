import { describe, expect, it } from 'vitest';
import type { StatefulSetSpec } from '@kubets/api/types/apps-v1';
import type { PersistentVolumeClaim, Pod } from '@kubets/api/types/core-v1';
import { type Stateful as StatefulSet } from './identity.ts';
import { maxUnavailableOf, plan, type Observed, type Plan } from './plan.ts';

const now = Date.UTC(2026, 0, 1, 0, 1, 0);
const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };

const setOf = (spec: Partial<StatefulSetSpec> = {}, status: object = {}): StatefulSet => ({
  metadata: { name: 'web', namespace: 'default', uid: 'set', generation: 3 },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: 'web' } },
    template,
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
    ...spec,
  },
  status: { replicas: 0, ...status },
});

type State = 'ready' | 'running' | 'pending' | 'failed' | 'succeeded' | 'terminating' | 'new-ready';

const phases: Record<State, string> = {
  ready: 'Running',
  'new-ready': 'Running',
  running: 'Running',
  terminating: 'Running',
  pending: 'Pending',
  failed: 'Failed',
  succeeded: 'Succeeded',
};

function podOf(ordinal: number, state: State, revision = 'old'): Pod {
  const name = `web-${ordinal}`;
  const isReady = state === 'ready' || state === 'terminating' || state === 'new-ready';
  const since = state === 'new-ready' ? '2026-01-01T00:00:55Z' : '2026-01-01T00:00:00Z';
  return {
    metadata: {
      name,
      namespace: 'default',
      uid: `uid-${ordinal}`,
      labels: { 'statefulset.kubernetes.io/pod-name': name, 'controller-revision-hash': revision },
      ...(state === 'terminating' && { deletionTimestamp: '2026-01-01T00:00:50Z' }),
    },
    spec: { containers: [] },
    status: {
      phase: phases[state] as 'Running',
      conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False', lastTransitionTime: since }],
    },
  };
}

/** `0:ready 1:pending@new`: ordinals, states and revisions. */
const podsOf = (text: string): Pod[] =>
  text
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => {
      const [ordinal = '', rest = ''] = word.split(':');
      const [state, revision = 'old'] = rest.split('@');
      return podOf(Number(ordinal), state as State, revision);
    });

/** The plan of a set whose template is that of revision `update`. */
function planOf(set: StatefulSet, pods: string, more: Partial<Observed> = {}): Plan {
  return plan({
    set,
    pods: podsOf(pods),
    current: { name: 'old', template },
    update: { name: 'old', template },
    collisionCount: 0,
    claim: () => undefined,
    now,
    ...more,
  });
}

/** Phases apart by ` | `, the steps of one pod by `+`. */
const textOf = ({ phases: all }: Plan): string =>
  all
    .map((steps) =>
      steps
        .map((actions) =>
          actions
            .map((action) =>
              action.type === 'create'
                ? `create ${action.ordinal}@${action.revision.name}`
                : `${action.type} ${action.pod.metadata.name?.slice(4)}${action.type === 'delete' && action.update ? '!' : ''}`,
            )
            .join('+'),
        )
        .join(', '),
    )
    .join(' | ');

const update = { update: { name: 'new', template } };
const parallel: Partial<StatefulSetSpec> = { podManagementPolicy: 'Parallel' };
const partitioned = (partition: number): Partial<StatefulSetSpec> => ({
  updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition } },
});

describe('plan, in order', () => {
  it.each<[string, Partial<StatefulSetSpec>, string, string]>([
    ['nothing there', {}, '', 'create 0@old'],
    ['the first is not ready', {}, '0:running', ''],
    ['the first is ready', {}, '0:ready', 'create 1@old'],
    ['a hole is filled first', {}, '0:ready 2:ready', 'create 1@old'],
    ['a failed one goes', {}, '0:ready 1:failed 2:ready', 'delete 1'],
    ['one that has succeeded goes', {}, '0:succeeded', 'delete 0'],
    ['a terminating one is waited for', {}, '0:ready 1:terminating', ''],
    ['all there', {}, '0:ready 1:ready 2:ready', ''],
    ['the highest goes when there are too many', { replicas: 1 }, '0:ready 1:ready 2:ready', 'delete 2'],
    ['not while one of those to stay is unwell', { replicas: 1 }, '0:running 1:ready 2:ready', ''],
    ['also while a lower one to go is unwell', { replicas: 1 }, '0:ready 1:running 2:ready', 'delete 2'],
    ['but of two that are unwell the lower one has to recover', { replicas: 1 }, '0:ready 1:running 2:running', ''],
    ['the unwell one itself may go', { replicas: 1 }, '0:ready 1:ready 2:running', 'delete 2'],
    ['one that goes is waited for', { replicas: 0 }, '0:ready 1:ready 2:terminating', ''],
    ['available after a while only', { minReadySeconds: 30 }, '0:new-ready', ''],
    ['available by now', { minReadySeconds: 30 }, '0:ready', 'create 1@old'],
    ['ordinals start elsewhere', { ordinals: { start: 5 } }, '5:ready', 'create 6@old'],
    ['what is below the start goes', { ordinals: { start: 1 } }, '0:ready 1:ready 2:ready 3:ready', 'delete 0'],
  ])('%s', (_, spec, pods, expected) => {
    expect(textOf(planOf(setOf(spec), pods))).toBe(expected);
  });
});

describe('plan, in parallel', () => {
  it.each<[string, Partial<StatefulSetSpec>, string, string]>([
    ['all at once', {}, '1:running', 'create 0@old, create 2@old'],
    ['whatever the others do', {}, '0:failed 1:terminating', 'delete 0, create 2@old'],
    [
      'all that are too many',
      { replicas: 1 },
      '0:pending 1:ready 2:terminating 3:ready',
      'claims 0 | delete 3, delete 1',
    ],
  ])('%s', (_, spec, pods, expected) => {
    const volumeClaimTemplates = [{ metadata: { name: 'data' } }];
    const claims = pods.includes('pending') ? { volumeClaimTemplates } : {};
    const set = setOf({ ...parallel, ...spec, ...claims });
    const pending = planOf(set, pods);
    expect(textOf(pending).replaceAll('+conform 0', '')).toBe(expected);
  });
});

describe('plan, updates', () => {
  it.each<[string, Partial<StatefulSetSpec>, string, string]>([
    ['the highest first', {}, '0:ready 1:ready 2:ready', 'delete 2!'],
    ['then the next, when that one is ready', {}, '0:ready 1:ready 2:ready@new', 'delete 1!'],
    ['not before', parallel, '0:ready 1:ready 2:running@new', ''],
    ['not while one is going', parallel, '0:ready 1:ready 2:terminating', ''],
    ['an old one that is unwell goes too', parallel, '0:ready 1:running 2:ready@new', 'delete 1!'],
    ['above the partition only', partitioned(2), '0:ready 1:ready 2:ready@new', ''],
    ['the partition is above all', partitioned(9), '0:ready 1:ready 2:ready', ''],
    ['nothing with OnDelete', { updateStrategy: { type: 'OnDelete' } }, '0:ready 1:ready 2:ready', ''],
    ['missing ones are made of the new revision', {}, '0:ready 1:ready', 'create 2@new'],
    ['but below the partition of the old', partitioned(2), '0:ready', 'create 1@old'],
    ['and at it of the new', partitioned(2), '0:ready 1:ready', 'create 2@new'],
    ['none is deleted that has only just been made', parallel, '0:ready 1:ready', 'create 2@new'],
    [
      'without a partition, the old ones are counted',
      { updateStrategy: { type: 'RollingUpdate' } },
      '0:ready',
      'create 1@old',
    ],
  ])('%s', (_, spec, pods, expected) => {
    const set = setOf(spec, { currentReplicas: 2, currentRevision: 'old' });
    expect(textOf(planOf(set, pods, update))).toBe(expected);
  });

  it.each<[string, number | string, string, string]>([
    ['two at once', 2, '0:ready 1:ready 2:ready 3:ready', 'delete 3!, delete 2!'],
    ['a part of them, rounded down', '60%', '0:ready 1:ready 2:ready 3:ready', 'delete 3!, delete 2!'],
    ['but at least one', '1%', '0:ready 1:ready 2:ready 3:ready', 'delete 3!'],
    ['less those that are down', 2, '0:ready 1:ready 2:ready 3:running@new', 'delete 2!'],
    ['none when enough are down', 2, '0:ready 1:ready 2:running@new 3:running@new', ''],
  ])('with a limit: %s', (_, maxUnavailable, pods, expected) => {
    const updateStrategy = { type: 'RollingUpdate' as const, rollingUpdate: { partition: 0, maxUnavailable } };
    const set = setOf({ ...parallel, replicas: 4, updateStrategy });
    expect(textOf(planOf(set, pods, { ...update, maxUnavailable: true }))).toBe(expected);
  });

  it('counts by revision, and does nothing but that for a set that goes', () => {
    const set = setOf();
    const pods = '0:ready 1:ready@new 2:terminating@new';
    const { status } = planOf(set, pods, update);
    expect(status).toMatchObject({
      observedGeneration: 3,
      replicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      currentReplicas: 1,
      updatedReplicas: 1,
    });
    const leaving = { ...set, metadata: { ...set.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
    expect(planOf(leaving, pods, update)).toMatchObject({ phases: [], status });
    expect(maxUnavailableOf(set)).toBe(1);
  });
});

describe('plan, claims', () => {
  const volumeClaimTemplates = [{ metadata: { name: 'data' } }];
  const claim = (owner?: 'set' | 'pod' | 'other pod' | 'other'): PersistentVolumeClaim => {
    const references = {
      set: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: 'set', controller: true },
      pod: { apiVersion: 'v1', kind: 'Pod', name: 'web-0', uid: 'uid-0', controller: true },
      'other pod': { apiVersion: 'v1', kind: 'Pod', name: 'web-0', uid: 'gone', controller: true },
      other: { apiVersion: 'v1', kind: 'X', name: 'x', uid: 'x', controller: true },
    };
    return { metadata: { name: 'data-web-0', ...(owner && { ownerReferences: [references[owner]] }) } };
  };
  const withVolume = (pod: Pod): Pod => ({
    ...pod,
    spec: { containers: [], volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data-web-0' } }] },
  });

  it.each<[string, string, PersistentVolumeClaim | undefined, number, string]>([
    ['retained, unowned', 'Retain Retain', claim(), 1, ''],
    ['retained, owned', 'Retain Retain', claim('set'), 1, 'conform 0'],
    ['goes with the set', 'Delete Retain', claim(), 1, 'conform 0'],
    ['goes with the set, owned', 'Delete Retain', claim('set'), 1, ''],
    ['stays with pods in range', 'Retain Delete', claim(), 1, ''],
    ['goes with pods scaled away', 'Retain Delete', claim(), 0, 'conformClaims 0 | delete 0'],
    ['goes with pods scaled away, owned', 'Retain Delete', claim('pod'), 0, 'delete 0'],
    ['changes hands', 'Delete Delete', claim('set'), 0, 'conformClaims 0 | delete 0'],
    ['changes hands back', 'Delete Delete', claim('pod'), 1, 'conform 0'],
    ['belongs to an earlier pod', 'Delete Delete', claim('other pod'), 1, ''],
    ['belongs to somebody else', 'Delete Delete', claim('other'), 1, ''],
    ['is missing', 'Retain Retain', undefined, 1, ''],
  ])('%s', (_, policy, given, replicas, expected) => {
    const [whenDeleted = '', whenScaled = ''] = policy.split(' ');
    const set = setOf({
      replicas,
      volumeClaimTemplates,
      persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled },
    });
    const pods = podsOf('0:ready').map(withVolume);
    expect(textOf(planOf(set, '', { pods, claim: () => given }))).toBe(expected);
  });

  it('makes no pod whose claim goes with its predecessor', () => {
    const persistentVolumeClaimRetentionPolicy = { whenDeleted: 'Retain', whenScaled: 'Delete' };
    const set = setOf({ volumeClaimTemplates, persistentVolumeClaimRetentionPolicy });
    expect(textOf(planOf(set, '', { claim: () => claim('other pod') }))).toBe('');
    expect(textOf(planOf(set, '', { claim: () => claim() }))).toBe('create 0@old');
  });

  it('makes claims that a pending pod waits for', () => {
    const set = setOf({ volumeClaimTemplates });
    const pods = podsOf('0:pending').map(withVolume);
    expect(textOf(planOf(set, '', { pods }))).toBe('claims 0');
    expect(textOf(planOf(set, '', { pods, claim: () => claim() }))).toBe('');
  });
});
