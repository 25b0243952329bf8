/** Changes of a running pod's resources (`pkg/apis/core/validation/validation.go`, `ValidatePodResize`). */
import type { FieldError } from '@kubets/apimachinery/field';
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import type { Container, Pod, PodSpec, ResourceRequirements } from '../../generated/types/core-v1.ts';
import { isSidecar } from './container-lists.ts';
import { ErrorList } from './pod-error-list.ts';
import type { PodValidationOptions } from './pod-options.ts';
import { computePodQOS } from './pod-qos.ts';
import { isMirror, staticPodError, type PodPair } from './pod-update.ts';
import { checkPod } from './pod.ts';

type Quantities = Record<string, string>;

function isRemoved(now: Quantities | undefined, before: Quantities | undefined): boolean {
  const names = Object.keys(now ?? {});
  return Object.keys(before ?? {}).some((name) => !names.includes(name));
}

/** The list with CPU and memory as they were. */
function withOldCompute(now: Quantities | undefined, before: Quantities | undefined): Quantities {
  const { cpu: _cpu, memory: _memory, ...others } = now ?? {};
  const result: Quantities = others;
  for (const name of ['cpu', 'memory']) if (before?.[name] !== undefined) result[name] = before[name];
  return result;
}

function resourcesWithOldCompute(
  now: ResourceRequirements | undefined,
  before: ResourceRequirements | undefined,
): ResourceRequirements {
  return {
    limits: withOldCompute(now?.limits, before?.limits),
    requests: withOldCompute(now?.requests, before?.requests),
  };
}

function checkRemoval(errors: ErrorList, [now, before]: [Container, Container], path: string): void {
  if (isRemoved(now.resources?.requests, before.resources?.requests)) {
    errors.forbidden(`${path}.requests`, 'resource requests cannot be removed');
  }
  if (isRemoved(now.resources?.limits, before.resources?.limits)) {
    errors.forbidden(`${path}.limits`, 'resource limits cannot be removed');
  }
}

function hasPodLevel(pod: Readonly<Pod>): boolean {
  const { requests = {}, limits = {} } = pod.spec?.resources ?? {};
  return Object.keys(requests).length + Object.keys(limits).length > 0;
}

function checkPodLevel(errors: ErrorList, { pod, old }: PodPair): void {
  const now = pod.spec?.resources;
  const before = old.spec?.resources;
  if (before && !now) return errors.forbidden('spec.resources', 'pod-level resources cannot be removed');
  if (before && isRemoved(now?.requests, before.requests)) {
    errors.forbidden('spec.resources.requests', 'pod-level resource requests cannot be removed');
  }
  if (before && isRemoved(now?.limits, before.limits)) {
    errors.forbidden('spec.resources.limits', 'pod-level resource limits cannot be removed');
  }
  const comparable = { ...resourcesWithOldCompute(now, before), claims: now?.claims };
  if (!semanticEqual(comparable, before)) {
    errors.forbidden('spec', 'only cpu and memory resources are mutable at pod-level');
  }
}

/** Containers are matched by place: none may come, go or move. */
function checkOrder(errors: ErrorList, spec: PodSpec, old: PodSpec): boolean {
  const before = errors.length;
  for (const list of ['containers', 'initContainers'] as const) {
    const now = spec[list] ?? [];
    const then = old[list] ?? [];
    if (now.length !== then.length) {
      errors.forbidden(`spec.${list}`, `${list} may not be added or removed on resize`);
      continue;
    }
    then.forEach(({ name }, i) => {
      if (now[i]?.name === name) return;
      errors.forbidden(`spec.${list}[${i}].name`, `${list} may not be renamed or reordered on resize`);
    });
  }
  return errors.length === before;
}

function checkContainers(errors: ErrorList, spec: PodSpec, old: PodSpec): void {
  (spec.containers ?? []).forEach((container, i) => {
    const before = old.containers[i] as Container;
    checkRemoval(errors, [container, before], `spec.containers[${i}].resources`);
    const comparable = { ...container, resources: resourcesWithOldCompute(container.resources, before.resources) };
    if (!semanticEqual(comparable, before)) errors.forbidden('spec', 'only cpu and memory resources are mutable');
  });
}

