/** Which strategy a resource has. */
import { servedResources, type ResourceInfo } from '@kubets/api/resources';
import { kindInfo } from '@kubets/api/scheme';
import { clusterStrategies } from './cluster-strategies.ts';
import { baseStrategy, statusUpdateStrategy } from './generic/base-strategy.ts';
import { otherStrategies } from './other-strategies.ts';
import { rbacStrategies } from './rbac/strategies.ts';
import type { Strategy, UpdateStrategy } from './strategy.ts';
import { workloadStrategies } from './workload-strategies.ts';

/** Kinds without a strategy of their own whose `metadata.generation` counts spec changes. */
const countsGenerations: ReadonlySet<string> = new Set(['resource.k8s.io/devicetaintrules']);

const derived = new Map<string, Strategy>();

/** Never fails: a resource without a strategy of its own gets one that follows from the facts. */
export function strategyFor(group: string, resource: string): Strategy {
  const key = `${group}/${resource}`;
  const own = workloadStrategies[key] ?? clusterStrategies[key] ?? rbacStrategies[key] ?? otherStrategies[key];
  if (own !== undefined) return own;
  let strategy = derived.get(key);
  if (strategy === undefined) derived.set(key, (strategy = derive(group, resource)));
  return strategy;
}

/** What further subresources of the object's own kind take from a request. */
const taken: Readonly<Record<string, readonly string[]>> = { finalize: ['spec'], approval: ['status'] };

/** A status subresource means that create and update leave the status alone. */
function derive(group: string, resource: string): Strategy {
  const info = servedResources().find((r) => r.group === group && r.resource === resource);
  const generation = countsGenerations.has(`${group}/${resource}`);
  if (info === undefined) return baseStrategy({ generation });
  const subresources: Record<string, UpdateStrategy> = {};
  for (const { name } of info.subresources) {
    const takes = taken[name];
    if (takes !== undefined) subresources[name] = statusUpdateStrategy({ takes, resetFields: [] });
  }
  const hasStatus = info.subresources.some((subresource) => subresource.name === 'status');
  if (!hasStatus) return baseStrategy({ generation, subresources });
  return baseStrategy({ generation, subresources, status: zeroStatus(info) });
}

/** What the server writes for a status nobody has set. */
function zeroStatus(info: ResourceInfo): Readonly<Record<string, unknown>> {
  const kind = kindInfo(info.storage ?? info) ?? kindInfo(info);
  const status = kind?.decode({ metadata: {}, status: {} })['status'];
  return typeof status === 'object' && status !== null ? (status as Record<string, unknown>) : {};
}
