/** Pod specs, in pods and in templates (`pkg/apis/core/validation/validation.go`, `ValidatePodSpec`). */
import type { ObjectMeta } from '@kubets/apimachinery/meta';
import type { PodResourceClaim, PodSpec, Volume } from '../../generated/types/core-v1.ts';
import { checkContainers, checkEphemeralContainers, checkInitContainers, visitContainers } from './container-lists.ts';
import { checkResources } from './container-resources.ts';
import { checkAffinity, checkTopologySpread } from './pod-affinity.ts';
import { mirrorAnnotation } from './pod-annotations.ts';
import type { ErrorList } from './pod-error-list.ts';
import { dnsLabel, dnsSubdomain, qualifiedName } from './pod-names.ts';
import { checkDNS, checkHostAliases, checkHostnameOverride, checkHostNetworkPorts } from './pod-network.ts';
import type { PodValidationOptions } from './pod-options.ts';
import { checkPodResources } from './pod-resources.ts';
import type { PodScope } from './pod-scope.ts';
import { checkHostProcess, checkHostUsers, checkOS, checkPodSecurityContext } from './pod-security.ts';
import { checkLabels } from './pod-selectors.ts';
import { checkSchedulingGates, checkTolerations } from './pod-tolerations.ts';
import { checkVolumes } from './volume-list.ts';

export interface PodSpecContext {
  /** Path of the spec. */
  readonly path: string;
  readonly options: PodValidationOptions;
  /** Metadata of the pod; absent in templates, whose pods have no name yet. */
  readonly metadata?: ObjectMeta;
}

const noVolumes: readonly Volume[] = [];
const noNames: ReadonlySet<string> = new Set();
const maxInt32 = 0x7fffffff;

function scopeOf(errors: ErrorList, spec: PodSpec, { path, options, metadata }: PodSpecContext): PodScope {
  const podName = metadata?.name ?? '';
  const claims = spec.resourceClaims;
  return {
    errors,
    options,
    volumes: checkVolumes(errors, spec.volumes ?? noVolumes, { path: `${path}.volumes`, options, podName }),
    claimNames: claims?.length ? new Set(claims.map(({ name }) => name).filter((name) => name)) : noNames,
    gracePeriod: spec.terminationGracePeriodSeconds,
    os: spec.os?.name,
    restartPolicy: spec.restartPolicy ?? '',
    hostUsers: spec.hostUsers ?? true,
  };
}

