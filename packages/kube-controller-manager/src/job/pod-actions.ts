/** Makes, deletes and releases a Job's pods (upstream `pkg/controller/job/job_controller.go`, `manageJob`, `deleteJobPods`, `removeTrackingFinalizerFromPods`). */
import { isPodReady } from '@kubets/api/core/helpers/pod';
import { isNotFound } from '@kubets/apimachinery/status';
import type { Job } from '@kubets/api/types/batch-v1';
import type { Pod } from '@kubets/api/types/core-v1';
import type { EventRecorder, KubeClient } from '@kubets/client';
import { jobs as jobResource } from '@kubets/client/resources';
import { settleConcurrently } from '../lib/concurrent.ts';
import type { Expectations } from '../lib/expectations.ts';
import { controllerRef } from '../lib/owner-references.ts';
import { isNamespaceTerminating, PodControl, podFromTemplate, slowStartBatch } from '../lib/pod-control.ts';
import type { Assessment } from './assess.ts';
import { indexedNamePrefix, indexedTemplate, jobPodTemplate } from './completion-index.ts';
import { isTracked, jobTrackingFinalizer } from './job-spec.ts';
import type { Creations } from './metrics.ts';
import type { PodPlan } from './plan.ts';
import type { PodCounts } from './status.ts';

/** What came of a plan. */
export interface Outcome extends PodCounts {
  /** The first failure, after everything was tried. */
  readonly error?: unknown;
  readonly creations?: Creations;
}

interface Removal {
  readonly removed: number;
  readonly removedReady: number;
  readonly error?: unknown;
}

export interface PodActionsOptions {
  readonly client: KubeClient;
  readonly events: EventRecorder;
  /** Of deletions. */
  readonly expectations: Expectations;
  /** Told of every pod that was made for a Job. */
  wrote(key: string, pod: Readonly<Pod>): void;
}

export class PodActions {
  readonly #client: KubeClient;
  readonly #control: PodControl;
  readonly #expectations: Expectations;
  readonly #wrote: PodActionsOptions['wrote'];

  constructor({ client, events, expectations, wrote }: PodActionsOptions) {
    this.#client = client;
    this.#control = new PodControl({ client, events });
    this.#expectations = expectations;
    this.#wrote = wrote;
  }

  /** Carries a plan out. Failures are in the outcome: what has been done counts all the same. */
  async carryOut(key: string, assessment: Assessment, plan: PodPlan): Promise<Outcome> {
    const { job } = assessment;
    const before = { active: assessment.active.length, ready: assessment.ready, terminating: assessment.terminating };
    switch (plan.type) {
      case 'end':
        return after(before, await this.#removeAll(plan.pods, (pod) => this.#control.delete(pod, job)));
      case 'delete':
        return after(before, await this.#discard(key, job, plan.pods));
      case 'create':
        return await this.#create(key, { assessment, before }, plan);
      default:
        return before;
    }
  }

  /** Lets a pod go that has been counted, or that nobody counts any more. Gone already is fine. */
  async release(pod: Readonly<Pod>): Promise<void> {
    const { namespace, name = '' } = pod.metadata;
    const body = { metadata: { '$deleteFromPrimitiveList/finalizers': [jobTrackingFinalizer] } };
    try {
      await this.#client.pods(namespace).patch(name, { type: 'application/strategic-merge-patch+json', body });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** Deletes pods that are not to be counted. */
  async #discard(key: string, job: Readonly<Job>, pods: readonly Readonly<Pod>[]): Promise<Removal> {
    const identities = pods.map((pod) => pod.metadata.uid ?? '');
    this.#expectations.expectDeletions(key, identities);
    return await this.#removeAll(pods, async (pod) => {
      try {
        if (isTracked(pod)) await this.release(pod);
        const found = await this.#control.delete(pod, job);
        if (!found) this.#expectations.deletionObserved(key, pod.metadata.uid ?? '');
      } catch (error) {
        this.#expectations.deletionObserved(key, pod.metadata.uid ?? '');
        throw error;
      }
    });
  }

  async #removeAll(pods: readonly Readonly<Pod>[], remove: (pod: Readonly<Pod>) => Promise<unknown>): Promise<Removal> {
    const results = await settleConcurrently(pods.length, async (i) => await remove(pods[i] as Readonly<Pod>));
    const gone = pods.filter((_, i) => results[i]?.status === 'fulfilled');
    const failed = results.find((result) => result.status === 'rejected');
    const removal = { removed: gone.length, removedReady: gone.filter(isPodReady).length };
    return failed === undefined ? removal : { ...removal, error: failed.reason };
  }

  async #create(
    key: string,
    { assessment, before }: { readonly assessment: Assessment; readonly before: PodCounts },
    { count, indexes }: Extract<PodPlan, { type: 'create' }>,
  ): Promise<Outcome> {
    const { job } = assessment;
    const template = jobPodTemplate(job);
    let unwanted = 0;
    const { successes, error } = await slowStartBatch(count, async (i) => {
      const pod = this.#newPod(assessment, template, indexes?.[i]);
      try {
        this.#wrote(key, await this.#control.create(pod, job));
      } catch (refusal) {
        // Nothing can be made in a namespace that is going away: that is not worth a retry.
        if (!isNamespaceTerminating(refusal)) throw refusal;
        unwanted++;
      }
    });
    const made = successes - unwanted;
    const creations = { succeeded: made, failed: error === undefined ? 0 : 1 };
    return { ...before, active: before.active + made, creations, ...(error !== undefined && { error }) };
  }

  #newPod({ job, indexes }: Assessment, template: ReturnType<typeof jobPodTemplate>, index: number | undefined): Pod {
    const ref = controllerRef(job, jobResource);
    if (index === undefined) return podFromTemplate(template, job, ref);
    const replaced = indexes?.delayed.get(index);
    const pod = podFromTemplate(indexedTemplate(template, job, { index, replaced }), job, ref);
    pod.metadata.generateName = indexedNamePrefix(job.metadata.name ?? '', index);
    return pod;
  }
}

function after(before: PodCounts, { removed, removedReady, error }: Removal): Outcome {
  return {
    active: before.active - removed,
    ready: before.ready - removedReady,
    terminating: before.terminating + removed,
    ...(error !== undefined && { error }),
  };
}
