/** What the scheduler knows of nodes and pods, for one attempt after the other: see `node-table.ts` and `pod-counts.ts`. */
import type { Labels } from '@kubets/apimachinery/labels';
import type { Node } from '@kubets/api/types/core-v1';
import { claimsOf, type NodeInfo } from '../framework/node-info.ts';
import type { PodInfo } from '../framework/pod-info.ts';
import type { NodeInfoLister } from '../framework/types.ts';
import { NodeTable } from './node-table.ts';
import { PodCounts } from './pod-counts.ts';

export class Cluster implements NodeInfoLister {
  readonly table = new NodeTable();
  readonly counts = new PodCounts(this.table);
  readonly #claimUsers = new Map<string, number>();

  get size(): number {
    return this.table.size;
  }

  list(): readonly NodeInfo[] {
    return this.table.list();
  }

  get(nodeName: string): NodeInfo | undefined {
    return this.table.get(nodeName);
  }

  havingPodsWithAffinity(): readonly NodeInfo[] {
    return this.table.list().filter((info) => info.podsWithAffinity.length > 0);
  }

  havingPodsWithRequiredAntiAffinity(): readonly NodeInfo[] {
    return this.table.list().filter((info) => info.podsWithRequiredAntiAffinity.length > 0);
  }

  isClaimUsed(key: string): boolean {
    return this.#claimUsers.has(key);
  }

  /** Adds or replaces; answers whether filters and scores can see a difference. */
  setNode(node: Readonly<Node>): boolean {
    return this.table.setNode(node);
  }

  removeNode(name: string): void {
    this.table.removeNode(name);
  }

  setNamespace(name: string, labels: Labels | undefined): void {
    this.counts.setNamespaceLabels(name, labels);
  }

  addPod(pod: PodInfo, nodeName: string): void {
    const { row } = this.table.addPod(pod, nodeName);
    this.counts.change(pod, row, 1);
    this.#countClaims(pod, 1);
  }

  /** `pod` as it was given to {@link addPod}. */
  removePod(pod: PodInfo, nodeName: string): void {
    const row = this.table.row(nodeName);
    if (row === undefined) return;
    this.counts.change(pod, row, -1);
    this.table.removePod(pod, nodeName);
    this.#countClaims(pod, -1);
  }

  /** Puts the pod's new state in the place of the old one, which nothing can tell apart by what is counted. */
  swapPod(old: PodInfo, pod: PodInfo, nodeName: string): void {
    this.table.infoOf(nodeName)?.swapPod(old, pod);
  }

  #countClaims(pod: PodInfo, sign: 1 | -1): void {
    for (const claim of claimsOf(pod)) {
      const users = (this.#claimUsers.get(claim) ?? 0) + sign;
      if (users > 0) this.#claimUsers.set(claim, users);
      else this.#claimUsers.delete(claim);
    }
  }
}
