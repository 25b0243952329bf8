import { describe, expect, it } from 'vitest';
import type { Job, JobSpec, JobStatus } from '@kubets/api/types/batch-v1';
import type { Pod, PodStatus } from '@kubets/api/types/core-v1';
import { assess, type Observed } from './assess.ts';
import { noFailures } from './backoff.ts';
import { completionIndexKey, indexedNamePrefix } from './completion-index.ts';
import { jobTrackingFinalizer } from './job-spec.ts';
import { planPods } from './plan.ts';
import { draftOf } from './status.ts';
import { trackPods } from './tracking.ts';

const now = Date.parse('2026-01-01T01:00:00Z');
const container = { name: 'c', image: 'i', imageID: '', ready: false, restartCount: 0 };

function newJob(spec: Partial<JobSpec> = {}, status: JobStatus = {}): Job {
  const template = { spec: { containers: [], restartPolicy: 'Never' as const } };
  const defaults = { parallelism: 1, completions: 1, backoffLimit: 6, completionMode: 'NonIndexed' as const };
  return { metadata: { name: 'j', namespace: 'n', uid: 'job' }, spec: { ...defaults, template, ...spec }, status };
}

let uid = 0;
interface PodOptions {
  readonly index?: number;
  readonly deleted?: boolean;
  readonly counted?: boolean;
  readonly status?: PodStatus;
}

function newPod(phase: string, { index, deleted, counted, status }: PodOptions = {}): Pod {
  return {
    metadata: {
      name: `p${uid}`,
      namespace: 'n',
      uid: `p${uid++}`,
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...(index !== undefined && { annotations: { [completionIndexKey]: String(index) } }),
      ...(deleted && { deletionTimestamp: '2026-01-01T00:00:00Z' }),
      ...(!counted && { finalizers: [jobTrackingFinalizer] }),
    },
    spec: { containers: [], nodeName: 'x' },
    status: { phase: phase as 'Running', ...status },
  };
}

const observe = (job: Job, pods: Pod[], extra: Partial<Observed> = {}): Observed => ({
  job,
  pods,
  expectationsMet: true,
  released: new Set(),
  backoff: noFailures,
  now,
  ...extra,
});

const failedAt = (time: string): PodStatus => ({
  phase: 'Failed',
  containerStatuses: [{ ...container, state: { terminated: { exitCode: 1, finishedAt: time } } }],
});

const indexed = { completionMode: 'Indexed' as const, completions: 5, parallelism: 5 };

describe('planPods', () => {
  it.each<[string, Observed, object]>([
    ['a new Job', observe(newJob({ parallelism: 3, completions: 5 }), []), { type: 'create', count: 3 }],
    [
      'no more than what is left to do',
      observe(newJob({ parallelism: 3, completions: 5 }, { succeeded: 4 }), []),
      { type: 'create', count: 1 },
    ],
    ['enough', observe(newJob({ parallelism: 1, completions: 5 }), [newPod('Running')]), { type: 'none' }],
    [
      'something is expected still',
      observe(newJob({ parallelism: 3, completions: 5 }), [], { expectationsMet: false }),
      { type: 'hold' },
    ],
    [
      'a work queue that has begun to succeed starts nothing',
      observe(newJob({ parallelism: 3, completions: undefined } as never, { succeeded: 1 }), [newPod('Running')]),
      { type: 'none' },
    ],
    [
      'deleted pods are replaced at once',
      observe(newJob(), [newPod('Running', { deleted: true, counted: true })]),
      { type: 'create', count: 1 },
    ],
    [
      'or when they have ended',
      observe(newJob({ podReplacementPolicy: 'Failed' }), [newPod('Running', { deleted: true })]),
      { type: 'none' },
    ],
    [
      'after a failure it waits',
      observe(newJob(), [newPod('Failed', { status: failedAt('2026-01-01T00:59:56Z') })]),
      { type: 'wait', ms: 6000 },
    ],
    [
      'after three failures longer',
      observe(newJob(), [newPod('Failed', { status: failedAt('2026-01-01T00:59:56Z') })], {
        backoff: { failuresAfterLastSuccess: 2, lastFailure: now - 60_000 },
      }),
      { type: 'wait', ms: 36_000 },
    ],
    [
      'free indexes',
      observe(newJob(indexed, { completedIndexes: '1' }), [
        newPod('Running', { index: 0 }),
        newPod('Succeeded', { index: 3 }),
      ]),
      { type: 'create', count: 2, indexes: [2, 4] },
    ],
    [
      'indexes that may be tried again',
      observe(newJob({ ...indexed, backoffLimitPerIndex: 3 }), [
        newPod('Failed', { index: 0, status: failedAt('2026-01-01T00:59:00Z') }),
        newPod('Failed', { index: 1, status: failedAt('2026-01-01T00:59:55Z') }),
        newPod('Running', { index: 2 }),
      ]),
      { type: 'create', count: 3, indexes: [0, 3, 4] },
    ],
  ])('%s', (_, observed, expected) => {
    expect(planPods(assess(observed))).toEqual(expected);
  });

  it('deletes superfluous pods: those that have come least far', () => {
    const pods = [newPod('Running'), newPod('Pending'), newPod('Running')];
    const plan = planPods(assess(observe(newJob({ parallelism: 2, completions: 9 }), pods)));
    expect(plan).toEqual({ type: 'delete', pods: [pods[1]] });
  });

  it('deletes pods whose index is taken, out of range or missing', () => {
    const pods = [
      newPod('Pending', { index: 0 }),
      newPod('Running', { index: 0 }),
      newPod('Running', { index: 9 }),
      newPod('Running'),
    ];
    const plan = planPods(assess(observe(newJob(indexed), pods)));
    expect(plan).toMatchObject({ type: 'delete' });
    expect(plan.type === 'delete' && new Set(plan.pods)).toEqual(new Set([pods[0], pods[2], pods[3]]));
  });
});

