/** One Job, from what the caches say to what the API server holds (upstream `pkg/controller/job/job_controller.go`, `syncJob`). */
import { compileLabelSelector } from '@kubets/apimachinery/label-selector';
import { formatTime } from '@kubets/apimachinery/time';
import type { Job, JobCondition, JobStatus } from '@kubets/api/types/batch-v1';
import type { Pod } from '@kubets/api/types/core-v1';
import type { SharedInformer, WorkQueue } from '@kubets/client';
import { jobs as jobResource } from '@kubets/client/resources';
import type { ControllerContext } from '../controller.ts';
import { Claimer } from '../lib/claim.ts';
import { settleConcurrently } from '../lib/concurrent.ts';
import { Expectations } from '../lib/expectations.ts';
import { OwnWrites } from '../lib/own-writes.ts';
import { controllerUidIndex, orphansOf } from '../lib/owner-references.ts';
import { WrittenVersions } from '../lib/written-versions.ts';
import { assess, type Assessment, type Observed } from './assess.ts';
import { noFailures, type BackoffRecord } from './backoff.ts';
import { trueCondition } from './conditions.ts';
import { externalManager, finishedType, isSuspended, isTracked, jobTrackingFinalizer } from './job-spec.ts';
import { JobMetrics, type SyncAction } from './metrics.ts';
import { planPods, type PodPlan } from './plan.ts';
import { PodActions, type Outcome } from './pod-actions.ts';
import {
  draftOf,
  enactFinished,
  isComplete,
  setPodCounts,
  setSuspended,
  statusOf,
  type StatusDraft,
} from './status.ts';
import { announceEnd, countReleased, trackPods, type Tracking } from './tracking.ts';

/** Pods come and go in swarms: so long changes of a Job's pods are collected. Upstream collects for a second. */
export const batchMs = 100;
/** So often it is looked whether the cache has caught up, when no event says so. */
const catchUpMs = 1000;

