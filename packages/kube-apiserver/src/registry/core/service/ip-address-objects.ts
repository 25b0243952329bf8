/**
 * The IPAddress object that stands for each cluster address (`pkg/registry/core/service/ipallocator/ipallocator.go`):
 * its creation decides between servers that share one store.
 */
import type { Service } from '@kubets/api/types/core-v1';
import type { IPAddress, ParentReference } from '@kubets/api/types/networking-v1';
import type { ApiObject, GroupVersionResource } from '@kubets/apimachinery/meta';
import { isAlreadyExists, isNotFound } from '@kubets/apimachinery/status';
import type { InternalClient } from '../../../bootstrap/internal-client.ts';
import { AllocationError, ipAllocated } from './ip-allocator.ts';
import { familyOf } from './ip-range.ts';

export const ipAddresses: GroupVersionResource = { group: 'networking.k8s.io', version: 'v1', resource: 'ipaddresses' };
const managedBy = 'ipaddress.kubernetes.io/managed-by';
const manager = 'ipallocator.k8s.io';

export interface ServiceName {
  readonly namespace: string;
  readonly name: string;
}

export const serviceName = ({ metadata }: Readonly<Service>): ServiceName => ({
  namespace: metadata.namespace ?? '',
  name: metadata.name ?? '',
});

export const refersTo = (parent: Readonly<ParentReference> | undefined, { namespace, name }: ServiceName): boolean =>
  parent?.resource === 'services' && parent.namespace === namespace && parent.name === name && !parent.group;

export const isManaged = ({ metadata }: Readonly<IPAddress>): boolean => metadata.labels?.[managedBy] === manager;

function ipAddressOf(address: string, { namespace, name }: ServiceName): ApiObject {
  const labels = { 'ipaddress.kubernetes.io/ip-family': familyOf(address) ?? '', [managedBy]: manager };
  return {
    kind: 'IPAddress',
    apiVersion: 'networking.k8s.io/v1',
    metadata: { name: address, labels },
    spec: { parentRef: { resource: 'services', namespace, name } },
  } as ApiObject;
}

/** Throws {@link AllocationError} when another server, or someone by hand, was faster. */
export async function createIPAddress(client: InternalClient, address: string, service: ServiceName): Promise<void> {
  try {
    await client.create(ipAddresses, '', ipAddressOf(address, service));
  } catch (error) {
    throw isAlreadyExists(error) ? new AllocationError(ipAllocated) : error;
  }
}

/** Idempotent. */
export async function deleteIPAddress(client: InternalClient, address: string): Promise<void> {
  try {
    await client.delete(ipAddresses, '', address);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
