/**
 * Which owners get a turn when something that they may own changes (upstream: `addPod`, `updatePod`, `deletePod` and
 * `resolveControllerRef` of each workload controller).
 */
import type { ApiObject } from '@kubets/apimachinery/meta';
import type { Selector } from '@kubets/apimachinery/labels';
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import { keyOf, namespaceIndex, type EventHandler, type SharedInformer } from '@kubets/client';
import { controllerOf } from './owner-references.ts';

export interface DependentsOptions<O extends ApiObject, T extends ApiObject> {
  readonly owners: SharedInformer<O>['store'];
  /** Of owners. */
  readonly kind: string;
  /** Undefined when it is invalid. */
  selectorOf(owner: Readonly<O>): Selector | undefined;
  /** The owner of that key is to have its turn. */
  enqueue(key: string, object: Readonly<T>): void;
  /** An owned object was seen for the first time. */
  added?(key: string, object: Readonly<T>): void;
  /** An owned object is going, or gone. */
  deleted?(key: string, object: Readonly<T>): void;
}

export class Dependents<O extends ApiObject, T extends ApiObject> {
  readonly #options: DependentsOptions<O, T>;

  constructor(options: DependentsOptions<O, T>) {
    this.#options = options;
  }

  handler(): EventHandler<T> {
    return {
      onAdd: (object) => this.#added(object),
      onUpdate: (old, object) => this.#updated(old, object),
      onDelete: (object) => this.#deleted(object),
    };
  }

  /** The key of the managing owner; undefined when that is of another kind, or not there (`resolveControllerRef`). */
  ownerOf(object: Readonly<T>): string | undefined {
    const controller = controllerOf(object);
    if (controller === undefined || controller.kind !== this.#options.kind) return undefined;
    const key = `${object.metadata.namespace ?? ''}/${controller.name}`;
    return this.#options.owners.get(key)?.metadata.uid === controller.uid ? key : undefined;
  }

  #added(object: Readonly<T>): void {
    // After a restart objects may be met for the first time when they are on their way out.
    if (object.metadata.deletionTimestamp !== undefined) return this.#deleted(object);
    if (controllerOf(object) === undefined) return this.#offer(object);
    const key = this.ownerOf(object);
    if (key === undefined) return;
    this.#options.added?.(key, object);
    this.#options.enqueue(key, object);
  }

  #updated(old: Readonly<T>, object: Readonly<T>): void {
    if (old.metadata.resourceVersion === object.metadata.resourceVersion) return;
    if (object.metadata.deletionTimestamp !== undefined && this.#options.deleted !== undefined) {
      this.#deleted(object);
      if (controllerOf(old)?.uid !== controllerOf(object)?.uid) this.#deleted(old);
      return;
    }
    const [before, after] = [controllerOf(old), controllerOf(object)];
    const moved = before?.uid !== after?.uid;
    if (moved) this.#enqueueOwner(old);
    if (after !== undefined) this.#enqueueOwner(object);
    else if (moved || !semanticEqual(old.metadata.labels, object.metadata.labels)) this.#offer(object);
  }

  #deleted(object: Readonly<T>): void {
    const key = this.ownerOf(object);
    if (key === undefined) return;
    this.#options.deleted?.(key, object);
    this.#options.enqueue(key, object);
  }

  #enqueueOwner(object: Readonly<T>): void {
    const key = this.ownerOf(object);
    if (key !== undefined) this.#options.enqueue(key, object);
  }

  /** An orphan: whoever selects it may want it. */
  #offer(object: Readonly<T>): void {
    const { owners, enqueue, selectorOf } = this.#options;
    for (const owner of owners.byIndex(namespaceIndex, object.metadata.namespace ?? '')) {
      const selector = selectorOf(owner);
      // A selector without conditions must not take everything.
      if (selector === undefined || selector.empty) continue;
      if (selector.matches(object.metadata.labels)) enqueue(keyOf(owner), object);
    }
  }
}
