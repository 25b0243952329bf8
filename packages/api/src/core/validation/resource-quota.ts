/** ResourceQuotas (`pkg/apis/core/validation/validation.go`, `ValidateResourceQuota`; names: `pkg/apis/core/helper/helpers.go`). */
import type { FieldError } from '@kubets/apimachinery/field';
import type { ResourceQuota, ResourceQuotaSpec } from '../../generated/types/core-v1.ts';
import { checkResourceName } from './container-resources.ts';
import { ErrorList } from './pod-error-list.ts';
import { qualifiedName } from './pod-names.ts';
import { checkQuantityValue } from './resource-names-quantity.ts';

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '));
const quotaResources = words(
  'cpu memory ephemeral-storage requests.cpu requests.memory requests.storage requests.ephemeral-storage limits.cpu limits.memory limits.ephemeral-storage pods resourcequotas services replicationcontrollers secrets persistentvolumeclaims configmaps services.nodeports services.loadbalancers',
);
const computeResources = words('cpu memory limits.cpu limits.memory requests.cpu requests.memory');
const claimResources = words('persistentvolumeclaims requests.storage');
const scopes = words(
  'Terminating NotTerminating BestEffort NotBestEffort PriorityClass CrossNamespacePodAffinity VolumeAttributesClass',
);
const existsOnly = words('BestEffort NotBestEffort Terminating NotTerminating CrossNamespacePodAffinity');
const conflicts = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
] as const;
const mustExist =
  "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";

const isQuotaResource = (name: string): boolean =>
  quotaResources.has(name) || name.startsWith('hugepages-') || name.startsWith('requests.hugepages-');

function checkQuotaName(errors: ErrorList, name: string, path: string): void {
  // Requests of huge pages are resources in quotas only.
  if (name.startsWith('requests.hugepages-')) errors.eachInvalid(path, name, qualifiedName(name));
  else if (!checkResourceName(errors, name, path)) return;
  if (!name.includes('/') && !isQuotaResource(name)) {
    errors.invalid(path, name, 'must be a standard resource for quota');
  }
}

function checkList(errors: ErrorList, list: Readonly<Record<string, string>> | undefined, path: string): void {
  for (const [name, quantity] of Object.entries(list ?? {})) {
    checkQuotaName(errors, name, `${path}[${name}]`);
    checkQuantityValue(errors, [name, quantity], `${path}[${name}]`);
  }
}

/** `IsResourceQuotaScopeValidForResource`. */
function scopeFits(scope: string, resource: string): boolean {
  if (scope === 'BestEffort') return resource === 'pods';
  if (scope === 'VolumeAttributesClass') return claimResources.has(resource);
  return resource === 'pods' || computeResources.has(resource) || !scopes.has(scope);
}

/** The standard resources of the quota that the scope says nothing about. */
const misfits = ({ hard = {} }: ResourceQuotaSpec, scope: string): string[] =>
  Object.keys(hard)
    .toSorted()
    .filter((name) => isQuotaResource(name) && !scopeFits(scope, name));

function checkScopes(errors: ErrorList, spec: ResourceQuotaSpec): void {
  const path = 'spec.scopes';
  const list: readonly string[] = spec.scopes ?? [];
  for (const scope of list) {
    if (!scopes.has(scope)) errors.invalid(path, list, 'unsupported scope');
    for (const _ of misfits(spec, scope)) errors.invalid(path, list, 'unsupported scope applied to resource');
  }
  for (const pair of conflicts) {
    if (pair.every((scope) => list.includes(scope))) errors.invalid(path, list, 'conflicting scopes');
  }
}

function checkOperator(
  errors: ErrorList,
  { operator, values = [] }: { operator: string; values?: readonly string[] },
): void {
  const path = 'spec.scopeSelector.matchExpressions';
  if (operator === 'In' || operator === 'NotIn') {
    const detail = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
    if (values.length === 0) errors.required(`${path}.values`, detail);
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    const detail = "must be no value when `operator` is 'Exists' or 'DoesNotExist' for scope selector";
    if (values.length > 0) errors.invalid(`${path}.values`, values, detail);
  } else errors.invalid(`${path}.operator`, operator, 'not a valid selector operator');
}

function checkSelector(errors: ErrorList, spec: ResourceQuotaSpec): void {
  const path = 'spec.scopeSelector.matchExpressions';
  const expressions = spec.scopeSelector?.matchExpressions ?? [];
  for (const expression of expressions) {
    const { scopeName, operator } = expression;
    if (!scopes.has(scopeName)) errors.invalid(`${path}.scopeName`, scopeName, 'unsupported scope');
    for (const _ of misfits(spec, scopeName)) {
      errors.invalid(path, spec.scopeSelector, 'unsupported scope applied to resource');
    }
    if (existsOnly.has(scopeName) && operator !== 'Exists') errors.invalid(`${path}.operator`, operator, mustExist);
    checkOperator(errors, expression);
  }
  for (const pair of conflicts) {
    const both = pair.every((scope) => expressions.some(({ scopeName }) => scopeName === scope));
    if (both) errors.invalid(path, spec.scopes ?? [], 'conflicting scopes');
  }
}

function checkQuota(errors: ErrorList, { spec = {}, status = {} }: ResourceQuota): void {
  checkList(errors, spec.hard, 'spec.hard');
  checkScopes(errors, spec);
  checkSelector(errors, spec);
  checkList(errors, status.hard, 'status.hard');
  checkList(errors, status.used, 'status.used');
}

export function validateResourceQuota(quota: ResourceQuota): FieldError[] {
  const errors = new ErrorList();
  checkQuota(errors, quota);
  return errors.errors;
}

/** The scopes of a quota are for good. */
export function validateResourceQuotaUpdate(quota: ResourceQuota, old: Readonly<ResourceQuota>): FieldError[] {
  const errors = new ErrorList();
  checkQuota(errors, quota);
  const now = new Set<string>(quota.spec?.scopes);
  const before = new Set<string>(old.spec?.scopes);
  if (now.symmetricDifference(before).size > 0) {
    errors.invalid('spec.scopes', quota.spec?.scopes ?? [], 'field is immutable');
  }
  return errors.errors;
}

export function validateResourceQuotaStatusUpdate({ status = {} }: ResourceQuota): FieldError[] {
  const errors = new ErrorList();
  checkList(errors, status.hard, 'status.hard');
  checkList(errors, status.used, 'status.used');
  return errors.errors;
}
