/** Prefers nodes that have the pod's images already (`pkg/scheduler/framework/plugins/imagelocality`). */
import type { Pod } from '@kubets/api/types/core-v1';
import { imageSizes } from '../../cache/image-counts.ts';
import type { NodeTable } from '../../cache/node-table.ts';
import type { FastHandle, FastPlugin, LocalKernel } from '../../fast/kernel.ts';
import type { PodInfo, PodShape } from '../../framework/pod-info.ts';
import { maxNodeScore } from '../../framework/types.ts';

const mebibyte = 1024 * 1024;
/** Less than this is not worth a preference. */
const minThreshold = 23 * mebibyte;
/** For each container; more makes no difference. */
const maxContainerThreshold = 1000 * mebibyte;

export class ImageLocality implements FastPlugin {
  readonly name = 'ImageLocality';
  readonly #table: NodeTable;

  constructor(_args: unknown, handle: FastHandle) {
    this.#table = handle.cluster.table;
  }

  localKernel(_shape: PodShape, { pod }: PodInfo): LocalKernel | undefined {
    const { names, count } = imagesOf(pod);
    if (count === 0) return undefined;
    const table = this.#table;
    const maxThreshold = maxContainerThreshold * count;
    return {
      filterScope: 'none',
      filter: () => undefined,
      scoreScope: 'node',
      // How widely an image is spread depends on all nodes; while nobody has it, nothing does.
      version: () => (names.some((name) => table.images.has(name)) ? table.nodesVersion + table.images.version : 0),
      score: (row) => {
        const sum = sumOf(table, row, names);
        if (sum < minThreshold) return 0;
        return Math.trunc(
          (maxNodeScore * (Math.min(sum, maxThreshold) - minThreshold)) / (maxThreshold - minThreshold),
        );
      },
    };
  }
}

/** Bytes that need not be pulled, each image counted by the share of nodes that have it: no node is to attract all pods. */
function sumOf(table: NodeTable, row: number, names: readonly string[]): number {
  const node = table.infos[row]?.node;
  if (node?.status?.images === undefined) return 0;
  const sizes = imageSizes(node);
  let sum = 0;
  for (const name of names) {
    const size = sizes.get(name);
    if (size !== undefined) sum += Math.trunc(size * (table.images.nodes(name) / table.size));
  }
  return sum;
}

function imagesOf({ spec }: Readonly<Pod>): { names: readonly string[]; count: number } {
  const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
  const images = containers.flatMap(({ image }) => (image === undefined || image === '' ? [] : [image]));
  return { names: images.map(normalizedImageName), count: containers.length };
}

/** With `:latest` when there is neither a tag nor a digest (`normalizedImageName`). */
export function normalizedImageName(name: string): string {
  return name.lastIndexOf(':') <= name.lastIndexOf('/') ? `${name}:latest` : name;
}
