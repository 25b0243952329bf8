/** Claims as they are, and as they are about to be: shared by all profiles of a scheduler (upstream `dynamicresources/dra_manager.go`). */
import { isConflict } from '@kubets/apimachinery/status';
import type { AllocationResult, ResourceClaim, ResourceClaimConsumerReference } from '@kubets/api/types/resource-v1';
import { keyOf, type KubeClient, type SharedInformer, type SharedInformerFactory } from '@kubets/client';
import { resourceClaims } from '@kubets/client/resources';
import { AssumeCache } from '../volumebinding/assume-cache.ts';
import { deviceId } from './device-pools.ts';
import { isReservedFor } from './pod-claims.ts';

type Claim = Readonly<ResourceClaim>;

/** Keeps a claim that is in use from vanishing (`resourceapi.Finalizer`). */
export const claimFinalizer = 'resource.kubernetes.io/delete-protection';

const maxTries = 5;
const trackers = new WeakMap<SharedInformerFactory, ClaimTracker>();

export class ClaimTracker {
  readonly #informer: SharedInformer<ResourceClaim>;
  readonly #claims: AssumeCache<ResourceClaim>;
  /** By uid: allocations that are being written. */
  readonly #pending = new Map<string, AllocationResult>();

  /** The one of these informers. */
  static of(informers: SharedInformerFactory): ClaimTracker {
    let tracker = trackers.get(informers);
    if (tracker === undefined) trackers.set(informers, (tracker = new ClaimTracker(informers)));
    return tracker;
  }

  private constructor(informers: SharedInformerFactory) {
    this.#informer = informers.informer(resourceClaims);
    this.#claims = new AssumeCache(this.#informer.store);
  }

  get(namespace: string, name: string): Claim | undefined {
    return this.#claims.get(`${namespace}/${name}`);
  }

  isPending(uid: string | undefined): boolean {
    return uid !== undefined && this.#pending.has(uid);
  }

  /** Promises devices to a claim until {@link forget}. */
  promise(uid: string, allocation: AllocationResult): void {
    this.#pending.set(uid, allocation);
  }

  /** Idempotent. */
  forget(uid: string): void {
    this.#pending.delete(uid);
  }

  /** Ids of all devices that claims have, or are promised. Looking on as an administrator takes nothing. */
  takenDevices(): ReadonlySet<string> {
    const taken = new Set<string>();
    const add = (allocation: Readonly<AllocationResult> | undefined): void => {
      for (const { driver, pool, device, adminAccess } of allocation?.devices?.results ?? []) {
        if (adminAccess !== true) taken.add(deviceId(driver, pool, device));
      }
    };
    for (const claim of this.#informer.store.list()) add((this.#claims.get(keyOf(claim)) ?? claim).status?.allocation);
    for (const allocation of this.#pending.values()) add(allocation);
    return taken;
  }

  /**
   * Reserves a claim for a pod; with an allocation, gives it its devices first. Tries again on conflicts. Rejects when the claim
   * has changed so that the decision does not hold any more.
   */
  async bind(
    client: KubeClient,
    claim: Claim,
    consumer: ResourceClaimConsumerReference,
    allocation: AllocationResult | undefined,
  ): Promise<void> {
    const claims = client.resourceClaims(claim.metadata.namespace);
    const name = claim.metadata.name ?? '';
    for (let tries = 1; ; tries++) {
      try {
        let latest = tries === 1 ? claim : await claims.get(name);
        check(latest, claim, allocation);
        if (isReservedFor(consumer.uid, latest)) return;
        if (allocation !== undefined) latest = await this.#protect(client, latest);
        const written = await claims.updateStatus({
          ...latest,
          status: {
            ...latest.status,
            ...(allocation !== undefined && { allocation: structuredClone(allocation) }),
            reservedFor: [...(latest.status?.reservedFor ?? []), consumer],
          },
        });
        this.#assume(written);
        return;
      } catch (error) {
        if (!isConflict(error) || tries >= maxTries) throw error;
      }
    }
  }

  /** Gives up what a pod has reserved. */
  async unreserve(client: KubeClient, claim: Claim, podUid: string): Promise<void> {
    const body = {
      metadata: { uid: claim.metadata.uid },
      status: { reservedFor: [{ $patch: 'delete', uid: podUid }] },
    };
    const patch = { type: 'application/strategic-merge-patch+json', body, subresource: 'status' } as const;
    await client.resourceClaims(claim.metadata.namespace).patch(claim.metadata.name ?? '', patch);
  }

  /** Takes the devices from a claim that nobody else uses. */
  async deallocate(client: KubeClient, claim: Claim): Promise<void> {
    const { allocation: _allocation, reservedFor: _reservedFor, ...rest } = claim.status ?? {};
    this.#assume(await client.resourceClaims(claim.metadata.namespace).updateStatus({ ...claim, status: rest }));
  }

  async #protect(client: KubeClient, claim: Claim): Promise<Claim> {
    const { finalizers = [], namespace } = claim.metadata;
    if (finalizers.includes(claimFinalizer)) return claim;
    const metadata = { ...claim.metadata, finalizers: [...finalizers, claimFinalizer] };
    return await client.resourceClaims(namespace).update({ ...claim, metadata });
  }

  /** The watch may tell later: until then the answer of the write holds. */
  #assume(written: Claim): void {
    const key = keyOf(written);
    const known = this.#claims.get(key);
    if (known === undefined || Number(known.metadata.resourceVersion) > Number(written.metadata.resourceVersion))
      return;
    this.#claims.assume(key, written);
  }
}

function check(latest: Claim, decidedOn: Claim, allocation: AllocationResult | undefined): void {
  const name = latest.metadata.name;
  if (latest.metadata.uid !== decidedOn.metadata.uid || latest.metadata.deletionTimestamp !== undefined) {
    throw new Error(`claim ${name} got deleted in the meantime`);
  }
  const allocated = latest.status?.allocation !== undefined;
  if (allocation === undefined && !allocated)
    throw new Error(`claim ${name} got deallocated elsewhere in the meantime`);
  if (allocation !== undefined && allocated) throw new Error(`claim ${name} got allocated elsewhere in the meantime`);
}
