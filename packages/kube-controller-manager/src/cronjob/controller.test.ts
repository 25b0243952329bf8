import { describe, expect, it } from 'vitest';
import type { CronJob, CronJobSpec } from '@kubets/api/types/batch-v1';
import { TestControlPlane } from '@kubets/kube-apiserver/testing/test-control-plane';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { countingTransport } from '../testing/counting-transport.ts';
import { chance, refusing } from '../testing/write-faults.ts';
import { cronJobController } from './controller.ts';

const namespace = 'default';
const minute = 60_000;

function newCronJob(name: string, spec: Partial<CronJobSpec> = {}): CronJob {
  const template = { spec: { restartPolicy: 'Never' as const, containers: [{ name: 'c', image: 'busybox' }] } };
  const jobTemplate = { metadata: { labels: { app: name } }, spec: { template } };
  return {
    kind: 'CronJob',
    apiVersion: 'batch/v1',
    metadata: { name, namespace },
    spec: { schedule: '* * * * *', timeZone: 'UTC', jobTemplate, ...spec },
  };
}

const names = async (fixture: ControllerFixture): Promise<string[]> =>
  (await fixture.client.jobs(namespace).list()).items.map((job) => job.metadata.name ?? '').toSorted();

const read = (fixture: ControllerFixture, name: string): Promise<Readonly<CronJob>> =>
  fixture.client.cronJobs(namespace).get(name);

async function finish(fixture: ControllerFixture, name: string, type: 'Complete' | 'Failed'): Promise<void> {
  const jobs = fixture.client.jobs(namespace);
  const job = await jobs.get(name);
  const time = new Date(fixture.clock.now()).toISOString().replace(/\.\d+/, '');
  const condition = { status: 'True', lastProbeTime: time, lastTransitionTime: time };
  const interim = type === 'Complete' ? 'SuccessCriteriaMet' : 'FailureTarget';
  await jobs.updateStatus({
    ...job,
    status: {
      startTime: time,
      ...(type === 'Complete' && { completionTime: time, succeeded: 1 }),
      conditions: [
        { ...condition, type: interim },
        { ...condition, type },
      ],
    },
  });
}

async function eventsOf(fixture: ControllerFixture): Promise<string[]> {
  await fixture.advance(1000);
  const { items } = await fixture.client.events(namespace).list();
  return items.map(({ type, reason, message }) => `${type} ${reason}: ${message}`);
}

