/** When a pod has to leave a tainted node (upstream `pkg/controller/tainteviction/taint_eviction.go`, `processPodOnNode`). Pure. */
import { toleratesTaint } from '@kubets/api/core/helpers/taints';
import type { Node, Taint, Toleration } from '@kubets/api/types/core-v1';

export type Verdict =
  | { readonly type: 'stay' }
  | { readonly type: 'leave' }
  /** So long after the first of the taints. */
  | { readonly type: 'leaveAfter'; readonly ms: number };

const noTaints: readonly Taint[] = [];

/** The taints for which pods have to leave. */
export function noExecuteTaints(node: Readonly<Node>): readonly Taint[] {
  const taints = node.spec?.taints;
  if (taints === undefined) return noTaints;
  return taints.filter((taint) => taint.effect === 'NoExecute');
}

/**
 * Every taint must be tolerated; of the tolerations that do so the one with the least time counts. Of several tolerations for
 * one taint the first counts (`GetMatchingTolerations`).
 */
export function verdict(taints: readonly Taint[], tolerations: readonly Toleration[] | undefined): Verdict {
  let least = Infinity;
  for (const taint of taints) {
    const used = tolerations?.find((toleration) => toleratesTaint(toleration, taint));
    if (used === undefined) return { type: 'leave' };
    if (used.tolerationSeconds !== undefined) least = Math.min(least, Math.max(0, used.tolerationSeconds));
  }
  return least === Infinity ? { type: 'stay' } : { type: 'leaveAfter', ms: least * 1000 };
}
