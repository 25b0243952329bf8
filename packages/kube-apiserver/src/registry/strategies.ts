/** Which strategy a resource has. */
import { clusterStrategies } from './cluster-strategies.ts';
import { baseStrategy } from './generic/base-strategy.ts';
import { rbacStrategies } from './rbac/strategies.ts';
import type { Strategy } from './strategy.ts';
import { workloadStrategies } from './workload-strategies.ts';

const fallback = baseStrategy();

/** Never fails: a resource without a strategy of its own gets the usual one. */
export function strategyFor(group: string, resource: string): Strategy {
  const key = `${group}/${resource}`;
  return workloadStrategies[key] ?? clusterStrategies[key] ?? rbacStrategies[key] ?? fallback;
}
