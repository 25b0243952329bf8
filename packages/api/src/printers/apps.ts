/** Rows of workloads: apps, batch, policy (`pkg/printers/internalversion/printers.go`). */
import { humanDuration } from '@kubets/apimachinery/duration';
import type { ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet } from '../generated/types/apps-v1.ts';
import type { CronJob, Job } from '../generated/types/batch-v1.ts';
import type { PodDisruptionBudget } from '../generated/types/policy-v1.ts';
import {
  ageOf,
  containerCells,
  formatLabels,
  formatSelector,
  isDeleted,
  isTrue,
  nameOf,
  none,
  optionalBool,
  plainSelector,
  since,
} from './format.ts';

/** Ready of desired, up to date, available. */
export function deploymentCells(object: Deployment, now: number): unknown[] {
  const { spec, status } = object;
  return [
    nameOf(object),
    `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
    status?.updatedReplicas ?? 0,
    status?.availableReplicas ?? 0,
    ageOf(object, now),
    ...containerCells(spec?.template?.spec?.containers),
    plainSelector(spec?.selector),
  ];
}

/** Desired, current, ready. */
export function replicaSetCells(object: ReplicaSet, now: number): unknown[] {
  const { spec, status } = object;
  return [
    nameOf(object),
    spec?.replicas ?? 0,
    status?.replicas ?? 0,
    status?.readyReplicas ?? 0,
    ageOf(object, now),
    ...containerCells(spec?.template?.spec?.containers),
    formatSelector(spec?.selector),
  ];
}

/** Ready of desired. */
export function statefulSetCells(object: StatefulSet, now: number): unknown[] {
  const { spec, status } = object;
  return [
    nameOf(object),
    `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
    ageOf(object, now),
    ...containerCells(spec?.template?.spec?.containers),
  ];
}

/** Desired, current, ready, up to date, available, node selector. */
export function daemonSetCells(object: DaemonSet, now: number): unknown[] {
  const { spec, status } = object;
  return [
    nameOf(object),
    status?.desiredNumberScheduled ?? 0,
    status?.currentNumberScheduled ?? 0,
    status?.numberReady ?? 0,
    status?.updatedNumberScheduled ?? 0,
    status?.numberAvailable ?? 0,
    formatLabels(spec?.template?.spec?.nodeSelector),
    ageOf(object, now),
    ...containerCells(spec?.template?.spec?.containers),
    formatSelector(spec?.selector),
  ];
}

/** `statefulset.apps/web`; the group of the controller without its version. */
function controllerName(object: ControllerRevision): string {
  const owner = object.metadata?.ownerReferences?.find((r) => r.controller === true);
  if (owner === undefined) return none;
  const slash = owner.apiVersion.indexOf('/');
  const group = slash < 0 ? '' : `.${owner.apiVersion.slice(0, slash)}`;
  return `${(owner.kind + group).toLowerCase()}/${owner.name}`;
}

/** Controller and revision. */
export function controllerRevisionCells(object: ControllerRevision, now: number): unknown[] {
  return [nameOf(object), controllerName(object), object.revision ?? 0, ageOf(object, now)];
}

function jobCompletions(job: Job): string {
  const { completions, parallelism = 0 } = job.spec ?? {};
  const succeeded = job.status?.succeeded ?? 0;
  if (completions !== undefined && completions !== null) return `${succeeded}/${completions}`;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function jobDuration(job: Job, now: number): string {
  const { startTime, completionTime } = job.status ?? {};
  if (!startTime) return '';
  return humanDuration((completionTime ? Date.parse(completionTime) : now) - Date.parse(startTime));
}

function jobStatus(job: Job): string {
  const conditions = job.status?.conditions;
  if (isTrue(conditions, 'Complete')) return 'Complete';
  if (isTrue(conditions, 'Failed')) return 'Failed';
  if (isDeleted(job)) return 'Terminating';
  if (isTrue(conditions, 'Suspended')) return 'Suspended';
  return isTrue(conditions, 'FailureTarget') ? 'FailureTarget' : 'Running';
}

/** Status, completions, duration. */
export function jobCells(object: Job, now: number): unknown[] {
  return [
    nameOf(object),
    jobStatus(object),
    jobCompletions(object),
    jobDuration(object, now),
    ageOf(object, now),
    ...containerCells(object.spec?.template?.spec?.containers),
    formatSelector(object.spec?.selector),
  ];
}

/** Schedule, time zone, suspension, active jobs, last schedule. */
export function cronJobCells(object: CronJob, now: number): unknown[] {
  const { spec, status } = object;
  return [
    nameOf(object),
    spec?.schedule ?? '',
    spec?.timeZone ?? none,
    optionalBool(spec?.suspend),
    status?.active?.length ?? 0,
    status?.lastScheduleTime ? since(status.lastScheduleTime, now) : none,
    ageOf(object, now),
    ...containerCells(spec?.jobTemplate?.spec?.template?.spec?.containers),
    formatSelector(spec?.jobTemplate?.spec?.selector),
  ];
}

/** The budget, `N/A` for the half that is not set, and the disruptions it allows now. */
export function podDisruptionBudgetCells(object: PodDisruptionBudget, now: number): unknown[] {
  const { minAvailable = 'N/A', maxUnavailable = 'N/A' } = object.spec ?? {};
  return [
    nameOf(object),
    String(minAvailable),
    String(maxUnavailable),
    object.status?.disruptionsAllowed ?? 0,
    ageOf(object, now),
  ];
}