function checkInitContainer(errors: ErrorList, [container, before]: [Container, Container], path: string): void {
  const comparable = { ...container, resources: resourcesWithOldCompute(container.resources, before.resources) };
  if (!semanticEqual(comparable, before)) {
    errors.forbidden(path, 'only cpu and memory resources for init or sidecar containers are mutable');
  }
  if (semanticEqual(container, before) || isSidecar(container)) return;
  for (const policy of container.resizePolicy ?? []) {
    if (policy.restartPolicy !== 'RestartContainer') continue;
    const detail = 'non-sidecar init containers with a resize policy of RestartContainer cannot be resized';
    errors.forbidden(path, detail);
  }
}

function checkInitContainers(errors: ErrorList, [spec, old]: [PodSpec, PodSpec], initContainerResize: boolean): void {
  (spec.initContainers ?? []).forEach((container, i) => {
    const before = old.initContainers?.[i] as Container;
    const path = `spec.initContainers[${i}]`;
    if (initContainerResize || isSidecar(before)) {
      checkRemoval(errors, [container, before], `${path}.resources`);
      checkInitContainer(errors, [container, before], path);
    } else if (!semanticEqual(container, before)) {
      errors.forbidden('spec', 'resources for non-sidecar init containers are immutable');
    }
  });
}

/** Whether the pod's node reports the resources of containers, as nodes that can resize do. */
function nodeCanResize(pod: Readonly<Pod>): boolean {
  const running = pod.status?.containerStatuses?.find(({ state }) => state?.running);
  return running === undefined || running.resources !== undefined;
}

function checkPrerequisites(errors: ErrorList, { pod, old }: PodPair, options: PodValidationOptions): void {
  const emptySpec: PodSpec = { containers: [] };
  const before = old.status?.qosClass ?? computePodQOS(old.spec ?? emptySpec, options.podLevelResources);
  if (before !== computePodQOS(pod.spec ?? emptySpec, options.podLevelResources)) {
    errors.invalid('spec', pod.status?.qosClass ?? '', 'Pod QOS Class may not change as a result of resizing');
  }
  if (!nodeCanResize(old)) errors.forbidden('spec', 'Pod running on node without support for resize');
}

const podLevelOff =
  'resize of pods with pod-level resources is forbidden when InPlacePodLevelResourcesVerticalScalingEnabled feature gate is disabled';

/** The whole spec but for what the resize endpoint takes from the request. */
function isElsewhereChanged(spec: PodSpec, old: PodSpec): boolean {
  const { containers: _a, initContainers: _b, resources: _c, ...now } = spec;
  const { containers: _d, initContainers: _e, resources: _f, ...before } = old;
  return !semanticEqual(now, before);
}

/** CPU and memory of containers, sidecars and the pod may change; nothing may be added to or taken from the lists. */
export function validatePodResize(pair: PodPair, options: PodValidationOptions): FieldError[] {
  const { pod, old } = pair;
  if (isMirror(old)) return staticPodError('static pods cannot be resized');
  if (old.spec?.os?.name === 'windows') return staticPodError('windows pods cannot be resized');
  const errors = new ErrorList();
  const [spec, before] = [pod.spec ?? { containers: [] }, old.spec ?? { containers: [] }];
  checkPod(errors, pod, options);
  checkPrerequisites(errors, pair, options);
  if (hasPodLevel(old) || hasPodLevel(pod)) {
    if (!options.podLevelResize) {
      errors.forbidden('[]', podLevelOff);
      return errors.errors;
    }
    checkPodLevel(errors, pair);
  }
  if (old.status?.nodeAllocatableResourceClaimStatuses?.length) {
    errors.forbidden('spec', 'pods with node allocatable resource claims cannot be resized');
  }
  if (!checkOrder(errors, spec, before)) return errors.errors;
  checkInitContainers(errors, [spec, before], options.initContainerResize);
  checkContainers(errors, spec, before);
  if (errors.length === 0 && isElsewhereChanged(spec, before)) {
    errors.forbidden('spec', 'only cpu and memory resources are mutable');
  }
  return errors.errors;
}
