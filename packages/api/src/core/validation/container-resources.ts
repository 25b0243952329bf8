/**
 * Resource requests, limits and claims (`pkg/apis/core/validation/validation.go`,
 * `validateResourceRequirements`; names: `pkg/apis/core/helper/helpers.go`).
 */
import { parseQuantity } from '@kubets/apimachinery/quantity';
import type { ResourceClaim, ResourceRequirements } from '../../generated/types/core-v1.ts';
import type { ErrorList } from './pod-error-list.ts';
import { dnsLabel, qualifiedName } from './pod-names.ts';
import { isWholeQuantity } from './pod-quantities.ts';

const words = (text: string): Set<string> => new Set(text.split(' '));
const containerResources = words('cpu memory ephemeral-storage');
const integerResources = words(
  'pods resourcequotas services replicationcontrollers secrets configmaps persistentvolumeclaims services.nodeports services.loadbalancers',
);
const standardResources = words(
  'cpu memory ephemeral-storage requests.cpu requests.memory requests.ephemeral-storage limits.cpu limits.memory limits.ephemeral-storage pods resourcequotas services replicationcontrollers secrets configmaps persistentvolumeclaims storage requests.storage services.nodeports services.loadbalancers',
);
const podResources = ['cpu', 'hugepages-', 'memory'];

export function isHugePages(name: string): boolean {
  return name.startsWith('hugepages-');
}

/** A name without a domain, or with a kubernetes.io one. */
export function isNativeResource(name: string): boolean {
  return !name.includes('/') || name.includes('kubernetes.io/');
}

/** A resource that a device plugin or an operator provides, such as `nvidia.com/gpu`. */
export function isExtendedResource(name: string): boolean {
  return !isNativeResource(name) && !name.startsWith('requests.') && qualifiedName(`requests.${name}`).length === 0;
}

/** `IsSupportedPodLevelResource`. */
export function isPodLevelResource(name: string): boolean {
  return name === 'cpu' || name === 'memory' || isHugePages(name);
}

type NameCheck = (errors: ErrorList, name: string, path: string) => void;

/** Whether the name is fine as any resource's. */
export function checkResourceName(errors: ErrorList, name: string, path: string): boolean {
  const messages = qualifiedName(name);
  errors.eachInvalid(path, name, messages);
  if (messages.length > 0) return false;
  if (name.includes('/') || standardResources.has(name) || isHugePages(name)) return true;
  errors.invalid(path, name, 'must be a standard resource type or fully qualified');
  return false;
}

/** `validateContainerResourceName`. */
export function checkContainerResourceName(errors: ErrorList, name: string, path: string): void {
  if (containerResources.has(name)) return;
  checkResourceName(errors, name, path);
  if (!name.includes('/')) {
    if (!isHugePages(name)) errors.invalid(path, name, 'must be a standard resource for containers');
  } else if (!isNativeResource(name) && !isExtendedResource(name)) {
    errors.invalid(path, name, "doesn't follow extended resource name standard");
  }
}

/** `validatePodResourceName`. */
function checkPodResourceName(errors: ErrorList, name: string, path: string): void {
  if (checkResourceName(errors, name, path) && !isPodLevelResource(name)) errors.notSupported(path, name, podResources);
}

/** Whether the quantity is a whole number of pages. */
export function isDivisibleHugePages(name: string, text: string): boolean {
  let page: number;
  try {
    page = parseQuantity(name.slice('hugepages-'.length)).value();
  } catch {
    // No page size in the name: nothing can be a multiple of it.
    return false;
  }
  return page > 0 && parseQuantity(text).value() % page === 0;
}

export interface ResourceContext {
  readonly path: string;
  readonly claimNames: ReadonlySet<string>;
  readonly allowIndivisibleHugePages: boolean;
  /** `spec.resources` instead of a container's. */
  readonly podLevel?: boolean;
}

