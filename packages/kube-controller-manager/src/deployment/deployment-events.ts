/** Which Deployments get a turn when something changes (upstream `deployment_controller.go`, `addReplicaSet` and the others). */
import type { ApiObject } from '@kubets/apimachinery/meta';
import type { Selector } from '@kubets/apimachinery/labels';
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import type { Deployment, ReplicaSet } from '@kubets/api/types/apps-v1';
import type { Pod } from '@kubets/api/types/core-v1';
import { keyOf, namespaceIndex, type EventHandler, type SharedInformer, type WorkQueue } from '@kubets/client';
import { controllerOf } from '../lib/owner-references.ts';

export interface DeploymentEventsOptions {
  readonly queue: WorkQueue<string>;
  readonly deployments: SharedInformer<Deployment>['store'];
  readonly replicaSets: SharedInformer<ReplicaSet>['store'];
  /** Undefined when it is invalid. */
  selectorOf(deployment: Readonly<Deployment>): Selector | undefined;
}

/** In a rollout old and new ReplicaSet change at nearly the same time: one turn serves both. */
const togetherMs = 10;

export class DeploymentEvents {
  readonly #options: DeploymentEventsOptions;

  constructor(options: DeploymentEventsOptions) {
    this.#options = options;
  }

  deploymentHandler(): EventHandler<Deployment> {
    const enqueue = (deployment: Readonly<Deployment>): void => this.#options.queue.add(keyOf(deployment));
    return { onAdd: enqueue, onUpdate: (_old, deployment) => enqueue(deployment), onDelete: enqueue };
  }

  replicaSetHandler(): EventHandler<ReplicaSet> {
    return {
      onAdd: (set) => this.#added(set),
      onUpdate: (old, set) => this.#updated(old, set),
      onDelete: (set) => void this.#enqueueOwner(set),
    };
  }

  /** With the strategy Recreate the end of the last old pod is what is waited for. */
  podHandler(): EventHandler<Pod> {
    return {
      onUpdate: (old, pod) => {
        if (hasEnded(pod) && !hasEnded(old)) this.#podEnded(pod);
      },
      onDelete: (pod) => this.#podEnded(pod),
    };
  }

  #added(set: Readonly<ReplicaSet>): void {
    if (this.#enqueueOwner(set) || set.metadata.deletionTimestamp !== undefined) return;
    this.#offer(set);
  }

  #updated(old: Readonly<ReplicaSet>, set: Readonly<ReplicaSet>): void {
    if (old.metadata.resourceVersion === set.metadata.resourceVersion) return;
    const moved = controllerOf(old)?.uid !== controllerOf(set)?.uid;
    if (moved) this.#enqueueOwner(old);
    if (this.#enqueueOwner(set, togetherMs)) return;
    if (moved || !semanticEqual(old.metadata.labels, set.metadata.labels)) this.#offer(set);
  }

  #podEnded(pod: Readonly<Pod>): void {
    const owner = controllerOf(pod);
    if (owner?.kind !== 'ReplicaSet') return;
    const set = this.#options.replicaSets.get(`${pod.metadata.namespace ?? ''}/${owner.name}`);
    if (set === undefined || set.metadata.uid !== owner.uid) return;
    const deployment = this.#ownerOf(set);
    if (deployment?.spec?.strategy?.type === 'Recreate') this.#options.queue.add(keyOf(deployment));
  }

  /** Returns whether somebody manages the object. */
  #enqueueOwner(object: Readonly<ApiObject>, waitMs = 0): boolean {
    const deployment = this.#ownerOf(object);
    if (deployment !== undefined) this.#options.queue.addAfter(keyOf(deployment), waitMs);
    return controllerOf(object) !== undefined;
  }

  #ownerOf(object: Readonly<ApiObject>): Readonly<Deployment> | undefined {
    const owner = controllerOf(object);
    if (owner?.kind !== 'Deployment') return undefined;
    const deployment = this.#options.deployments.get(`${object.metadata.namespace ?? ''}/${owner.name}`);
    return deployment?.metadata.uid === owner.uid ? deployment : undefined;
  }

  /** An orphan: whoever selects it may want it. */
  #offer(set: Readonly<ReplicaSet>): void {
    const { deployments, queue, selectorOf } = this.#options;
    for (const deployment of deployments.byIndex(namespaceIndex, set.metadata.namespace ?? '')) {
      if (selectorOf(deployment)?.matches(set.metadata.labels) === true) queue.add(keyOf(deployment));
    }
  }
}

const hasEnded = ({ status }: Readonly<Pod>): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed';
