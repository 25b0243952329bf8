/** Quantities by resource name (`pkg/apis/core/validation/validation.go`, `ValidateResourceQuantityValue`; `pkg/apis/core/helper/helpers.go`). */
import { parseQuantity } from '@kubets/apimachinery/quantity';
import { isExtendedResource } from './container-resources.ts';
import type { ErrorList } from './pod-error-list.ts';
import { isWholeQuantity } from './pod-quantities.ts';

const integerResources: ReadonlySet<string> = new Set([
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
]);

/** Resources that come in whole units. */
export function isIntegerResource(name: string): boolean {
  return integerResources.has(name) || isExtendedResource(name);
}

/** Not negative, and whole where there are no parts. */
export function checkQuantityValue(errors: ErrorList, [name, text]: readonly [string, string], path: string): void {
  const quantity = parseQuantity(text);
  if (quantity.sign() < 0) errors.invalid(path, text, 'must be greater than or equal to 0');
  if (isIntegerResource(name) && !isWholeQuantity(quantity)) errors.invalid(path, text, 'must be an integer');
}
