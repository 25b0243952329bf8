/**
 * The service CIDR controller: ranges of Services' addresses are not taken away as long as addresses of them are in use
 * (upstream `pkg/controller/servicecidrs/servicecidrs_controller.go`).
 */
import { isNotFound } from '@kubets/apimachinery/status';
import { formatTime } from '@kubets/apimachinery/time';
import type { IPAddress, ServiceCIDR } from '@kubets/api/types/networking-v1';
import { keyOf, type SharedInformer, type WorkQueue } from '@kubets/client';
import * as resources from '@kubets/client/resources';
import type { Controller, ControllerContext, ControllerDescriptor } from '../controller.ts';
import { reconciler, workersOf } from '../lib/reconciler.ts';
import {
  allocatedAddress,
  blockedCondition,
  canDelete,
  containsAddress,
  deletionGracePeriodMs,
  overlaps,
  prefixesOf,
  protectionFinalizer,
  readyCondition,
  says,
  type ReadyCondition,
} from './plan.ts';

const controllerName = 'service-cidr-controller';
const maxRetries = 15;

class ServiceCidrController {
  readonly #context: ControllerContext;
  readonly #cidrs: SharedInformer<ServiceCIDR>;
  readonly #addresses: SharedInformer<IPAddress>;
  readonly #queue: WorkQueue<string>;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#cidrs = context.informers.informer(resources.serviceCIDRs);
    this.#addresses = context.informers.informer(resources.ipAddresses);
    this.#queue = context.queue('ipaddresses');
    const add = (cidr: Readonly<ServiceCIDR>): void => this.#queue.add(keyOf(cidr));
    this.#cidrs.addEventHandler({
      onAdd: (cidr) => {
        add(cidr);
        // One that overlaps may be what another one has been waiting for.
        for (const other of this.#overlapping(cidr)) add(other);
      },
      onUpdate: (_, cidr) => add(cidr),
      onDelete: add,
    });
    const addContaining = (address: Readonly<IPAddress>): void => {
      for (const cidr of this.#containing(address)) add(cidr);
    };
    this.#addresses.addEventHandler({ onAdd: addContaining, onDelete: addContaining });
  }

  controller(): Controller {
    return reconciler(this.#context, {
      queue: this.#queue,
      informers: [this.#cidrs, this.#addresses],
      workers: workersOf(this.#context, 5),
      maxRetries,
      reconcile: (name) => this.#reconcile(name),
    });
  }

  #overlapping(cidr: Readonly<ServiceCIDR>): readonly Readonly<ServiceCIDR>[] {
    const own = prefixesOf(cidr);
    return this.#cidrs.store.list().filter((other) => prefixesOf(other).some((a) => own.some((b) => overlaps(a, b))));
  }

  /** Only ranges on their way out care: that keeps thousands of addresses cheap. */
  #containing(address: Readonly<IPAddress>): readonly Readonly<ServiceCIDR>[] {
    const going = this.#cidrs.store.list().filter((cidr) => cidr.metadata.deletionTimestamp !== undefined);
    if (going.length === 0) return [];
    const ip = allocatedAddress(address);
    if (ip === undefined) return [];
    return going.filter((cidr) => prefixesOf(cidr).some((prefix) => containsAddress(prefix, ip)));
  }

  async #reconcile(name: string): Promise<void> {
    const cidr = this.#cidrs.store.get(name);
    if (cidr === undefined) return;
    if (cidr.metadata.deletionTimestamp !== undefined) return await this.#reconcileDeleted(name, cidr);
    await this.#addFinalizer(name, cidr);
    try {
      await this.#say(cidr, readyCondition);
    } catch (error) {
      const message = 'The ServiceCIDR Status can not be set to Ready=True';
      this.#context.events.event(cidr, 'Warning', 'KubernetesServiceCIDRError', message);
      throw error;
    }
  }

  async #reconcileDeleted(name: string, cidr: Readonly<ServiceCIDR>): Promise<void> {
    if (!canDelete(cidr, this.#cidrs.store.list(), this.#addresses.store.list())) {
      return await this.#say(cidr, blockedCondition);
    }
    const since = Date.parse(cidr.metadata.deletionTimestamp ?? '');
    const left = since + deletionGracePeriodMs - this.#context.clock.now();
    if (left > 0) return this.#queue.addAfter(name, left);
    if (cidr.metadata.finalizers?.includes(protectionFinalizer) !== true) return;
    await this.#patch(name, { '$deleteFromPrimitiveList/finalizers': [protectionFinalizer] });
  }

  async #addFinalizer(name: string, cidr: Readonly<ServiceCIDR>): Promise<void> {
    if (cidr.metadata.finalizers?.includes(protectionFinalizer) === true) return;
    await this.#patch(name, { finalizers: [protectionFinalizer] });
  }

  async #patch(name: string, metadata: object): Promise<void> {
    const patch = { type: 'application/strategic-merge-patch+json', body: { metadata } } as const;
    await this.#context.client
      .serviceCIDRs()
      .patch(name, patch)
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
  }

  async #say(cidr: Readonly<ServiceCIDR>, condition: ReadyCondition): Promise<void> {
    if (says(cidr, condition)) return;
    const name = cidr.metadata.name ?? '';
    const lastTransitionTime = formatTime(this.#context.clock.now());
    const body = {
      kind: 'ServiceCIDR',
      apiVersion: 'networking.k8s.io/v1',
      metadata: { name },
      status: { conditions: [{ type: 'Ready', ...condition, lastTransitionTime }] },
    };
    const patch = { type: 'application/apply-patch+yaml', body, subresource: 'status' } as const;
    await this.#context.client.serviceCIDRs().patch(name, patch, { fieldManager: controllerName, force: true });
  }
}

export const serviceCidrController: ControllerDescriptor = {
  name: controllerName,
  eventSource: controllerName,
  create(context) {
    if (!context.serves({ group: 'networking.k8s.io', resource: 'servicecidrs' })) return undefined;
    return new ServiceCidrController(context).controller();
  },
};
