/** One request against the quotas of its namespace (`apiserver/pkg/admission/plugin/resourcequota/controller.go` CheckRequest). Pure. */
import type { Pod, ResourceQuota } from '@kubets/api/types/core-v1';
import type { ApiObject, GroupResource } from '@kubets/apimachinery/meta';
import type { Quantity } from '@kubets/apimachinery/quantity';
import {
  add,
  amountsOf,
  amountsText,
  mask,
  subtract,
  type Amounts,
} from '@kubets/api/core/helpers/quota/resource-list';
import { matchesScopes, scopedKindOf, type ScopedKind } from '@kubets/api/core/helpers/quota/scopes';
import { missingConstraints, usageOf } from '@kubets/api/core/helpers/quota/usage';

export interface QuotaRequest {
  readonly resource: GroupResource;
  readonly object: Readonly<ApiObject>;
  /** On update. */
  readonly oldObject: Readonly<ApiObject> | undefined;
}

/** A quota with what is used of it by now. */
export interface QuotaState {
  readonly quota: Readonly<ResourceQuota>;
  readonly hard: Amounts;
  used: Amounts;
}

export function stateOf(quota: Readonly<ResourceQuota>): QuotaState {
  return { quota, hard: amountsOf(quota.status?.hard), used: amountsOf(quota.status?.used) };
}

export type QuotaVerdict =
  | { readonly allowed: true; readonly charges: ReadonlyMap<QuotaState, Amounts> }
  | { readonly allowed: false; readonly why: string };

/** What the request would charge to which quotas, or why it may not. Changes nothing. */
export function checkRequest(request: QuotaRequest, states: readonly QuotaState[]): QuotaVerdict {
  const { resource, object, oldObject } = request;
  const kind = scopedKindOf(resource);
  const usage = usageOf(resource, object);
  const charges = new Map<QuotaState, Amounts>();
  for (const state of states) {
    if (!matchesScopes(state.quota, kind, object)) continue;
    // What the quota controller has not taken up yet restricts nobody (`quota/v1/generic/evaluator.go`, `Matches`).
    const interesting = [...state.hard.keys()].filter((name) => usage.has(name) || isDemanded(kind, name));
    if (interesting.length === 0) continue;
    const problem = problemOf(request, state, interesting);
    if (problem !== undefined) return { allowed: false, why: problem };
    const before =
      oldObject !== undefined && matchesScopes(state.quota, kind, oldObject)
        ? usageOf(resource, oldObject)
        : new Map<string, Quantity>();
    const delta = growing(mask(subtract(usage, before), interesting), oldObject !== undefined);
    if (delta.size === 0) continue;
    const exceeded = exceededBy(state, delta);
    if (exceeded !== undefined) return { allowed: false, why: exceeded };
    charges.set(state, delta);
  }
  return { allowed: true, charges };
}

/** Quotas on compute oblige pods that say nothing about it. */
const isDemanded = (kind: ScopedKind, name: string): boolean =>
  kind === 'pod' && /^(?:(?:requests|limits)\.)?(?:cpu|memory)$/.test(name);

function problemOf(
  { resource, object, oldObject }: QuotaRequest,
  state: QuotaState,
  interesting: readonly string[],
): string | undefined {
  const name = state.quota.metadata.name ?? '';
  if (scopedKindOf(resource) === 'pod' && oldObject === undefined) {
    const { spec } = object as unknown as Pod;
    const missing = spec === undefined ? '' : missingConstraints(spec, interesting);
    if (missing !== '') return `failed quota: ${name}: must specify ${missing}`;
  }
  const unknown = interesting.filter((wanted) => !state.used.has(wanted));
  if (unknown.length === 0) return undefined;
  return `status unknown for quota: ${name}, resources: ${unknown.toSorted().join(',')}`;
}

/** Only growth counts on update; what shrinks is given back by the quota controller. */
function growing(delta: Amounts, isUpdate: boolean): Amounts {
  for (const [name, quantity] of delta) if (quantity.sign() < 0 || (isUpdate && quantity.isZero())) delta.delete(name);
  return delta;
}

function exceededBy(state: QuotaState, delta: Amounts): string | undefined {
  const after = add(state.used, delta);
  const exceeded = [...delta].flatMap(([name, quantity]) => {
    const limit = state.hard.get(name);
    const total = after.get(name);
    return quantity.sign() > 0 && limit !== undefined && total !== undefined && total.compare(limit) > 0 ? [name] : [];
  });
  if (exceeded.length === 0) return undefined;
  const text = (amounts: Amounts): string => amountsText(mask(amounts, exceeded));
  return `exceeded quota: ${state.quota.metadata.name ?? ''}, requested: ${text(delta)}, used: ${text(state.used)}, limited: ${text(state.hard)}`;
}
