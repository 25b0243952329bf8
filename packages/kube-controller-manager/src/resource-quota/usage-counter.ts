/** Adds up what is used of a quota (`pkg/quota/v1/resources.go` `CalculateUsage`, `generic/evaluator.go` `CalculateUsageStats`). */
import { addAmount, type Amounts } from '@kubets/api/core/helpers/quota/resource-list';
import { matchesScopes, scopedKindOf } from '@kubets/api/core/helpers/quota/scopes';
import { usageOf } from '@kubets/api/core/helpers/quota/usage';
import type { ResourceQuota } from '@kubets/api/types/core-v1';
import type { ApiObject, GroupResource } from '@kubets/apimachinery/meta';
import { zeroQuantity } from '@kubets/apimachinery/quantity';
import type { CountedResource } from './plan.ts';

/** Other work gets its turn after so many objects. */
const batch = 500;

export class UsageCounter {
  /** Objects are immutable: what one uses is found out once. Those that are going change with time. */
  readonly #known = new WeakMap<Readonly<ApiObject>, Amounts>();

  /** What one object uses, at a time in milliseconds. */
  of(resource: GroupResource, object: Readonly<ApiObject>, now: number): Amounts {
    if (object.metadata.deletionTimestamp !== undefined) return usageOf(resource, object, now);
    let usage = this.#known.get(object);
    if (usage === undefined) this.#known.set(object, (usage = usageOf(resource, object, now)));
    return usage;
  }

  /** What all objects together use of the names that the quota limits; every name of `counted` has an amount. */
  async total(
    quota: Readonly<ResourceQuota>,
    counted: CountedResource,
    { objects, now }: { readonly objects: readonly Readonly<ApiObject>[]; readonly now: number },
  ): Promise<Amounts> {
    const total: Amounts = new Map(counted.names.map((name) => [name, zeroQuantity]));
    const kind = scopedKindOf(counted);
    for (const [i, object] of objects.entries()) {
      if (i % batch === batch - 1) await nextTurn();
      if (!matchesScopes(quota, kind, object)) continue;
      const usage = this.of(counted, object, now);
      for (const name of counted.names) {
        const amount = usage.get(name);
        if (amount !== undefined) addAmount(total, name, amount);
      }
    }
    return total;
  }
}

function nextTurn(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setImmediate(resolve);
  return promise;
}
