/**
 * Says who expands a claim's volume (upstream `pkg/controller/volume/expand/expand_controller.go`): all volumes that can grow
 * are grown by external controllers.
 */
import { requestedStorage } from '@kubets/api/core/helpers/persistent-volume';
import { parseQuantity, zeroQuantity, type Quantity } from '@kubets/apimachinery/quantity';
import type { PersistentVolume, PersistentVolumeClaim } from '@kubets/api/types/core-v1';
import { keyOf } from '@kubets/client';
import { persistentVolumeClaims as claimResource, persistentVolumes as volumeResource } from '@kubets/client/resources';
import type { Controller, ControllerContext, ControllerDescriptor } from '../controller.ts';
import { reconciler, workersOf } from '../lib/reconciler.ts';

function currentStorage({ status }: Readonly<PersistentVolumeClaim>): Quantity {
  const text = status?.capacity?.['storage'];
  return text === undefined ? zeroQuantity : parseQuantity(text);
}

/** Whether the claim is bound and asks for more than it has. */
function wantsMore(claim: Readonly<PersistentVolumeClaim>): boolean {
  return claim.status?.phase === 'Bound' && requestedStorage(claim).compare(currentStorage(claim)) > 0;
}

/** Whether the volume is that claim's. */
function isVolumeOf(volume: Readonly<PersistentVolume>, claim: Readonly<PersistentVolumeClaim>): boolean {
  const reference = volume.spec?.claimRef;
  return reference?.namespace === claim.metadata.namespace && reference?.uid === claim.metadata.uid;
}

function create(context: ControllerContext): Controller {
  const queue = context.queue('volume_expand');
  const claims = context.informers.informer(claimResource);
  const volumes = context.informers.informer(volumeResource);
  const wake = (claim: Readonly<PersistentVolumeClaim>): void => {
    if (wantsMore(claim)) queue.add(keyOf(claim));
  };
  claims.addEventHandler({
    onAdd: wake,
    // Once for each wish: the external controller reports what comes of it.
    onUpdate: (old, claim) => {
      if (requestedStorage(claim).compare(requestedStorage(old)) > 0) wake(claim);
    },
  });
  return reconciler(context, {
    queue,
    informers: [claims, volumes],
    workers: workersOf(context, 10),
    reconcile(key) {
      const claim = claims.store.get(key);
      if (claim === undefined || !wantsMore(claim)) return Promise.resolve();
      const volume = volumes.store.get(claim.spec?.volumeName ?? '');
      if (volume === undefined || !isVolumeOf(volume, claim)) {
        return Promise.reject(new Error(`persistent Volume is not bound to PVC being updated : ${key}`));
      }
      const message = 'waiting for an external controller to expand this PVC';
      context.events.event(claim, 'Normal', 'ExternalExpanding', message);
      return Promise.resolve();
    },
  });
}

/** The volume expansion controller. */
export const persistentVolumeExpanderController: ControllerDescriptor = {
  name: 'persistentvolume-expander-controller',
  eventSource: 'volume_expand',
  create,
};
