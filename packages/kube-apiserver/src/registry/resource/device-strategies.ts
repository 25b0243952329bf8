/** ResourceSlices and DeviceClasses (`pkg/registry/resource/{resourceslice,deviceclass}/strategy.go`). */
import { validateDeviceClass } from '@kubets/api/resource/validation/device-class';
import { validateResourceSlice } from '@kubets/api/resource/validation/resource-slice';
import type { DeviceClass, ResourceSlice } from '@kubets/api/types/resource-v1';
import { baseStrategy } from '../generic/base-strategy.ts';
import type { Strategy } from '../strategy.ts';
import { classFields, dropDisabled, sliceFields } from './drop-disabled.ts';

export const resourceSliceStrategy: Strategy<ResourceSlice> = baseStrategy<ResourceSlice>({
  generation: true,
  prepareForCreate: (context, slice) => dropDisabled(context, sliceFields, slice),
  prepareForUpdate: (context, slice, old) => dropDisabled(context, sliceFields, slice, old),
  validate: (_context, slice) => validateResourceSlice(slice),
  validateUpdate: (_context, slice, old) => validateResourceSlice(slice, old),
  selectableFieldNames: ['spec.driver', 'spec.nodeName'],
  selectableFields: (slice) => ({
    'spec.driver': slice.spec?.driver ?? '',
    'spec.nodeName': slice.spec?.nodeName ?? '',
  }),
});

export const deviceClassStrategy: Strategy<DeviceClass> = baseStrategy<DeviceClass>({
  generation: true,
  prepareForCreate: (context, object) => dropDisabled(context, classFields, object),
  prepareForUpdate: (context, object, old) => dropDisabled(context, classFields, object, old),
  validate: (_context, object) => validateDeviceClass(object),
  validateUpdate: (_context, object, old) => validateDeviceClass(object, old),
});
