/** Keeps volumes as long as they are bound (upstream `pkg/controller/volume/pvprotection/pv_protection_controller.go`). */
import { keyOf } from '@kubets/client';
import type { PersistentVolume } from '@kubets/api/types/core-v1';
import { persistentVolumes as volumeResource } from '@kubets/client/resources';
import type { Controller, ControllerContext, ControllerDescriptor } from '../controller.ts';
import { finalizerProtection, protectionStep } from '../lib/finalizer-protection.ts';

const finalizer = 'kubernetes.io/pv-protection';

function create(context: ControllerContext): Controller {
  const queue = context.queue('pvprotection');
  const volumes = context.informers.informer(volumeResource);
  const wake = (volume: Readonly<PersistentVolume>): void => {
    if (protectionStep(volume, finalizer) !== 'none') queue.add(keyOf(volume));
  };
  volumes.addEventHandler({ onAdd: wake, onUpdate: (_, volume) => wake(volume) });
  return finalizerProtection(context, {
    queue,
    objects: volumes,
    client: context.client.persistentVolumes(),
    finalizer,
    isUsed: (volume) => volume.status?.phase === 'Bound',
  });
}

/** The PV protection controller. */
export const persistentVolumeProtectionController: ControllerDescriptor = {
  name: 'persistentvolume-protection-controller',
  create,
};
