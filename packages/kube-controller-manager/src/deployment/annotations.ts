/**
 * What Deployments note on their ReplicaSets (upstream `pkg/controller/deployment/util/deployment_util.go`,
 * `SetNewReplicaSetAnnotations`, `SetReplicasAnnotations`).
 */
import type { ApiObject } from '@kubets/apimachinery/meta';

/** The number of a template in the order of their use. */
export const revisionAnnotation = 'deployment.kubernetes.io/revision';
/** Numbers that a template had before it was used again, with commas. */
export const revisionHistoryAnnotation = 'deployment.kubernetes.io/revision-history';
/** `spec.replicas` of the Deployment when it scaled the set: tells scaling from rolling out. */
export const desiredReplicasAnnotation = 'deployment.kubernetes.io/desired-replicas';
/** The same with the surge on top. */
export const maxReplicasAnnotation = 'deployment.kubernetes.io/max-replicas';
/** The wish to roll back, from the time of extensions/v1beta1 (`apps.DeprecatedRollbackTo`). */
export const rollbackToAnnotation = 'deprecated.deployment.rollback.to';

type Annotations = Readonly<Record<string, string>>;

const notCopied: ReadonlySet<string> = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionAnnotation,
  revisionHistoryAnnotation,
  desiredReplicasAnnotation,
  maxReplicasAnnotation,
  rollbackToAnnotation,
]);

const int64 = /^[+-]?[0-9]{1,18}$/;

/** The number in an annotation; undefined when it is none. */
function numberIn(annotations: Annotations | undefined, name: string): number | undefined {
  const text = annotations?.[name];
  return text !== undefined && int64.test(text) ? Number(text) : undefined;
}

/** 0 when there is none or it cannot be read (`Revision`). */
export const revisionOf = ({ metadata }: Readonly<ApiObject>): number =>
  numberIn(metadata.annotations, revisionAnnotation) ?? 0;

/** The highest of several (`MaxRevision`). */
export const maxRevision = (objects: readonly Readonly<ApiObject>[]): number => Math.max(0, ...objects.map(revisionOf));

/** The highest but one (`LastRevision`). */
export function lastRevision(objects: readonly Readonly<ApiObject>[]): number {
  const sorted = objects.map(revisionOf).toSorted((a, b) => b - a);
  return sorted[1] ?? 0;
}

/** See {@link desiredReplicasAnnotation}. */
export const desiredReplicasOf = ({ metadata }: Readonly<ApiObject>): number | undefined =>
  numberIn(metadata.annotations, desiredReplicasAnnotation);

/** See {@link maxReplicasAnnotation}. */
export const maxReplicasOf = ({ metadata }: Readonly<ApiObject>): number | undefined =>
  numberIn(metadata.annotations, maxReplicasAnnotation);

const sameEntries = (a: Annotations, b: Annotations): boolean => Object.entries(b).every(([k, v]) => a[k] === v);

/** The annotations with both replica counts; the very same object when it has them (`SetReplicasAnnotations`). */
export function withReplicas(annotations: Annotations, desired: number, max: number): Annotations {
  const counts = { [desiredReplicasAnnotation]: String(desired), [maxReplicasAnnotation]: String(max) };
  return sameEntries(annotations, counts) ? annotations : { ...annotations, ...counts };
}

/** A history longer than this loses its oldest entries. */
const historyLimit = 2000;

function withHistory(annotations: Annotations, oldRevision: string): Annotations {
  const history = annotations[revisionHistoryAnnotation] ?? '';
  if (history === '') return { ...annotations, [revisionHistoryAnnotation]: oldRevision };
  const revisions = history.split(',');
  let length = history.length + oldRevision.length + 1;
  let start = 0;
  while (length > historyLimit && start < revisions.length) length -= (revisions[start++] ?? '').length + 1;
  if (length > historyLimit) return annotations;
  return { ...annotations, [revisionHistoryAnnotation]: [...revisions.slice(start), oldRevision].join(',') };
}

/**
 * What the annotations of the new ReplicaSet become: those of the Deployment, the revision, and the revisions it had before
 * when it is used again. The very same object when nothing changes.
 */
export function newSetAnnotations(set: Annotations, deployment: Annotations, revision: number): Annotations {
  const copied = Object.fromEntries(Object.entries(deployment).filter(([name]) => !notCopied.has(name)));
  const annotations = sameEntries(set, copied) ? set : { ...set, ...copied };
  const old = set[revisionAnnotation];
  const oldRevision = numberIn(set, revisionAnnotation);
  // Somebody wrote there what is no number: it is left alone.
  if (old !== undefined && old !== '' && oldRevision === undefined) return annotations;
  if ((oldRevision ?? 0) >= revision) return annotations;
  const renumbered = { ...annotations, [revisionAnnotation]: String(revision) };
  return old === undefined ? renumbered : withHistory(renumbered, old);
}

/** A Deployment's annotations when it goes back to a set: the set's, and its own that are not copied (`SetDeploymentAnnotationsTo`). */
export function rolledBackAnnotations(deployment: Annotations, set: Annotations): Record<string, string> {
  const own = Object.entries(deployment).filter(([name]) => notCopied.has(name));
  const copied = Object.entries(set).filter(([name]) => !notCopied.has(name));
  return Object.fromEntries([...own, ...copied]);
}