const completionsReached = { reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' };

/** A Job's status on its way to the server. */
interface Writing {
  job: Readonly<Job>;
  readonly draft: StatusDraft;
  /** As the server has it, in the form of {@link statusOf}. */
  written: JobStatus;
}

export interface JobSyncOptions {
  readonly context: ControllerContext;
  readonly queue: WorkQueue<string>;
  readonly jobs: SharedInformer<Job>;
  /** With {@link controllerUidIndex}. */
  readonly pods: SharedInformer<Pod>;
}

export class JobSync {
  /** Of deletions; that creations are not repeated is what `made` sees to. */
  readonly expectations: Expectations;
  readonly metrics: JobMetrics;
  readonly #context: ControllerContext;
  readonly #queue: WorkQueue<string>;
  readonly #jobs: SharedInformer<Job>;
  readonly #pods: SharedInformer<Pod>;
  readonly #actions: PodActions;
  readonly #backoffs = new Map<string, BackoffRecord>();
  /** Uids of pods whose finalizer has been removed, which the cache does not show yet; by the Job's key. */
  readonly #released = new Map<string, Set<string>>();
  readonly #written = new WrittenVersions();
  readonly #made = new OwnWrites();

  constructor({ context, queue, jobs, pods }: JobSyncOptions) {
    this.#context = context;
    this.#queue = queue;
    this.#jobs = jobs;
    this.#pods = pods;
    this.expectations = new Expectations(context.clock);
    this.metrics = new JobMetrics(context.metrics);
    const { client, events } = context;
    this.#actions = new PodActions({
      client,
      events,
      expectations: this.expectations,
      wrote: (key, pod) => this.#made.wrote(key, pods, pod),
    });
  }

  /** The cache shows the pod without its finalizer, or not at all. */
  releaseObserved(key: string, uid: string): void {
    this.#released.get(key)?.delete(uid);
  }

  /** Removes the finalizer of a pod that no Job will count. */
  async releaseOrphan(pod: Readonly<Pod>): Promise<void> {
    await this.#actions.release(pod);
  }

  /** Brings the Job of that key forward. Rejects when something is to be tried again. */
  async sync(key: string): Promise<void> {
    const job = this.#jobs.store.get(key);
    if (job === undefined) return this.#forget(key);
    if (externalManager(job) !== undefined || this.#isStale(job)) return;
    if (finishedType(job) !== undefined) {
      this.#backoffs.delete(key);
      return;
    }
    const { completionMode = 'NonIndexed' } = job.spec ?? {};
    if (completionMode !== 'NonIndexed' && completionMode !== 'Indexed') {
      const message = 'Skipped Job sync because completion mode is unknown';
      return this.#context.events.event(job, 'Warning', 'UnknownCompletionMode', message);
    }
    await this.#measured(job, (begun) => this.#syncKnown(key, job, begun));
  }

  async #measured(job: Readonly<Job>, work: (begun: (plan: PodPlan) => void) => Promise<void>): Promise<void> {
    const { clock } = this.#context;
    const start = clock.monotonic();
    let action: SyncAction = 'reconciling';
    let result: 'success' | 'error' = 'error';
    try {
      await work((plan) => (action = actionOf(plan)));
      result = 'success';
    } finally {
      this.metrics.synced(job, result, action).observe((clock.monotonic() - start) / 1000);
    }
  }

  async #syncKnown(key: string, job: Readonly<Job>, begun: (plan: PodPlan) => void): Promise<void> {
    const assessment = assess(await this.#observe(key, job));
    const plan = planPods(assessment);
    begun(plan);
    const outcome = await this.#actions.carryOut(key, assessment, plan);
    if (plan.type === 'wait') this.#queue.addAfter(key, Math.max(batchMs, plan.ms));
    if (outcome.creations !== undefined) this.metrics.created(job, assessment, outcome.creations);
    await this.#writeDown(key, { assessment, plan, outcome });
    if (outcome.error !== undefined) throw outcome.error;
    if (assessment.deadlineInMs !== undefined && assessment.finished === undefined) {
      this.#queue.addAfter(key, assessment.deadlineInMs);
    }
  }

  async #observe(key: string, job: Readonly<Job>): Promise<Observed> {
    // Before the pods are looked at: one that comes in between would be expected and counted as well.
    const expectationsMet = this.expectations.satisfied(key) && this.#made.seen(key);
    // The pods that are expected bring the next turn, unless they are gone again.
    if (!expectationsMet) this.#queue.addAfter(key, catchUpMs);
    return {
      job,
      pods: await this.#claim(job),
      expectationsMet,
      released: new Set(this.#released.get(key)),
      backoff: this.#backoffs.get(key) ?? noFailures,
      now: this.#context.clock.now(),
    };
  }

  async #claim(job: Readonly<Job>): Promise<readonly Readonly<Pod>[]> {
    const { uid = '', namespace = '', name = '' } = job.metadata;
    const { client } = this.#context;
    const claimer = new Claimer<Job, Pod>({
      owner: job,
      ownerResource: jobResource,
      selector: compileLabelSelector(job.spec?.selector),
      dependents: client.pods(),
      readOwner: () => client.jobs(namespace).get(name),
      finalizers: [jobTrackingFinalizer],
    });
    const { store } = this.#pods;
    const owned = store.byIndex(controllerUidIndex, uid);
    const pods = await claimer.claim([...owned, ...store.byIndex(controllerUidIndex, orphansOf(namespace))]);
    return pods.map((pod) => (isAdopted(pod, uid) ? withFinalizer(pod) : pod));
  }

  async #writeDown(
    key: string,
    { assessment, plan, outcome }: { assessment: Assessment; plan: PodPlan; outcome: Outcome },
  ): Promise<void> {
    const { job, now } = assessment;
    const draft = draftOf(job.status);
    if (draft.startTime === undefined && !isSuspended(job)) draft.startTime = formatTime(now);
    let finished: JobCondition | undefined;
    let suspension;
    if (assessment.finished !== undefined) {
      // There may be pods left that the cache does not show yet.
      if (outcome.active === 0 && assessment.expectationsMet) finished = assessment.finished;
    } else if (isComplete(assessment, outcome.active)) {
      finished = trueCondition('SuccessCriteriaMet', completionsReached, now);
    } else if (plan.type !== 'hold') suspension = setSuspended(draft, job, now);
    const news = setPodCounts(draft, job.status ?? {}, outcome);
    const writing: Writing = { job, draft, written: news ? {} : statusOf(draftOf(job.status)) };
    await this.#track(key, { assessment, writing, finished });
    if (suspension !== undefined)
      this.#context.events.event(job, 'Normal', suspension, `Job ${suspension.toLowerCase()}`);
  }

  async #track(
    key: string,
    { assessment, writing, finished }: { assessment: Assessment; writing: Writing; finished: JobCondition | undefined },
  ): Promise<void> {
    const { draft } = writing;
    const { now } = assessment;
    const tracking = trackPods(assessment, draft, finished);
    const last = finished && announceEnd(draft, finished, now);
    if (await this.#flush(writing)) this.#backoffs.set(key, assessment.nextBackoff);
    this.metrics.policyActions(tracking.policyActions);
    const error = await this.#release(key, tracking);
    countReleased(draft, tracking.tracked);
    const ended = error === undefined && !tracking.more && last !== undefined && enactFinished(draft, last, now);
    await this.#flush(writing);
    if (error !== undefined) throw error;
    if (ended) this.#reportEnd(writing.job, last);
  }

  /** Writes the status if it is another one; whether it was. */
  async #flush(writing: Writing): Promise<boolean> {
    const status = statusOf(writing.draft);
    if (JSON.stringify(status) === JSON.stringify(writing.written)) return false;
    const before = writing.job.status ?? {};
    const job: Job = { ...writing.job, metadata: { ...writing.job.metadata }, status };
    writing.job = await this.#context.client.jobs(job.metadata.namespace).updateStatus(job);
    writing.written = status;
    this.#written.wrote(writing.job);
    this.metrics.counted(writing.job, before, status);
    return true;
  }

  /** Removes finalizers; the first failure. What succeeded is out of `tracking.tracked` then. */
  async #release(key: string, { release, tracked }: Tracking): Promise<unknown> {
    if (release.length === 0) return undefined;
    let released = this.#released.get(key);
    if (released === undefined) this.#released.set(key, (released = new Set()));
    const results = await settleConcurrently(release.length, async (i) => {
      const pod = release[i] as Readonly<Pod>;
      const { uid = '' } = pod.metadata;
      released.add(uid);
      try {
        await this.#actions.release(pod);
        tracked.delete(uid);
      } catch (error) {
        released.delete(uid);
        throw error;
      }
    });
    return results.find((result) => result.status === 'rejected')?.reason;
  }

  /** `recordJobFinished`. */
  #reportEnd(job: Readonly<Job>, { type, reason = '', message = '' }: JobCondition): void {
    const { events } = this.#context;
    if (type !== 'Complete') {
      events.event(job, 'Warning', reason, message);
      return this.metrics.finished(job, 'failed', reason);
    }
    const { completions } = job.spec ?? {};
    if (completions !== undefined && (job.status?.succeeded ?? 0) > completions) {
      const tooMany = 'Too many succeeded pods running after completion count reached';
      events.event(job, 'Warning', 'TooManySucceededPods', tooMany);
    }
    events.event(job, 'Normal', 'Completed', 'Job completed');
    this.metrics.finished(job, 'succeeded', '');
  }

  /** The cache is behind what this controller has written: the change comes, and with it another sync. */
  #isStale(job: Readonly<Job>): boolean {
    if (this.#written.seen(job)) return false;
    this.metrics.staleSync();
    return true;
  }

  #forget(key: string): void {
    this.expectations.forget(key);
    this.#made.forget(key);
    this.#released.delete(key);
    this.#backoffs.delete(key);
    this.#written.forget(key);
  }
}

function actionOf(plan: PodPlan): SyncAction {
  switch (plan.type) {
    case 'create':
    case 'wait':
      return 'pods_created';
    case 'delete':
      return 'pods_deleted';
    case 'none':
      return 'tracking';
    default:
      return 'reconciling';
  }
}

const isAdopted = (pod: Readonly<Pod>, uid: string): boolean =>
  pod.metadata.ownerReferences?.some((reference) => reference.uid === uid) !== true;

/** Adopted pods have the finalizer by now, though the cache does not show it. */
function withFinalizer(pod: Readonly<Pod>): Readonly<Pod> {
  if (isTracked(pod)) return pod;
  const finalizers = [...(pod.metadata.finalizers ?? []), jobTrackingFinalizer];
  return { ...pod, metadata: { ...pod.metadata, finalizers } };
}
