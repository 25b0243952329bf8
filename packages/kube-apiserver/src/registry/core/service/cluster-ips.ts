/** Cluster addresses of Services (`pkg/registry/core/service/storage/alloc.go`, `allocClusterIPs`, `updateClusterIPs`). */
import { isHeadless } from '@kubets/api/core/validation/service-traits';
import type { Service } from '@kubets/api/types/core-v1';
import { invalid, Path } from '@kubets/apimachinery/field';
import { newInternalError, newInvalid } from '@kubets/apimachinery/status';
import { keepsPreferredStack } from './families.ts';
import { AllocationError, ipAllocated, type IPAllocator } from './ip-allocator.ts';
import type { ServiceName } from './ip-address-objects.ts';
import type { IPFamily } from './ip-range.ts';
import { specOf } from './normalize.ts';
import type { Transaction } from './transaction.ts';

type Old = Readonly<Service>;

/** Objects that stand for addresses; absent in tests and before the server is put together. */
export interface AddressObjects {
  /** Throws {@link AllocationError} when there is one already. */
  create(address: string, service: ServiceName): Promise<void>;
  /** Never fails; what is left behind is repaired later. */
  delete(address: string): Promise<void>;
}

export interface AddressRequest {
  readonly addresses: IPAllocator;
  readonly objects: AddressObjects | undefined;
  /** Of the reservation: the Service's uid. */
  readonly owner: string;
  readonly service: ServiceName;
  readonly transaction: Transaction;
  readonly dryRun: boolean;
}

/** How often another server may be faster before giving up. */
const attempts = 64;

async function release({ addresses, objects, owner }: AddressRequest, address: string): Promise<void> {
  // The object goes first: nobody here may ask for the address while there is one.
  if (objects !== undefined && addresses.ownerOf(address) === owner) await objects.delete(address);
  addresses.release(address, owner);
}

/** Makes the object of a reserved address; takes the reservation back when that fails. */
async function confirm(request: AddressRequest, address: string): Promise<void> {
  try {
    await request.objects?.create(address, request.service);
  } catch (error) {
    request.addresses.release(address, request.owner);
    throw error;
  }
  request.transaction.onRevert(() => release(request, address));
}

/** Reserves one address, the given one or any. Throws {@link AllocationError}. */
async function take(request: AddressRequest, family: IPFamily, wanted: string): Promise<string> {
  const { addresses, owner, dryRun } = request;
  if (dryRun) {
    if (wanted !== '') addresses.checkRange(wanted);
    return wanted === '' ? addresses.placeholder(family) : wanted;
  }
  if (wanted !== '') {
    await confirm(request, addresses.allocate(wanted, owner));
    return wanted;
  }
  for (let attempt = 1; ; attempt++) {
    const address = addresses.next(family, owner);
    try {
      await confirm(request, address);
      return address;
    } catch (error) {
      const collided = error instanceof AllocationError && error.message === ipAllocated;
      if (!collided || attempt === attempts) throw error;
    }
  }
}

function failed(service: Service, wanted: string, error: unknown): Error {
  if (!(error instanceof AllocationError)) return error as Error;
  if (wanted === '') return newInternalError(`failed to allocate a serviceIP: ${error.message}`);
  const detail = `failed to allocate IP ${wanted}: ${error.message}`;
  const problem = invalid(Path.of('spec.clusterIPs'), specOf(service).clusterIPs, detail);
  return newInvalid({ group: '', kind: 'Service' }, service.metadata.name ?? '', [problem]);
}

/** Fills the addresses of the families from `start` on. */
async function fill(service: Service, request: AddressRequest, start: number): Promise<void> {
  const spec = specOf(service);
  const given = [...(spec.clusterIPs ?? [])];
  const result = given.slice(0, start);
  for (const family of (spec.ipFamilies ?? []).slice(start)) {
    const wanted = given[result.length] ?? '';
    try {
      result.push(await take(request, family as IPFamily, wanted));
    } catch (error) {
      throw failed(service, wanted, error);
    }
  }
  spec.clusterIPs = result;
  const [first] = result;
  if (first !== undefined) spec.clusterIP = first;
}

/** Gives a new Service its addresses. Throws 422 for those it cannot have, 500 when there are none left. */
export async function allocateClusterIPs(service: Service, request: AddressRequest): Promise<void> {
  if (specOf(service).type === 'ExternalName' || isNone(service)) return;
  await fill(service, request, 0);
}

const isNone = ({ spec }: Old): boolean => spec?.clusterIPs?.[0] === 'None';

function releaseLater(request: AddressRequest, addresses: readonly string[]): void {
  if (request.dryRun) return;
  for (const address of addresses) request.transaction.onCommit(() => release(request, address));
}

/** Follows a change of the type or of the families. Throws as {@link allocateClusterIPs}. */
export async function reallocateClusterIPs(service: Service, old: Old, request: AddressRequest): Promise<void> {
  if (keepsPreferredStack(service, old)) return;
  const spec = specOf(service);
  const before = old.spec ?? {};
  const was = before.type === 'ExternalName';
  const is = spec.type === 'ExternalName';
  if (was && !is) return allocateClusterIPs(service, request);
  if (was || isHeadless(old) || isNone(old)) return;
  const addresses = before.clusterIPs ?? [];
  if (is) return releaseLater(request, addresses);
  const count = spec.ipFamilies?.length ?? 0;
  const countBefore = before.ipFamilies?.length ?? 0;
  if (countBefore === 1 && count === 2) return fill(service, request, 1);
  if (countBefore === 2 && count === 1) releaseLater(request, addresses.slice(1));
}

/** Gives back all addresses of a Service that has gone. */
export async function releaseClusterIPs(old: Old, request: AddressRequest): Promise<void> {
  if (old.spec?.type === 'ExternalName' || isNone(old)) return;
  for (const address of old.spec?.clusterIPs ?? []) await release(request, address);
}
