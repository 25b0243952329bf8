/**
 * Scores by how full a node is (`pkg/scheduler/framework/plugins/noderesources/{least_allocated,most_allocated,
 * requested_to_capacity_ratio}.go`).
 */
import type { NodeTable } from '../../cache/node-table.ts';
import type { PodShape } from '../../framework/pod-info.ts';
import { maxNodeScore } from '../../framework/types.ts';
import { amountsOf, type ResourceSpec } from './allocation.ts';

export interface ScoringStrategy {
  readonly type: 'LeastAllocated' | 'MostAllocated' | 'RequestedToCapacityRatio';
  readonly resources: readonly ResourceSpec[];
  readonly requestedToCapacityRatio?: {
    readonly shape: readonly { readonly utilization: number; readonly score: number }[];
  };
}

type Score = (requested: number, capacity: number) => number;

const leastAllocated: Score = (requested, capacity) =>
  requested > capacity ? 0 : Math.trunc(((capacity - requested) * maxNodeScore) / capacity);

/** What is over-committed (pods without requests count too) is full. */
const mostAllocated: Score = (requested, capacity) =>
  Math.trunc((Math.min(requested, capacity) * maxNodeScore) / capacity);

/** Scores in files go from 0 to 10. */
const maxShapeScore = 10;

function shaped(shape: readonly { readonly utilization: number; readonly score: number }[]): Score {
  const points = shape.map(({ utilization, score }) => ({
    at: utilization,
    score: score * (maxNodeScore / maxShapeScore),
  }));
  return (requested, capacity) => {
    const utilization = requested > capacity ? 100 : Math.trunc((requested * 100) / capacity);
    let before = points[0];
    for (const point of points) {
      if (utilization <= point.at) {
        if (before === undefined || before === point) return point.score;
        return (
          before.score + Math.trunc(((point.score - before.score) * (utilization - before.at)) / (point.at - before.at))
        );
      }
      before = point;
    }
    return before?.score ?? 0;
  };
}

/** The score of the pod on a row. */
export function strategyScore(strategy: ScoringStrategy, table: NodeTable, shape: PodShape): (row: number) => number {
  const ratio = strategy.type === 'RequestedToCapacityRatio';
  const parts = strategy.resources.flatMap(({ name, weight }) => {
    const amounts = amountsOf(table, name, shape, false);
    return amounts === undefined ? [] : [{ amounts, weight }];
  });
  const score = ratio
    ? shaped(strategy.requestedToCapacityRatio?.shape ?? [])
    : strategy.type === 'MostAllocated'
      ? mostAllocated
      : leastAllocated;
  return (row) => {
    let sum = 0;
    let weights = 0;
    for (const { amounts, weight } of parts) {
      const capacity = amounts.capacity(row);
      if (capacity === 0) continue;
      const value = score(amounts.requested(row), capacity);
      if (ratio && value <= 0) continue;
      sum += value * weight;
      weights += weight;
    }
    if (weights === 0) return 0;
    return ratio ? Math.round(sum / weights) : Math.trunc(sum / weights);
  };
}
