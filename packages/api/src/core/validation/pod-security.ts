/**
 * Security contexts of pods, user namespaces and operating systems (`pkg/apis/core/validation/validation.go`,
 * `validatePodSpecSecurityContext`, `validateHostUsers`, `validateWindowsHostProcessPod`, `validateOS`).
 */
import type { PodSecurityContext, PodSpec, Sysctl } from '../../generated/types/core-v1.ts';
import { visitContainers } from './container-lists.ts';
import { checkAppArmor, checkGroup, checkSeccomp, checkUser, checkWindowsOptions } from './container-security.ts';
import type { ErrorList } from './pod-error-list.ts';
import type { PodValidationOptions } from './pod-options.ts';
import { hostSysctlConflict } from './pod-sysctls.ts';

const sysctlSegment = '[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const sysctlText = `^(${sysctlSegment}[\\./])*${sysctlSegment}$`;
const sysctlName = new RegExp(sysctlText);
const maxSysctl = 253;

interface Context {
  readonly path: string;
  readonly options: PodValidationOptions;
}

function checkSysctls(errors: ErrorList, spec: PodSpec, sysctls: readonly Sysctl[], { path, options }: Context): void {
  const seen = new Set<string>();
  sysctls.forEach(({ name }, i) => {
    const at = `${path}[${i}].name`;
    if (!name) errors.required(at);
    else if (name.length > maxSysctl || !sysctlName.test(name)) {
      errors.invalid(at, name, `must have at most ${maxSysctl} characters and match regex ${sysctlText}`);
    } else if (seen.has(name)) errors.duplicate(at, name);
    if (!options.allowHostSysctls) {
      const conflict = hostSysctlConflict(spec, name);
      if (conflict !== '') errors.invalid(at, name, `may not be specified when '${conflict}' is true`);
    }
    seen.add(name);
  });
}

function checkOneOf(
  errors: ErrorList,
  value: string | null | undefined,
  { path, allowed }: { path: string; allowed: readonly string[] },
): void {
  if (value !== undefined && value !== null && !allowed.includes(value)) errors.notSupported(path, value, allowed);
}

function checkIds(errors: ErrorList, context: PodSecurityContext, path: string): void {
  checkGroup(errors, context.fsGroup, `${path}.fsGroup`);
  checkUser(errors, context.runAsUser, `${path}.runAsUser`);
  checkGroup(errors, context.runAsGroup, `${path}.runAsGroup`);
  const groups = context.supplementalGroups;
  if (groups) groups.forEach((group, i) => checkGroup(errors, group, `${path}.supplementalGroups[${i}]`));
}

export function checkPodSecurityContext(errors: ErrorList, spec: PodSpec, { path, options }: Context): void {
  // A field of the spec, shown where upstream keeps it.
  if (spec.shareProcessNamespace && spec.hostPID) {
    const detail = 'ShareProcessNamespace and HostPID cannot both be enabled';
    errors.invalid(`${path}.shareProcessNamespace`, true, detail);
  }
  const context = spec.securityContext;
  if (!context) return;
  checkIds(errors, context, path);
  if (context.sysctls?.length) checkSysctls(errors, spec, context.sysctls, { path: `${path}.sysctls`, options });
  checkOneOf(errors, context.fsGroupChangePolicy, {
    path: `${path}.fsGroupChangePolicy`,
    allowed: ['Always', 'OnRootMismatch'],
  });
  checkSeccomp(errors, context.seccompProfile, `${path}.seccompProfile`);
  checkWindowsOptions(errors, context.windowsOptions, `${path}.windowsOptions`);
  checkAppArmor(errors, context.appArmorProfile, `${path}.appArmorProfile`);
  checkOneOf(errors, context.supplementalGroupsPolicy, {
    path: `${path}.supplementalGroupsPolicy`,
    allowed: ['Merge', 'Strict'],
  });
  checkOneOf(errors, context.seLinuxChangePolicy, {
    path: `${path}.seLinuxChangePolicy`,
    allowed: options.allowOnlyRecursiveSELinuxChangePolicy ? ['Recursive'] : ['MountOption', 'Recursive'],
  });
}

const notForUserNamespace = 'when `hostUsers` is false';

