/** Starts Jobs by the clock (upstream `pkg/controller/cronjob`). */
import { formatTime } from '@kubets/apimachinery/time';
import { isAlreadyExists, isNotFound } from '@kubets/apimachinery/status';
import type { HistogramSeries } from '@kubets/apimachinery/metrics';
import type { CronJob, CronJobStatus, Job } from '@kubets/api/types/batch-v1';
import type { ObjectReference } from '@kubets/api/types/core-v1';
import { keyOf, referenceTo, type SharedInformer, type WorkQueue } from '@kubets/client';
import { cronJobs as cronJobResource, jobs as jobResource } from '@kubets/client/resources';
import type { Controller, ControllerContext, ControllerDescriptor } from '../controller.ts';
import { ensureIndex } from '../lib/ensure-index.ts';
import { byControllerUid, controllerOf, controllerUidIndex, isControlledBy } from '../lib/owner-references.ts';
import { isNamespaceTerminating, messageOf } from '../lib/pod-control.ts';
import { reconciler, workersOf } from '../lib/reconciler.ts';
import {
  jobsToRemove,
  missingJob,
  newJob,
  planStart,
  reviewJobs,
  scheduleOf,
  unexpectedJob,
  withoutActive,
  type Event,
  type Start,
} from './plan.ts';
import { untilNext } from './schedule-times.ts';

const skewBuckets = Array.from({ length: 10 }, (_, i) => 2 ** i);

/** A CronJob while it is worked on; the status changes. */
interface Draft {
  readonly cronJob: Readonly<CronJob>;
  status: CronJobStatus;
}

