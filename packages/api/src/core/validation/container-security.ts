/**
 * Security contexts of containers, and the profiles that pods share with them
 * (`pkg/apis/core/validation/validation.go`, `ValidateSecurityContext`, `validateSeccompProfileField`,
 * `ValidateAppArmorProfileField`, `validateWindowsSecurityContextOptions`).
 */
import { isValidGroupID, isValidUserID } from '@kubets/apimachinery/names';
import type {
  AppArmorProfile,
  SeccompProfile,
  SecurityContext,
  WindowsSecurityContextOptions,
} from '../../generated/types/core-v1.ts';
import type { ErrorList } from './pod-error-list.ts';
import { dnsSubdomain } from './pod-names.ts';
import { checkLocalPath } from './pod-paths.ts';

const profileTypes = ['Localhost', 'RuntimeDefault', 'Unconfined'];

export function checkUser(errors: ErrorList, uid: number | null | undefined, path: string): void {
  if (uid !== undefined && uid !== null && (uid < 0 || uid > 0xffffffff)) {
    errors.eachInvalid(path, uid, isValidUserID(uid));
  }
}

export function checkGroup(errors: ErrorList, gid: number | null | undefined, path: string): void {
  if (gid !== undefined && gid !== null && (gid < 0 || gid > 0xffffffff)) {
    errors.eachInvalid(path, gid, isValidGroupID(gid));
  }
}

export function checkSeccomp(errors: ErrorList, profile: SeccompProfile | undefined, path: string): void {
  if (!profile) return;
  const { type, localhostProfile } = profile;
  if (!type) errors.required(`${path}.type`, 'type is required when seccompProfile is set');
  else if (!profileTypes.includes(type)) errors.notSupported(`${path}.type`, type, profileTypes);
  if (type === 'Localhost') {
    if (localhostProfile === undefined) {
      errors.required(`${path}.localhostProfile`, 'must be set when seccomp type is Localhost');
    } else checkLocalPath(errors, localhostProfile, `${path}.localhostProfile`);
  } else if (localhostProfile !== undefined) {
    errors.invalid(`${path}.localhostProfile`, profile, 'can only be set when seccomp type is Localhost');
  }
}

const maxProfilePath = 4095;

function checkAppArmorPath(errors: ErrorList, profile: string | undefined, path: string): void {
  if (profile === undefined) return errors.required(path, 'must be set when AppArmor type is Localhost');
  if (profile.trim() !== profile) errors.invalid(path, profile, 'must not be padded with whitespace');
  else if (profile === '') errors.required(path, 'must be set when AppArmor type is Localhost');
  if (profile.length > maxProfilePath) errors.tooLong(path, maxProfilePath);
}

export function checkAppArmor(errors: ErrorList, profile: AppArmorProfile | undefined, path: string): void {
  if (!profile) return;
  const { type, localhostProfile } = profile;
  if (type === 'Localhost') checkAppArmorPath(errors, localhostProfile, `${path}.localhostProfile`);
  else if (!type) errors.required(`${path}.type`, 'type is required when appArmorProfile is set');
  else if (!profileTypes.includes(type)) errors.notSupported(`${path}.type`, type, profileTypes);
  else if (localhostProfile !== undefined) {
    const detail = 'can only be set when AppArmor type is Localhost';
    errors.invalid(`${path}.localhostProfile`, localhostProfile, detail);
  }
}

const maxCredentialSpecKiB = 64;
const maxDomainLength = 256;
const maxUserLength = 104;
// eslint-disable-next-line no-control-regex -- control characters are what this looks for
const control = /[\u0000-\u001f\u007f]/;
const netBios = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/;
const dnsDomain = /^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$/;

