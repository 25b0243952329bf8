/**
 * Annotations that mean something for pods (`pkg/apis/core/validation/validation.go`,
 * `ValidatePodSpecificAnnotations`, `validateSeccompAnnotationsAndFields`,
 * `validateAppArmorAnnotationsAndFieldsMatchOnCreate`).
 */
import type { AppArmorProfile, PodSpec, SeccompProfile, Toleration } from '../../generated/types/core-v1.ts';
import { visitContainers } from './container-lists.ts';
import type { ErrorList } from './pod-error-list.ts';
import type { PodValidationOptions } from './pod-options.ts';
import { checkLocalPath } from './pod-paths.ts';
import { checkTolerations } from './pod-tolerations.ts';

export type Annotations = Readonly<Record<string, string>>;

export const mirrorAnnotation = 'kubernetes.io/config.mirror';
export const appArmorPrefix = 'container.apparmor.security.beta.kubernetes.io/';
export const seccompPodAnnotation = 'seccomp.security.alpha.kubernetes.io/pod';
export const seccompContainerPrefix = 'container.seccomp.security.alpha.kubernetes.io/';
const deletionCost = 'controller.kubernetes.io/pod-deletion-cost';
const tolerationsAnnotation = 'scheduler.alpha.kubernetes.io/tolerations';

/** A cost is a 32-bit integer as Go's ParseInt reads it, without a plus sign or leading zeros. */
export function isDeletionCostInvalid(annotations: Annotations | undefined): boolean {
  const text = annotations?.[deletionCost];
  if (text === undefined) return false;
  return !/^(0|-?[1-9][0-9]{0,9})$/.test(text) || Number(text) > 0x7fffffff || Number(text) < -0x80000000;
}

export interface AnnotationContext {
  readonly spec: PodSpec;
  /** Path of the annotations. */
  readonly path: string;
  readonly options: PodValidationOptions;
}

function checkTolerationsAnnotation(errors: ErrorList, text: string, { path, options }: AnnotationContext): void {
  let tolerations: Toleration[];
  try {
    tolerations = JSON.parse(text) as Toleration[];
  } catch (error) {
    return errors.invalid(path, tolerationsAnnotation, error instanceof Error ? error.message : String(error));
  }
  if (!Array.isArray(tolerations)) return errors.invalid(path, tolerationsAnnotation, 'must be a list of tolerations');
  checkTolerations(errors, tolerations, { path: `${path}.${tolerationsAnnotation}`, options });
}

function checkSeccompAnnotation(errors: ErrorList, profile: string, path: string): void {
  if (profile === 'runtime/default' || profile === 'docker/default' || profile === 'unconfined') return;
  if (profile.startsWith('localhost/')) return checkLocalPath(errors, profile.slice('localhost/'.length), path);
  errors.invalid(path, profile, 'must be a valid seccomp profile');
}

function checkAppArmorAnnotation(
  errors: ErrorList,
  [key, profile]: [string, string],
  { spec, path }: AnnotationContext,
): void {
  const name = key.slice(appArmorPrefix.length);
  let found = false;
  visitContainers(spec, '', (container) => {
    found ||= container.name === name;
  });
  if (!found) errors.invalid(`${path}[${key}]`, name, 'container not found');
  const known = profile === '' || profile === 'runtime/default' || profile === 'unconfined';
  if (known || profile.startsWith('localhost/')) return;
  errors.invalid(`${path}[${key}]`, profile, `invalid AppArmor profile name: ${JSON.stringify(profile)}`);
}

export function checkPodAnnotations(
  errors: ErrorList,
  annotations: Annotations | undefined,
  context: AnnotationContext,
): void {
  if (annotations === undefined) return;
  const { spec, path, options } = context;
  const mirror = annotations[mirrorAnnotation];
  if (mirror !== undefined && !spec.nodeName) {
    const detail = 'must set spec.nodeName if mirror pod annotation is set';
    errors.invalid(`${path}[${mirrorAnnotation}]`, mirror, detail);
  }
  const tolerations = annotations[tolerationsAnnotation];
  if (tolerations) checkTolerationsAnnotation(errors, tolerations, context);
  if (!options.allowInvalidPodDeletionCost && isDeletionCostInvalid(annotations)) {
    errors.invalid(`${path}[${deletionCost}]`, annotations[deletionCost], 'must be a 32bit integer');
  }
  for (const key in annotations) {
    const value = annotations[key] as string;
    if (key.startsWith(seccompContainerPrefix) || key === seccompPodAnnotation) {
      checkSeccompAnnotation(errors, value, `${path}.${key}`);
    } else if (key.startsWith(appArmorPrefix)) checkAppArmorAnnotation(errors, [key, value], context);
  }
}

