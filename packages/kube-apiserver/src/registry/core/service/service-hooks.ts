/**
 * Addresses and node ports of Services, as hooks of their store (`pkg/registry/core/service/storage/storage.go`,
 * `beginCreate`, `beginUpdate`, `afterDelete`).
 */
import type { Clock, Random } from '@kubets/apimachinery/clock';
import type { Service } from '@kubets/api/types/core-v1';
import type { ApiObject, GroupVersionResource } from '@kubets/apimachinery/meta';
import { isNotFound } from '@kubets/apimachinery/status';
import type { InternalClient } from '../../../bootstrap/internal-client.ts';
import type { CacheDirectory } from '../../../storage/cache.ts';
import type { FinishWrite, StoreHooks } from '../../generic/store.ts';
import type { WriteContext } from '../../generic/write-context.ts';
import { orderLike } from '../pod/struct-order.ts';
import { AllocationState } from './allocation-state.ts';
import { allocateClusterIPs, reallocateClusterIPs, releaseClusterIPs, type AddressRequest } from './cluster-ips.ts';
import { initIPFamilyFields } from './families.ts';
import { createIPAddress, deleteIPAddress } from './ip-address-objects.ts';
import { allocateNodePorts, PortOperation, reallocateNodePorts } from './node-ports.ts';
import { normalizeClusterIPs, patchAllocatedValues, specOf } from './normalize.ts';
import type { PortRange } from './port-allocator.ts';
import { RepairLoop } from './repair-loop.ts';
import { Transaction } from './transaction.ts';

const endpoints: GroupVersionResource = { group: '', version: 'v1', resource: 'endpoints' };

/** What the allocators look at and write to, once there is a server. */
export interface ServiceConnections {
  readonly caches: CacheDirectory;
  readonly client: InternalClient;
}

export interface ServiceHookDeps {
  /** `--service-cluster-ip-range`: one range, or one of each family; the first is the default family. */
  readonly serviceCidrs: readonly string[];
  /** `--service-node-port-range`. Default 30000-32767. */
  readonly nodePortRange?: PortRange;
  readonly clock: Clock;
  readonly random: Random;
  /** Given at once where they exist already; else {@link ServiceAllocation.connect} brings them. */
  readonly caches?: CacheDirectory;
  readonly client?: InternalClient;
  /** Told of what could not be cleaned up; it is repaired later. */
  readonly onError?: (what: string, error: unknown) => void;
}

const defaultNodePorts: PortRange = { first: 30_000, last: 32_767 };

export class ServiceAllocation implements Disposable {
  /** For `RegistryOptions.hooks`. */
  readonly hooks: Readonly<Record<string, StoreHooks>>;
  readonly #state: AllocationState;
  readonly #onError: (what: string, error: unknown) => void;
  readonly #repair: RepairLoop;
  #client: InternalClient | undefined;

