/** What plugins that compare a pod with its node have in common. */
import type { Node, Pod } from '@kubets/api/types/core-v1';
import type { ResourceCache } from '../../storage/cache.ts';
import type { AdmissionAttributes } from '../plugin.ts';
import { forbid } from './attributes.ts';

/** A pod on a node, before and after a change of its specification. */
export interface PodChange {
  readonly pod: Readonly<Pod>;
  readonly old: Readonly<Pod>;
  readonly nodeName: string;
}

/** Undefined: the pod is on no node, or its specification stays as it is, as its generation tells. */
export function changeOfBoundPod({ object, oldObject }: AdmissionAttributes): PodChange | undefined {
  if (object === undefined || oldObject === undefined) return undefined;
  const pod = object as unknown as Readonly<Pod>;
  const nodeName = pod.spec?.nodeName ?? '';
  if (nodeName === '' || object.metadata.generation === oldObject.metadata.generation) return undefined;
  return { pod, old: oldObject as unknown as Readonly<Pod>, nodeName };
}

/** The pod's node. Throws a 403 when there is none. */
export function nodeOfPod(nodes: ResourceCache, nodeName: string, attributes: AdmissionAttributes): Readonly<Node> {
  const entry = nodes.get('', nodeName);
  if (entry === undefined) throw forbid(attributes, `node ${JSON.stringify(nodeName)} not found`);
  return entry.object as unknown as Readonly<Node>;
}
