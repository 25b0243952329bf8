/**
 * What environment variables and downward API files may refer to
 * (`pkg/apis/core/validation/validation.go`, `validateObjectFieldSelector`,
 * `validateContainerResourceFieldSelector`; `pkg/apis/core/pods/helpers.go`, `ConvertDownwardAPIFieldLabel`).
 */
import { canonicalizeQuantity } from '@kubets/apimachinery/quantity';
import type { ObjectFieldSelector, ResourceFieldSelector } from '../../generated/types/core-v1.ts';
import type { ErrorList } from './pod-error-list.ts';
import { qualifiedName } from './pod-names.ts';

/** Field paths that an environment variable may take. */
export const envFieldPaths: readonly string[] = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];

/** Field paths that a file of a downward API volume may take. */
export const volumeFieldPaths: readonly string[] = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
];

const knownLabels = new Set([
  ...envFieldPaths,
  ...volumeFieldPaths,
  'spec.restartPolicy',
  'spec.schedulerName',
  'status.phase',
]);

/** `metadata.labels['key']` in two parts; undefined without a subscript. */
function splitSubscript(fieldPath: string): [string, string] | undefined {
  if (!fieldPath.endsWith("']")) return undefined;
  const at = fieldPath.indexOf("['");
  return at <= 0 ? undefined : [fieldPath.slice(0, at), fieldPath.slice(at + 2, -2)];
}

/** Why the field path cannot be converted; empty when it can. */
function conversionError(apiVersion: string, fieldPath: string): string {
  if (apiVersion !== 'v1') return `unsupported pod version: ${apiVersion}`;
  const parts = splitSubscript(fieldPath);
  if (parts !== undefined) {
    const supported = parts[0] === 'metadata.annotations' || parts[0] === 'metadata.labels';
    return supported ? '' : `field label does not support subscript: ${fieldPath}`;
  }
  return knownLabels.has(fieldPath) || fieldPath === 'spec.host' ? '' : `field label not supported: ${fieldPath}`;
}

export function checkFieldRef(
  errors: ErrorList,
  ref: ObjectFieldSelector,
  { path, allowed }: { path: string; allowed: readonly string[] },
): void {
  if (!ref.apiVersion) return errors.required(`${path}.apiVersion`);
  if (!ref.fieldPath) return errors.required(`${path}.fieldPath`);
  const problem = conversionError(ref.apiVersion, ref.fieldPath);
  if (problem !== '') {
    return errors.invalid(`${path}.fieldPath`, ref.fieldPath, `error converting fieldPath: ${problem}`);
  }
  const parts = splitSubscript(ref.fieldPath);
  if (parts !== undefined) {
    const key = parts[0] === 'metadata.annotations' ? parts[1].toLowerCase() : parts[1];
    return errors.eachInvalid(path, key, qualifiedName(key));
  }
  const field = ref.fieldPath === 'spec.host' ? 'spec.nodeName' : ref.fieldPath;
  if (!allowed.includes(field)) errors.notSupported(`${path}.fieldPath`, field, allowed);
}

const resourceNames = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
];
const byteDivisors = new Set('1 1k 1M 1G 1T 1P 1E 1Ki 1Mi 1Gi 1Ti 1Pi 1Ei'.split(' '));
const byteDivisorText = [...byteDivisors].join(', ');

function isHugePages(resource: string): boolean {
  return resource.startsWith('limits.hugepages-') || resource.startsWith('requests.hugepages-');
}

/** How errors name the resource; empty for resources without a rule about divisors. */
function divisorResource(resource: string): string {
  if (resource.endsWith('.memory')) return 'memory';
  if (resource.endsWith('.ephemeral-storage')) return 'local ephemeral storage';
  return isHugePages(resource) ? 'hugepages' : '';
}

function checkDivisor(errors: ErrorList, ref: ResourceFieldSelector, path: string): void {
  const divisor = ref.divisor === undefined || ref.divisor === '' ? '0' : canonicalizeQuantity(ref.divisor);
  if (divisor === '0') return;
  const { resource } = ref;
  if (resource === 'limits.cpu' || resource === 'requests.cpu') {
    if (divisor !== '1' && divisor !== '1m') {
      errors.invalid(`${path}.divisor`, resource, "only divisor's values 1m and 1 are supported with the cpu resource");
    }
    return;
  }
  const named = divisorResource(resource);
  if (named === '' || byteDivisors.has(divisor)) return;
  const detail = `only divisor's values ${byteDivisorText} are supported with the ${named} resource`;
  errors.invalid(`${path}.divisor`, resource, detail);
}

export function checkResourceFieldRef(
  errors: ErrorList,
  ref: ResourceFieldSelector,
  { path, volume }: { path: string; volume: boolean },
): void {
  if (volume && !ref.containerName) errors.required(`${path}.containerName`);
  else if (!ref.resource) errors.required(`${path}.resource`);
  else if (!resourceNames.includes(ref.resource) && !isHugePages(ref.resource)) {
    errors.notSupported(`${path}.resource`, ref.resource, resourceNames);
  }
  checkDivisor(errors, ref, path);
}
