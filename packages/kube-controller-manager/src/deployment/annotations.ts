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
const desiredReplicasAnnotation = 'deployment.kubernetes.io/desired-replicas';
/** The same with the surge on top. */
const maxReplicasAnnotation = 'deployment.kubernetes.io/max-replicas';
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

const integer = /^[+-]?[0-9]+$/;

/** The number in an annotation; undefined when it is none, or has more than 64 bits. */
function int64In(annotations: Annotations | undefined, name: string): bigint | undefined {
  const text = annotations?.[name];
  if (text === undefined || !integer.test(text)) return undefined;
  const value = BigInt(text);
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

/** The same for counts, which are of 32 bits. */
function countIn(annotations: Annotations | undefined, name: string): number | undefined {
  const value = int64In(annotations, name);
  return value === undefined ? undefined : Number(value);
}

/** 0 when there is none or it cannot be read (`Revision`). Revisions are of 64 bits. */
export const revisionOf = ({ metadata }: Readonly<ApiObject>): bigint =>
  int64In(metadata.annotations, revisionAnnotation) ?? 0n;

/** The highest of several (`MaxRevision`). */
export function maxRevision(objects: readonly Readonly<ApiObject>[]): bigint {
  let max = 0n;
  for (const object of objects) {
    const revision = revisionOf(object);
    if (revision > max) max = revision;
  }
  return max;
}

/** The lower revision first. */
export function byRevision(a: Readonly<ApiObject>, b: Readonly<ApiObject>): number {
  const [left, right] = [revisionOf(a), revisionOf(b)];
  return left < right ? -1 : Number(left > right);
}

/** The highest but one (`LastRevision`). */
export function lastRevision(objects: readonly Readonly<ApiObject>[]): bigint {
  const last = objects.toSorted(byRevision).at(-2);
  return last === undefined ? 0n : revisionOf(last);
}

/** See {@link desiredReplicasAnnotation}. */
export const desiredReplicasOf = ({ metadata }: Readonly<ApiObject>): number | undefined =>
  countIn(metadata.annotations, desiredReplicasAnnotation);

/** See {@link maxReplicasAnnotation}. */
export const maxReplicasOf = ({ metadata }: Readonly<ApiObject>): number | undefined =>
  countIn(metadata.annotations, maxReplicasAnnotation);

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
export function newSetAnnotations(set: Annotations, deployment: Annotations, revision: bigint): Annotations {
  const copied = Object.fromEntries(Object.entries(deployment).filter(([name]) => !notCopied.has(name)));
  const annotations = sameEntries(set, copied) ? set : { ...set, ...copied };
  const old = set[revisionAnnotation];
  const oldRevision = int64In(set, revisionAnnotation);
  // Somebody wrote there what is no number: it is left alone.
  if (old !== undefined && old !== '' && oldRevision === undefined) return annotations;
  if ((oldRevision ?? 0n) >= revision) return annotations;
  const renumbered = { ...annotations, [revisionAnnotation]: String(revision) };
  return old === undefined ? renumbered : withHistory(renumbered, old);
}

/** A Deployment's annotations when it goes back to a set: the set's, and its own that are not copied (`SetDeploymentAnnotationsTo`). */
export function rolledBackAnnotations(deployment: Annotations, set: Annotations): Record<string, string> {
  const own = Object.entries(deployment).filter(([name]) => notCopied.has(name));
  const copied = Object.entries(set).filter(([name]) => !notCopied.has(name));
  return Object.fromEntries([...own, ...copied]);
}