  constructor(deps: ServiceHookDeps) {
    this.#onError = deps.onError ?? ((): void => undefined);
    this.#state = new AllocationState({
      serviceCidrs: deps.serviceCidrs,
      nodePortRange: deps.nodePortRange ?? defaultNodePorts,
      random: deps.random,
    });
    this.#repair = new RepairLoop({ ...deps, state: this.#state, onError: this.#onError });
    this.hooks = {
      '/services': {
        begin: (context, obj, old) => this.#begin(context, obj as Service, old as Readonly<Service> | undefined),
        afterDelete: (context, obj) => this.#afterDelete(context, obj as Readonly<Service>),
      },
    };
    if (deps.caches !== undefined && deps.client !== undefined) {
      this.connect({ caches: deps.caches, client: deps.client });
    }
  }

  /**
   * Learns what the Services in the caches use, and follows them from then on; the repair loop starts. Call it
   * once, before the first request is served. Without it, allocation works in memory only.
   */
  connect({ caches, client }: ServiceConnections): void {
    this.#client = client;
    this.#state.follow(caches);
    this.#repair.start({ caches, client });
  }

  /** One pass of the repair loop, now. */
  repair(): Promise<void> {
    return this.#repair.run();
  }

  [Symbol.dispose](): void {
    this.#repair.stop();
    this.#state[Symbol.dispose]();
  }

  #begin(
    context: WriteContext,
    service: Service,
    old: Readonly<Service> | undefined,
  ): undefined | Promise<FinishWrite | undefined> {
    // The status endpoint takes everything else from the stored object.
    if (context.request.info.subresource !== '') return undefined;
    return old === undefined ? this.#create(context, service) : this.#update(context, service, old);
  }

  async #create(context: WriteContext, service: Service): Promise<FinishWrite> {
    const transaction = new Transaction();
    // Another attempt with another generated name starts from what the client sent.
    if (service.metadata.generateName) {
      const sent = structuredClone(service.spec);
      transaction.onRevert(() => void (sent === undefined ? delete service.spec : (service.spec = sent)));
    }
    normalizeClusterIPs(service);
    return this.#within(transaction, async () => {
      initIPFamilyFields(service, undefined, this.#state.families);
      await allocateClusterIPs(service, this.#request(context, { service, transaction }));
      allocateNodePorts(service, this.#ports(context, { owner: service.metadata.uid ?? '', transaction }));
      orderLike(specOf(service), 'core-v1.ServiceSpec');
    });
  }

  async #update(context: WriteContext, service: Service, old: Readonly<Service>): Promise<FinishWrite> {
    const transaction = new Transaction();
    patchAllocatedValues(service, old);
    normalizeClusterIPs(service, old);
    return this.#within(transaction, async () => {
      initIPFamilyFields(service, old, this.#state.families);
      await reallocateClusterIPs(service, old, this.#request(context, { service: old, transaction }));
      reallocateNodePorts(service, old, this.#ports(context, { owner: old.metadata.uid ?? '', transaction }));
      orderLike(specOf(service), 'core-v1.ServiceSpec');
    });
  }

  /** Undoes all of it when something fails half way. */
  async #within(transaction: Transaction, work: () => Promise<void>): Promise<FinishWrite> {
    try {
      await work();
    } catch (error) {
      await transaction.finish(false);
      throw error;
    }
    return (succeeded) => transaction.finish(succeeded);
  }

  #request(
    context: WriteContext,
    { service, transaction }: { service: Readonly<Service>; transaction: Transaction },
  ): AddressRequest {
    const { metadata } = service;
    const client = this.#client;
    return {
      addresses: this.#state.addresses,
      objects: client && {
        create: (address, name) => createIPAddress(client, address, name),
        delete: async (address) => {
          try {
            await deleteIPAddress(client, address);
          } catch (error) {
            this.#onError(`IPAddress ${address}`, error);
          }
        },
      },
      owner: metadata.uid ?? '',
      service: { namespace: metadata.namespace || context.namespace, name: metadata.name ?? '' },
      transaction,
      dryRun: context.dryRun,
    };
  }

  #ports(context: WriteContext, { owner, transaction }: { owner: string; transaction: Transaction }): PortOperation {
    return new PortOperation({ ports: this.#state.ports, owner, transaction, dryRun: context.dryRun });
  }

  async #afterDelete(context: WriteContext, service: Readonly<Service>): Promise<void> {
    if (context.dryRun) return;
    await releaseClusterIPs(service, this.#request(context, { service, transaction: new Transaction() }));
    this.#state.releasePorts(service);
    await this.#deleteEndpoints(service);
  }

  /** The Endpoints of a Service go with it. */
  async #deleteEndpoints({ metadata }: Readonly<ApiObject>): Promise<void> {
    const { namespace = '', name = '' } = metadata;
    if (!this.#state.hasEndpoints(namespace, name)) return;
    try {
      await this.#client?.delete(endpoints, namespace, name);
    } catch (error) {
      if (!isNotFound(error)) this.#onError(`Endpoints ${namespace}/${name}`, error);
    }
  }
}

/** The hooks that allocate for Services. Throws for ranges that are none. */
export function serviceHooks(deps: ServiceHookDeps): ServiceAllocation {
  return new ServiceAllocation(deps);
}
