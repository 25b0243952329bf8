/** Pods by the claims that they use (upstream `pkg/controller/volume/common/common.go`, `PodPVCIndexFunc`). */
import { podClaims } from '@kubets/api/core/helpers/persistent-volume';
import type { Pod } from '@kubets/api/types/core-v1';
import type { SharedInformer } from '@kubets/client';
import { ensureIndex } from './ensure-index.ts';

/** The index of pods by `namespace/name` of their claims, those of generic ephemeral volumes included. */
export const podsByClaimIndex = 'pod-pvc-index';

const byClaim = (pod: Readonly<Pod>): readonly string[] =>
  podClaims(pod).map(({ name }) => `${pod.metadata.namespace}/${name}`);

/** Adds {@link podsByClaimIndex} unless it is there. */
export function indexPodsByClaim(pods: SharedInformer<Pod>): void {
  ensureIndex(pods, podsByClaimIndex, byClaim);
}
