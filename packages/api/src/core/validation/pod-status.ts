/** Updates of a pod's status (`pkg/apis/core/validation/validation.go`, `ValidatePodStatusUpdate`). */
import type { FieldError } from '@kubets/apimachinery/field';
import type {
  Container,
  ContainerStatus,
  PodCondition,
  PodExtendedResourceClaimStatus,
  PodSpec,
  PodStatus,
} from '../../generated/types/core-v1.ts';
import { isNativeResource } from './container-resources.ts';
import { checkPodAnnotations } from './pod-annotations.ts';
import { checkContainerStatuses } from './pod-container-status.ts';
import { ErrorList } from './pod-error-list.ts';
import { checkIP, isDualStack } from './pod-ip.ts';
import { dnsLabel, dnsSubdomain, qualifiedName } from './pod-names.ts';
import type { PodValidationOptions } from './pod-options.ts';
import { compareQuantityText } from './pod-quantities.ts';
import { checkMetadataChange, type PodPair } from './pod-update.ts';

const systemConditions = new Set(['PodScheduled', 'Ready', 'Initialized']);
const notNegative = 'must be a non-negative integer';

function checkConditions(errors: ErrorList, conditions: readonly PodCondition[]): void {
  conditions.forEach(({ type, observedGeneration = 0 }, i) => {
    const at = `status.conditions[${i}]`;
    if (observedGeneration < 0) errors.invalid(`${at}.observedGeneration`, observedGeneration, notNegative);
    if (!systemConditions.has(type)) errors.eachInvalid(`${at}.Type`, type, qualifiedName(type));
  });
}

function checkNominatedNode(errors: ErrorList, { pod, old }: PodPair, options: PodValidationOptions): void {
  const name = pod.status?.nominatedNodeName ?? '';
  if (name === '' || name === (old.status?.nominatedNodeName ?? '')) return;
  const path = 'status.nominatedNodeName';
  errors.eachInvalid(path, name, dnsSubdomain(name));
  if (options.clearNominatedNodeName && old.spec?.nodeName) {
    errors.forbidden(path, 'may not be set on pods that are already bound to a node');
  }
}

interface Addresses {
  readonly path: string;
  readonly now: readonly { ip?: string }[];
  readonly before: readonly { ip?: string }[];
  readonly strict: boolean;
}

function checkAddresses(errors: ErrorList, { path, now, before, strict }: Addresses): void {
  const existing = before.map(({ ip = '' }) => ip);
  now.forEach(({ ip = '' }, i) => checkIP(errors, ip, { path: `${path}[${i}]`, strict, existing }));
  if (now.length > 1 && !isDualStack(now.map(({ ip = '' }) => ip))) {
    errors.invalid(path, now, 'may specify no more than one IP for each IP family');
  }
}

function checkIPs(errors: ErrorList, { pod, old }: PodPair, { strictIP: strict }: PodValidationOptions): void {
  const { podIPs = [], hostIPs = [], hostIP = '' } = pod.status ?? {};
  checkAddresses(errors, { path: 'status.podIPs', now: podIPs, before: old.status?.podIPs ?? [], strict });
  const first = hostIPs[0]?.ip ?? '';
  if (hostIPs.length > 0 && hostIP !== first) {
    errors.invalid('status.hostIPs[0].ip', first, 'must be equal to `hostIP`');
  }
  checkAddresses(errors, { path: 'status.hostIPs', now: hostIPs, before: old.status?.hostIPs ?? [], strict });
}

function checkClaimStatuses(errors: ErrorList, status: PodStatus, spec: PodSpec | undefined): void {
  const known = new Set((spec?.resourceClaims ?? []).map(({ name }) => name));
  const seen = new Set<string>();
  (status.resourceClaimStatuses ?? []).forEach(({ name, resourceClaimName: claim }, i) => {
    const at = `status.resourceClaimStatuses[${i}]`;
    if (!known.has(name)) {
      errors.invalid(`${at}.name`, name, 'must match the name of an entry in `spec.resourceClaims`');
    }
    if (seen.has(name)) errors.duplicate(`${at}.name`, name);
    seen.add(name);
    if (claim !== undefined) errors.eachInvalid(`${at}.resourceClaimName`, claim, dnsSubdomain(claim));
  });
}

const noResource =
  'must match the extended resource name of an entry in spec.initContainers.resources.requests or spec.containers.resources.requests';
const noContainer = 'must match the name of an entry in spec.initContainers.name or spec.containers.name';

