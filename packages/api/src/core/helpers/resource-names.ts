/** What kinds of resources there are, by their names (upstream `pkg/apis/core/v1/helper/helpers.go`, `pkg/scheduler/util/utils.go`). */
import { isExtendedResource, isHugePages } from '../validation/container-resources.ts';

export { isExtendedResource, isHugePages };

/** A resource of kubernetes.io's own domain (`IsPrefixedNativeResource`). */
export function isPrefixedNativeResource(name: string): boolean {
  return name.includes('kubernetes.io/');
}

/**
 * Whether the scheduler counts the resource by its name, beside cpu, memory, ephemeral-storage and pods
 * (`IsScalarResourceName`). Other names (`services`, `example`) are not counted at all.
 */
export function isScalarResource(name: string): boolean {
  return (
    isExtendedResource(name) ||
    isHugePages(name) ||
    isPrefixedNativeResource(name) ||
    name.startsWith('attachable-volumes-')
  );
}
