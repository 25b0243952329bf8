/** Rows of the storage group (`pkg/printers/internalversion/printers.go`). */
import type {
  CSIDriver,
  CSINode,
  StorageClass,
  VolumeAttachment,
  VolumeAttributesClass,
} from '../generated/types/storage-v1.ts';
import { ageOf, nameOf, none, unset, type Named } from './format.ts';

const isDefault = (object: Named, ...annotations: string[]): boolean =>
  annotations.some((annotation) => object.metadata?.annotations?.[annotation] === 'true');

/** Provisioner and policies; the default is marked. */
export function storageClassCells(object: StorageClass, now: number): unknown[] {
  const byDefault = isDefault(
    object,
    'storageclass.kubernetes.io/is-default-class',
    'storageclass.beta.kubernetes.io/is-default-class',
  );
  return [
    byDefault ? `${nameOf(object)} (default)` : nameOf(object),
    object.provisioner ?? '',
    object.reclaimPolicy ?? 'Delete',
    object.volumeBindingMode ?? 'Immediate',
    object.allowVolumeExpansion ?? false,
    ageOf(object, now),
  ];
}

/** The driver; the default is marked. */
export function volumeAttributesClassCells(object: VolumeAttributesClass, now: number): unknown[] {
  const byDefault = isDefault(object, 'volumeattributesclass.alpha.kubernetes.io/is-default-class');
  return [byDefault ? `${nameOf(object)} (default)` : nameOf(object), object.driverName ?? '', ageOf(object, now)];
}

/** Attacher, volume, node, state. */
export function volumeAttachmentCells(object: VolumeAttachment, now: number): unknown[] {
  const { spec, status } = object;
  return [
    nameOf(object),
    spec?.attacher ?? '',
    spec?.source?.persistentVolumeName ?? '',
    spec?.nodeName ?? '',
    status?.attached ?? false,
    ageOf(object, now),
  ];
}

/** How many drivers. */
export function csiNodeCells(object: CSINode, now: number): unknown[] {
  return [nameOf(object), object.spec?.drivers?.length ?? 0, ageOf(object, now)];
}

/** What the driver needs and supports. */
export function csiDriverCells(object: CSIDriver, now: number): unknown[] {
  const { spec } = object;
  return [
    nameOf(object),
    spec?.attachRequired ?? true,
    spec?.podInfoOnMount ?? false,
    spec?.storageCapacity ?? false,
    spec?.tokenRequests === undefined ? unset : spec.tokenRequests.map((t) => t.audience).join(','),
    spec?.requiresRepublish ?? false,
    (spec?.volumeLifecycleModes ?? []).join(',') || none,
    ageOf(object, now),
  ];
}
