/** Strategies of the kinds that neither run work nor belong to the core, by `group/resource`. */
import { leaseCandidateStrategy, leaseStrategy } from './coordination/lease-strategy.ts';
import { runtimeClassStrategy } from './node/runtime-class-strategy.ts';
import { priorityClassStrategy } from './scheduling/priority-class-strategy.ts';
import type { Strategy } from './strategy.ts';

export const otherStrategies: Readonly<Record<string, Strategy>> = {
  'coordination.k8s.io/leasecandidates': leaseCandidateStrategy as Strategy,
  'coordination.k8s.io/leases': leaseStrategy as Strategy,
  'node.k8s.io/runtimeclasses': runtimeClassStrategy as Strategy,
  'scheduling.k8s.io/priorityclasses': priorityClassStrategy as Strategy,
};
