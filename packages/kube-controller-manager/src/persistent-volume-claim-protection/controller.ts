/** Keeps claims as long as pods use them (upstream `pkg/controller/volume/pvcprotection`). */
import { isPodTerminal } from '@kubets/api/core/helpers/pod';
import { podClaims } from '@kubets/api/core/helpers/persistent-volume';
import type { PersistentVolumeClaim, Pod } from '@kubets/api/types/core-v1';
import { keyOf } from '@kubets/client';
import { persistentVolumeClaims as claimResource, pods as podResource } from '@kubets/client/resources';
import type { Controller, ControllerContext, ControllerDescriptor } from '../controller.ts';
import { finalizerProtection, protectionStep } from '../lib/finalizer-protection.ts';
import { indexPodsByClaim, podsByClaimIndex } from '../lib/pods-by-claim.ts';
import { LivePods } from './live-pods.ts';
import { usesClaim } from './plan.ts';

const finalizer = 'kubernetes.io/pvc-protection';

function create(context: ControllerContext): Controller {
  const queue = context.queue('pvcprotection');
  const claims = context.informers.informer(claimResource);
  const pods = context.informers.informer(podResource);
  const live = new LivePods(context.client, claims);
  indexPodsByClaim(pods);
  const wakeClaim = (claim: Readonly<PersistentVolumeClaim>): void => {
    if (protectionStep(claim, finalizer) !== 'none') queue.add(keyOf(claim));
  };
  claims.addEventHandler({
    onAdd: wakeClaim,
    onUpdate: (_, claim) => wakeClaim(claim),
    onDelete: ({ metadata }) => live.forget(metadata.uid ?? ''),
  });
  const wakeClaimsOf = (pod: Readonly<Pod>): void => {
    for (const { name } of podClaims(pod)) queue.add(`${pod.metadata.namespace}/${name}`);
  };
  // A pod that runs frees nothing.
  const mayFree = (pod: Readonly<Pod>): boolean => !pod.spec?.nodeName || isPodTerminal(pod);
  pods.addEventHandler({
    onAdd: (pod) => {
      if (mayFree(pod)) wakeClaimsOf(pod);
    },
    onUpdate: (old, pod) => {
      if (old.metadata.uid !== pod.metadata.uid) wakeClaimsOf(old);
      if (mayFree(pod)) wakeClaimsOf(pod);
    },
    onDelete: wakeClaimsOf,
  });
  return finalizerProtection(context, {
    queue,
    objects: claims,
    client: context.client.persistentVolumeClaims(),
    finalizer,
    informers: [pods],
    async isUsed(claim) {
      if (pods.store.byIndex(podsByClaimIndex, keyOf(claim)).some((pod) => usesClaim(pod, claim))) return true;
      // Pods that the cache does not know yet count too.
      return await live.isUsed(claim);
    },
  });
}

/** The PVC protection controller. */
export const persistentVolumeClaimProtectionController: ControllerDescriptor = {
  name: 'persistentvolumeclaim-protection-controller',
  create,
};