export function checkHostUsers(errors: ErrorList, spec: PodSpec, { path, options }: Context): void {
  if (spec.hostUsers !== false) return;
  if (spec.hostNetwork && !options.allowUserNamespacesHostNetwork) {
    errors.forbidden(`${path}.hostNetwork`, notForUserNamespace);
  }
  // Upstream spells these two with the Go names.
  if (spec.hostPID) errors.forbidden(`${path}.HostPID`, notForUserNamespace);
  if (spec.hostIPC) errors.forbidden(`${path}.HostIPC`, notForUserNamespace);
  if (options.allowUserNamespacesVolumeDevices) return;
  visitContainers(spec, path, (container, at) => {
    if (container.volumeDevices?.length) errors.forbidden(`${at}.volumeDevices`, notForUserNamespace);
  });
}

/** All containers of a Windows pod are HostProcess containers, or none is. */
export function checkHostProcess(errors: ErrorList, spec: PodSpec, path: string): void {
  const podValue = spec.securityContext?.windowsOptions?.hostProcess;
  let containers = 0;
  let hostProcesses = 0;
  visitContainers(spec, path, (container, at) => {
    const own = container.securityContext?.windowsOptions?.hostProcess;
    containers++;
    if (podValue !== undefined && own !== undefined && podValue !== own) {
      const detail = `pod hostProcess value must be identical if both are specified, was ${podValue}`;
      errors.invalid(`${at}.securityContext.windowsOptions.hostProcess`, own, detail);
    }
    if (own ?? podValue) hostProcesses++;
  });
  if (hostProcesses === 0) return;
  if (hostProcesses !== containers) {
    const detail = 'If pod contains any hostProcess containers then all containers must be HostProcess containers';
    errors.invalid(path, '', detail);
  }
  if (!spec.hostNetwork) {
    errors.invalid(`${path}.hostNetwork`, false, 'hostNetwork must be true if pod contains any hostProcess containers');
  }
}

const notForLinux = 'windows options cannot be set for a linux pod';

function checkLinux(errors: ErrorList, spec: PodSpec, path: string): void {
  if (spec.securityContext?.windowsOptions) errors.forbidden(`${path}.securityContext.windowsOptions`, notForLinux);
  visitContainers(spec, path, (container, at) => {
    if (container.securityContext?.windowsOptions)
      errors.forbidden(`${at}.securityContext.windowsOptions`, notForLinux);
  });
}

const notForWindows = 'cannot be set for a windows pod';
const podFieldsOfLinux = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'fsGroup',
  'fsGroupChangePolicy',
  'runAsUser',
  'runAsGroup',
  'supplementalGroups',
  'supplementalGroupsPolicy',
  'seLinuxChangePolicy',
] as const;
const containerFieldsOfLinux = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'capabilities',
  'readOnlyRootFilesystem',
  'privileged',
  'allowPrivilegeEscalation',
  'procMount',
  'runAsUser',
  'runAsGroup',
] as const;

function checkWindows(errors: ErrorList, spec: PodSpec, path: string): void {
  const context = spec.securityContext;
  if (spec.hostUsers !== undefined) errors.forbidden(`${path}.hostUsers`, notForWindows);
  if (spec.hostPID) errors.forbidden(`${path}.hostPID`, notForWindows);
  if (spec.hostIPC) errors.forbidden(`${path}.hostIPC`, notForWindows);
  if (spec.shareProcessNamespace !== undefined) errors.forbidden(`${path}.shareProcessNamespace`, notForWindows);
  for (const field of podFieldsOfLinux) {
    if (context?.[field] !== undefined) errors.forbidden(`${path}.securityContext.${field}`, notForWindows);
  }
  if (context?.sysctls?.length) errors.forbidden(`${path}.securityContext.sysctls`, notForWindows);
  visitContainers(spec, path, ({ securityContext: own }, at) => {
    for (const field of containerFieldsOfLinux) {
      if (own?.[field] !== undefined) errors.forbidden(`${at}.securityContext.${field}`, notForWindows);
    }
  });
}

export function checkOS(errors: ErrorList, spec: PodSpec, path: string): void {
  const name = spec.os?.name;
  if (!spec.os) return;
  if (!name) errors.required(`${path}.os.name`, 'cannot be empty');
  else if (name === 'linux') checkLinux(errors, spec, path);
  else if (name === 'windows') checkWindows(errors, spec, path);
  else errors.notSupported(`${path}.os`, name, ['linux', 'windows']);
}
