/** On how many nodes each image is (`pkg/scheduler/backend/cache/cache.go`, `imageStates`). */
import type { Node } from '@kubets/api/types/core-v1';

interface ImageState {
  size: number;
  nodes: number;
}

export class ImageCounts {
  /** Grows when a count changes. */
  version = 0;
  readonly #images = new Map<string, ImageState>();

  /** By any of its names. */
  nodes(name: string): number {
    return this.#images.get(name)?.nodes ?? 0;
  }

  has(name: string): boolean {
    return this.#images.has(name);
  }

  /** The images of a node were those of `old` and are those of `node` now. */
  replace(old: Readonly<Node> | undefined, node: Readonly<Node> | undefined): void {
    if (old?.status?.images === undefined && node?.status?.images === undefined) return;
    for (const name of imageSizes(old).keys()) {
      const state = this.#images.get(name);
      if (state !== undefined && --state.nodes === 0) this.#images.delete(name);
    }
    for (const [name, size] of imageSizes(node)) {
      const state = this.#images.get(name);
      if (state === undefined) this.#images.set(name, { size, nodes: 1 });
      else state.nodes++;
    }
    this.version++;
  }
}

/** Bytes by each name that the node knows an image by. */
export function imageSizes(node: Readonly<Node> | undefined): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  for (const { names, sizeBytes } of node?.status?.images ?? []) {
    for (const name of names ?? []) sizes.set(name, sizeBytes ?? 0);
  }
  return sizes;
}
