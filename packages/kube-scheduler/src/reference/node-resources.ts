/** NodeResourcesFit and NodeResourcesBalancedAllocation (upstream `pkg/scheduler/framework/plugins/noderesources`). */
import {
  defaultContainerRequests,
  podNonZeroRequests,
  podRequests,
  type ResourceAmounts,
} from '@kubets/api/core/helpers/pod-resources';
import { isExtendedResource, isScalarResource } from '@kubets/api/core/helpers/resource-names';
import { parseQuantity } from '@kubets/apimachinery/quantity';
import type { Node } from '@kubets/api/types/core-v1';
import {
  div,
  podsOn,
  unschedulable,
  unresolvable,
  type Question,
  type Rejection,
  type ScoringStrategy,
} from './cluster.ts';

/** Running pods hold what a resize has reached, too. */
const running = { useStatusResources: true, podLevelStatus: true } as const;

/** The scheduler's units: thousandths of a CPU, and whole units of everything else. */
function amount(amounts: ResourceAmounts, name: string): number {
  const quantity = amounts.get(name);
  if (quantity === undefined) return 0;
  return name === 'cpu' ? quantity.milliValue() : quantity.value();
}

function allocatable(node: Node, name: string): number {
  const text = node.status?.allocatable?.[name];
  return text === undefined ? 0 : amount(new Map([[name, parseQuantity(text)]]), name);
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

function requestedOn({ cluster }: Question, node: Node, name: string): number {
  return sum(podsOn(cluster, node).map((pod) => amount(podRequests(pod, running), name)));
}

function nonZeroRequestedOn({ cluster }: Question, node: Node, name: string): number {
  return sum(podsOn(cluster, node).map((pod) => amount(podNonZeroRequests(pod, running), name)));
}

const counted = (name: string): boolean =>
  name === 'cpu' || name === 'memory' || name === 'ephemeral-storage' || isScalarResource(name);

function isIgnored({ profile }: Question, name: string): boolean {
  if (!isExtendedResource(name)) return false;
  return profile.ignoredResources.includes(name) || profile.ignoredResourceGroups.includes(name.split('/')[0] ?? '');
}

/** The order in which resources are named; special ones come last. */
const plainResources = ['cpu', 'memory', 'ephemeral-storage'];

/** `fit.go`, Filter: every resource that falls short is named. */
export function nodeResourcesFit(question: Question, node: Node): Rejection | undefined {
  const { pod, cluster } = question;
  const short: string[] = [];
  let hopeless = false;
  if (podsOn(cluster, node).length + 1 > allocatable(node, 'pods')) short.push('Too many pods');
  const wanted = podRequests(pod);
  for (const name of new Set([...plainResources, ...wanted.keys()])) {
    const request = amount(wanted, name);
    if (request === 0 || !counted(name) || isIgnored(question, name)) continue;
    if (request <= allocatable(node, name) - requestedOn(question, node, name)) continue;
    short.push(`Insufficient ${name}`);
    // Not even the empty node would do.
    if (request > allocatable(node, name)) hopeless = true;
  }
  if (short.length === 0) return undefined;
  return hopeless ? unresolvable(...short) : unschedulable(...short);
}

interface Load {
  /** What would be requested with the pod, and is requested without it. */
  readonly requested: number;
  readonly before: number;
  readonly allocatable: number;
}

/** Undefined: the resource does not count, because the node has none of it or the pod wants none of a special one. */
function load(before: number, request: number, name: string, node: Node): Load | undefined {
  const capacity = allocatable(node, name);
  if (capacity === 0 || (request === 0 && isScalarResource(name))) return undefined;
  return { requested: before + request, before, allocatable: capacity };
}

function leastRequested({ requested, allocatable: capacity }: Load): number {
  return requested > capacity ? 0 : div((capacity - requested) * 100, capacity);
}

function mostRequested({ requested, allocatable: capacity }: Load): number {
  return div(Math.min(requested, capacity) * 100, capacity);
}

type Shape = readonly { readonly utilization: number; readonly score: number }[];

/** The broken line through the points; beyond them, the first and the last score (`helper.BuildBrokenLinearFunction`). */
function brokenLine(shape: Shape, at: number): number {
  for (const [i, point] of shape.entries()) {
    if (at > point.utilization) continue;
    const before = shape[i - 1];
    if (before === undefined) return point.score;
    const slope = (point.score - before.score) * (at - before.utilization);
    return before.score + div(slope, point.utilization - before.utilization);
  }
  return shape.at(-1)?.score ?? 0;
}

function capacityRatio(shape: Shape, { requested, allocatable: capacity }: Load): number {
  const scaled = shape.map(({ utilization, score }) => ({ utilization, score: score * 10 }));
  return brokenLine(scaled, requested > capacity ? 100 : div(requested * 100, capacity));
}

function resourceScore(strategy: ScoringStrategy, given: Load): number {
  switch (strategy.type) {
    case 'LeastAllocated':
      return leastRequested(given);
    case 'MostAllocated':
      return mostRequested(given);
    case 'RequestedToCapacityRatio':
      return capacityRatio(strategy.shape, given);
  }
}

/** `fit.go`, Score: pods that do not say are taken to use something. */
export function fitScore(question: Question, node: Node): number {
  const strategy = question.profile.scoringStrategy;
  const wanted = podRequests(question.pod, { nonMissingContainerRequests: defaultContainerRequests });
  let total = 0;
  let weights = 0;
  for (const { name, weight } of strategy.resources) {
    const useNonZero = name === 'cpu' || name === 'memory';
    const before = useNonZero ? nonZeroRequestedOn(question, node, name) : requestedOn(question, node, name);
    const given = load(before, amount(wanted, name), name, node);
    if (given === undefined) continue;
    const score = resourceScore(strategy, given);
    // A ratio of 0 does not count at all (`requested_to_capacity_ratio.go`).
    if (strategy.type === 'RequestedToCapacityRatio' && score <= 0) continue;
    total += score * weight;
    weights += weight;
  }
  if (weights === 0) return 0;
  return strategy.type === 'RequestedToCapacityRatio' ? Math.round(total / weights) : div(total, weights);
}

/** 100 when all resources are used to the same part, less the further apart they are. */
function balance(fractions: readonly number[]): number {
  if (fractions.length < 2) return 100;
  const [first = 0, second = 0] = fractions;
  if (fractions.length === 2) return Math.trunc((1 - Math.abs((first - second) / 2)) * 100);
  const mean = sum(fractions) / fractions.length;
  const variance = sum(fractions.map((fraction) => (fraction - mean) * (fraction - mean))) / fractions.length;
  return Math.trunc((1 - Math.sqrt(variance)) * 100);
}

/** Whether the balance is of interest: pods that ask for nothing change none (`isBestEffortPod`). */
export function asksForBalancedResources({ pod, profile }: Question): boolean {
  const wanted = podRequests(pod);
  return profile.balancedResources.some((name) => amount(wanted, name) !== 0);
}

/** `balanced_allocation.go`: 75 when the pod changes nothing, up to 100 as it balances the node and down to 50. */
export function balancedAllocationScore(question: Question, node: Node): number {
  const wanted = podRequests(question.pod);
  const loads = question.profile.balancedResources.flatMap((name) => {
    const given = load(requestedOn(question, node, name), amount(wanted, name), name, node);
    return given === undefined ? [] : [given];
  });
  const after = balance(loads.map((given) => Math.min(1, given.requested / given.allocatable)));
  const before = balance(loads.map((given) => Math.min(1, given.before / given.allocatable)));
  return 50 + div(50 + after - before, 2);
}