describe('assess', () => {
  const restarts = (restartCount: number): PodStatus => ({ containerStatuses: [{ ...container, restartCount }] });
  const onFailure = { template: { spec: { containers: [], restartPolicy: 'OnFailure' as const } }, backoffLimit: 3 };
  it.each<[string, Observed, string | undefined]>([
    ['nothing', observe(newJob(), []), undefined],
    ['restarts below the limit', observe(newJob(onFailure), [newPod('Running', { status: restarts(2) })]), undefined],
    [
      'restarts at the limit',
      observe(newJob(onFailure), [newPod('Running', { status: restarts(3) })]),
      'BackoffLimitExceeded',
    ],
    ['failures', observe(newJob({ backoffLimit: 1 }, { failed: 1 }), [newPod('Failed')]), 'BackoffLimitExceeded'],
    ['as many as are allowed', observe(newJob({ backoffLimit: 2 }, { failed: 1 }), [newPod('Failed')]), undefined],
    [
      'too many failed indexes',
      observe(newJob({ ...indexed, backoffLimitPerIndex: 0, maxFailedIndexes: 0 }), [newPod('Failed', { index: 0 })]),
      'MaxFailedIndexesExceeded',
    ],
    [
      'an index that fails at once',
      observe(
        newJob({
          ...indexed,
          completions: 1,
          backoffLimitPerIndex: 5,
          podFailurePolicy: { rules: [{ action: 'FailIndex', onExitCodes: { operator: 'NotIn', values: [3] } }] },
        }),
        [newPod('Failed', { index: 0, status: failedAt('2026-01-01T00:59:00Z') })],
      ),
      'FailedIndexes',
    ],
    [
      'the deadline',
      observe(newJob({ activeDeadlineSeconds: 60 }, { startTime: '2026-01-01T00:59:00Z' }), []),
      'DeadlineExceeded',
    ],
    [
      'not while suspended',
      observe(newJob({ activeDeadlineSeconds: 60, suspend: true }, { startTime: '2026-01-01T00:59:00Z' }), []),
      undefined,
    ],
  ])('%s', (_, observed, reason) => {
    expect(assess(observed).finished?.reason).toBe(reason);
  });
});

describe('trackPods', () => {
  it('lists ended pods and lets them go, up to a limit', () => {
    const pods = Array.from({ length: 600 }, () => newPod('Succeeded'));
    const job = newJob({ completions: 1000, parallelism: 1000 });
    const draft = draftOf(job.status);
    const tracking = trackPods(assess(observe(job, pods)), draft, undefined);
    expect(tracking.more).toBe(true);
    expect(tracking.release).toHaveLength(500);
    expect(draft.uncountedTerminatedPods.succeeded).toHaveLength(500);
  });

  it('counts what an earlier run listed and released', () => {
    const status = { succeeded: 1, uncountedTerminatedPods: { succeeded: ['gone'], failed: ['there', 'gone too'] } };
    const there = newPod('Failed');
    there.metadata.uid = 'there';
    const job = newJob({ completions: 9 }, status);
    const draft = draftOf(job.status);
    const tracking = trackPods(assess(observe(job, [there])), draft, undefined);
    expect(draft).toMatchObject({ succeeded: 2, failed: 1 });
    expect(draft.uncountedTerminatedPods).toEqual({ succeeded: [], failed: ['there'] });
    expect(tracking.release).toEqual([there]);
  });
});

describe('indexedNamePrefix', () => {
  it('leaves room for the random part', () => {
    expect(indexedNamePrefix('job', 3)).toBe('job-3-');
    expect(indexedNamePrefix('j'.repeat(63), 100)).toBe(`${'j'.repeat(53)}-100-`);
  });
});
