/** Deletes finished Jobs after a while (upstream `pkg/controller/ttlafterfinished`). */
import { isConflict, isNotFound } from '@kubets/apimachinery/status';
import { keyOf, splitKey, type SharedInformer } from '@kubets/client';
import type { Job } from '@kubets/api/types/batch-v1';
import { jobs as jobResource } from '@kubets/client/resources';
import type { Controller, ControllerContext, ControllerDescriptor } from '../controller.ts';
import { reconciler, workersOf } from '../lib/reconciler.ts';
import { expiresAt } from './plan.ts';

const durationBuckets = Array.from({ length: 14 }, (_, i) => 0.1 * 2 ** i);

function create(context: ControllerContext): Controller {
  const { client, clock } = context;
  const queue = context.queue('ttl_jobs_to_delete');
  const jobs: SharedInformer<Job> = context.informers.informer(jobResource);
  const duration = context.metrics.histogram(
    'ttl_after_finished_controller_job_deletion_duration_seconds',
    'The time it took to delete the job since it became eligible for deletion',
    durationBuckets,
  );
  const schedule = (job: Readonly<Job>): void => {
    const at = expiresAt(job);
    if (at !== undefined) queue.addAfter(keyOf(job), at - clock.now());
  };
  jobs.addEventHandler({ onAdd: schedule, onUpdate: (_, job) => schedule(job) });

  /** When the Job was due; undefined: it is not, and comes back when it will be. */
  const dueSince = (job: Readonly<Job>): number | undefined => {
    const at = expiresAt(job);
    if (at === undefined || at <= clock.now()) return at;
    schedule(job);
    return undefined;
  };

  const expire = async (key: string): Promise<void> => {
    const cached = jobs.store.get(key);
    if (cached === undefined || dueSince(cached) === undefined) return;
    // The last look goes past the cache: what users have changed by now counts.
    const { namespace, name } = splitKey(key);
    const fresh = await client.jobs(namespace).get(name);
    const since = dueSince(fresh);
    if (since === undefined) return;
    const { uid, resourceVersion } = fresh.metadata;
    const preconditions = { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) };
    await client.jobs(namespace).delete(name, { propagationPolicy: 'Foreground', preconditions });
    duration.observe((clock.now() - since) / 1000);
  };

  return reconciler(context, {
    queue,
    informers: [jobs],
    workers: workersOf(context, 5),
    async reconcile(key) {
      try {
        await expire(key);
      } catch (error) {
        // Changed in between: the change brings it back.
        if (!isNotFound(error) && !isConflict(error)) throw error;
      }
    },
  });
}

/** The TTL-after-finished controller. */
export const ttlAfterFinishedController: ControllerDescriptor = { name: 'ttl-after-finished-controller', create };
