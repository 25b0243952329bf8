/** How full a node would be (`pkg/scheduler/framework/plugins/noderesources/resource_allocation.go`). */
import { isScalarResource } from '@kubets/api/core/helpers/resource-names';
import type { NodeTable } from '../../cache/node-table.ts';
import type { PodShape } from '../../framework/pod-info.ts';

export interface ResourceSpec {
  readonly name: string;
  readonly weight: number;
}

/** Both of what scores read of a node, about one resource. */
export interface Amounts {
  /** Of the node; 0: it does not count. */
  capacity(row: number): number;
  /** With the pod on it. */
  requested(row: number): number;
  /** Of the pod alone. */
  readonly own: number;
}

/**
 * `actual`: what pods really request; otherwise with defaults for containers that do not say. Undefined: the resource does not
 * matter to the pod.
 */
export function amountsOf(table: NodeTable, name: string, shape: PodShape, actual: boolean): Amounts | undefined {
  const own = (actual ? shape.requests : shape.scored).get(name);
  const cpu = name === 'cpu';
  if (cpu || name === 'memory') {
    return {
      own,
      capacity: (row) => (cpu ? table.columns.allocatableCpu : table.columns.allocatableMemory)[row] as number,
      requested: (row) => {
        const { requestedCpu, requestedMemory, nonZeroCpu, nonZeroMemory } = table.columns;
        const column = actual ? (cpu ? requestedCpu : requestedMemory) : cpu ? nonZeroCpu : nonZeroMemory;
        return (column[row] as number) + own;
      },
    };
  }
  if (own === 0 && isScalarResource(name)) return undefined;
  const { infos } = table;
  return {
    own,
    capacity: (row) => infos[row]?.allocatable.get(name) ?? 0,
    requested: (row) => (infos[row]?.requested.get(name) ?? 0) + own,
  };
}