/** What is wrong with `DOMAIN\user` or `user`. */
function windowsUserErrors(name: string): string[] {
  if (name === '') return ['runAsUserName cannot be an empty string'];
  if (control.test(name)) return ['runAsUserName cannot contain control characters'];
  const parts = name.split('\\');
  if (parts.length > 2) return ['runAsUserName cannot contain more than one backslash'];
  const domain = parts.length === 2 ? parts[0] : undefined;
  return [...windowsDomainErrors(domain), ...windowsAccountErrors(parts.at(-1) ?? '')];
}

function windowsDomainErrors(domain: string | undefined): string[] {
  const found: string[] = [];
  if (domain === undefined) return found;
  if (domain.length >= maxDomainLength) {
    found.push(`runAsUserName's Domain length must be under ${maxDomainLength} characters`);
  }
  if (!netBios.test(domain) && !dnsDomain.test(domain)) {
    found.push("runAsUserName's Domain doesn't match the NetBios nor the DNS format");
  }
  return found;
}

function windowsAccountErrors(user: string): string[] {
  const found: string[] = [];
  if (user === '') found.push("runAsUserName's User cannot be empty");
  else if (user.length > maxUserLength) {
    found.push(`runAsUserName's User length must not be longer than ${maxUserLength} characters`);
  }
  if (/^[. ]+$/.test(user)) found.push("runAsUserName's User cannot contain only periods or spaces");
  if (/["/\\:;|=,+*?<>@[\]]/.test(user)) {
    found.push('runAsUserName\'s User cannot contain the following characters: "/\\:;|=,+*?<>@[]');
  }
  return found;
}

export function checkWindowsOptions(
  errors: ErrorList,
  options: WindowsSecurityContextOptions | undefined,
  path: string,
): void {
  if (!options) return;
  const { gmsaCredentialSpecName: specName, gmsaCredentialSpec: spec, runAsUserName } = options;
  if (specName !== undefined) errors.eachInvalid(`${path}.gmsaCredentialSpecName`, specName, dnsSubdomain(specName));
  if (spec === '') errors.invalid(`${path}.gmsaCredentialSpec`, spec, 'gmsaCredentialSpec cannot be an empty string');
  else if (spec !== undefined && spec.length > maxCredentialSpecKiB * 1024) {
    const detail = `gmsaCredentialSpec size must be under ${maxCredentialSpecKiB} KiB`;
    errors.invalid(`${path}.gmsaCredentialSpec`, spec, detail);
  }
  if (runAsUserName !== undefined) {
    errors.eachInvalid(`${path}.runAsUserName`, runAsUserName, windowsUserErrors(runAsUserName));
  }
}

function checkEscalation(errors: ErrorList, context: SecurityContext, path: string): void {
  if (context.allowPrivilegeEscalation !== false) return;
  if (context.privileged) {
    errors.invalid(path, context, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true');
  }
  if (context.capabilities?.add?.includes('CAP_SYS_ADMIN')) {
    const detail = 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN';
    errors.invalid(path, context, detail);
  }
}

const procMounts = ['Default', 'Unmasked'];

export function checkSecurityContext(
  errors: ErrorList,
  context: SecurityContext,
  { path, hostUsers }: { path: string; hostUsers: boolean },
): void {
  checkUser(errors, context.runAsUser, `${path}.runAsUser`);
  checkGroup(errors, context.runAsGroup, `${path}.runAsGroup`);
  const { procMount } = context;
  if (procMount !== undefined && procMount !== null) {
    if (!procMounts.includes(procMount)) errors.notSupported(`${path}.procMount`, procMount, procMounts);
    if (hostUsers && procMount === 'Unmasked') {
      errors.invalid(`${path}.procMount`, procMount, '`hostUsers` must be false to use `Unmasked`');
    }
  }
  checkSeccomp(errors, context.seccompProfile, `${path}.seccompProfile`);
  checkEscalation(errors, context, path);
  checkWindowsOptions(errors, context.windowsOptions, `${path}.windowsOptions`);
  checkAppArmor(errors, context.appArmorProfile, `${path}.appArmorProfile`);
}
