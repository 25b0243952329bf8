/** Which owners get a turn when pods or owners change (upstream `replica_set.go`, `addPod`, `updatePod`, `deletePod`). */
import type { Selector } from '@kubets/apimachinery/labels';
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import type { OwnerReference } from '@kubets/apimachinery/meta';
import type { Pod } from '@kubets/api/types/core-v1';
import { keyOf, namespaceIndex, type EventHandler, type SharedInformer, type WorkQueue } from '@kubets/client';
import type { Expectations } from '../lib/expectations.ts';
import { controllerOf } from '../lib/owner-references.ts';
import type { ReplicaOwner } from './plan.ts';

export interface PodEventsOptions<T extends ReplicaOwner> {
  readonly queue: WorkQueue<string>;
  readonly expectations: Expectations;
  readonly owners: SharedInformer<T>['store'];
  readonly kind: string;
  /** Undefined when it is invalid. */
  selectorOf(owner: Readonly<T>): Selector | undefined;
}

/** Owners with more pods than this wait a little for further changes of their pods, since each turn looks at all of them. */
const smallSize = 64;
const longestWaitMs = 100;

export class PodEvents<T extends ReplicaOwner> {
  readonly #options: PodEventsOptions<T>;
  /** How many pods the large ones have. */
  readonly #sizes = new Map<string, number>();

  constructor(options: PodEventsOptions<T>) {
    this.#options = options;
  }

  /** How many active pods were found. */
  sized(owner: Readonly<T>, size: number): void {
    if (size > smallSize) this.#sizes.set(keyOf(owner), size);
    else if (this.#sizes.size > 0) this.#sizes.delete(keyOf(owner));
  }

  forget(key: string): void {
    this.#sizes.delete(key);
  }

  ownerHandler(): EventHandler<T> {
    const { queue, expectations } = this.#options;
    return {
      onAdd: (owner) => queue.add(keyOf(owner)),
      onUpdate: (old, owner) => {
        // Deleted and made again under the same name, seen as one change: nothing is expected of the new one.
        if (old.metadata.uid !== owner.metadata.uid) expectations.forget(keyOf(old));
        queue.add(keyOf(owner));
      },
      onDelete: (owner) => {
        expectations.forget(keyOf(owner));
        queue.add(keyOf(owner));
      },
    };
  }

  podHandler(): EventHandler<Pod> {
    return {
      onAdd: (pod) => this.#added(pod),
      onUpdate: (old, pod) => this.#updated(old, pod),
      onDelete: (pod) => this.#deleted(pod),
    };
  }

  #added(pod: Readonly<Pod>): void {
    // After a restart pods may be met for the first time when they are on their way out.
    if (pod.metadata.deletionTimestamp !== undefined) return this.#deleted(pod);
    const controller = controllerOf(pod);
    if (controller === undefined) return this.#offer(pod);
    const key = this.#keyOfOwner(pod, controller);
    if (key !== undefined) this.#options.queue.add(key);
  }

  #updated(old: Readonly<Pod>, pod: Readonly<Pod>): void {
    if (old.metadata.resourceVersion === pod.metadata.resourceVersion) return;
    // Deletion is seen when it is asked for: a replacement does not wait until the pod has ended.
    if (pod.metadata.deletionTimestamp !== undefined) {
      this.#deleted(pod);
      if (old.metadata.labels !== pod.metadata.labels) this.#deleted(old);
      return;
    }
    const [before, after] = [controllerOf(old), controllerOf(pod)];
    const moved = before?.uid !== after?.uid;
    if (moved && before !== undefined) this.#enqueueOwner(old, before);
    if (after !== undefined) this.#changed(pod, after);
    else if (moved || !semanticEqual(old.metadata.labels, pod.metadata.labels)) this.#offer(pod);
  }

  #deleted(pod: Readonly<Pod>): void {
    const controller = controllerOf(pod);
    if (controller === undefined) return;
    const key = this.#keyOfOwner(pod, controller);
    if (key === undefined) return;
    this.#options.expectations.deletionObserved(key, pod.metadata.uid ?? '');
    this.#options.queue.add(key);
  }

  /** An orphan: whoever selects it may want it. */
  #offer(pod: Readonly<Pod>): void {
    const { owners, queue, selectorOf } = this.#options;
    for (const owner of owners.byIndex(namespaceIndex, pod.metadata.namespace ?? '')) {
      if (selectorOf(owner)?.matches(pod.metadata.labels) === true) queue.add(keyOf(owner));
    }
  }

  #changed(pod: Readonly<Pod>, controller: Readonly<OwnerReference>): void {
    const key = this.#keyOfOwner(pod, controller);
    if (key === undefined) return;
    const size = this.#sizes.get(key);
    if (size === undefined) this.#options.queue.add(key);
    else this.#options.queue.addAfter(key, Math.min(longestWaitMs, size >> 4));
  }

  #enqueueOwner(pod: Readonly<Pod>, controller: Readonly<OwnerReference>): void {
    const key = this.#keyOfOwner(pod, controller);
    if (key !== undefined) this.#options.queue.add(key);
  }

  /** Undefined when the reference means another kind, or an object that is not there. */
  #keyOfOwner(pod: Readonly<Pod>, controller: Readonly<OwnerReference>): string | undefined {
    if (controller.kind !== this.#options.kind) return undefined;
    const key = `${pod.metadata.namespace ?? ''}/${controller.name}`;
    return this.#options.owners.get(key)?.metadata.uid === controller.uid ? key : undefined;
  }
}
