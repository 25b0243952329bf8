/** DNS, host names and host ports of pods (`pkg/apis/core/validation/validation.go`, `validatePodDNSConfig` and others). */
import type { HostAlias, PodDNSConfig, PodSpec } from '../../generated/types/core-v1.ts';
import type { ErrorList } from './pod-error-list.ts';
import { checkIP } from './pod-ip.ts';
import { dnsSubdomain, underscoreSubdomain } from './pod-names.ts';
import type { PodValidationOptions } from './pod-options.ts';

const maxNameservers = 3;
const maxSearchPaths = 32;
const maxSearchCharacters = 2048;
const maxHostname = 64;

function checkSearches(errors: ErrorList, searches: readonly string[], path: string): void {
  if (searches.length > maxSearchPaths) {
    errors.invalid(path, searches, `must not have more than ${maxSearchPaths} search paths`);
  }
  if (searches.join(' ').length > maxSearchCharacters) {
    const detail = `must not have more than ${maxSearchCharacters} characters (including spaces) in the search list`;
    errors.invalid(path, searches, detail);
  }
  searches.forEach((search, i) => {
    if (search === '.') return;
    const domain = search.endsWith('.') ? search.slice(0, -1) : search;
    errors.eachInvalid(`${path}[${i}]`, domain, underscoreSubdomain(domain));
  });
}

export function checkDNS(
  errors: ErrorList,
  { dnsPolicy, dnsConfig }: { dnsPolicy?: string; dnsConfig?: PodDNSConfig },
  { path, strictIP }: { path: string; strictIP: boolean },
): void {
  if (dnsPolicy === 'None') {
    if (!dnsConfig) return errors.required(path, 'must provide `dnsConfig` when `dnsPolicy` is None');
    if (!dnsConfig.nameservers?.length) {
      const detail = 'must provide at least one DNS nameserver when `dnsPolicy` is None';
      return errors.required(`${path}.nameservers`, detail);
    }
  }
  if (!dnsConfig) return;
  const nameservers = dnsConfig.nameservers ?? [];
  if (nameservers.length > maxNameservers) {
    errors.invalid(`${path}.nameservers`, nameservers, `must not have more than ${maxNameservers} nameservers`);
  }
  nameservers.forEach((ip, i) => checkIP(errors, ip, { path: `${path}.nameservers[${i}]`, strict: strictIP }));
  checkSearches(errors, dnsConfig.searches ?? [], `${path}.searches`);
  (dnsConfig.options ?? []).forEach(({ name }, i) => {
    if (!name) errors.required(`${path}.options[${i}]`, 'must not be empty');
  });
}

export function checkHostAliases(
  errors: ErrorList,
  aliases: readonly HostAlias[],
  { path, strictIP }: { path: string; strictIP: boolean },
): void {
  aliases.forEach(({ ip, hostnames }, i) => {
    checkIP(errors, ip ?? '', { path: `${path}[${i}].ip`, strict: strictIP });
    (hostnames ?? []).forEach((name, j) =>
      errors.eachInvalid(`${path}[${i}].hostnames[${j}]`, name, dnsSubdomain(name)),
    );
  });
}

/** With the host's network, a container's port is the host's: the two must agree, once both are known. */
export function checkHostNetworkPorts(
  errors: ErrorList,
  spec: PodSpec,
  { path, options }: { path: string; options: PodValidationOptions },
): void {
  if (!spec.hostNetwork) return;
  (spec.containers ?? []).forEach((container, i) =>
    (container.ports ?? []).forEach(({ hostPort = 0, containerPort }, j) => {
      if ((!options.resourceIsPod && hostPort === 0) || hostPort === containerPort) return;
      const at = `${path}.containers[${i}].ports[${j}].hostPort`;
      errors.invalid(at, hostPort, 'must match `containerPort` when `hostNetwork` is true');
    }),
  );
}

export function checkHostnameOverride(errors: ErrorList, spec: PodSpec, path: string): void {
  const name = spec.hostnameOverride;
  if (name === undefined || name === null) return;
  if (spec.setHostnameAsFQDN) errors.forbidden(path, 'may not be specified when setHostnameAsFQDN is true');
  if (spec.hostNetwork) errors.forbidden(path, 'may not be specified when hostNetwork is true');
  if (name.length > maxHostname) errors.tooLong(path, maxHostname);
  errors.eachInvalid(path, name, dnsSubdomain(name));
}
