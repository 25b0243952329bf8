/** Pods that are promised a node (`pkg/scheduler/backend/queue/nominator.go`). */
import type { Pod } from '@kubets/api/types/core-v1';
import type { PodInfo } from '../framework/pod-info.ts';
import type { PodNominator } from '../framework/types.ts';

export class Nominator implements PodNominator {
  readonly #byNode = new Map<string, PodInfo[]>();
  readonly #nodeOf = new Map<string, string>();

  get isEmpty(): boolean {
    return this.#byNode.size === 0;
  }

  get nodeNames(): Iterable<string> {
    return this.#byNode.keys();
  }

  nominatedPodsFor(nodeName: string): readonly PodInfo[] {
    return this.#byNode.get(nodeName) ?? [];
  }

  /** Where the pod of that uid is nominated to. */
  nodeOf(uid: string): string | undefined {
    return this.#nodeOf.get(uid);
  }

  addNominatedPod(pod: PodInfo, nodeName: string): void {
    this.deleteNominatedPod(pod.pod);
    const node = nodeName === '' ? (pod.pod.status?.nominatedNodeName ?? '') : nodeName;
    if (node === '') return;
    this.#nodeOf.set(pod.uid, node);
    const pods = this.#byNode.get(node);
    if (pods === undefined) this.#byNode.set(node, [pod]);
    else pods.push(pod);
  }

  /** A changed pod keeps the node that was promised to it here, as long as the API does not say otherwise. */
  updateNominatedPod(old: Readonly<Pod> | undefined, pod: PodInfo): void {
    const before = old?.status?.nominatedNodeName ?? '';
    const after = pod.pod.status?.nominatedNodeName ?? '';
    const kept = before === after ? (this.nodeOf(pod.uid) ?? '') : '';
    this.addNominatedPod(pod, kept);
  }

  deleteNominatedPod({ metadata }: Readonly<Pod>): void {
    const uid = metadata.uid ?? '';
    const node = this.#nodeOf.get(uid);
    if (node === undefined) return;
    this.#nodeOf.delete(uid);
    const left = (this.#byNode.get(node) ?? []).filter((pod) => pod.uid !== uid);
    if (left.length === 0) this.#byNode.delete(node);
    else this.#byNode.set(node, left);
  }
}
