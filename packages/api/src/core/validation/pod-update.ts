/**
 * What may change about a pod (`pkg/apis/core/validation/validation.go`, `ValidatePodUpdate`,
 * `ValidatePodEphemeralContainersUpdate`).
 */
import type { FieldError } from '@kubets/apimachinery/field';
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import type {
  Container,
  NodeAffinity,
  NodeSelectorTerm,
  Pod,
  PodSpec,
  Toleration,
} from '../../generated/types/core-v1.ts';
import { checkAnnotationChanges, mirrorAnnotation } from './pod-annotations.ts';
import { describeDifference } from './pod-difference.ts';
import { ErrorList } from './pod-error-list.ts';
import type { PodValidationOptions } from './pod-options.ts';
import { checkTolerations } from './pod-tolerations.ts';
import { checkPod } from './pod.ts';

export interface PodPair {
  readonly pod: Pod;
  readonly old: Readonly<Pod>;
}

const emptySpec: PodSpec = { containers: [] };
const maxInt32 = 0x7fffffff;
const annotationsPath = 'metadata.annotations';
const updatable = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
].join(',');

/** Whether the lists are of one length, so that they can be compared one by one. */
function checkContainerList(
  errors: ErrorList,
  [now = [], before = []]: [Container[]?, Container[]?],
  path: string,
): boolean {
  if (now.length !== before.length) {
    errors.forbidden(path, 'pod updates may not add or remove containers');
    return false;
  }
  now.forEach(({ image = '' }, i) => {
    if (image === '') errors.required(`${path}[${i}].image`);
    if (image.trim() !== image) {
      errors.invalid(`${path}[${i}].image`, image, 'must not have leading or trailing whitespace');
    }
  });
  return true;
}

/** The deadline may be set, or brought forward. Answers whether the other checks make sense. */
function checkDeadline(errors: ErrorList, { now, before }: { now?: number; before?: number }): boolean {
  const path = 'spec.activeDeadlineSeconds';
  if (now === undefined) {
    if (before !== undefined) errors.invalid(path, null, 'must not update from a positive integer to nil value');
    return true;
  }
  if (now < 0 || now > maxInt32) {
    errors.invalid(path, now, `must be between 0 and ${maxInt32}, inclusive`);
    return false;
  }
  if (before === undefined || before >= now) return true;
  errors.invalid(path, now, 'must be less than or equal to previous value');
  return false;
}

function isSameButSeconds(a: Toleration, b: Toleration): boolean {
  const { tolerationSeconds: _a, ...first } = a;
  const { tolerationSeconds: _b, ...second } = b;
  return semanticEqual(first, second);
}

function checkAddedTolerations(
  errors: ErrorList,
  [now = [], before = []]: [Toleration[]?, Toleration[]?],
  options: PodValidationOptions,
): void {
  const path = 'spec.tolerations';
  if (before.some((old) => !now.some((toleration) => isSameButSeconds(old, toleration)))) {
    errors.forbidden(path, 'existing toleration can not be modified except its tolerationSeconds');
  } else checkTolerations(errors, now, { path, options });
}

function checkRemovedGates(errors: ErrorList, spec: PodSpec, old: PodSpec): void {
  const known = new Set((old.schedulingGates ?? []).map(({ name }) => name));
  (spec.schedulingGates ?? []).forEach(({ name }, i) => {
    if (known.has(name)) return;
    const detail = `only deletion is allowed, but found new scheduling gate '${name}'`;
    errors.forbidden(`spec.schedulingGates[${i}].name`, detail);
  });
}

function onlyAdds<T>(now: readonly T[] | undefined, before: readonly T[] | undefined): boolean {
  return semanticEqual((now ?? []).slice(0, before?.length ?? 0), before ?? []);
}

function termOnlyAdds(now: NodeSelectorTerm, before: NodeSelectorTerm): boolean {
  const wasEmpty = !before.matchExpressions?.length && !before.matchFields?.length;
  // An empty term matches nothing: requirements would make it match something.
  if (wasEmpty) return !now.matchExpressions?.length && !now.matchFields?.length;
  return onlyAdds(now.matchExpressions, before.matchExpressions) && onlyAdds(now.matchFields, before.matchFields);
}

function checkNodeAffinityChange(
  errors: ErrorList,
  now: NodeAffinity | undefined,
  before: NodeAffinity | undefined,
): void {
  const required = 'requiredDuringSchedulingIgnoredDuringExecution';
  const path = `spec.affinity.nodeAffinity.${required}.nodeSelectorTerms`;
  if (!before?.[required]) return;
  const oldTerms = before[required].nodeSelectorTerms ?? [];
  const terms = now?.[required]?.nodeSelectorTerms ?? [];
  if (oldTerms.length > 0 && oldTerms.length !== terms.length) {
    const detail = 'no additions/deletions to non-empty NodeSelectorTerms list are allowed';
    return errors.invalid(path, terms, detail);
  }
  oldTerms.forEach((term, i) => {
    const next = terms[i] ?? {};
    if (!termOnlyAdds(next, term)) {
      errors.invalid(`${path}[${i}]`, next, 'only additions are allowed (no mutations or deletions)');
    }
  });
}

