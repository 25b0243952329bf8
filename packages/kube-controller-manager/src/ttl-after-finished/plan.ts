/** When a finished Job may go (upstream `pkg/controller/ttlafterfinished/ttlafterfinished_controller.go`). */
import type { Job } from '@kubets/api/types/batch-v1';
import { finishedType } from '../job/job-spec.ts';

/** When the Job is to be deleted, in milliseconds since 1970; undefined: never, as far as is known (`timeLeft`). */
export function expiresAt(job: Readonly<Job>): number | undefined {
  const seconds = job.spec?.ttlSecondsAfterFinished;
  const finished = finishedAt(job);
  if (seconds === undefined || finished === undefined || job.metadata.deletionTimestamp !== undefined) return undefined;
  return finished + seconds * 1000;
}

/** When the Job ended (`jobFinishTime`). */
function finishedAt(job: Readonly<Job>): number | undefined {
  const type = finishedType(job);
  const condition = job.status?.conditions?.find((each) => each.type === type && each.status === 'True');
  return condition?.lastTransitionTime ? Date.parse(condition.lastTransitionTime) : undefined;
}
