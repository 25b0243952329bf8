/** To which pods and claims a quota applies (`pkg/quota/v1/evaluator/core/pods.go` podMatchesScopeFunc, `persistent_volume_claims.go`). */
import type {
  PersistentVolumeClaim,
  Pod,
  ResourceQuota,
  ScopedResourceSelectorRequirement,
} from '../../../generated/types/core-v1.ts';
import { computePodQOS } from '../../validation/pod-qos.ts';
import type { ApiObject, GroupResource } from '@kubets/apimachinery/meta';

/** Kinds with scopes; all others have none. */
export type ScopedKind = 'pod' | 'claim' | 'other';

/** What scopes can say of the objects of a resource. */
export function scopedKindOf({ group, resource }: GroupResource): ScopedKind {
  if (group !== '') return 'other';
  if (resource === 'pods') return 'pod';
  return resource === 'persistentvolumeclaims' ? 'claim' : 'other';
}

/** The quota's scopes, those of the old list among them. */
export function scopeRequirements(quota: Readonly<ResourceQuota>): ScopedResourceSelectorRequirement[] {
  const plain = (quota.spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' as const }));
  return [...plain, ...(quota.spec?.scopeSelector?.matchExpressions ?? [])] as ScopedResourceSelectorRequirement[];
}

/** Does the object fall under all scopes of the quota? */
export function matchesScopes(quota: Readonly<ResourceQuota>, kind: ScopedKind, object: Readonly<ApiObject>): boolean {
  const requirements = scopeRequirements(quota);
  if (requirements.length === 0) return true;
  if (kind === 'pod') return requirements.every((one) => podMatches(one, object as unknown as Pod));
  if (kind === 'claim')
    return requirements.every((one) => claimMatches(one, object as unknown as PersistentVolumeClaim));
  return false;
}

function podMatches(requirement: ScopedResourceSelectorRequirement, pod: Pod): boolean {
  const spec = pod.spec;
  if (spec === undefined) return false;
  switch (requirement.scopeName) {
    case 'Terminating':
      return (spec.activeDeadlineSeconds ?? -1) >= 0;
    case 'NotTerminating':
      return (spec.activeDeadlineSeconds ?? -1) < 0;
    case 'BestEffort':
      return computePodQOS(spec, true) === 'BestEffort';
    case 'NotBestEffort':
      return computePodQOS(spec, true) !== 'BestEffort';
    case 'PriorityClass':
      return valueMatches(requirement, spec.priorityClassName ?? '');
    case 'CrossNamespacePodAffinity':
      return usesOtherNamespaces(pod);
    default:
      return false;
  }
}

function claimMatches(requirement: ScopedResourceSelectorRequirement, claim: PersistentVolumeClaim): boolean {
  if ((requirement.scopeName as string) !== 'VolumeAttributesClass') return false;
  const { status, spec } = claim;
  const names = [
    spec?.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ];
  return names.some((name) => valueMatches(requirement, name ?? ''));
}

function valueMatches({ operator, values }: ScopedResourceSelectorRequirement, value: string): boolean {
  switch (operator) {
    case 'Exists':
      return value !== '';
    case 'DoesNotExist':
      return value === '';
    case 'In':
      return value !== '' && (values ?? []).includes(value);
    case 'NotIn':
      return !(values ?? []).includes(value);
    default:
      return false;
  }
}

interface AffinityTerm {
  namespaces?: string[];
  namespaceSelector?: object;
}

function usesOtherNamespaces(pod: Pod): boolean {
  const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {};
  const terms: (AffinityTerm | undefined)[] = [podAffinity, podAntiAffinity].flatMap((affinity) => [
    ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((weighted) => weighted.podAffinityTerm),
  ]);
  return terms.some((term) => (term?.namespaces?.length ?? 0) > 0 || term?.namespaceSelector !== undefined);
}
