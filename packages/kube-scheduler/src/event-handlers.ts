/** What changes in the cluster means for the cache and for the pods that wait (`pkg/scheduler/eventhandlers.go`). */
import type { ApiObject } from '@kubets/apimachinery/meta';
import { isPodTerminal } from '@kubets/api/core/helpers/pod';
import type { Node, Pod } from '@kubets/api/types/core-v1';
import type { Registration, Resource, SharedInformerFactory } from '@kubets/client';
import * as resources from '@kubets/client/resources';
import type { SchedulerCache } from './cache/cache.ts';
import type { PodShapes } from './framework/pod-info.ts';
import { PodInfo } from './framework/pod-info.ts';
import { action, type ClusterEvent } from './framework/types.ts';
import type { PermitWait } from './framework/waiting-pods.ts';
import type { SchedulingQueue } from './queue/scheduling-queue.ts';

export interface HandlerDependencies {
  readonly informers: SharedInformerFactory;
  readonly cache: SchedulerCache;
  readonly queue: SchedulingQueue;
  readonly shapes: PodShapes;
  /** Pods that Permit plugins make wait. */
  readonly waiting: ReadonlyMap<string, PermitWait>;
  /** Whether one of the profiles is meant to schedule the pod. */
  readonly isOurs: (pod: Readonly<Pod>) => boolean;
  /** What plugins have registered for. */
  readonly events: Iterable<ClusterEvent>;
  /** Whether the API server serves a resource: others cannot change. */
  readonly serves: (resource: { readonly group: string; readonly resource: string }) => boolean;
}

const differs = (a: unknown, b: unknown): boolean => a !== b && JSON.stringify(a) !== JSON.stringify(b);

/** What of a node has changed (`NodeSchedulingPropertiesChange`). */
export function nodeChanges(old: Readonly<Node>, node: Readonly<Node>): number {
  let changes = 0;
  if (differs(old.status?.allocatable, node.status?.allocatable)) changes |= action.updateNodeAllocatable;
  if (differs(old.metadata.labels, node.metadata.labels)) changes |= action.updateNodeLabel;
  if (differs(old.spec?.taints, node.spec?.taints) || old.spec?.unschedulable !== node.spec?.unschedulable) {
    changes |= action.updateNodeTaint;
  }
  if (differs(old.metadata.annotations, node.metadata.annotations)) changes |= action.updateNodeAnnotation;
  const conditions = ({ status }: Readonly<Node>): unknown => status?.conditions?.map((one) => [one.type, one.status]);
  if (differs(conditions(old), conditions(node))) changes |= action.updateNodeCondition;
  if (differs(old.status?.declaredFeatures, node.status?.declaredFeatures)) {
    changes |= action.updateNodeDeclaredFeature;
  }
  return changes;
}

/** What of a pod on a node has changed, as far as other pods care. */
function assignedPodChanges(old: Readonly<Pod>, pod: Readonly<Pod>): number {
  let changes = 0;
  if (differs(old.metadata.labels, pod.metadata.labels)) changes |= action.updatePodLabel;
  if (differs(old.status?.resourceClaimStatuses, pod.status?.resourceClaimStatuses)) {
    changes |= action.updatePodGeneratedResourceClaim;
  }
  return changes;
}

const isAssigned = ({ spec }: Readonly<Pod>): boolean => (spec?.nodeName ?? '') !== '';

/** Objects of first lists that are handled in a row; some 2 ms. */
const breathEvery = 128;

export class EventHandlers {
  readonly #d: HandlerDependencies;
  readonly #registrations: Registration[] = [];
  #handled = 0;

  constructor(dependencies: HandlerDependencies) {
    this.#d = dependencies;
  }

  /** Everything of the first lists has been handled. */
  get hasSynced(): boolean {
    return this.#registrations.every(({ hasSynced }) => hasSynced);
  }

  /** Call once, before the informers start. */
  register(): void {
    const { informers } = this.#d;
    this.#registrations.push(
      informers.informer(resources.nodes).addEventHandler({
        onAdd: (node, initial) => {
          this.#nodeAdded(node);
          return initial ? this.#breathe() : undefined;
        },
        onUpdate: (old, node) => this.#nodeUpdated(old, node),
        onDelete: (node) => this.#nodeDeleted(node),
      }),
      informers.informer(resources.pods).addEventHandler({
        onAdd: (pod, initial) => {
          this.#podAdded(pod);
          return initial ? this.#breathe() : undefined;
        },
        onUpdate: (old, pod) => this.#podUpdated(old, pod),
        onDelete: (pod) => this.#podDeleted(pod),
      }),
    );
    const kinds = new Set(Array.from(this.#d.events, ({ resource }) => resource));
    for (const kind of kinds) this.#registerKind(kind);
  }

  /** First lists are long: others get their turn in between. */
  #breathe(): Promise<void> | undefined {
    return ++this.#handled % breathEvery === 0 ? new Promise((resolve) => setImmediate(resolve)) : undefined;
  }

