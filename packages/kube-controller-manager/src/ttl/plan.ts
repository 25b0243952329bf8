/** How long kubelets may keep secrets and config maps, by the size of the cluster (upstream `pkg/controller/ttl/ttl_controller.go`). */

/** Kubelets read this. */
export const ttlAnnotation = 'node.alpha.kubernetes.io/ttl';

interface Boundary {
  /** Fewer nodes, and the one below applies. */
  readonly min: number;
  /** More nodes, and the one above applies. */
  readonly max: number;
  readonly seconds: number;
}

/** They overlap, so that a cluster at an edge does not go to and fro. */
const boundaries: readonly Boundary[] = [
  { min: 0, max: 100, seconds: 0 },
  { min: 90, max: 500, seconds: 15 },
  { min: 450, max: 1000, seconds: 30 },
  { min: 900, max: 2000, seconds: 60 },
  { min: 1800, max: Infinity, seconds: 300 },
];

/** The step that applies to so many nodes, coming from another. */
export function ttlStep(step: number, nodes: number): number {
  let next = step;
  while (nodes > (boundaries[next]?.max ?? Infinity)) next++;
  while (nodes < (boundaries[next]?.min ?? 0)) next--;
  return next;
}

/** Seconds of a step. */
export const ttlSeconds = (step: number): number => boundaries[step]?.seconds ?? 0;