function checkClaim(
  errors: ErrorList,
  claim: PodResourceClaim,
  { path, seen }: { path: string; seen: Set<string> },
): void {
  const { name, resourceClaimName: direct, resourceClaimTemplateName: template } = claim;
  if (!name) errors.required(`${path}.name`);
  else if (seen.has(name)) errors.duplicate(`${path}.name`, name);
  else {
    errors.eachInvalid(`${path}.name`, name, dnsLabel(name));
    seen.add(name);
  }
  if (direct !== undefined && template !== undefined) {
    const detail = 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified';
    errors.invalid(path, claim, detail);
  }
  if (direct === undefined && template === undefined) {
    errors.invalid(path, claim, 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`');
  }
  if (direct !== undefined) errors.eachInvalid(`${path}.resourceClaimName`, direct, dnsSubdomain(direct));
  if (template !== undefined) {
    errors.eachInvalid(`${path}.resourceClaimTemplateName`, template, dnsSubdomain(template));
  }
}

function checkClaims(errors: ErrorList, claims: readonly PodResourceClaim[], { path, metadata }: PodSpecContext): void {
  const seen = new Set<string>();
  claims.forEach((claim, i) => {
    if (metadata?.annotations?.[mirrorAnnotation] !== undefined) {
      errors.forbidden('[]', 'static pods do not support resource claims');
    } else checkClaim(errors, claim, { path: `${path}.resourceClaims[${i}]`, seen });
  });
}

const restartPolicies = ['Always', 'OnFailure', 'Never'];
const dnsPolicies = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];
const preemptionPolicies = ['PreemptLowerPriority', 'Never'];

/** Required, and one of a closed set. */
export function checkChoice(
  errors: ErrorList,
  value: string | undefined,
  { path, allowed }: { path: string; allowed: readonly string[] },
): void {
  if (!value) errors.required(path);
  else if (!allowed.includes(value)) errors.notSupported(path, value, allowed);
}

function checkNamedReferences(errors: ErrorList, spec: PodSpec, path: string): void {
  const { serviceAccountName, nodeName, hostname, subdomain, priorityClassName, runtimeClassName } = spec;
  if (serviceAccountName) {
    errors.eachInvalid(`${path}.serviceAccountName`, serviceAccountName, dnsSubdomain(serviceAccountName));
  }
  if (nodeName) errors.eachInvalid(`${path}.nodeName`, nodeName, dnsSubdomain(nodeName));
  if (hostname) errors.eachInvalid(`${path}.hostname`, hostname, dnsLabel(hostname));
  if (subdomain) errors.eachInvalid(`${path}.subdomain`, subdomain, dnsLabel(subdomain));
  if (priorityClassName) {
    errors.eachInvalid(`${path}.priorityClassName`, priorityClassName, dnsSubdomain(priorityClassName));
  }
  if (runtimeClassName !== undefined) {
    errors.eachInvalid(`${path}.runtimeClassName`, runtimeClassName, dnsSubdomain(runtimeClassName));
  }
}

function checkOverhead(
  errors: ErrorList,
  overhead: Readonly<Record<string, string>>,
  { path, options }: PodSpecContext,
): void {
  const { allowIndivisibleHugePages } = options;
  checkResources(
    errors,
    { limits: overhead },
    { path: `${path}.overhead`, claimNames: noNames, allowIndivisibleHugePages },
  );
}

function checkScheduling(errors: ErrorList, spec: PodSpec, { path, options }: PodSpecContext): void {
  if (spec.affinity) checkAffinity(errors, spec.affinity, { path: `${path}.affinity`, options });
  const { strictIP } = options;
  checkDNS(errors, spec, { path: `${path}.dnsConfig`, strictIP });
  (spec.readinessGates ?? []).forEach(({ conditionType: type }, i) =>
    errors.eachInvalid(`${path}.readinessGates[${i}].conditionType`, type, qualifiedName(type)),
  );
  if (spec.schedulingGates?.length) checkSchedulingGates(errors, spec.schedulingGates, `${path}.schedulingGates`);
  const spread = spec.topologySpreadConstraints;
  if (spread?.length) checkTopologySpread(errors, spread, { path: `${path}.topologySpreadConstraints`, options });
  checkHostProcess(errors, spec, path);
  checkHostUsers(errors, spec, { path, options });
  checkHostnameOverride(errors, spec, `${path}.hostnameOverride`);
}

function checkDeadline(errors: ErrorList, seconds: number | null | undefined, path: string): void {
  if (seconds === undefined || seconds === null || (seconds >= 1 && seconds <= maxInt32)) return;
  errors.invalid(path, seconds, `must be between 1 and ${maxInt32}, inclusive`);
}

function checkSchedulingGroup(errors: ErrorList, spec: PodSpec, path: string): void {
  if (!spec.schedulingGroup) return;
  const name = spec.schedulingGroup.podGroupName;
  if (name === undefined) errors.invalid(path, null, 'must specify one of: `podGroupName`');
  else errors.eachInvalid(path, name, dnsSubdomain(name));
}

/** Volumes that hold files of variables are `emptyDir` (`validateFileKeyRefVolumes`). */
function checkFileVariables(errors: ErrorList, spec: PodSpec, path: string): void {
  visitContainers(spec, path, ({ env }, at) => {
    if (!env) return;
    for (let i = 0; i < env.length; i++) {
      const name = env[i]?.valueFrom?.fileKeyRef?.volumeName;
      if (name === undefined) continue;
      const volume = spec.volumes?.find((candidate) => candidate.name === name);
      const shown = `${at}.env[${i}].valueFrom.fileKeyRef.volumeName`;
      if (volume === undefined) errors.notFound(shown, name);
      else if (!volume.emptyDir) errors.invalid(shown, name, 'referenced volume must be of type emptyDir');
    }
  });
}

function checkWorkload(errors: ErrorList, spec: PodSpec, context: PodSpecContext): void {
  const { path, options } = context;
  if (spec.terminationGracePeriodSeconds === undefined) errors.required(`${path}.terminationGracePeriodSeconds`);
  const scope = scopeOf(errors, spec, context);
  if (spec.resourceClaims?.length) checkClaims(errors, spec.resourceClaims, context);
  checkContainers(scope, spec.containers ?? [], `${path}.containers`);
  checkInitContainers(scope, spec, `${path}.initContainers`);
  checkEphemeralContainers(scope, spec, `${path}.ephemeralContainers`);
  if (options.podLevelResources) {
    const { allowIndivisibleHugePages } = options;
    checkPodResources(errors, spec, { path, claimNames: scope.claimNames, allowIndivisibleHugePages });
  }
}

/** Checks everything about a spec that holds for pods and templates alike. */
export function checkPodSpec(errors: ErrorList, spec: PodSpec, context: PodSpecContext): void {
  const { path, options } = context;
  checkWorkload(errors, spec, context);
  checkHostNetworkPorts(errors, spec, { path, options });
  checkChoice(errors, spec.restartPolicy, { path: `${path}.restartPolicy`, allowed: restartPolicies });
  checkChoice(errors, spec.dnsPolicy, { path: `${path}.dnsPolicy`, allowed: dnsPolicies });
  checkLabels(errors, spec.nodeSelector, `${path}.nodeSelector`);
  checkPodSecurityContext(errors, spec, { path: `${path}.securityContext`, options });
  checkScheduling(errors, spec, context);
  checkNamedReferences(errors, spec, path);
  checkDeadline(errors, spec.activeDeadlineSeconds, `${path}.activeDeadlineSeconds`);
  if (spec.tolerations) checkTolerations(errors, spec.tolerations, { path: `${path}.tolerations`, options });
  if (spec.hostAliases) {
    checkHostAliases(errors, spec.hostAliases, { path: `${path}.hostAliases`, strictIP: options.strictIP });
  }
  if (spec.preemptionPolicy !== undefined) {
    checkChoice(errors, spec.preemptionPolicy, { path: `${path}.preemptionPolicy`, allowed: preemptionPolicies });
  }
  if (spec.overhead) checkOverhead(errors, spec.overhead, context);
  checkOS(errors, spec, path);
  checkSchedulingGroup(errors, spec, `${path}.schedulingGroup.podGroupName`);
  checkFileVariables(errors, spec, path);
}
