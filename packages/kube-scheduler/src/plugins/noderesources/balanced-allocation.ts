/** Prefers nodes whose resources a pod makes evenly used (`pkg/scheduler/framework/plugins/noderesources/balanced_allocation.go`). */
import type { NodeTable } from '../../cache/node-table.ts';
import type { FastHandle, FastPlugin, LocalKernel } from '../../fast/kernel.ts';
import type { PodShape } from '../../framework/pod-info.ts';
import { maxNodeScore } from '../../framework/types.ts';
import { amountsOf, type Amounts, type ResourceSpec } from './allocation.ts';

export interface BalancedAllocationArgs {
  readonly resources?: readonly ResourceSpec[];
}

const defaultResources: readonly ResourceSpec[] = [
  { name: 'cpu', weight: 1 },
  { name: 'memory', weight: 1 },
];

export class NodeResourcesBalancedAllocation implements FastPlugin {
  readonly name = 'NodeResourcesBalancedAllocation';
  readonly #table: NodeTable;
  readonly #resources: readonly ResourceSpec[];

  constructor(args: BalancedAllocationArgs, handle: FastHandle) {
    this.#table = handle.cluster.table;
    this.#resources = args.resources ?? defaultResources;
  }

  /** A pod that asks for none of the resources changes no balance. */
  localKernel(shape: PodShape): LocalKernel | undefined {
    const parts = this.#resources.flatMap(({ name }) => amountsOf(this.#table, name, shape, true) ?? []);
    if (parts.every(({ own }) => own === 0)) return undefined;
    return {
      filterScope: 'none',
      filter: () => undefined,
      scoreScope: 'pods',
      score: (row) => {
        const withPod = balance(parts, row, true);
        const without = balance(parts, row, false);
        return maxNodeScore / 2 + Math.trunc((maxNodeScore / 2 + withPod - without) / 2);
      },
    };
  }
}

/** 100 when all resources are used to the same degree, less the further apart they are (`balancedResourceScore`). */
function balance(parts: readonly Amounts[], row: number, withPod: boolean): number {
  let count = 0;
  let sum = 0;
  let difference = 0;
  for (const part of parts) {
    const capacity = part.capacity(row);
    if (capacity === 0) continue;
    const fraction = Math.min(1, (part.requested(row) - (withPod ? 0 : part.own)) / capacity);
    difference = fraction - difference;
    count++;
    sum += fraction;
  }
  if (count < 2) return maxNodeScore;
  const deviation = count === 2 ? Math.abs(difference / 2) : deviationOf(parts, row, withPod, sum / count);
  return Math.trunc((1 - deviation) * maxNodeScore);
}

function deviationOf(parts: readonly Amounts[], row: number, withPod: boolean, mean: number): number {
  let sum = 0;
  let count = 0;
  for (const part of parts) {
    const capacity = part.capacity(row);
    if (capacity === 0) continue;
    const fraction = Math.min(1, (part.requested(row) - (withPod ? 0 : part.own)) / capacity);
    sum += (fraction - mean) * (fraction - mean);
    count++;
  }
  return Math.sqrt(sum / count);
}
