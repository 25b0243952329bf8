/**
 * What a stored pod may contain that new pods may not (`pkg/api/pod/util.go`, the functions that
 * `GetValidationOptionsFromPodSpecAndMeta` asks about the old object).
 */
import type { Container, PodSpec } from '../../generated/types/core-v1.ts';
import { isDivisibleHugePages, isHugePages } from './container-resources.ts';
import { checkMergedLabelKeys, checkSeparateLabelKeys } from './pod-affinity.ts';
import { ErrorList } from './pod-error-list.ts';
import { labelValue } from './pod-names.ts';
import { isUnreservedPath } from './pod-paths.ts';
import { checkSelector } from './pod-selectors.ts';
import { hostSysctlConflict } from './pod-sysctls.ts';

const hard = 'requiredDuringSchedulingIgnoredDuringExecution';
const soft = 'preferredDuringSchedulingIgnoredDuringExecution';

const allContainers = (spec: PodSpec): Container[] => [...(spec.initContainers ?? []), ...(spec.containers ?? [])];

export function hasInvalidAffinitySelector(spec: PodSpec): boolean {
  const terms = [spec.affinity?.podAffinity, spec.affinity?.podAntiAffinity].flatMap((affinity) => [
    ...(affinity?.[hard] ?? []),
    ...(affinity?.[soft] ?? []).map(({ podAffinityTerm }) => podAffinityTerm),
  ]);
  const expressions = terms.flatMap(({ labelSelector }) => labelSelector?.matchExpressions ?? []);
  return expressions.some(({ values }) => (values ?? []).some((value) => labelValue(value).length > 0));
}

export function hasInvalidNodeAffinityValue(spec: PodSpec): boolean {
  const terms = spec.affinity?.nodeAffinity?.[hard]?.nodeSelectorTerms ?? [];
  const expressions = terms.flatMap(({ matchExpressions }) => matchExpressions ?? []);
  return expressions.some(({ values }) => (values ?? []).some((value) => labelValue(value).length > 0));
}

export function hasInvalidSpreadSelector(spec: PodSpec): boolean {
  const errors = new ErrorList();
  for (const { labelSelector } of spec.topologySpreadConstraints ?? []) {
    checkSelector(errors, labelSelector, { path: 'labelSelector', allowInvalidValues: false });
  }
  return errors.length > 0;
}

export function violatesMatchLabelKeys(spec: PodSpec, merged: boolean): boolean {
  const errors = new ErrorList();
  const check = merged ? checkMergedLabelKeys : checkSeparateLabelKeys;
  for (const constraint of spec.topologySpreadConstraints ?? []) check(errors, constraint, 'constraint');
  return errors.length > 0;
}

export function hasNonLocalTokenPath(spec: PodSpec): boolean {
  const sources = (spec.volumes ?? []).flatMap((volume) => volume.projected?.sources ?? []);
  return sources.some(({ serviceAccountToken: token }) => token !== undefined && !isUnreservedPath(token.path ?? ''));
}

export function hasHostSysctlConflict(spec: PodSpec): boolean {
  return (spec.securityContext?.sysctls ?? []).some(({ name }) => hostSysctlConflict(spec, name) !== '');
}

export function usesIndivisibleHugePages(spec: PodSpec): boolean {
  return allContainers(spec)
    .flatMap(({ resources }) => [
      ...Object.entries(resources?.limits ?? {}),
      ...Object.entries(resources?.requests ?? {}),
    ])
    .some(([name, quantity]) => isHugePages(name) && !isDivisibleHugePages(name, quantity));
}

export function usesContainerRestartRules(spec: PodSpec): boolean {
  const init = (spec.initContainers ?? []).some(
    ({ restartPolicy, restartPolicyRules }) =>
      (restartPolicy !== undefined && restartPolicy !== 'Always') || (restartPolicyRules?.length ?? 0) > 0,
  );
  return init || (spec.containers ?? []).some(({ restartPolicy }) => restartPolicy !== undefined);
}

/** Also what decides whether finished containers may start again (`podutil.AllContainersCouldRestart`). */
export function usesRestartAllContainers(spec: PodSpec): boolean {
  return allContainers(spec).some(({ restartPolicyRules }) =>
    (restartPolicyRules ?? []).some(({ action }) => action === 'RestartAllContainers'),
  );
}

export function usesRestartContainerForInit(spec: PodSpec): boolean {
  return (spec.initContainers ?? []).some(
    ({ restartPolicy, resizePolicy }) =>
      restartPolicy !== 'Always' && (resizePolicy ?? []).some((policy) => policy.restartPolicy === 'RestartContainer'),
  );
}