function checkQuantity(errors: ErrorList, [name, text]: [string, string], context: ResourceContext): void {
  const quantity = parseQuantity(text);
  if (quantity.sign() < 0) errors.invalid(context.path, text, 'must be greater than or equal to 0');
  if (containerResources.has(name)) return;
  if ((integerResources.has(name) || isExtendedResource(name)) && !isWholeQuantity(quantity)) {
    errors.invalid(context.path, text, 'must be an integer');
  }
  if (isHugePages(name) && !context.allowIndivisibleHugePages && !isDivisibleHugePages(name, text)) {
    errors.invalid(context.path, text, `${text} is not positive integer multiple of ${name}`);
  }
}

function checkAgainstLimit(
  errors: ErrorList,
  [name, text, limit]: [string, string, string | undefined],
  path: string,
): void {
  const overcommit = isNativeResource(name) && !isHugePages(name);
  if (limit === undefined) {
    if (!overcommit) errors.required(`${path}.limits`, 'Limit must be set for non overcommitable resources');
    return;
  }
  if (limit === text) return;
  const order = parseQuantity(text).compare(parseQuantity(limit));
  if (order !== 0 && !overcommit) {
    errors.invalid(`${path}.requests`, text, `must be equal to ${name} limit of ${limit}`);
  } else if (order > 0) {
    errors.invalid(`${path}.requests`, text, `must be less than or equal to ${name} limit of ${limit}`);
  }
}

/** Whether some resource needs what the list does not have: huge pages without CPU or memory. */
function lacksCompute(requirements: ResourceRequirements): boolean {
  let hugePages = false;
  for (const list of [requirements.limits, requirements.requests]) {
    for (const name in list) {
      if (name === 'cpu' || name === 'memory') return false;
      hugePages ||= isHugePages(name);
    }
  }
  return hugePages;
}

export function checkResources(errors: ErrorList, requirements: ResourceRequirements, context: ResourceContext): void {
  const { limits, requests, claims } = requirements;
  const { path } = context;
  const nameCheck: NameCheck = context.podLevel ? checkPodResourceName : checkContainerResourceName;
  for (const name in limits) {
    const at = `${path}.limits[${name}]`;
    nameCheck(errors, name, at);
    checkQuantity(errors, [name, limits[name] as string], { ...context, path: at });
  }
  for (const name in requests) {
    const at = `${path}.requests[${name}]`;
    nameCheck(errors, name, at);
    checkQuantity(errors, [name, requests[name] as string], { ...context, path: at });
    checkAgainstLimit(errors, [name, requests[name] as string, limits?.[name]], path);
  }
  if (lacksCompute(requirements)) errors.forbidden(path, 'HugePages require cpu or memory');
  if (claims?.length) checkClaims(errors, claims, context);
}

/** Whether an earlier entry names a single request of the same claim, which the whole claim includes. */
function hasRequestOf(claim: string, seen: ReadonlySet<string>): boolean {
  for (const key of seen) if (key.startsWith(`${claim}/`)) return true;
  return false;
}

function checkClaimRepeats(
  errors: ErrorList,
  claim: ResourceClaim,
  { path, seen }: { path: string; seen: Set<string> },
): void {
  const { name, request } = claim;
  if (seen.has(name)) return errors.duplicate(path, name);
  const key = request ? `${name}/${request}` : name;
  if (request) errors.eachInvalid(`${path}.request`, request, dnsLabel(request));
  if (seen.has(key)) errors.duplicate(path, key);
  else if (!request && hasRequestOf(name, seen)) errors.duplicate(path, name);
  seen.add(key);
}

function checkClaims(errors: ErrorList, claims: readonly ResourceClaim[], { path, claimNames }: ResourceContext): void {
  const seen = new Set<string>();
  claims.forEach((claim, i) => {
    const at = `${path}.claims[${i}]`;
    if (!claim.name) return errors.required(at);
    checkClaimRepeats(errors, claim, { path: at, seen });
    if (claimNames.has(claim.name)) return;
    const names = claimNames.size === 0 ? ' which is empty' : `: ${[...claimNames].sort().join(', ')}`;
    errors.notFound(at, claim.name, `must be one of the names in pod.spec.resourceClaims${names}`);
  });
}
