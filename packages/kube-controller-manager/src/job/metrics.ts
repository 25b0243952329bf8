/** `job_controller_*` (upstream `pkg/controller/job/metrics/metrics.go`). */
import { labelText, type HistogramSeries, type MetricsRegistry } from '@kubets/apimachinery/metrics';
import type { Job, JobStatus } from '@kubets/api/types/batch-v1';
import type { Pod } from '@kubets/api/types/core-v1';
import { countIndexes, parseIntervals } from './intervals.ts';
import { hasBackoffLimitPerIndex, isIndexed, isTracked } from './job-spec.ts';

const syncDurations = Array.from({ length: 15 }, (_, i) => 0.004 * 2 ** i);

export type SyncAction = 'reconciling' | 'tracking' | 'pods_created' | 'pods_deleted';

const modeOf = (job: Readonly<Job>): string => (isIndexed(job) ? 'Indexed' : 'NonIndexed');
const isEnded = (pod: Readonly<Pod> | undefined): boolean =>
  pod?.status?.phase === 'Succeeded' || pod?.status?.phase === 'Failed';

function families(metrics: MetricsRegistry) {
  const name = (rest: string): string => `job_controller_${rest}`;
  return {
    duration: metrics.histogram(name('job_sync_duration_seconds'), 'The time it took to sync a job', syncDurations),
    syncs: metrics.counter(name('job_syncs_total'), 'The number of job syncs'),
    jobs: metrics.counter(name('jobs_finished_total'), 'The number of finished jobs'),
    pods: metrics.counter(name('job_pods_finished_total'), 'The number of finished Pods that are fully tracked'),
    indexes: metrics.counter(name('job_finished_indexes_total'), 'The number of finished indexes.'),
    creations: metrics.counter(name('job_pods_creation_total'), 'The number of Pods created by the Job controller'),
    policy: metrics.counter(
      name('pod_failures_handled_by_failure_policy_total'),
      'The number of failed Pods handled by failure policy with respect to the failure policy action.',
    ),
    finalizers: metrics.counter(
      name('terminated_pods_tracking_finalizer_total'),
      'The number of terminated pods that have the finalizer batch.kubernetes.io/job-tracking, as it is added and removed.',
    ),
    external: metrics.counter(
      name('jobs_by_external_controller_total'),
      'The number of Jobs managed by an external controller',
    ),
    stale: metrics.counter(name('stale_sync_skips_total'), 'The number of syncs skipped as the cache was behind.'),
  };
}

/** Counts what the Job controller does. */
export class JobMetrics {
  readonly #families: ReturnType<typeof families>;

  constructor(metrics: MetricsRegistry) {
    this.#families = families(metrics);
  }

  synced(job: Readonly<Job>, result: 'success' | 'error', action: SyncAction): { observe: HistogramSeries['observe'] } {
    const labels = labelText({ action, completion_mode: modeOf(job), result });
    this.#families.syncs.add(1, labels);
    return this.#families.duration.series(labels);
  }

  /** The Job has ended. */
  finished(job: Readonly<Job>, result: 'succeeded' | 'failed', reason: string): void {
    this.#families.jobs.add(1, labelText({ completion_mode: modeOf(job), reason, result }));
  }

  /** The counts have moved on (`recordJobPodFinished`). */
  counted(job: Readonly<Job>, before: Readonly<JobStatus>, after: Readonly<JobStatus>): void {
    const completion_mode = modeOf(job);
    const succeeded = isIndexed(job)
      ? this.#countIndexes(job, before, after)
      : (after.succeeded ?? 0) - (before.succeeded ?? 0);
    const failed = (after.failed ?? 0) - (before.failed ?? 0);
    if (succeeded !== 0) this.#families.pods.add(succeeded, labelText({ completion_mode, result: 'succeeded' }));
    if (failed !== 0) this.#families.pods.add(failed, labelText({ completion_mode, result: 'failed' }));
  }

  #countIndexes(job: Readonly<Job>, before: Readonly<JobStatus>, after: Readonly<JobStatus>): number {
    const count = (text: string | undefined): number => countIndexes(parseIntervals(text, job.spec?.completions ?? 0));
    const backoffLimit = hasBackoffLimitPerIndex(job) ? 'perIndex' : 'global';
    const succeeded = count(after.completedIndexes) - count(before.completedIndexes);
    const failed = count(after.failedIndexes) - count(before.failedIndexes);
    if (succeeded !== 0) this.#families.indexes.add(succeeded, labelText({ backoffLimit, status: 'succeeded' }));
    if (failed > 0) this.#families.indexes.add(failed, labelText({ backoffLimit, status: 'failed' }));
    return succeeded;
  }

  /** Pods were made, perhaps for others that failed or are going (`recordJobPodsCreationTotal`). */
  created(
    job: Readonly<Job>,
    before: { readonly failed: number; readonly terminating: number },
    counts: Creations,
  ): void {
    let reason = 'new';
    if (job.spec?.podReplacementPolicy === 'Failed' && before.failed > 0) reason = 'recreate_failed';
    else if (before.failed > 0 || before.terminating > 0) reason = 'recreate_terminating_or_failed';
    const { succeeded, failed } = counts;
    if (succeeded > 0) this.#families.creations.add(succeeded, labelText({ reason, status: 'succeeded' }));
    if (failed > 0) this.#families.creations.add(failed, labelText({ reason, status: 'failed' }));
  }

  policyActions(actions: ReadonlyMap<string, number>): void {
    for (const [action, count] of actions) this.#families.policy.add(count, labelText({ action }));
  }

  external(controllerName: string): void {
    this.#families.external.add(1, labelText({ controller_name: controllerName }));
  }

  staleSync(): void {
    this.#families.stale.add(1, labelText({ group: 'batch', resource: 'jobs' }));
  }

  /** An ended pod got or lost the finalizer (`recordFinishedPodWithTrackingFinalizer`). */
  podChanged(before: Readonly<Pod> | undefined, after: Readonly<Pod> | undefined): void {
    const was = isEnded(before) && before !== undefined && isTracked(before);
    const is = isEnded(after) && after !== undefined && isTracked(after);
    if (was === is) return;
    this.#families.finalizers.add(1, labelText({ event: is ? 'add' : 'delete' }));
  }
}

export interface Creations {
  readonly succeeded: number;
  readonly failed: number;
}