  /** Other kinds: told to the pods that wait, no more. */
  #registerKind(kind: string): void {
    const resource = resourceOf(kind);
    if (resource === undefined || !this.#d.serves(resource)) return;
    const moved = (
      actionType: number,
      old: Readonly<ApiObject> | undefined,
      now: Readonly<ApiObject> | undefined,
    ): void => {
      const what = actionType === action.add ? 'Add' : actionType === action.delete ? 'Delete' : 'Update';
      this.#d.queue.moveAll({ event: { resource: kind, actionType, label: `${kind}${what}` }, old, now });
    };
    this.#registrations.push(
      this.#d.informers.informer(resource).addEventHandler({
        onAdd: (object) => moved(action.add, undefined, object),
        onUpdate: (old, object) => moved(action.update, old, object),
        onDelete: (object) => moved(action.delete, object, undefined),
      }),
    );
  }

  #nodeAdded(node: Readonly<Node>): void {
    this.#d.cache.cluster.setNode(node);
    this.#move({ resource: 'Node', actionType: action.add, label: 'NodeAdd' }, undefined, node);
  }

  #nodeUpdated(old: Readonly<Node>, node: Readonly<Node>): void {
    this.#d.cache.cluster.setNode(node);
    const actionType = nodeChanges(old, node);
    if (actionType !== 0) this.#move({ resource: 'Node', actionType, label: 'NodeUpdate' }, old, node);
  }

  #nodeDeleted(node: Readonly<Node>): void {
    this.#d.cache.cluster.removeNode(node.metadata.name ?? '');
    this.#move({ resource: 'Node', actionType: action.delete, label: 'NodeDelete' }, node, undefined);
  }

  #podAdded(pod: Readonly<Pod>): void {
    if (isPodTerminal(pod)) return;
    const info = this.#d.shapes.podInfo(pod);
    if (isAssigned(pod)) this.#assignedAdded(info);
    else if (this.#d.isOurs(pod)) this.#d.queue.add(info);
  }

  #podUpdated(old: Readonly<Pod>, pod: Readonly<Pod>): void {
    if (isPodTerminal(pod)) {
      if (!isPodTerminal(old)) this.#podDeleted(old);
      return;
    }
    if (old.metadata.uid !== pod.metadata.uid) {
      this.#podDeleted(old);
      return this.#podAdded(pod);
    }
    const info = this.#d.shapes.podInfo(pod);
    if (!isAssigned(pod)) {
      if (this.#d.isOurs(pod) && !this.#d.cache.isAssumed(info.uid)) this.#d.queue.update(old, info);
      return;
    }
    if (isAssigned(old)) return this.#assignedUpdated(old, info);
    if (this.#d.isOurs(pod)) this.#d.queue.delete(old);
    this.#assignedAdded(info);
  }

  #podDeleted(pod: Readonly<Pod>): void {
    const { cache, queue } = this.#d;
    if (this.#d.isOurs(pod) && !isAssigned(pod)) queue.delete(pod);
    const uid = pod.metadata.uid ?? '';
    this.#d.waiting.get(uid)?.reject('', 'removed');
    // A pod that is being bound is on its node as far as others are concerned.
    if (!isAssigned(pod) && !cache.isAssumed(uid)) {
      // One that was promised room does not need it any more.
      if ((pod.status?.nominatedNodeName ?? '') === '') return;
    }
    cache.removePod(pod);
    this.#move({ resource: 'AssignedPod', actionType: action.delete, label: 'AssignedPodDelete' }, pod, undefined);
  }

  #assignedAdded(info: PodInfo): void {
    this.#d.cache.setPod(info);
    this.#move({ resource: 'AssignedPod', actionType: action.add, label: 'AssignedPodAdd' }, undefined, info.pod);
  }

  #assignedUpdated(old: Readonly<Pod>, info: PodInfo): void {
    this.#d.cache.setPod(info);
    let actionType = assignedPodChanges(old, info.pod);
    if (this.#d.shapes.of(old) !== info.shape && asksForLess(old, info)) actionType |= action.updatePodScaleDown;
    if (actionType === 0) return;
    this.#move({ resource: 'AssignedPod', actionType, label: 'AssignedPodUpdate' }, old, info.pod);
  }

  #move(event: ClusterEvent, old: Readonly<ApiObject> | undefined, now: Readonly<ApiObject> | undefined): void {
    this.#d.queue.moveAll({ event, old, now });
  }
}

function asksForLess(old: Readonly<Pod>, info: PodInfo): boolean {
  const before = new PodInfo(old).requests;
  const names = ['cpu', 'memory', 'ephemeral-storage', ...(before.scalar?.keys() ?? [])];
  return names.some((name) => info.requests.get(name) < before.get(name));
}

/** Events that do not come from an informer of their own. */
const handled = new Set(['Pod', 'AssignedPod', 'UnschedulablePod', 'Node', '*']);

function resourceOf(kind: string): Resource | undefined {
  if (handled.has(kind)) return undefined;
  const known = Object.values(resources) as Resource[];
  // The newest version comes first among those of one kind.
  const found = known.find((resource) => resource.kind === kind);
  if (found !== undefined) return found;
  const [resource = '', version = '', ...group] = kind.split('.');
  if (version === '') return undefined;
  return { group: group.join('.'), version, resource, kind: resource, namespaced: true };
}
