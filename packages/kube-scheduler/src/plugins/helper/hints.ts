/** Common parts of queueing hints. */
import type { ApiObject } from '@kubets/apimachinery/meta';
import type { Node, Pod } from '@kubets/api/types/core-v1';
import { action, type ClusterEventWithHint, type QueueingHintFn } from '../../framework/types.ts';

/** A hint about nodes: queue when the new node suits the pod and the old one (if any) did not. */
export function nodeHint(suits: (pod: Readonly<Pod>, node: Readonly<Node>) => boolean): QueueingHintFn {
  return (pod, oldObject, newObject) => {
    const node = asNode(newObject);
    if (node === undefined || !suits(pod, node)) return 'QueueSkip';
    const old = asNode(oldObject);
    return old !== undefined && suits(pod, old) ? 'QueueSkip' : 'Queue';
  };
}

/** The objects of an event are of the kind its resource names. */
export const asNode = (object: Readonly<ApiObject> | undefined): Readonly<Node> | undefined =>
  object as Readonly<Node> | undefined;
export const asPod = (object: Readonly<ApiObject> | undefined): Readonly<Pod> | undefined =>
  object as Readonly<Pod> | undefined;

/** Pods that are not assigned yet: their own change may be what helps. */
export function ownUpdate(actionType: number, hint: QueueingHintFn): ClusterEventWithHint {
  return {
    event: { resource: 'UnschedulablePod', actionType },
    hint: (pod, oldObject, newObject) =>
      asPod(newObject)?.metadata.uid === pod.metadata.uid ? hint(pod, oldObject, newObject) : 'QueueSkip',
  };
}

export const nodeAddedOrChanged = (actionType: number, hint: QueueingHintFn): ClusterEventWithHint => ({
  event: { resource: 'Node', actionType: action.add | actionType },
  hint,
});
