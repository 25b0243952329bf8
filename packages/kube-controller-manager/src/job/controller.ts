/** Runs Jobs to completion (upstream `pkg/controller/job`). */
import { compileLabelSelector } from '@kubets/apimachinery/label-selector';
import type { OwnerReference } from '@kubets/apimachinery/meta';
import type { Job } from '@kubets/api/types/batch-v1';
import type { Pod } from '@kubets/api/types/core-v1';
import { ItemBackoff, keyOf, namespaceIndex, type SharedInformer, type WorkQueue } from '@kubets/client';
import { jobs as jobResource, pods as podResource } from '@kubets/client/resources';
import type { Controller, ControllerContext, ControllerDescriptor } from '../controller.ts';
import { ensureIndex } from '../lib/ensure-index.ts';
import { byControllerUid, controllerOf, controllerUidIndex } from '../lib/owner-references.ts';
import { isPodRefused } from '../lib/pod-control.ts';
import { reconciler, workersOf } from '../lib/reconciler.ts';
import { runTogether } from '../lib/run-together.ts';
import { batchMs, JobSync } from './job-sync.ts';
import { externalManager, finishedType, isTracked } from './job-spec.ts';

const retryBaseMs = 1000;
const retryMaxMs = 60_000;

/** Watches Jobs and their pods and says which Job is to be looked at when. */
class JobController implements Controller {
  readonly #context: ControllerContext;
  readonly #queue: WorkQueue<string>;
  /** Keys of pods that have the finalizer and no Job that will ever count them. */
  readonly #orphans: WorkQueue<string>;
  readonly #jobs: SharedInformer<Job>;
  readonly #pods: SharedInformer<Pod>;
  readonly #sync: JobSync;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#queue = context.queue('job', new ItemBackoff(retryBaseMs, retryMaxMs));
    this.#orphans = context.queue('job_orphan_pod', new ItemBackoff(retryBaseMs, retryMaxMs));
    this.#jobs = context.informers.informer(jobResource);
    this.#pods = context.informers.informer(podResource);
    ensureIndex(this.#pods, controllerUidIndex, byControllerUid);
    this.#sync = new JobSync({ context, queue: this.#queue, jobs: this.#jobs, pods: this.#pods });
    this.#jobs.addEventHandler({
      onAdd: (job) => this.#jobAdded(job),
      onUpdate: (old, job) => this.#jobChanged(old, job),
      onDelete: (job) => this.#jobDeleted(job),
    });
    this.#pods.addEventHandler({
      onAdd: (pod) => this.#podAdded(pod),
      onUpdate: (old, pod) => this.#podChanged(old, pod),
      onDelete: (pod) => this.#podDeleted(pod),
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    const informers = [this.#jobs, this.#pods];
    const jobs = reconciler(this.#context, {
      queue: this.#queue,
      informers,
      workers: workersOf(this.#context, 5),
      reconcile: (key) => this.#sync.sync(key),
      isExpected: isPodRefused,
    });
    const orphans = reconciler(this.#context, {
      queue: this.#orphans,
      informers,
      workers: 1,
      reconcile: (key) => this.#syncOrphan(key),
    });
    await runTogether(signal, [(s) => jobs.run(s), (s) => orphans.run(s)]);
  }

  #jobAdded(job: Readonly<Job>): void {
    this.#queue.add(keyOf(job));
    const manager = externalManager(job);
    if (manager !== undefined) this.#sync.metrics.external(manager);
    // A controller that stopped between the last write and the removal of finalizers left them behind.
    if (finishedType(job) !== undefined) this.#releasePodsOf(job);
  }

  #jobChanged(old: Readonly<Job>, job: Readonly<Job>): void {
    const key = keyOf(job);
    // Status changes come with changes of pods, in swarms; what users change is looked at at once.
    if (job.metadata.generation === old.metadata.generation) this.#queue.addAfter(key, batchMs);
    else this.#queue.add(key);
    if (finishedType(job) !== undefined) this.#releasePodsOf(job);
  }

  #jobDeleted(job: Readonly<Job>): void {
    this.#queue.add(keyOf(job));
    this.#releasePodsOf(job);
  }

  #releasePodsOf(job: Readonly<Job>): void {
    for (const pod of this.#pods.store.byIndex(controllerUidIndex, job.metadata.uid ?? '')) {
      if (isTracked(pod)) this.#orphans.add(keyOf(pod));
    }
  }

  #podAdded(pod: Readonly<Pod>): void {
    this.#sync.metrics.podChanged(undefined, pod);
    if (pod.metadata.deletionTimestamp !== undefined) return this.#podGoing(pod, false);
    const reference = controllerOf(pod);
    if (reference === undefined) return this.#orphanSeen(pod, true);
    const job = this.#jobOf(pod, reference);
    if (job !== undefined) this.#queue.addAfter(keyOf(job), batchMs);
  }

  #podChanged(old: Readonly<Pod>, pod: Readonly<Pod>): void {
    if (old.metadata.resourceVersion === pod.metadata.resourceVersion) return;
    this.#sync.metrics.podChanged(old, pod);
    if (pod.metadata.deletionTimestamp !== undefined) return this.#podGoing(pod, false);
    const before = controllerOf(old);
    const now = controllerOf(pod);
    const moved = before?.uid !== now?.uid;
    if (moved && before !== undefined) this.#wake(this.#jobOf(pod, before), pod);
    if (now !== undefined) return this.#wake(this.#jobOf(pod, now), pod);
    const relabelled = JSON.stringify(old.metadata.labels) !== JSON.stringify(pod.metadata.labels);
    this.#orphanSeen(pod, moved || relabelled);
  }

  #wake(job: Readonly<Job> | undefined, pod: Readonly<Pod>): void {
    if (job === undefined) return;
    const key = keyOf(job);
    if (!isTracked(pod)) this.#sync.releaseObserved(key, pod.metadata.uid ?? '');
    this.#queue.addAfter(key, batchMs);
  }

  #podDeleted(pod: Readonly<Pod>): void {
    this.#sync.metrics.podChanged(pod, undefined);
    this.#podGoing(pod, true);
  }

  /** The pod is being deleted, or gone (`deletePod`). */
  #podGoing(pod: Readonly<Pod>, gone: boolean): void {
    const reference = controllerOf(pod);
    const job = reference && this.#jobOf(pod, reference);
    const tracked = isTracked(pod);
    if (job === undefined || finishedType(job) !== undefined) {
      const isOurs = reference === undefined || reference.kind === 'Job';
      if (tracked && isOurs && !gone) this.#orphans.add(keyOf(pod));
      return;
    }
    const key = keyOf(job);
    const { uid = '' } = pod.metadata;
    this.#sync.expectations.deletionObserved(key, uid);
    if (gone || !tracked) this.#sync.releaseObserved(key, uid);
    this.#queue.addAfter(key, batchMs);
  }

  #orphanSeen(pod: Readonly<Pod>, adoptable: boolean): void {
    if (isTracked(pod)) this.#orphans.add(keyOf(pod));
    if (!adoptable) return;
    for (const job of this.#jobs.store.byIndex(namespaceIndex, pod.metadata.namespace ?? '')) {
      if (selects(job, pod)) this.#queue.addAfter(keyOf(job), batchMs);
    }
  }

  /** The Job that a reference names; undefined when it is another one by now, or no Job. */
  #jobOf(pod: Readonly<Pod>, reference: Readonly<OwnerReference>): Readonly<Job> | undefined {
    if (reference.kind !== 'Job') return undefined;
    const job = this.#jobs.store.get(`${pod.metadata.namespace}/${reference.name}`);
    return job?.metadata.uid === reference.uid ? job : undefined;
  }

  /** `syncOrphanPod`. */
  async #syncOrphan(key: string): Promise<void> {
    const pod = this.#pods.store.get(key);
    if (pod === undefined || !isTracked(pod)) return;
    const reference = controllerOf(pod);
    if (reference !== undefined) {
      if (reference.kind !== 'Job' || reference.apiVersion !== 'batch/v1') return;
      const job = this.#jobOf(pod, reference);
      if (job !== undefined && (externalManager(job) !== undefined || finishedType(job) === undefined)) return;
    }
    await this.#sync.releaseOrphan(pod);
  }
}

function selects(job: Readonly<Job>, pod: Readonly<Pod>): boolean {
  try {
    return compileLabelSelector(job.spec?.selector).matches(pod.metadata.labels ?? {});
  } catch {
    // A selector that cannot be read selects nothing; looking at the Job itself reports it.
    return false;
  }
}

/** The Job controller. */
export const jobController: ControllerDescriptor = {
  name: 'job-controller',
  create: (context) => new JobController(context),
};
