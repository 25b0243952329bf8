/** DeviceClasses (`pkg/apis/resource/validation/validation.go`, `validateDeviceClassSpec`). */
import type { FieldError } from '@kubets/apimachinery/field';
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import { isExtendedResource } from '../../core/validation/container-resources.ts';
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import type { DeviceClass } from '../../generated/types/resource-v1.ts';
import { checkConfiguration, checkSelectors } from './device-parts.ts';
import { checkList } from './lists.ts';
import { maxConfigurations } from './resource-claim.ts';

/** Create, and update when there is an `old` one: what did not change may be as large as it is. */
export function validateDeviceClass(object: DeviceClass, old?: Readonly<DeviceClass>): FieldError[] {
  const errors = new ErrorList();
  const { selectors, config, extendedResourceName } = object.spec ?? {};
  const sameSelectors = old !== undefined && semanticEqual(selectors, old.spec?.selectors);
  const stored = old !== undefined && semanticEqual(config, old.spec?.config);
  if (!sameSelectors) checkSelectors(errors, selectors, 'spec.selectors');
  checkList(errors, config, {
    path: 'spec.config',
    max: maxConfigurations,
    check: (all, configuration, path) => checkConfiguration(all, configuration, { path, stored }),
  });
  if (extendedResourceName !== undefined && !isExtendedResource(extendedResourceName)) {
    errors.invalid('spec.extendedResourceName', extendedResourceName, 'must be a valid extended resource name');
  }
  return errors.errors;
}
