/** Pods of StatefulSets and their claims, on the API server (upstream `pkg/controller/statefulset/stateful_pod_control.go`). */
import { isAlreadyExists, isConflict, isNotFound } from '@kubets/apimachinery/status';
import type { PersistentVolumeClaim, Pod } from '@kubets/api/types/core-v1';
import type { EventRecorder, KubeClient } from '@kubets/client';
import { messageOf } from '../lib/pod-control.ts';
import {
  claimNames,
  claimsOf,
  identityMatches,
  ordinalOf,
  storageMatches,
  withIdentity,
  withStorage,
  type Stateful,
} from './identity.ts';
import { hasUnexpectedController, isOwnerUpToDate, wantedOwners } from './retention.ts';

type Verb = 'create' | 'update' | 'delete';

/** As client-go's `retry.DefaultBackoff` counts. */
const conflictRetries = 4;

export interface StatefulPodControlOptions {
  readonly client: KubeClient;
  readonly events: EventRecorder;
  /** From the cache. */
  claim(namespace: string, name: string): Readonly<PersistentVolumeClaim> | undefined;
  /** Told of the server's answers. */
  wrotePod(set: Stateful, pod: Readonly<Pod>): void;
  wroteClaim(set: Stateful, claim: Readonly<PersistentVolumeClaim>): void;
}

const capital = (verb: Verb): string => verb.charAt(0).toUpperCase() + verb.slice(1);

export class StatefulPodControl {
  readonly #options: StatefulPodControlOptions;

  constructor(options: StatefulPodControlOptions) {
    this.#options = options;
  }

  /** Creates the pod, after its claims. Rejects with the server's refusal, which an Event tells of too. */
  async create(set: Stateful, pod: Pod): Promise<void> {
    const { client, wrotePod } = this.#options;
    try {
      await this.createClaims(set, pod);
      wrotePod(set, await client.pods(set.metadata.namespace).create(pod));
    } catch (error) {
      if (!isAlreadyExists(error)) this.#podEvent('create', set, pod, error);
      throw error;
    }
    try {
      await this.updateClaimOwners(set, pod);
    } catch (error) {
      this.#podEvent('update', set, pod, error);
      throw error;
    }
    this.#podEvent('create', set, pod);
  }

  /**
   * Deletes the pod; one that is gone already is no failure, and no news. Names are used again here: by its uid the pod is
   * told from its successor, which must stay.
   */
  async delete(set: Stateful, pod: Readonly<Pod>): Promise<void> {
    const { client, wrotePod } = this.#options;
    const { name = '', uid = '' } = pod.metadata;
    try {
      const answer = await client.pods(set.metadata.namespace).delete(name, { preconditions: { uid } });
      if (answer.kind === 'Pod') wrotePod(set, answer as Pod);
    } catch (error) {
      if (isNotFound(error) || isConflict(error)) return;
      this.#podEvent('delete', set, pod, error);
      throw error;
    }
    this.#podEvent('delete', set, pod);
  }

  /** Gives the pod the labels and volumes, and its claims the owners, that they should have (`UpdateStatefulPod`). */
  async conform(set: Stateful, pod: Readonly<Pod>): Promise<void> {
    let attempted = false;
    try {
      if (!storageMatches(set, pod)) await this.createClaims(set, pod);
      attempted = await this.updateClaimOwners(set, pod);
      attempted = (await this.#updatePod(set, pod)) || attempted;
    } catch (error) {
      this.#podEvent('update', set, pod, error);
      throw error;
    }
    if (attempted) this.#podEvent('update', set, pod);
  }

  /** Claims that the pod waits for, and their owners (`createMissingPersistentVolumeClaims`). */
  async createMissingClaims(set: Stateful, pod: Readonly<Pod>): Promise<void> {
    await this.createClaims(set, pod);
    try {
      await this.updateClaimOwners(set, pod);
    } catch (error) {
      this.#podEvent('update', set, pod, error);
      throw error;
    }
  }

  /** Makes the claims that are missing. Rejects when one could not be made, or is being deleted. */
  async createClaims(set: Stateful, pod: Readonly<Pod>): Promise<void> {
    const failures: string[] = [];
    for (const claim of claimsOf(set, ordinalOf(pod))) {
      const failure = await this.#createClaim(set, pod, claim);
      if (failure !== undefined) failures.push(failure);
    }
    if (failures.length > 0) throw new Error(failures.length === 1 ? failures[0] : `[${failures.join(', ')}]`);
  }

  async #createClaim(set: Stateful, pod: Readonly<Pod>, claim: PersistentVolumeClaim): Promise<string | undefined> {
    const { client, claim: cached, wroteClaim } = this.#options;
    const { name = '', namespace = '' } = claim.metadata;
    const known = cached(namespace, name);
    if (known?.metadata.deletionTimestamp !== undefined) return `pvc ${name} is being deleted`;
    if (known !== undefined) return undefined;
    // Owned from the beginning, so that it goes with the set even if this process ends now.
    const ownerReferences = wantedOwners(set, claim, pod);
    if (ownerReferences.length > 0) claim.metadata = { ...claim.metadata, ownerReferences };
    try {
      wroteClaim(set, await client.persistentVolumeClaims(namespace).create(claim));
      this.#claimEvent(set, pod, claim);
      return undefined;
    } catch (error) {
      if (!isAlreadyExists(error)) this.#claimEvent(set, pod, claim, error);
      return `failed to create PVC ${name}: ${messageOf(error)}`;
    }
  }