/** `ValidatePodSpecificAnnotationUpdates`, without the checks of {@link checkPodAnnotations}. */
export function checkAnnotationChanges(
  errors: ErrorList,
  { now = {}, before = {} }: { now?: Annotations; before?: Annotations },
  path: string,
): void {
  for (const key in before) {
    if (now[key] === before[key]) continue;
    if (key.startsWith(appArmorPrefix))
      errors.forbidden(`${path}[${key}]`, 'may not remove or update AppArmor annotations');
    if (key === mirrorAnnotation) errors.forbidden(`${path}[${key}]`, 'may not remove or update mirror pod annotation');
  }
  for (const key in now) {
    if (key in before) continue;
    if (key.startsWith(appArmorPrefix)) errors.forbidden(`${path}[${key}]`, 'may not add AppArmor annotations');
    if (key === mirrorAnnotation) errors.forbidden(`${path}[${key}]`, 'may not add mirror pod annotation');
  }
}

const annotationTypes: Readonly<Record<string, readonly string[]>> = {
  Unconfined: ['unconfined'],
  RuntimeDefault: ['runtime/default', 'docker/default'],
};

/** Whether annotation and field say the same; reports under `path` with `what` as the subject. */
function checkMatch(
  errors: ErrorList,
  { annotation, profile }: { annotation: string; profile: SeccompProfile | AppArmorProfile },
  { path, what }: { path: string; what: 'seccomp' | 'apparmor' },
): void {
  const typeWrong = `${what} type in annotation and field must match`;
  if (profile.type === 'Localhost') {
    if (!annotation.startsWith('localhost/')) errors.forbidden(`${path}.type`, typeWrong);
    else if (annotation.slice('localhost/'.length) !== profile.localhostProfile) {
      errors.forbidden(`${path}.localhostProfile`, `${what} profile in annotation and field must match`);
    }
    return;
  }
  const values = annotationTypes[profile.type];
  if (values === undefined) return;
  const accepted = values.includes(annotation) && !(what === 'apparmor' && annotation === 'docker/default');
  if (!accepted) errors.forbidden(`${path}.type`, typeWrong);
}

/** Deprecated annotations and the fields that replaced them must not contradict each other on create. */
export function checkAnnotationsMatchFields(
  errors: ErrorList,
  annotations: Annotations | undefined,
  { spec, path }: { spec: PodSpec; path: string },
): void {
  if (annotations === undefined) return;
  const seccomp = spec.securityContext?.seccompProfile;
  const podAnnotation = annotations[seccompPodAnnotation];
  if (seccomp && podAnnotation !== undefined) {
    const at = { path: `${path}.securityContext.seccompProfile`, what: 'seccomp' as const };
    checkMatch(errors, { annotation: podAnnotation, profile: seccomp }, at);
  }
  visitContainers(spec, path, (container, at) => {
    const annotation = annotations[seccompContainerPrefix + container.name];
    const profile = container.securityContext?.seccompProfile;
    if (annotation === undefined || !profile) return;
    checkMatch(errors, { annotation, profile }, { path: `${at}.securityContext.seccompProfile`, what: 'seccomp' });
  });
  if (spec.os?.name === 'windows') return;
  visitContainers(spec, path, (container, at) => {
    const annotation = annotations[appArmorPrefix + container.name];
    const profile = container.securityContext?.appArmorProfile ?? spec.securityContext?.appArmorProfile;
    if (annotation === undefined || !profile) return;
    checkMatch(errors, { annotation, profile }, { path: `${at}.securityContext.appArmorProfile`, what: 'apparmor' });
  });
}
