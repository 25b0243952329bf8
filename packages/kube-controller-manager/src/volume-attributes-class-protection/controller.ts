/** Keeps volume attributes classes as long as volumes or claims name them (upstream `pkg/controller/volume/vacprotection/vac_protection_controller.go`). */
import type { PersistentVolume, PersistentVolumeClaim } from '@kubets/api/types/core-v1';
import { keyOf } from '@kubets/client';
import {
  persistentVolumeClaims as claimResource,
  persistentVolumes as volumeResource,
  volumeAttributesClasses as classResource,
} from '@kubets/client/resources';
import type { Controller, ControllerContext, ControllerDescriptor } from '../controller.ts';
import { ensureIndex } from '../lib/ensure-index.ts';
import { finalizerProtection, protectionStep } from '../lib/finalizer-protection.ts';

const finalizer = 'kubernetes.io/vac-protection';
const classIndex = 'volumeAttributesClass';

/** The classes that a claim has, wants, or is being given. */
export function classesOfClaim({ spec, status }: Readonly<PersistentVolumeClaim>): string[] {
  const names = [
    spec?.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ];
  return [...new Set(names.filter((name): name is string => name !== undefined && name !== ''))];
}

/** The class that a volume has. */
function classesOfVolume({ spec }: Readonly<PersistentVolume>): string[] {
  return spec?.volumeAttributesClassName ? [spec.volumeAttributesClassName] : [];
}

function create(context: ControllerContext): Controller {
  const queue = context.queue('vacprotection');
  const classes = context.informers.informer(classResource);
  const claims = context.informers.informer(claimResource);
  const volumes = context.informers.informer(volumeResource);
  ensureIndex(claims, classIndex, classesOfClaim);
  ensureIndex(volumes, classIndex, classesOfVolume);
  classes.addEventHandler({
    onAdd: (object) => queue.add(keyOf(object)),
    onUpdate: (_, object) => {
      if (protectionStep(object, finalizer) !== 'none') queue.add(keyOf(object));
    },
  });
  /** Names that are given up are looked at: a class may be free now. */
  const wakeLeft = (before: readonly string[], after: readonly string[]): void => {
    for (const name of before) if (!after.includes(name)) queue.add(name);
  };
  claims.addEventHandler({
    onUpdate: (old, claim) => wakeLeft(classesOfClaim(old), classesOfClaim(claim)),
    onDelete: (claim) => wakeLeft(classesOfClaim(claim), []),
  });
  volumes.addEventHandler({
    onUpdate: (old, volume) => wakeLeft(classesOfVolume(old), classesOfVolume(volume)),
    onDelete: (volume) => wakeLeft(classesOfVolume(volume), []),
  });
  return finalizerProtection(context, {
    queue,
    objects: classes,
    client: context.client.volumeAttributesClasses(),
    finalizer,
    informers: [claims, volumes],
    isUsed: ({ metadata: { name = '' } }) =>
      claims.store.keysByIndex(classIndex, name).length > 0 || volumes.store.keysByIndex(classIndex, name).length > 0,
  });
}

/** The VAC protection controller. */
export const volumeAttributesClassProtectionController: ControllerDescriptor = {
  name: 'volumeattributesclass-protection-controller',
  create: (context) =>
    context.serves({ group: 'storage.k8s.io', resource: 'volumeattributesclasses' }) ? create(context) : undefined,
};
