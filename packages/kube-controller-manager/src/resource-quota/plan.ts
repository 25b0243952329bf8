/** What a quota's status has to say (`pkg/controller/resourcequota/resource_quota_controller.go` `syncResourceQuota`). Pure. */
import { amountsOf, mask, toList, type Amounts } from '@kubets/api/core/helpers/quota/resource-list';
import { quotaSource } from '@kubets/api/core/helpers/quota/usage';
import type { ResourceQuota, ResourceQuotaStatus } from '@kubets/api/types/core-v1';
import { groupResourceString, type GroupResource } from '@kubets/apimachinery/meta';

/** A resource whose objects a quota counts, and under which names. */
export interface CountedResource extends GroupResource {
  readonly names: readonly string[];
}

/** Objects in caches are immutable; every event about a counted object asks. */
const known = new WeakMap<Readonly<ResourceQuota>, readonly CountedResource[]>();

/** What the quota's limits are about. Names that nobody can count are left out. */
export function countedResources(quota: Readonly<ResourceQuota>): readonly CountedResource[] {
  let resources = known.get(quota);
  if (resources === undefined) known.set(quota, (resources = findCounted(quota)));
  return resources;
}

function findCounted(quota: Readonly<ResourceQuota>): CountedResource[] {
  const counted = new Map<string, GroupResource & { names: string[] }>();
  for (const name of Object.keys(quota.spec?.hard ?? {})) {
    const source = quotaSource(name);
    if (source === undefined) continue;
    const key = groupResourceString(source);
    const before = counted.get(key);
    if (before === undefined) counted.set(key, { ...source, names: [name] });
    else before.names.push(name);
  }
  return [...counted.values()];
}

const sameTexts = (a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>> | undefined): boolean => {
  if (b === undefined) return false;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
};

function sameAmounts(a: Amounts, b: Amounts): boolean {
  if (a.size !== b.size) return false;
  for (const [name, quantity] of a) if (b.get(name)?.compare(quantity) !== 0) return false;
  return true;
}

const larger = (a: Amounts, b: Amounts): Amounts => {
  const result: Amounts = new Map(a);
  for (const [name, quantity] of b) if ((a.get(name)?.compare(quantity) ?? -1) < 0) result.set(name, quantity);
  return result;
};

/**
 * The new status; `undefined` when the present one says so already. `observed` holds what was counted; what could not be
 * counted this time keeps its last amount. With `raiseOnly` amounts do not shrink: admission may have charged what is not there
 * yet.
 */
export function plannedStatus(
  quota: Readonly<ResourceQuota>,
  observed: Amounts,
  { raiseOnly = false }: { readonly raiseOnly?: boolean } = {},
): ResourceQuotaStatus | undefined {
  const hard = quota.spec?.hard ?? {};
  const before = amountsOf(quota.status?.used);
  const counted = raiseOnly ? larger(before, observed) : new Map([...before, ...observed]);
  const used = mask(counted, Object.keys(hard));
  const unchanged = quota.status?.used !== undefined && sameTexts(hard, quota.status.hard) && sameAmounts(used, before);
  return unchanged ? undefined : { hard, used: toList(used) };
}
