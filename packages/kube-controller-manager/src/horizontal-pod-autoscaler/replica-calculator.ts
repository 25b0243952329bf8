/**
 * How many replicas a measurement asks for (upstream `pkg/controller/podautoscaler/replica_calculator.go` and
 * `metrics/utilization.go`). Values are in thousandths.
 */
import type { Pod } from '@kubets/api/types/core-v1';
import {
  groupPods,
  podRequests,
  type GroupOptions,
  type PodGroups,
  type PodMetric,
  type PodMetrics,
} from './pod-groups.ts';
import { isWithin, type Tolerances } from './tolerances.ts';

/** What several calculations need. */
export interface Calculation {
  readonly currentReplicas: number;
  readonly tolerances: Tolerances;
  /** Those that the scale's selector selects. */
  readonly pods: readonly Readonly<Pod>[];
}

/** Measured of each pod. */
export interface PodCalculation extends Calculation {
  /** Changed by the calculation. */
  readonly metrics: PodMetrics;
  readonly groups: GroupOptions;
}

export interface Proposal {
  readonly replicas: number;
  /** What is reported as the current value. */
  readonly usage: number;
}

export interface UtilizationProposal extends Proposal {
  /** Percent of what was requested. */
  readonly utilization: number;
}

const noPods = 'no pods returned by selector while calculating replica count';
const noMetrics = 'did not receive metrics for targeted pods (pods might be unready)';

/** Ratio to the target, and what is reported. */
interface Usage {
  readonly ratio: number;
  readonly usage: number;
  readonly utilization: number;
}

/** By percent of the requests (`GetResourceReplicas`). Throws an Error that says what is missing. */
export function utilizationReplicas(
  input: PodCalculation & { readonly container: string; readonly podLevel: boolean; readonly target: number },
): UtilizationProposal {
  const { pods, metrics, target, groups } = input;
  const podGroups = group(input);
  const requests = podRequests(pods, groups.resource, input);
  const measure = (): Usage => utilizationOf(metrics, requests, target);
  // A missing pod counts on the way down as if it used all it asked for, or the target where that is more.
  const fallback = (name: string): number => Math.trunc(((requests.get(name) ?? 0) * Math.max(100, target)) / 100);
  const { replicas, usage, utilization } = replicasFor(input, podGroups, { measure, fallback });
  return { replicas, usage, utilization };
}

/** By the average of all pods (`calcPlainMetricReplicas`). Throws an Error that says what is missing. */
export function averageReplicas(input: PodCalculation & { readonly target: number }): Proposal {
  const podGroups = group(input);
  const measure = (): Usage => averageOf(input.metrics, input.target);
  const { replicas, usage } = replicasFor(input, podGroups, { measure, fallback: () => input.target });
  return { replicas, usage };
}

function group({ pods, metrics, groups }: PodCalculation): PodGroups {
  if (pods.length === 0) throw new Error(noPods);
  const podGroups = groupPods(pods, metrics, groups);
  for (const name of podGroups.ignored) metrics.delete(name);
  for (const name of podGroups.unready) metrics.delete(name);
  if (metrics.size === 0) throw new Error(noMetrics);
  return podGroups;
}

interface Method {
  readonly measure: () => Usage;
  /** What a pod without a measurement counts for on the way down. */
  readonly fallback: (name: string) => number;
}

/** Careful with what is not known: pods without a measurement never add to the change, and never turn it round. */
function replicasFor(input: PodCalculation, { ready, unready, missing }: PodGroups, method: Method): Usage & Proposal {
  const { currentReplicas, tolerances, metrics } = input;
  const measured = method.measure();
  const { ratio } = measured;
  const upWithUnready = unready.size > 0 && ratio > 1;
  if (!upWithUnready && missing.size === 0) {
    const replicas = isWithin(tolerances, ratio) ? currentReplicas : Math.ceil(ratio * ready);
    return { ...measured, replicas };
  }
  if (ratio < 1) for (const name of missing) metrics.set(name, assumed(method.fallback(name)));
  else if (ratio > 1) for (const name of missing) metrics.set(name, assumed(0));
  if (upWithUnready) for (const name of unready) metrics.set(name, assumed(0));
  const careful = method.measure().ratio;
  const turned = (ratio < 1 && careful > 1) || (ratio > 1 && careful < 1);
  if (turned || isWithin(tolerances, careful)) return { ...measured, replicas: currentReplicas };
  const replicas = Math.ceil(careful * metrics.size);
  const wrongWay = (careful < 1 && replicas > currentReplicas) || (careful > 1 && replicas < currentReplicas);
  return { ...measured, replicas: wrongWay ? currentReplicas : replicas };
}

const assumed = (value: number): PodMetric => ({ timestamp: 0, windowMs: 0, value });

/** `GetResourceUtilizationRatio`. */
function utilizationOf(metrics: PodMetrics, requests: ReadonlyMap<string, number>, target: number): Usage {
  let [used, requested, entries] = [0, 0, 0];
  for (const [name, { value }] of metrics) {
    const request = requests.get(name);
    if (request === undefined) continue;
    used += value;
    requested += request;
    entries++;
  }
  if (requested === 0) throw new Error('no metrics returned matched known pods');
  const utilization = Math.trunc((used * 100) / requested);
  return { ratio: utilization / target, utilization, usage: Math.trunc(used / entries) };
}

/** `GetMetricUsageRatio`. */
function averageOf(metrics: PodMetrics, target: number): Usage {
  let used = 0;
  for (const { value } of metrics.values()) used += value;
  const usage = Math.trunc(used / metrics.size);
  return { ratio: usage / target, usage, utilization: 0 };
}

/** By one value for all against a target (`GetObjectMetricReplicas`, `GetExternalMetricReplicas`). */
export function valueReplicas(input: Calculation, usage: number, target: number): Proposal {
  const ratio = usage / target;
  const { currentReplicas, tolerances, pods } = input;
  // From nothing the ratio itself says how many: there are no pods that it could be related to.
  if (currentReplicas === 0) return { replicas: Math.ceil(ratio), usage };
  if (isWithin(tolerances, ratio)) return { replicas: currentReplicas, usage };
  if (pods.length === 0) throw new Error(`unable to calculate ready pods: ${noPods}`);
  return { replicas: Math.ceil(ratio * pods.filter(isRunningReady).length), usage };
}

const isRunningReady = ({ status }: Readonly<Pod>): boolean =>
  status?.phase === 'Running' &&
  status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true;

/** By one value divided among the replicas there are (`GetObjectPerPodMetricReplicas`, `GetExternalPerPodMetricReplicas`). */
export function perPodReplicas(
  { statusReplicas, tolerances }: { readonly statusReplicas: number; readonly tolerances: Tolerances },
  usage: number,
  target: number,
): Proposal {
  const ratio = usage / (target * statusReplicas);
  const replicas = isWithin(tolerances, ratio) ? statusReplicas : Math.ceil(usage / target);
  return { replicas, usage: statusReplicas === 0 ? 0 : Math.ceil(usage / statusReplicas) };
}