class CronJobController implements Controller {
  readonly #context: ControllerContext;
  readonly #queue: WorkQueue<string>;
  readonly #cronJobs: SharedInformer<CronJob>;
  readonly #jobs: SharedInformer<Job>;
  readonly #skew: Pick<HistogramSeries, 'observe'>;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#queue = context.queue('cronjob');
    this.#cronJobs = context.informers.informer(cronJobResource);
    this.#jobs = context.informers.informer(jobResource);
    this.#skew = context.metrics.histogram(
      'cronjob_controller_job_creation_skew_duration_seconds',
      'Time between when a cronjob is scheduled to be run, and when the corresponding job is created',
      skewBuckets,
    );
    ensureIndex(this.#jobs, controllerUidIndex, byControllerUid);
    this.#cronJobs.addEventHandler({
      onAdd: (cronJob) => this.#queue.add(keyOf(cronJob)),
      onUpdate: (old, cronJob) => this.#changed(old, cronJob),
      onDelete: (cronJob) => this.#queue.add(keyOf(cronJob)),
    });
    this.#jobs.addEventHandler({
      onAdd: (job) => this.#wake(job),
      onUpdate: (old, job) => {
        if (old.metadata.resourceVersion === job.metadata.resourceVersion) return;
        if (controllerOf(old)?.uid !== controllerOf(job)?.uid) this.#wake(old);
        this.#wake(job);
      },
      onDelete: (job) => this.#wake(job),
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    const loop = reconciler(this.#context, {
      queue: this.#queue,
      informers: [this.#cronJobs, this.#jobs],
      workers: workersOf(this.#context, 5),
      reconcile: (key) => this.#sync(key),
    });
    await loop.run(signal);
  }

  #wake(job: Readonly<Job>): void {
    const owner = controllerOf(job);
    if (owner?.kind !== 'CronJob') return;
    const cronJob = this.#cronJobs.store.get(`${job.metadata.namespace}/${owner.name}`);
    if (cronJob?.metadata.uid === owner.uid) this.#queue.add(keyOf(cronJob));
  }

  /** A new schedule counts from its next time on: it is not to start what it would have started before (`updateCronJob`). */
  #changed(old: Readonly<CronJob>, cronJob: Readonly<CronJob>): void {
    const key = keyOf(cronJob);
    const isSame = old.spec.schedule === cronJob.spec.schedule && old.spec.timeZone === cronJob.spec.timeZone;
    if (isSame) return this.#queue.add(key);
    const { schedule, events } = scheduleOf(cronJob);
    this.#report(cronJob, events);
    const wait = schedule && untilNext(cronJob, this.#context.clock.now(), schedule);
    if (wait !== undefined) this.#queue.addAfter(key, wait);
  }

  async #sync(key: string): Promise<void> {
    const cronJob = this.#cronJobs.store.get(key);
    if (cronJob === undefined) return;
    const jobs = this.#jobs.store.byIndex(controllerUidIndex, cronJob.metadata.uid ?? '');
    const draft: Draft = { cronJob, status: cronJob.status ?? {} };
    let requeueMs: number | undefined;
    let failure: { readonly error: unknown } | undefined;
    try {
      requeueMs = await this.#bringForward(draft, jobs);
    } catch (error) {
      failure = { error };
    }
    // What has been learned is written all the same.
    await this.#cleanUp(draft, jobs);
    await this.#write(draft);
    if (failure !== undefined) throw failure.error;
    if (requeueMs !== undefined) this.#queue.addAfter(key, requeueMs);
  }

  /** Resolves to the pause until the next start. */
  async #bringForward(draft: Draft, jobs: readonly Readonly<Job>[]): Promise<number | undefined> {
    const { cronJob } = draft;
    const review = reviewJobs(cronJob, jobs);
    draft.status = review.status;
    this.#report(cronJob, review.events);
    for (const job of review.unexpected) await this.#checkUnexpected(draft, job);
    for (const reference of review.missing) await this.#checkMissing(draft, reference);
    if (cronJob.metadata.deletionTimestamp !== undefined) return undefined;
    const start = planStart({ ...cronJob, status: draft.status }, this.#context.clock.now());
    this.#report(cronJob, start.events);
    if (start.at === undefined) return start.requeueMs;
    await this.#replace(draft, start.replace);
    return await this.#start(draft, { ...start, at: start.at });
  }

  /** The cache of CronJobs may be behind that of Jobs: only what the server has counts. */
  async #checkUnexpected({ cronJob }: Draft, job: Readonly<Job>): Promise<void> {
    const { namespace, name = '' } = cronJob.metadata;
    const fresh = await this.#context.client.cronJobs(namespace).get(name);
    if (fresh.status?.active?.some((reference) => reference.uid === job.metadata.uid) === true) return;
    this.#report(cronJob, [unexpectedJob(job)]);
  }

  async #checkMissing(draft: Draft, reference: ObjectReference): Promise<void> {
    try {
      await this.#context.client.jobs(reference.namespace).get(reference.name ?? '');
    } catch (error) {
      if (!isNotFound(error)) throw error;
      this.#report(draft.cronJob, [missingJob(reference)]);
      draft.status = withoutActive(draft.status, reference.uid);
    }
  }

  async #replace(draft: Draft, references: readonly ObjectReference[]): Promise<void> {
    for (const { namespace, name = '' } of references) {
      let job: Readonly<Job>;
      try {
        job = await this.#context.client.jobs(namespace).get(name);
      } catch (error) {
        this.#report(draft.cronJob, [
          { type: 'Warning', reason: 'FailedGet', message: `Get job: ${messageOf(error)}` },
        ]);
        throw error;
      }
      if (!(await this.#delete(draft, job))) throw new Error(`could not replace job ${namespace}/${name}`);
    }
  }

  /** Resolves to the pause until the next start. */
  async #start(draft: Draft, { at, requeueMs }: Start & { readonly at: number }): Promise<number | undefined> {
    const { cronJob } = draft;
    const job = await this.#create(cronJob, at);
    if (job === undefined) return undefined;
    const { active = [] } = draft.status;
    if (active.some((reference) => reference.uid === job.metadata.uid)) return undefined;
    const lastScheduleTime = formatTime(at);
    draft.status = { ...draft.status, active: [...active, referenceTo(job)], lastScheduleTime };
    return requeueMs;
  }

  /** The Job of that time; one that is there already counts if it is the CronJob's, otherwise undefined. */
  async #create(cronJob: Readonly<CronJob>, at: number): Promise<Readonly<Job> | undefined> {
    const { client, events } = this.#context;
    const wanted = newJob(cronJob, at);
    const name = wanted.metadata.name ?? '';
    const jobs = client.jobs(cronJob.metadata.namespace);
    try {
      const job = await jobs.create(wanted);
      this.#skew.observe((Date.parse(job.metadata.creationTimestamp ?? '') - at) / 1000);
      events.event(cronJob, 'Normal', 'SuccessfulCreate', `Created job ${name}`);
      return job;
    } catch (error) {
      if (isAlreadyExists(error)) {
        const job = await jobs.get(name);
        return isControlledBy(job, cronJob) ? job : undefined;
      }
      if (!isNamespaceTerminating(error)) {
        events.event(cronJob, 'Warning', 'FailedCreate', `Error creating job: ${messageOf(error)}`);
      }
      throw error;
    }
  }

  async #cleanUp(draft: Draft, jobs: readonly Readonly<Job>[]): Promise<void> {
    for (const job of jobsToRemove(draft.cronJob, jobs)) await this.#delete(draft, job);
  }

  /** Deletes a Job with its pods; whether that was possible. */
  async #delete(draft: Draft, job: Readonly<Job>): Promise<boolean> {
    const { client, events } = this.#context;
    const { namespace, name = '', uid } = job.metadata;
    try {
      await client.jobs(namespace).delete(name, { propagationPolicy: 'Background' });
    } catch (error) {
      if (!isNotFound(error)) {
        events.event(draft.cronJob, 'Warning', 'FailedDelete', `Deleted job: ${messageOf(error)}`);
        return false;
      }
      draft.status = withoutActive(draft.status, uid);
      return true;
    }
    draft.status = withoutActive(draft.status, uid);
    events.event(draft.cronJob, 'Normal', 'SuccessfulDelete', `Deleted job ${name}`);
    return true;
  }

  async #write({ cronJob, status }: Draft): Promise<void> {
    const { active = [], lastScheduleTime, lastSuccessfulTime } = status;
    const written: CronJobStatus = {
      ...(active.length > 0 && { active }),
      ...(lastScheduleTime && { lastScheduleTime }),
      ...(lastSuccessfulTime && { lastSuccessfulTime }),
    };
    if (JSON.stringify(written) === JSON.stringify(cronJob.status ?? {})) return;
    const body: CronJob = { ...cronJob, metadata: { ...cronJob.metadata }, status: structuredClone(written) };
    await this.#context.client.cronJobs(cronJob.metadata.namespace).updateStatus(body);
  }

  #report(cronJob: Readonly<CronJob>, events: readonly Event[]): void {
    for (const { type, reason, message } of events) this.#context.events.event(cronJob, type, reason, message);
  }
}

/** The CronJob controller. */
export const cronJobController: ControllerDescriptor = {
  name: 'cronjob-controller',
  create: (context) => new CronJobController(context),
};
