/** Pods by the node that they are on (upstream: the index `spec.nodeName`). */
import type { Pod } from '@kubets/api/types/core-v1';
import type { SharedInformer } from '@kubets/client';
import { ensureIndex } from './ensure-index.ts';

/** The index of pods by the name of their node; those without one are not in it. */
export const nodeNameIndex = 'spec.nodeName';

const none: readonly string[] = [];

function byNodeName(pod: Readonly<Pod>): readonly string[] {
  const name = pod.spec?.nodeName ?? '';
  return name === '' ? none : [name];
}

/** Adds {@link nodeNameIndex} unless it is there. */
export function indexPodsByNode(pods: SharedInformer<Pod>): void {
  ensureIndex(pods, nodeNameIndex, byNodeName);
}