describe('the CronJob controller', () => {
  it('starts a Job every minute, once, and notes what is active and what has succeeded', async () => {
    await using fixture = await ControllerFixture.start([cronJobController], { ownAccounts: true });
    await fixture.client.cronJobs(namespace).create(newCronJob('tick'));
    await fixture.advance(minute + 1000);
    const first = `tick-${Math.floor(fixture.clock.now() / minute)}`;
    expect(await names(fixture)).toEqual([first]);
    const job = await fixture.client.jobs(namespace).get(first);
    expect(job.metadata.annotations).toEqual({
      'batch.kubernetes.io/cronjob-scheduled-timestamp': '2026-01-01T00:01:00Z',
    });
    expect(job.metadata.labels?.['app']).toBe('tick');
    const started = await read(fixture, 'tick');
    expect(started.status?.lastScheduleTime).toBe('2026-01-01T00:01:00Z');
    expect(started.status?.active?.map((reference) => reference.name)).toEqual([first]);
    await finish(fixture, first, 'Complete');
    await fixture.settle();
    const done = await read(fixture, 'tick');
    expect(done.status?.active).toBeUndefined();
    expect(done.status?.lastSuccessfulTime).toBe(job.metadata.creationTimestamp?.replace('00Z', '01Z'));
    expect((await eventsOf(fixture)).toSorted()).toEqual([
      `Normal SawCompletedJob: Saw completed job: ${first}, condition: Complete`,
      `Normal SuccessfulCreate: Created job ${first}`,
    ]);
    expect(fixture.errors).toEqual([]);
  });

  it('keeps as many finished Jobs as the limits say', async () => {
    await using fixture = await ControllerFixture.start([cronJobController], { ownAccounts: true });
    await fixture.client
      .cronJobs(namespace)
      .create(newCronJob('tick', { successfulJobsHistoryLimit: 2, failedJobsHistoryLimit: 1 }));
    for (let i = 0; i < 6; i++) {
      await fixture.advance(minute);
      const newest = `tick-${Math.floor(fixture.clock.now() / minute)}`;
      await fixture.until(async () => (await names(fixture)).includes(newest));
      await finish(fixture, newest, i % 2 === 0 ? 'Complete' : 'Failed');
      await fixture.settle();
    }
    const minutes = (await names(fixture)).map((name) => Number(name.slice(5)) - Date.UTC(2026, 0, 1) / minute);
    expect(minutes).toEqual([3, 5, 6]);
  });

  it('does not start a second Job while one runs, when that is forbidden', async () => {
    await using fixture = await ControllerFixture.start([cronJobController], { ownAccounts: true });
    await fixture.client.cronJobs(namespace).create(newCronJob('tick', { concurrencyPolicy: 'Forbid' }));
    await fixture.advance(3 * minute + 1000);
    expect(await names(fixture)).toHaveLength(1);
    const message = 'Not starting job because prior execution is running and concurrency policy is Forbid';
    expect(await eventsOf(fixture)).toContain(`Normal JobAlreadyActive: ${message}`);
  });

  it('replaces the Job that runs, when told so', async () => {
    await using fixture = await ControllerFixture.start([cronJobController], { ownAccounts: true });
    await fixture.client.cronJobs(namespace).create(newCronJob('tick', { concurrencyPolicy: 'Replace' }));
    await fixture.advance(3 * minute + 1000);
    expect(await names(fixture)).toEqual([`tick-${Math.floor(fixture.clock.now() / minute)}`]);
    expect((await read(fixture, 'tick')).status?.active).toHaveLength(1);
  });

  it('starts nothing while suspended, and the last missed start afterwards', async () => {
    await using fixture = await ControllerFixture.start([cronJobController], { ownAccounts: true });
    const cronJobs = fixture.client.cronJobs(namespace);
    await cronJobs.create(newCronJob('tick', { suspend: true, schedule: '*/10 * * * *' }));
    await fixture.advance(35 * minute);
    expect(await names(fixture)).toEqual([]);
    await cronJobs.patch('tick', { type: 'application/merge-patch+json', body: { spec: { suspend: false } } });
    await fixture.settle();
    expect((await read(fixture, 'tick')).status?.lastScheduleTime).toBe('2026-01-01T00:30:00Z');
    expect(await names(fixture)).toHaveLength(1);
  });

  it('notices Jobs that were deleted', async () => {
    await using fixture = await ControllerFixture.start([cronJobController], { ownAccounts: true });
    await fixture.client.cronJobs(namespace).create(newCronJob('tick', { schedule: '@hourly' }));
    await fixture.advance(60 * minute + 1000);
    const [name = ''] = await names(fixture);
    await fixture.client.jobs(namespace).delete(name, { propagationPolicy: 'Background' });
    await fixture.settle();
    expect((await read(fixture, 'tick')).status?.active).toBeUndefined();
    expect(await eventsOf(fixture)).toContain(`Normal MissingJob: Active job went missing: ${name}`);
  });

  it('goes on after a restart without starting anything twice', async () => {
    await using plane = await TestControlPlane.start();
    await plane.client.cronJobs(namespace).create(newCronJob('tock', { schedule: '*/5 * * * *' }));
    {
      await using first = await ControllerFixture.start([cronJobController], { plane });
      await first.advance(6 * minute);
    }
    // As if the controller had stopped between making the Job and writing it down.
    const cronJobs = plane.client.cronJobs(namespace);
    await cronJobs.updateStatus({ ...(await cronJobs.get('tock')), status: {} });
    await using second = await ControllerFixture.start([cronJobController], { plane });
    await second.settle();
    expect(await names(second)).toHaveLength(1);
    expect((await read(second, 'tock')).status?.active).toHaveLength(1);
    expect((await read(second, 'tock')).status?.lastScheduleTime).toBe('2026-01-01T00:05:00Z');
  });

  it.each([1, 2])(
    'starts every run once and keeps its lists right, whatever is refused and restarted (%d)',
    async (seed) => {
      await using plane = await TestControlPlane.start();
      const random = chance(seed);
      await plane.client.cronJobs(namespace).create(newCronJob('tick', { successfulJobsHistoryLimit: 100 }));
      const finished = new Set<string>();
      for (let round = 0; round < 12; round++) {
        const wrap = refusing(random, { lostAnswers: true });
        await using fixture = await ControllerFixture.start([cronJobController], { plane, wrap });
        await fixture.advance(minute + random(60) * 1000);
        for (const name of await names(fixture)) {
          if (finished.has(name) || random(2) === 0) continue;
          finished.add(name);
          await finish(fixture, name, 'Complete');
        }
      }
      const { writes, wrap } = countingTransport();
      await using fixture = await ControllerFixture.start([cronJobController], { plane, wrap });
      await plane.client
        .cronJobs(namespace)
        .patch('tick', { type: 'application/merge-patch+json', body: { spec: { suspend: true } } });
      await fixture.advance(5000);
      const before = writes.length;
      await fixture.advance(2 * minute);
      expect(writes.slice(before)).toEqual([]);
      const { status } = await read(fixture, 'tick');
      const all = await names(fixture);
      expect(new Set(all).size).toBe(all.length);
      expect(status?.active?.map(({ name }) => name).toSorted() ?? []).toEqual(
        all.filter((name) => !finished.has(name)),
      );
      const minutes = all.map((name) => Number(name.slice('tick-'.length)));
      expect(status?.lastScheduleTime).toBe(new Date(Math.max(...minutes) * minute).toISOString().replace('.000', ''));
    },
  );
});
