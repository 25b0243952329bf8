/** The kinds of storage.k8s.io (`pkg/registry/storage/<resource>/strategy.go`). */
import {
  validateCSIDriver,
  validateCSIDriverUpdate,
  validateCSINode,
  validateCSINodeUpdate,
  validateCSIStorageCapacity,
  validateCSIStorageCapacityUpdate,
} from '@kubets/api/storage/validation/csi';
import {
  validateStorageClass,
  validateStorageClassUpdate,
  validateVolumeAttributesClass,
  validateVolumeAttributesClassUpdate,
} from '@kubets/api/storage/validation/storage-class';
import {
  validateVolumeAttachment,
  validateVolumeAttachmentUpdate,
} from '@kubets/api/storage/validation/volume-attachment';
import type {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  StorageClass,
  VolumeAttachment,
  VolumeAttributesClass,
} from '@kubets/api/types/storage-v1';
import { baseStrategy, bumpGenerationOnSpecChange, statusUpdateStrategy } from '../generic/base-strategy.ts';
import type { Strategy } from '../strategy.ts';

const storageClassStrategy: Strategy<StorageClass> = baseStrategy<StorageClass>({
  validate: (_context, storageClass) => validateStorageClass(storageClass),
  validateUpdate: (_context, storageClass, old) => validateStorageClassUpdate(storageClass, old),
});

const volumeAttributesClassStrategy: Strategy<VolumeAttributesClass> = baseStrategy<VolumeAttributesClass>({
  validate: (_context, attributes) => validateVolumeAttributesClass(attributes),
  validateUpdate: (_context, attributes, old) => validateVolumeAttributesClassUpdate(attributes, old),
});

const csiDriverStrategy: Strategy<CSIDriver> = baseStrategy<CSIDriver>({
  allowUnconditionalUpdate: false,
  prepareForUpdate: (_context, driver, old) => bumpGenerationOnSpecChange(driver, old),
  validate: (_context, driver) => validateCSIDriver(driver),
  validateUpdate: (_context, driver, old) => validateCSIDriverUpdate(driver, old),
});

const csiNodeStrategy: Strategy<CSINode> = baseStrategy<CSINode>({
  allowUnconditionalUpdate: false,
  validate: (_context, node) => validateCSINode(node),
  validateUpdate: (context, node, old) =>
    validateCSINodeUpdate(node, old, { mutableCount: context.featureEnabled('MutableCSINodeAllocatableCount') }),
});

const csiStorageCapacityStrategy: Strategy<CSIStorageCapacity> = baseStrategy<CSIStorageCapacity>({
  allowUnconditionalUpdate: false,
  validate: (_context, capacity) => validateCSIStorageCapacity(capacity),
  validateUpdate: (_context, capacity, old) => validateCSIStorageCapacityUpdate(capacity, old),
});

const volumeAttachmentStrategy: Strategy<VolumeAttachment> = baseStrategy<VolumeAttachment>({
  allowUnconditionalUpdate: false,
  status: { attached: false },
  validate: (_context, attachment) => validateVolumeAttachment(attachment),
  validateUpdate: (_context, attachment, old) => validateVolumeAttachmentUpdate(attachment, old),
  subresources: {
    status: statusUpdateStrategy<VolumeAttachment>({
      keepMetadata: true,
      resetFields: ['metadata', 'spec'],
      validateUpdate: (_context, attachment, old) => validateVolumeAttachmentUpdate(attachment, old),
    }),
  },
});

export const storageStrategies: Readonly<Record<string, Strategy>> = {
  'storage.k8s.io/csidrivers': csiDriverStrategy as Strategy,
  'storage.k8s.io/csinodes': csiNodeStrategy as Strategy,
  'storage.k8s.io/csistoragecapacities': csiStorageCapacityStrategy as Strategy,
  'storage.k8s.io/storageclasses': storageClassStrategy as Strategy,
  'storage.k8s.io/volumeattachments': volumeAttachmentStrategy as Strategy,
  'storage.k8s.io/volumeattributesclasses': volumeAttributesClassStrategy as Strategy,
};