function checkMappings(
  errors: ErrorList,
  status: PodExtendedResourceClaimStatus,
  { spec, path }: { spec: PodSpec | undefined; path: string },
): void {
  const containers = new Map<string, Container>();
  for (const container of [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])]) {
    containers.set(container.name, container);
  }
  const seen = new Set<string>();
  (status.requestMappings ?? []).forEach((mapping, i) => {
    const { containerName, resourceName, requestName } = mapping;
    const at = `${path}.requestMappings[${i}]`;
    const container = containers.get(containerName);
    if (container === undefined) errors.invalid(`${at}.containerName`, containerName, noContainer);
    else if (container.resources?.requests?.[resourceName] === undefined) {
      errors.invalid(`${at}.resourceName`, resourceName, noResource);
    }
    errors.eachInvalid(`${path}.requestName`, requestName, dnsLabel(requestName));
    const key = JSON.stringify([containerName, resourceName, requestName]);
    if (seen.has(key)) {
      errors.duplicate(`${at}.containerName`, containerName);
      errors.duplicate(`${at}.resourceName`, resourceName);
      errors.duplicate(`${at}.requestName`, requestName);
    }
    seen.add(key);
  });
}

function checkExtendedClaim(errors: ErrorList, status: PodStatus, spec: PodSpec | undefined): void {
  const claim = status.extendedResourceClaimStatus;
  if (!claim) return;
  const path = 'status.extendedResourceClaimStatus';
  if (!claim.requestMappings?.length) {
    errors.required(`${path}.requestMappings`, 'at least one request mapping is required');
  }
  checkMappings(errors, claim, { spec, path });
  const name = claim.resourceClaimName;
  if (!name) errors.required(`${path}.resourceClaimName`);
  else errors.eachInvalid(`${path}.resourceClaimName`, name, dnsSubdomain(name));
}

function checkAllocatableClaims(errors: ErrorList, status: PodStatus, spec: PodSpec | undefined): void {
  const claims = new Set([
    ...(spec?.resourceClaims ?? []).map(({ resourceClaimName }) => resourceClaimName),
    ...(status.resourceClaimStatuses ?? []).map(({ resourceClaimName }) => resourceClaimName),
  ]);
  (status.nodeAllocatableResourceClaimStatuses ?? []).forEach((entry, i) => {
    const at = `status.nodeAllocatableResourceClaimStatuses[${i}]`;
    const name = entry.resourceClaimName ?? '';
    if (name === '') errors.required(`${at}.resourceClaimName`, 'must not be empty');
    if (!claims.has(name)) errors.invalid(`${at}.resourceClaimName`, name, 'no mapping found in pod reference');
    if (!entry.containers?.length) errors.required(`${at}.containers`, 'must not be empty');
    const resources = Object.entries(entry.resources ?? {});
    if (resources.length === 0) errors.required(`${at}.resources`, 'must not be empty');
    for (const [resource, quantity] of resources) {
      const path = `${at}.resources[${resource}]`;
      if (!isNativeResource(resource)) errors.invalid(path, resource, 'must be a node allocatable resource name');
      if (compareQuantityText(quantity, '0') < 0) errors.invalid(path, quantity, 'must be non-negative');
    }
  });
}

function checkVolumeStatuses(errors: ErrorList, status: PodStatus): void {
  const lists: [string, ContainerStatus[] | undefined][] = [
    ['containerStatuses', status.containerStatuses],
    ['initContainerStatuses', status.initContainerStatuses],
    ['ephemeralContainerStatuses', status.ephemeralContainerStatuses],
  ];
  for (const [list, statuses] of lists) {
    statuses?.forEach((container, i) =>
      container.volumeMounts?.forEach(({ volumeStatus }, j) => {
        const image = volumeStatus?.image;
        if (!image) return;
        const at = `status.${list}[${i}].volumeMounts[${j}].volumeStatus.imageVolumeStatus.imageRef`;
        if (!image.imageRef) errors.required(at, 'imageRef must not be empty');
        else if (image.imageRef.length > 256) errors.tooLong(at, 256);
      }),
    );
  }
}

/** An update of the status subresource; the spec of `pod` is the old one. */
export function validatePodStatusUpdate(pair: PodPair, options: PodValidationOptions): FieldError[] {
  const errors = new ErrorList();
  const { pod, old } = pair;
  const status: PodStatus = pod.status ?? {};
  const spec = pod.spec ?? { containers: [] };
  checkMetadataChange(errors, pair);
  checkPodAnnotations(errors, pod.metadata.annotations, { spec, path: 'metadata.annotations', options });
  checkConditions(errors, status.conditions ?? []);
  if ((pod.spec?.nodeName ?? '') !== (old.spec?.nodeName ?? '')) {
    errors.forbidden('status.nodeName', 'may not be changed directly');
  }
  checkNominatedNode(errors, pair, options);
  const generation = status.observedGeneration ?? 0;
  if (generation < 0) errors.invalid('status.observedGeneration', generation, notNegative);
  if ((status.qosClass ?? '') !== (old.status?.qosClass ?? '')) {
    errors.invalid('status.qosClass', status.qosClass ?? '', 'field is immutable');
  }
  checkContainerStatuses(errors, pair, options);
  checkClaimStatuses(errors, status, pod.spec);
  checkExtendedClaim(errors, status, pod.spec);
  checkAllocatableClaims(errors, status, pod.spec);
  checkIPs(errors, pair, options);
  if (options.imageVolumeDigest) checkVolumeStatuses(errors, status);
  return errors.errors;
}
