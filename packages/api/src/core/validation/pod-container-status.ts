/**
 * Container statuses in an update of a pod's status (`pkg/apis/core/validation/validation.go`,
 * `ValidateContainerStateTransition`, `validateContainerStatusUsers`,
 * `validateContainerStatusAllocatedResourcesStatus`; `pkg/api/v1/pod/util.go`, `ContainerShouldRestart`).
 */
import type { Container, ContainerStatus, PodSpec, ResourceStatus } from '../../generated/types/core-v1.ts';
import { isSidecar } from './container-lists.ts';
import { checkGroup, checkUser } from './container-security.ts';
import type { ErrorList } from './pod-error-list.ts';
import { usesRestartAllContainers } from './pod-legacy.ts';
import type { PodValidationOptions } from './pod-options.ts';
import type { PodPair } from './pod-update.ts';

type MayRestart = (name: string, exitCode: number) => boolean;

function ruleMatches(container: Container, exitCode: number): boolean {
  return (container.restartPolicyRules ?? []).some(({ exitCodes }) => {
    const listed = exitCodes?.values?.includes(exitCode) ?? false;
    return exitCodes?.operator === 'In' ? listed : exitCodes?.operator === 'NotIn' && !listed;
  });
}

/** Whether a container that ended with the code may run again. */
export function containerMayRestart(container: Container, podPolicy: string | undefined, exitCode: number): boolean {
  if (ruleMatches(container, exitCode)) return true;
  const policy = container.restartPolicy ?? podPolicy;
  return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
}

/** By container rules; init containers of a pod that always restarts run again after failures only. */
function byRules(containers: readonly Container[] | undefined, spec: PodSpec): MayRestart {
  return (name, exitCode) => {
    const container = containers?.find((candidate) => candidate.name === name);
    return container !== undefined && containerMayRestart(container, spec.restartPolicy, exitCode);
  };
}

/** By the pod's policy alone, as before container rules. */
function byPod(containers: readonly Container[] | undefined, spec: PodSpec): MayRestart {
  return (name, exitCode) => {
    if (spec.restartPolicy === 'Always') return true;
    if (spec.restartPolicy === 'OnFailure' && exitCode !== 0) return true;
    const container = containers?.find((candidate) => candidate.name === name);
    return container !== undefined && isSidecar(container);
  };
}

interface Statuses {
  readonly path: string;
  readonly now: readonly ContainerStatus[];
  readonly before: readonly ContainerStatus[];
}

function checkTransitions(errors: ErrorList, { path, now, before }: Statuses, mayRestart: MayRestart): void {
  before.forEach((old, i) => {
    const ended = old.state?.terminated;
    if (!ended) return;
    const next = now.find(({ name }) => name === old.name);
    if (next === undefined || next.state?.terminated || mayRestart(old.name, ended.exitCode)) return;
    errors.forbidden(`${path}[${i}].state`, 'may not be transitioned to non-terminated state');
  });
}

function checkUsers(
  errors: ErrorList,
  statuses: readonly ContainerStatus[],
  { path, os }: { path: string; os: string },
): void {
  statuses.forEach(({ user }, i) => {
    const linux = user?.linux;
    if (!linux) return;
    const at = `${path}[${i}].linux`;
    if (os === 'windows') return errors.forbidden(at, 'cannot be set for a windows pod');
    checkUser(errors, linux.uid, `${at}.uid`);
    checkGroup(errors, linux.gid, `${at}.gid`);
    (linux.supplementalGroups ?? []).forEach((group, j) => checkGroup(errors, group, `${at}.supplementalGroups[${j}]`));
  });
}

const claimWrong =
  "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or 'claim:<claimName>' if request is empty";
const healths = ['Healthy', 'Unhealthy', 'Unknown'];

function checkAllocatedName(
  errors: ErrorList,
  { name }: ResourceStatus,
  { container, path }: { container: Container; path: string },
): void {
  if (name.startsWith('claim:')) {
    const names = (container.resources?.claims ?? []).map((claim) =>
      claim.request ? `claim:${claim.name}/${claim.request}` : `claim:${claim.name}`,
    );
    if (!names.includes(name)) errors.invalid(`${path}.name`, name, claimWrong);
  } else if (container.resources?.requests?.[name] === undefined) {
    errors.invalid(`${path}.name`, name, "must match one of the container's resource requests");
  }
}

function checkHealth(errors: ErrorList, status: ResourceStatus, path: string): void {
  const seen = new Set<string>();
  (status.resources ?? []).forEach(({ health, resourceID }, k) => {
    const at = `${path}.resources[${k}]`;
    if (!healths.includes(health ?? '')) errors.notSupported(`${at}.health`, health ?? '', healths);
    if (seen.has(resourceID)) errors.duplicate(`${at}.resourceID`, resourceID);
    seen.add(resourceID);
  });
}

function checkAllocated(
  errors: ErrorList,
  statuses: readonly ContainerStatus[],
  { path, containers }: { path: string; containers: readonly Container[] },
): void {
  statuses.forEach((status, i) =>
    (status.allocatedResourcesStatus ?? []).forEach((allocated, j) => {
      const at = `${path}[${i}].allocatedResourcesStatus[${j}]`;
      const container = containers.find(({ name }) => name === status.name);
      if (container !== undefined) checkAllocatedName(errors, allocated, { container, path: at });
      checkHealth(errors, allocated, at);
    }),
  );
}

export function checkContainerStatuses(errors: ErrorList, { pod, old }: PodPair, options: PodValidationOptions): void {
  const spec = old.spec ?? { containers: [] };
  const os = pod.spec?.os?.name ?? 'linux';
  const rules = options.allowRestartRules ? byRules : byPod;
  const anything = options.allowRestartRules && options.allowRestartAllContainers && usesRestartAllContainers(spec);
  const lists: [keyof typeof mayRestart, readonly Container[]][] = [
    ['containerStatuses', pod.spec?.containers ?? []],
    ['initContainerStatuses', pod.spec?.initContainers ?? []],
    ['ephemeralContainerStatuses', []],
  ];
  const mayRestart = {
    containerStatuses: anything ? () => true : rules(spec.containers, spec),
    initContainerStatuses: anything ? () => true : rules(spec.initContainers, spec),
    ephemeralContainerStatuses: () => false,
  };
  for (const [list, containers] of lists) {
    const path = `status.${list}`;
    const now = pod.status?.[list] ?? [];
    checkTransitions(errors, { path, now, before: old.status?.[list] ?? [] }, mayRestart[list]);
    checkUsers(errors, now, { path, os });
    if (list !== 'ephemeralContainerStatuses') checkAllocated(errors, now, { path, containers });
    else checkNoneAllocated(errors, now, path);
  }
}

function checkNoneAllocated(errors: ErrorList, statuses: readonly ContainerStatus[], path: string): void {
  statuses.forEach(({ allocatedResourcesStatus }, i) => {
    if (!allocatedResourcesStatus?.length) return;
    errors.forbidden(`${path}[${i}].allocatedResourcesStatus`, 'must not be specified in container status');
  });
}
