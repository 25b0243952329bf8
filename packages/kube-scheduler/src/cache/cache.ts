/**
 * Which pods are where: as the API says, and as assumed since binding them was begun (`pkg/scheduler/backend/cache/cache.go`).
 *
 *     assume ──► (API says: bound) added ──► updated … ──► removed
 *        └────► forgotten, when binding fails
 *
 * An assumed pod stays until the API confirms or binding fails; there is no expiry.
 */
import type { Labels } from '@kubets/apimachinery/labels';
import type { Pod } from '@kubets/api/types/core-v1';
import type { PodInfo } from '../framework/pod-info.ts';
import { Cluster } from './cluster.ts';

interface PodState {
  info: PodInfo;
  nodeName: string;
  assumed: boolean;
}

export class SchedulerCache {
  readonly cluster = new Cluster();
  readonly #pods = new Map<string, PodState>();
  #assumed = 0;

  /** As `scheduler_cache_size` shows it. */
  get sizes(): { readonly nodes: number; readonly pods: number; readonly assumed_pods: number } {
    return { nodes: this.cluster.size, pods: this.#pods.size, assumed_pods: this.#assumed };
  }

  isAssumed(uid: string): boolean {
    return this.#pods.get(uid)?.assumed === true;
  }

  /** Pods and where they are, assumed ones included. */
  *pods(): Iterable<{ readonly info: PodInfo; readonly nodeName: string; readonly assumed: boolean }> {
    yield* this.#pods.values();
  }

  /** The pod will be on the node. Throws when it is somewhere already. */
  assume(info: PodInfo, nodeName: string): void {
    if (this.#pods.has(info.uid)) throw new Error(`pod ${info.key}(${info.uid}) is in the cache, so can't be assumed`);
    this.#pods.set(info.uid, { info, nodeName, assumed: true });
    this.#assumed++;
    this.cluster.addPod(info, nodeName);
  }

  /** It will not. Answers whether it was assumed: a pod that the API has confirmed meanwhile stays. */
  forget(uid: string): boolean {
    const state = this.#pods.get(uid);
    if (state?.assumed !== true) return false;
    this.#drop(uid, state);
    return true;
  }

  /** The API says that the pod is on `pod.spec.nodeName`; also for later changes. */
  setPod(info: PodInfo): void {
    const nodeName = info.pod.spec?.nodeName ?? '';
    const known = this.#pods.get(info.uid);
    if (known === undefined) {
      this.#pods.set(info.uid, { info, nodeName, assumed: false });
      this.cluster.addPod(info, nodeName);
      return;
    }
    if (known.assumed) {
      known.assumed = false;
      this.#assumed--;
    }
    if (known.nodeName === nodeName && looksTheSame(known.info, info)) this.cluster.swapPod(known.info, info, nodeName);
    else {
      this.cluster.removePod(known.info, known.nodeName);
      this.cluster.addPod(info, nodeName);
    }
    known.info = info;
    known.nodeName = nodeName;
  }

  /** The pod is gone, or has ended. */
  removePod({ metadata }: Readonly<Pod>): void {
    const uid = metadata.uid ?? '';
    const state = this.#pods.get(uid);
    if (state !== undefined) this.#drop(uid, state);
  }

  #drop(uid: string, { info, nodeName, assumed }: PodState): void {
    this.#pods.delete(uid);
    if (assumed) this.#assumed--;
    this.cluster.removePod(info, nodeName);
  }
}

/** Whether filters and scores cannot tell the two apart: most updates are about the pod's status. */
function looksTheSame(a: PodInfo, b: PodInfo): boolean {
  return a.shape === b.shape && a.terminating === b.terminating && sameLabels(a.labels, b.labels);
}

function sameLabels(a: Labels | undefined, b: Labels | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  let count = 0;
  for (const key in a) {
    if (a[key] !== b[key]) return false;
    count++;
  }
  for (const _ in b) count--;
  return count === 0;
}
