/** A node and the pods on it, summed up (`pkg/scheduler/framework/types.go`, `NodeInfo`). */
import type { Node } from '@kubets/api/types/core-v1';
import { UsedPorts } from './host-ports.ts';
import type { PodInfo } from './pod-info.ts';
import { Resource } from './resource.ts';

/**
 * The scheduler's cache owns the originals and changes them only between attempts; plugins read them. `clone` makes a copy to
 * try things out on.
 */
export class NodeInfo {
  /** Undefined for a moment only: pods on the node are known, the node itself is not (any more). */
  node: Readonly<Node> | undefined;
  readonly name: string;
  /** Where the node stands in the cache's columns; copies keep it. */
  readonly row: number;
  /** Read only. */
  pods: PodInfo[] = [];
  /** Those of `pods` that have affinity or anti-affinity terms of any kind. */
  podsWithAffinity: PodInfo[] = [];
  podsWithRequiredAntiAffinity: PodInfo[] = [];
  usedPorts = new UsedPorts();
  /** The sum of what the pods request. */
  requested = new Resource();
  /** The sum of what they request, with defaults for those that do not say. */
  nonZeroRequested = new Resource();
  allocatable = new Resource();
  /** How many pods use each claim, by `namespace/name`. */
  claimUsers = new Map<string, number>();
  /** Grows with each change of the node or its pods. */
  generation = 0;

  constructor(name: string, row = -1, node?: Readonly<Node>) {
    this.name = name;
    this.row = row;
    if (node !== undefined) this.setNode(node);
  }

  setNode(node: Readonly<Node>): void {
    this.node = node;
    this.allocatable = new Resource();
    this.allocatable.addList(node.status?.allocatable);
    this.generation++;
  }

  addPod(pod: PodInfo): void {
    this.pods.push(pod);
    if (pod.shape.hasAffinity) this.podsWithAffinity.push(pod);
    if (pod.shape.hasRequiredAntiAffinity) this.podsWithRequiredAntiAffinity.push(pod);
    this.#count(pod, 1);
  }

  /** Answers what was there under the pod's uid; undefined: nothing. */
  removePod(pod: PodInfo): PodInfo | undefined {
    const at = this.pods.findIndex((other) => other.uid === pod.uid);
    const known = this.pods[at];
    if (known === undefined) return undefined;
    // Order does not matter: the last one takes its place.
    const last = this.pods.pop() as PodInfo;
    if (last !== known) this.pods[at] = last;
    if (known.shape.hasAffinity) this.podsWithAffinity = this.podsWithAffinity.filter((other) => other !== known);
    if (known.shape.hasRequiredAntiAffinity) {
      this.podsWithRequiredAntiAffinity = this.podsWithRequiredAntiAffinity.filter((other) => other !== known);
    }
    this.#count(known, -1);
    return known;
  }

  /** Another state of the same pod, with the same shape. */
  swapPod(old: PodInfo, pod: PodInfo): void {
    swap(this.pods, old, pod);
    if (!pod.shape.hasAffinity) return;
    swap(this.podsWithAffinity, old, pod);
    swap(this.podsWithRequiredAntiAffinity, old, pod);
  }

  /** A copy that can be changed without the original noticing. */
  clone(): NodeInfo {
    const copy = new NodeInfo(this.name, this.row);
    copy.node = this.node;
    copy.pods = [...this.pods];
    copy.podsWithAffinity = [...this.podsWithAffinity];
    copy.podsWithRequiredAntiAffinity = [...this.podsWithRequiredAntiAffinity];
    copy.usedPorts = this.usedPorts.clone();
    copy.requested = this.requested.clone();
    copy.nonZeroRequested = this.nonZeroRequested.clone();
    copy.allocatable = this.allocatable;
    copy.claimUsers = new Map(this.claimUsers);
    copy.generation = this.generation;
    return copy;
  }

  #count(pod: PodInfo, sign: 1 | -1): void {
    const { requests, nonZero, hostPorts } = pod.shape;
    this.requested.apply(requests, sign);
    this.nonZeroRequested.apply(nonZero, sign);
    for (const port of hostPorts) {
      if (sign === 1) this.usedPorts.add(port);
      else this.usedPorts.remove(port);
    }
    for (const claim of claimsOf(pod)) {
      const users = (this.claimUsers.get(claim) ?? 0) + sign;
      if (users > 0) this.claimUsers.set(claim, users);
      else this.claimUsers.delete(claim);
    }
    this.generation++;
  }
}

/** The claims that a pod names, as `namespace/name`. */
export function claimsOf({ pod, namespace }: PodInfo): readonly string[] {
  const { volumes } = pod.spec ?? {};
  if (volumes === undefined) return noClaims;
  let claims: string[] | undefined;
  for (const { persistentVolumeClaim } of volumes) {
    if (persistentVolumeClaim === undefined) continue;
    claims ??= [];
    claims.push(`${namespace}/${persistentVolumeClaim.claimName}`);
  }
  return claims ?? noClaims;
}

function swap(pods: PodInfo[], old: PodInfo, pod: PodInfo): void {
  const at = pods.indexOf(old);
  if (at >= 0) pods[at] = pod;
}

const noClaims: readonly string[] = [];