  /** Owners of the claims as the retention policy wants them; resolves to whether any was changed (`UpdatePodClaimForRetentionPolicy`). */
  async updateClaimOwners(set: Stateful, pod: Readonly<Pod>): Promise<boolean> {
    const { client, events, claim: cached, wroteClaim } = this.#options;
    const namespace = set.metadata.namespace ?? '';
    let changed = false;
    for (const name of claimNames(set, ordinalOf(pod))) {
      const claim = cached(namespace, name);
      if (claim === undefined) continue;
      if (isOwnerUpToDate(set, claim, pod)) continue;
      if (hasUnexpectedController(set, claim, pod)) {
        const message = `PersistentVolumeClaim ${name} has a conflicting OwnerReference that acts as a managing controller, the retention policy is ignored for this claim`;
        events.event(set, 'Warning', 'ConflictingController', message);
      }
      const { ownerReferences: _, ...metadata } = claim.metadata;
      const owners = wantedOwners(set, claim, pod);
      const update = { ...claim, metadata: { ...metadata, ...(owners.length > 0 && { ownerReferences: owners }) } };
      try {
        wroteClaim(set, await client.persistentVolumeClaims(namespace).update(update));
      } catch (error) {
        const text = `could not update claim ${name} for delete policy ownerRefs: ${messageOf(error)}`;
        throw new Error(text, { cause: error });
      }
      changed = true;
    }
    return changed;
  }

  /** Resolves to whether there was anything to change. */
  async #updatePod(set: Stateful, pod: Readonly<Pod>): Promise<boolean> {
    const client = this.#options.client.pods(set.metadata.namespace);
    for (let tries = 0, latest = pod; ; tries++) {
      const wanted = storageMatches(set, latest) ? latest : withStorage(set, latest);
      if (wanted === latest && identityMatches(set, latest)) return tries > 0;
      try {
        this.#options.wrotePod(set, await client.update(withIdentity(set, wanted)));
        return true;
      } catch (error) {
        if (!isConflict(error) || tries >= conflictRetries) throw error;
        latest = await client.get(pod.metadata.name ?? '');
        if (latest.metadata.uid !== pod.metadata.uid) throw error;
      }
    }
  }

  #podEvent(verb: Verb, set: Stateful, pod: Readonly<Pod>, error?: unknown): void {
    const what = `${verb} Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name}`;
    const { events } = this.#options;
    if (error === undefined) events.event(set, 'Normal', `Successful${capital(verb)}`, `${what} successful`);
    else events.event(set, 'Warning', `Failed${capital(verb)}`, `${what} failed error: ${messageOf(error)}`);
  }

  #claimEvent(set: Stateful, pod: Readonly<Pod>, claim: Readonly<PersistentVolumeClaim>, error?: unknown): void {
    const { events } = this.#options;
    const [of, where] = [claim.metadata.name, `Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name}`];
    if (error === undefined) events.event(set, 'Normal', 'SuccessfulCreate', `create Claim ${of} ${where} success`);
    else {
      const message = `create Claim ${of} for ${where} failed error: ${messageOf(error)}`;
      events.event(set, 'Warning', 'FailedCreate', message);
    }
  }
}
