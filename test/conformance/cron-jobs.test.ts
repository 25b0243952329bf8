/** What cron jobs make of the minutes: upstream's `test/e2e/apps/cronjob.go`. They wait for real minutes, together. */
import { describe, expect } from 'vitest';
import { coversSlowly, useNodes } from './covers.ts';
import { type Cluster, type Draft, type Obj } from './cluster.ts';
import type { Collection } from './collection.ts';
import { acts } from './pods.ts';
import { becomes, change, eventually, lists, vanishes } from './waiting.ts';

useNodes(1);

const minutes = 6;
const patienceSeconds = 150;

interface Place {
  readonly namespace: string;
  readonly cronJobs: Collection;
  readonly jobs: Collection;
}

async function place(cluster: Cluster): Promise<Place> {
  const namespace = await cluster.namespace();
  return {
    namespace,
    cronJobs: cluster.of('batch/v1/cronjobs', namespace),
    jobs: cluster.of('batch/v1/jobs', namespace),
  };
}

const everyMinute = (name: string, concurrencyPolicy: string, spec: Draft = {}): Draft => ({
  apiVersion: 'batch/v1',
  kind: 'CronJob',
  metadata: { name },
  spec: {
    schedule: '*/1 * * * ?',
    concurrencyPolicy,
    jobTemplate: {
      spec: {
        parallelism: 1,
        completions: 1,
        template: {
          metadata: { annotations: acts({ run: 'never' }) },
          spec: {
            restartPolicy: 'OnFailure',
            terminationGracePeriodSeconds: 0,
            containers: [
              { name: 'c', image: 'registry.k8s.io/e2e-test-images/busybox:1.37.0-1', command: ['sleep', '300'] },
            ],
          },
        },
      },
    },
    ...spec,
  },
});

const activeOf = (object: Obj): readonly { readonly name: string }[] =>
  (object['status'] as { active?: readonly { name: string }[] }).active ?? [];

/** Resolves to the cron job once so many of its jobs are active. */
async function active(cronJobs: Collection, name: string, count: number): Promise<Obj> {
  const look = (): Promise<Obj> => cronJobs.get(name);
  return await eventually(look, (object) => activeOf(object).length >= count, `${count} active`, patienceSeconds);
}

const madeBy =
  (name: string) =>
  (object: Obj): boolean =>
    object.metadata.name.startsWith(`${name}-`);

async function remove({ cronJobs, jobs }: Place, name: string): Promise<void> {
  await cronJobs.delete(name, { propagationPolicy: 'Background' });
  await vanishes(cronJobs, name);
  await lists(jobs, {}, (all) => !all.some(madeBy(name)));
}

describe.concurrent('every minute', () => {
  coversSlowly('[sig-apps] CronJob should schedule multiple jobs concurrently', minutes, async (cluster) => {
    const where = await place(cluster);
    await where.cronJobs.create(everyMinute('concurrent', 'Allow'));
    const object = await active(where.cronJobs, 'concurrent', 2);
    const jobs = (await where.jobs.list()).items.filter(madeBy('concurrent'));
    expect(jobs.map(({ metadata }) => metadata.name)).toEqual(
      expect.arrayContaining(activeOf(object).map(({ name }) => name)),
    );
    await remove(where, 'concurrent');
  });

  coversSlowly('[sig-apps] CronJob should replace jobs when ReplaceConcurrent', minutes, async (cluster) => {
    const where = await place(cluster);
    await where.cronJobs.create(everyMinute('replace', 'Replace'));
    const [first] = activeOf(await active(where.cronJobs, 'replace', 1));
    const look = (): Promise<Obj> => where.cronJobs.get('replace');
    const replaced = (object: Obj): boolean => {
      const [only, ...more] = activeOf(object);
      return only !== undefined && more.length === 0 && only.name !== first!.name;
    };
    await eventually(look, replaced, 'another job is the only active one', patienceSeconds);
    await vanishes(where.jobs, first!.name);
    await remove(where, 'replace');
  });

  coversSlowly(
    '[sig-apps] CronJob should not schedule new jobs when ForbidConcurrent [Slow]',
    minutes,
    async (cluster) => {
      const where = await place(cluster);
      await where.cronJobs.create(everyMinute('forbid', 'Forbid'));
      const [first] = activeOf(await active(where.cronJobs, 'forbid', 1));
      const events = cluster.of('v1/events', where.namespace);
      const query = { fieldSelector: 'involvedObject.name=forbid,reason=JobAlreadyActive' };
      const look = async (): Promise<number> => (await events.list(query)).items.length;
      await eventually(look, (count) => count > 0, 'a minute was passed over', patienceSeconds);
      expect(activeOf(await where.cronJobs.get('forbid'))).toMatchObject([{ name: first!.name }]);
      expect((await where.jobs.list()).items).toHaveLength(1);
      await remove(where, 'forbid');
    },
  );

  coversSlowly('[sig-apps] CronJob should not schedule jobs when suspended [Slow]', minutes, async (cluster) => {
    const where = await place(cluster);
    await where.cronJobs.create(everyMinute('suspended', 'Allow', { suspend: true }));
    // Tells when minutes have passed that were acted upon.
    await where.cronJobs.create(everyMinute('witness', 'Allow'));
    await active(where.cronJobs, 'witness', 2);
    expect((await where.jobs.list()).items.filter(madeBy('suspended'))).toEqual([]);
    expect(activeOf(await where.cronJobs.get('suspended'))).toEqual([]);
    await change(where.cronJobs, 'suspended', (object) => ({
      ...object,
      spec: { ...(object['spec'] as Draft), suspend: false },
    }));
    await becomes(where.cronJobs, 'suspended', (object) => (object['spec'] as { suspend: boolean }).suspend === false);
    await remove(where, 'suspended');
  });
});
