/** Rows of admission, flow control, device, scheduling and API machinery kinds. */
import { formatLabelSelector } from '@kubets/apimachinery/label-selector';
import type {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  MutatingWebhookConfiguration,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhookConfiguration,
} from '../generated/types/admissionregistration-v1.ts';
import type { APIService } from '../generated/types/apiregistration-v1.ts';
import type { Lease } from '../generated/types/coordination-v1.ts';
import type { FlowSchema, PriorityLevelConfiguration } from '../generated/types/flowcontrol-v1.ts';
import type { RuntimeClass } from '../generated/types/node-v1.ts';
import type { ResourceClaim, ResourceSlice } from '../generated/types/resource-v1.ts';
import type { PriorityClass } from '../generated/types/scheduling-v1.ts';
import { ageOf, conditionOf, isDeleted, nameOf, none, unset, type Named } from './format.ts';

/** Name and age alone. */
export const ageCells = (object: Named, now: number): unknown[] => [nameOf(object), ageOf(object, now)];

/** Name and the time of creation itself, for kinds without columns of their own (`rest.NewDefaultTableConvertor`). */
export const createdCells = (object: Named): unknown[] => [
  nameOf(object),
  object.metadata?.creationTimestamp ?? '0001-01-01T00:00:00Z',
];

/** How many webhooks. */
export function webhookCells(
  object: MutatingWebhookConfiguration | ValidatingWebhookConfiguration,
  now: number,
): unknown[] {
  return [nameOf(object), object.webhooks?.length ?? 0, ageOf(object, now)];
}

interface ParamKind {
  readonly apiVersion?: string;
  readonly kind?: string;
}

const paramKind = (kind: ParamKind | undefined): string =>
  kind === undefined ? unset : `${kind.apiVersion ?? ''}/${kind.kind ?? ''}`;

/** How many validations, and the kind of parameters. */
export function validatingPolicyCells(object: ValidatingAdmissionPolicy, now: number): unknown[] {
  const { spec } = object;
  return [nameOf(object), spec?.validations?.length ?? 0, paramKind(spec?.paramKind), ageOf(object, now)];
}

/** How many mutations, and the kind of parameters. */
export function mutatingPolicyCells(object: MutatingAdmissionPolicy, now: number): unknown[] {
  const { spec } = object;
  return [nameOf(object), spec?.mutations?.length ?? 0, paramKind(spec?.paramKind), ageOf(object, now)];
}

/** The parameter object by name, or how it is selected. */
export function policyBindingCells(
  object: ValidatingAdmissionPolicyBinding | MutatingAdmissionPolicyBinding,
  now: number,
): unknown[] {
  const { policyName = '', paramRef } = object.spec ?? {};
  let params = unset;
  if (paramRef?.name) params = paramRef.namespace ? `${paramRef.namespace}/${paramRef.name}` : paramRef.name;
  else if (paramRef?.selector) params = formatLabelSelector(paramRef.selector);
  return [nameOf(object), policyName, params, ageOf(object, now)];
}

/** `k8s.io/kube-aggregator/pkg/registry/apiservice/etcd`, `ConvertToTable`. */
export function apiServiceCells(object: APIService, now: number): unknown[] {
  const service = object.spec?.service;
  const available = conditionOf(object.status?.conditions, 'Available');
  const why = available?.status !== 'True' && available?.reason ? ` (${available.reason})` : '';
  return [
    nameOf(object),
    service ? `${service.namespace ?? ''}/${service.name ?? ''}` : 'Local',
    `${available?.status ?? 'Unknown'}${why}`,
    ageOf(object, now),
  ];
}

/** The holder. */
export function leaseCells(object: Lease, now: number): unknown[] {
  return [nameOf(object), object.spec?.holderIdentity ?? '', ageOf(object, now)];
}

/** Priority level, precedence, distinguisher, and whether the level is missing. */
export function flowSchemaCells(object: FlowSchema, now: number): unknown[] {
  const { spec } = object;
  return [
    nameOf(object),
    spec?.priorityLevelConfiguration?.name ?? '',
    spec?.matchingPrecedence ?? 0,
    spec?.distinguisherMethod?.type ?? none,
    ageOf(object, now),
    conditionOf(object.status?.conditions, 'Dangling')?.status ?? '?',
  ];
}

/** Type, shares and queueing; `<none>` where the level has none. */
export function priorityLevelCells(object: PriorityLevelConfiguration, now: number): unknown[] {
  const { type = '', limited } = object.spec ?? {};
  const queuing = limited?.limitResponse?.queuing;
  return [
    nameOf(object),
    type,
    limited === undefined ? none : (limited.nominalConcurrencyShares ?? none),
    queuing === undefined ? none : (queuing.queues ?? 0),
    queuing === undefined ? none : (queuing.handSize ?? 0),
    queuing === undefined ? none : (queuing.queueLengthLimit ?? 0),
    ageOf(object, now),
  ];
}

/** The handler. */
export function runtimeClassCells(object: RuntimeClass, now: number): unknown[] {
  return [nameOf(object), object.handler ?? '', ageOf(object, now)];
}

/** Value, whether it is the default, preemption policy. */
export function priorityClassCells(object: PriorityClass, now: number): unknown[] {
  return [
    nameOf(object),
    object.value ?? 0,
    object.globalDefault ?? false,
    ageOf(object, now),
    object.preemptionPolicy ?? '',
  ];
}

/** The state: deleted, allocated, reserved, pending. */
export function resourceClaimCells(object: ResourceClaim, now: number): unknown[] {
  const states: string[] = [];
  if (isDeleted(object)) states.push('deleted');
  if (object.status?.allocation !== undefined) {
    states.push('allocated');
    if ((object.status.reservedFor ?? []).length > 0) states.push('reserved');
  } else if (!isDeleted(object)) states.push('pending');
  return [nameOf(object), states.join(','), ageOf(object, now)];
}

/** Node, driver and pool. */
export function resourceSliceCells(object: ResourceSlice, now: number): unknown[] {
  const { spec } = object;
  return [nameOf(object), spec?.nodeName ?? '', spec?.driver ?? '', spec?.pool?.name ?? '', ageOf(object, now)];
}
