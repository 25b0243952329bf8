import { describe, expect, it } from 'vitest';
import type { Job } from '@kubets/api/types/batch-v1';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { ttlAfterFinishedController } from './controller.ts';
import { expiresAt } from './plan.ts';

const namespace = 'default';
const time = '2026-01-01T00:00:00Z';
const condition = { status: 'True', lastProbeTime: time, lastTransitionTime: time };

function newJob(name: string, ttlSecondsAfterFinished?: number): Job {
  const template = { spec: { restartPolicy: 'Never' as const, containers: [{ name: 'c', image: 'busybox' }] } };
  return {
    metadata: { name, namespace },
    spec: { template, ...(ttlSecondsAfterFinished !== undefined && { ttlSecondsAfterFinished }) },
  };
}

async function createFinished(fixture: ControllerFixture, job: Job): Promise<void> {
  const jobs = fixture.client.jobs(namespace);
  const created = await jobs.create(job);
  const conditions = [
    { ...condition, type: 'SuccessCriteriaMet' },
    { ...condition, type: 'Complete' },
  ];
  await jobs.updateStatus({ ...created, status: { startTime: time, completionTime: time, succeeded: 1, conditions } });
}

/** Foreground deletion: without a garbage collector the Job stays, with a deletion timestamp. */
const deleted = async (fixture: ControllerFixture): Promise<string[]> =>
  (await fixture.client.jobs(namespace).list()).items
    .filter((job) => job.metadata.deletionTimestamp !== undefined)
    .map((job) => job.metadata.name ?? '');

describe('the TTL-after-finished controller', () => {
  it('deletes finished Jobs when their time is over, in the foreground', async () => {
    await using fixture = await ControllerFixture.start([ttlAfterFinishedController], { ownAccounts: true });
    await createFinished(fixture, newJob('soon', 10));
    await createFinished(fixture, newJob('later', 100));
    await createFinished(fixture, newJob('never'));
    await fixture.client.jobs(namespace).create(newJob('running', 0));
    await fixture.settle();
    expect(await deleted(fixture)).toEqual([]);
    await fixture.advance(10_000);
    expect(await deleted(fixture)).toEqual(['soon']);
    const soon = await fixture.client.jobs(namespace).get('soon');
    expect(soon.metadata.finalizers).toEqual(['foregroundDeletion']);
    await fixture.advance(90_000);
    expect(await deleted(fixture)).toEqual(['later', 'soon']);
    expect(fixture.errors).toEqual([]);
  });

  it('heeds what users change meanwhile', async () => {
    await using fixture = await ControllerFixture.start([ttlAfterFinishedController], { ownAccounts: true });
    await createFinished(fixture, newJob('a', 10));
    await fixture.settle();
    const body = { spec: { ttlSecondsAfterFinished: 60 } };
    await fixture.client.jobs(namespace).patch('a', { type: 'application/merge-patch+json', body });
    await fixture.advance(30_000);
    expect(await deleted(fixture)).toEqual([]);
    await fixture.advance(30_000);
    expect(await deleted(fixture)).toEqual(['a']);
  });
});

describe('expiresAt', () => {
  const job = newJob('a', 5);
  it.each<[string, Job, number | undefined]>([
    ['running', job, undefined],
    ['complete', { ...job, status: { conditions: [{ ...condition, type: 'Complete' }] } }, Date.parse(time) + 5000],
    ['failed', { ...job, status: { conditions: [{ ...condition, type: 'Failed' }] } }, Date.parse(time) + 5000],
    ['about to fail', { ...job, status: { conditions: [{ ...condition, type: 'FailureTarget' }] } }, undefined],
    ['without a limit', { ...newJob('b'), status: { conditions: [{ ...condition, type: 'Complete' }] } }, undefined],
  ])('%s', (_, given, expected) => {
    expect(expiresAt(given)).toBe(expected);
  });
});
