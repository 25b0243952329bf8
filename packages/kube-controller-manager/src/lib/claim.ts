/**
 * Adoption and release (upstream `pkg/controller/controller_ref_manager.go`): a controller manages what its selector matches
 * and nobody else manages, and lets go of what its selector matches no more.
 */
import { apiVersionOf, type ApiObject } from '@kubets/apimachinery/meta';
import type { Selector } from '@kubets/apimachinery/labels';
import { isInvalid, isNotFound } from '@kubets/apimachinery/status';
import type { Resource, ResourceClient } from '@kubets/client';
import { controllerOf } from './owner-references.ts';

export interface ClaimOptions<O extends ApiObject, T extends ApiObject> {
  /** The would-be owner as its informer has it. */
  readonly owner: Readonly<O>;
  readonly ownerResource: Resource<O>;
  readonly selector: Selector;
  /** Of the owned resource, of all namespaces. */
  readonly dependents: { in(namespace: string): Pick<ResourceClient<T>, 'patch'> };
  /**
   * Reads the owner from the API server, past the caches: adopting in the name of an owner that is being deleted, or is
   * another one of the same name, would be wrong.
   */
  readOwner(): Promise<Readonly<O>>;
  /** Orphans are adopted, and owned objects stay, only where this holds too. Default: always. */
  readonly matches?: (object: Readonly<T>) => boolean;
  /** Finalizers that an adopted object gets (`batch.kubernetes.io/job-tracking`). */
  readonly finalizers?: readonly string[];
}

/** One claim at a time for one owner: asks for the owner's freshness at most once (`BaseControllerRefManager.CanAdopt`). */
export class Claimer<O extends ApiObject, T extends ApiObject> {
  readonly #options: ClaimOptions<O, T>;
  #adoptable: Promise<void> | undefined;

  constructor(options: ClaimOptions<O, T>) {
    this.#options = options;
  }

  /**
   * Of `candidates` those that the owner manages, after adopting and releasing. Rejects with the first failure of a patch
   * when all have been tried; objects that are gone meanwhile are left out.
   */
  async claim(candidates: readonly Readonly<T>[]): Promise<Readonly<T>[]> {
    const claimed: Readonly<T>[] = [];
    const errors: unknown[] = [];
    for (const object of candidates) {
      const decision = this.#decide(object);
      // Nearly all: without a wait, since there may be thousands.
      if (decision === 'keep') claimed.push(object);
      if (decision === 'keep' || decision === 'leave') continue;
      try {
        if (decision === 'release') await this.#release(object);
        else if (await this.#adopt(object)) claimed.push(object);
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
    return claimed;
  }

  #decide(object: Readonly<T>): 'keep' | 'leave' | 'adopt' | 'release' {
    const { owner } = this.#options;
    const controller = controllerOf(object);
    if (controller !== undefined) {
      if (controller.uid !== owner.metadata.uid) return 'leave';
      if (this.#matches(object)) return 'keep';
      // An owner that is going away releases nothing: the garbage collector decides.
      return owner.metadata.deletionTimestamp === undefined ? 'release' : 'leave';
    }
    if (owner.metadata.deletionTimestamp !== undefined || !this.#matches(object)) return 'leave';
    if (object.metadata.deletionTimestamp !== undefined) return 'leave';
    return owner.metadata.namespace === object.metadata.namespace ? 'adopt' : 'leave';
  }

  #matches(object: Readonly<T>): boolean {
    const { selector, matches } = this.#options;
    return selector.matches(object.metadata.labels ?? {}) && (matches?.(object) ?? true);
  }

  async #adopt(object: Readonly<T>): Promise<boolean> {
    this.#adoptable ??= this.#checkOwner();
    await this.#adoptable;
    const { owner, ownerResource, dependents, finalizers } = this.#options;
    const reference = {
      apiVersion: apiVersionOf(ownerResource),
      kind: ownerResource.kind,
      name: owner.metadata.name,
      uid: owner.metadata.uid,
      controller: true,
      blockOwnerDeletion: true,
    };
    // The uid makes the patch fail when the object is another one by now.
    const metadata = { ownerReferences: [reference], uid: object.metadata.uid, ...(finalizers && { finalizers }) };
    return await this.#patch(dependents, object, { metadata });
  }

  async #checkOwner(): Promise<void> {
    const { owner, ownerResource } = this.#options;
    const fresh = await this.#options.readOwner();
    const name = `${ownerResource.kind} ${owner.metadata.namespace ?? ''}/${owner.metadata.name}`;
    if (fresh.metadata.uid !== owner.metadata.uid) throw new Error(`original ${name} is gone`);
    if (fresh.metadata.deletionTimestamp !== undefined) throw new Error(`${name} has just been deleted`);
  }

  async #release(object: Readonly<T>): Promise<void> {
    const { owner, dependents, finalizers } = this.#options;
    const remove = finalizers === undefined ? {} : { '$deleteFromPrimitiveList/finalizers': finalizers };
    const metadata = {
      ownerReferences: [{ $patch: 'delete', uid: owner.metadata.uid }],
      uid: object.metadata.uid,
      ...remove,
    };
    await this.#patch(dependents, object, { metadata });
  }

  /** Whether the object was there. */
  async #patch(dependents: ClaimOptions<O, T>['dependents'], object: Readonly<T>, body: object): Promise<boolean> {
    const { name = '', namespace = '' } = object.metadata;
    try {
      await dependents.in(namespace).patch(name, { type: 'application/strategic-merge-patch+json', body });
      return true;
    } catch (error) {
      // Gone, or another object of that name by now (the uid differs): nothing to claim.
      if (isNotFound(error) || isInvalid(error)) return false;
      throw error;
    }
  }
}