/** While gates hold a pod back, its choice of nodes may become narrower. Answers the spec with the old choice. */
function checkGatedChanges(errors: ErrorList, spec: PodSpec, old: PodSpec): PodSpec {
  const result = { ...spec };
  const selector = spec.nodeSelector ?? {};
  if (Object.entries(old.nodeSelector ?? {}).some(([key, value]) => selector[key] !== value)) {
    const detail = 'only additions to spec.nodeSelector are allowed (no mutations or deletions)';
    errors.invalid('spec.nodeSelector', selector, detail);
  }
  result.nodeSelector = old.nodeSelector;
  const before = old.affinity?.nodeAffinity;
  if (semanticEqual(spec.affinity?.nodeAffinity, before)) return result;
  checkNodeAffinityChange(errors, spec.affinity?.nodeAffinity, before);
  result.affinity = { ...spec.affinity, nodeAffinity: before };
  return result;
}

/** The new spec with the old value of each field that may change. */
function withoutAllowedChanges(spec: PodSpec, old: PodSpec): PodSpec {
  const keepImages = (now: Container[] | undefined, before: Container[] | undefined): Container[] | undefined =>
    now?.map((container, i) => ({ ...container, image: before?.[i]?.image }));
  const grace = old.terminationGracePeriodSeconds;
  const repaired = grace !== undefined && grace < 0 && spec.terminationGracePeriodSeconds === 1;
  return {
    ...spec,
    containers: keepImages(spec.containers, old.containers) ?? [],
    initContainers: keepImages(spec.initContainers, old.initContainers),
    activeDeadlineSeconds: old.activeDeadlineSeconds,
    schedulingGates: old.schedulingGates,
    tolerations: old.tolerations,
    ...(repaired && { terminationGracePeriodSeconds: grace }),
  };
}

function checkSpecChange(errors: ErrorList, { pod, old }: PodPair, options: PodValidationOptions): void {
  const { spec = emptySpec } = pod;
  const before = old.spec ?? emptySpec;
  if (!checkContainerList(errors, [spec.containers, before.containers], 'spec.containers')) return;
  if (!checkContainerList(errors, [spec.initContainers, before.initContainers], 'spec.initContainers')) return;
  const deadlines = { now: spec.activeDeadlineSeconds, before: before.activeDeadlineSeconds };
  if (!checkDeadline(errors, deadlines)) return;
  checkAddedTolerations(errors, [spec.tolerations, before.tolerations], options);
  checkRemovedGates(errors, spec, before);
  if (semanticEqual(spec, before)) return;
  let comparable = withoutAllowedChanges(spec, before);
  if (before.schedulingGates?.length) comparable = checkGatedChanges(errors, comparable, before);
  if (semanticEqual(comparable, before)) return;
  const difference = describeDifference(before, comparable);
  errors.forbidden('spec', `pod updates may not change fields other than ${updatable}\n${difference}`);
}

/** An update of a pod by its user: images, the deadline, more tolerations, fewer gates. */
export function validatePodUpdate(pair: PodPair, options: PodValidationOptions): FieldError[] {
  const errors = new ErrorList();
  checkPod(errors, pair.pod, options);
  checkMetadataChange(errors, pair);
  checkSpecChange(errors, pair, options);
  return errors.errors;
}

/** Annotations that cannot change once a pod exists. */
export function checkMetadataChange(errors: ErrorList, { pod, old }: PodPair): void {
  const annotations = { now: pod.metadata.annotations, before: old.metadata.annotations };
  checkAnnotationChanges(errors, annotations, annotationsPath);
}

/** The single error about mirror pods, which the kubelet owns. */
export function staticPodError(detail: string): FieldError[] {
  const errors = new ErrorList();
  errors.forbidden('[]', detail);
  return errors.errors;
}

export function isMirror(pod: Readonly<Pod>): boolean {
  return pod.metadata.annotations?.[mirrorAnnotation] !== undefined;
}

/** Ephemeral containers may be added, and stay as they are from then on. */
export function validateEphemeralContainersUpdate(pair: PodPair, options: PodValidationOptions): FieldError[] {
  if (isMirror(pair.old)) return staticPodError('static pods do not support ephemeral containers');
  const errors = new ErrorList();
  checkPod(errors, pair.pod, options);
  checkMetadataChange(errors, pair);
  const path = 'spec.ephemeralContainers';
  const now = new Map((pair.pod.spec?.ephemeralContainers ?? []).map((container) => [container.name, container]));
  for (const container of pair.old.spec?.ephemeralContainers ?? []) {
    const name = JSON.stringify(container.name);
    const next = now.get(container.name);
    if (next === undefined) {
      errors.forbidden(path, `existing ephemeral containers ${name} may not be removed\n`);
    } else if (!semanticEqual(container, next)) {
      const difference = describeDifference(container, next);
      errors.forbidden(path, `existing ephemeral containers ${name} may not be changed\n${difference}`);
    }
  }
  return errors.errors;
}
