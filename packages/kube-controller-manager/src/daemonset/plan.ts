/**
 * Which pods a DaemonSet lacks and which are too many (upstream `pkg/controller/daemon/daemon_controller.go`, `manage` and
 * `podsShouldBeOnNode`). Updates are planned apart: see rolling-update.ts.
 */
import { isPodAvailable, isPodReady, isPodTerminal } from '@kubets/api/core/helpers/pod';
import { scaledValue } from '@kubets/apimachinery/int-or-string';
import type { Node, Pod } from '@kubets/api/types/core-v1';
import { compareDaemonPods, isUpdated, targetNode, type Daemon } from './daemon-pod.ts';
import type { Fit } from './node-fit.ts';

export interface Observed {
  readonly daemon: Daemon;
  readonly nodes: readonly Readonly<Node>[];
  /** What each node is to the DaemonSet, in the order of `nodes`. */
  readonly fits: readonly Fit[];
  readonly podsByNode: PodsByNode;
  /** Of the present revision. */
  readonly hash: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export type PodsByNode = ReadonlyMap<string, readonly Readonly<Pod>[]>;

/** Why a pod goes, where users are told. */
export interface PodEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

export interface Deletion {
  readonly pod: Readonly<Pod>;
  readonly event?: PodEvent;
  /** The pod has failed on this node: the next one waits longer. */
  readonly failedOn?: string;
}

export interface DaemonPlan {
  /** Names of nodes. */
  readonly create: readonly string[];
  readonly delete: readonly Deletion[];
}

/**
 * The pods by the nodes they are on, or are to go to (`getNodesToDaemonPods`). Those that have ended and are being deleted are
 * somebody else's business: a finalizer keeps them.
 */
export function podsByNode(pods: readonly Readonly<Pod>[]): PodsByNode {
  const byNode = new Map<string, Readonly<Pod>[]>();
  for (const pod of pods) {
    if (isPodTerminal(pod) && pod.metadata.deletionTimestamp !== undefined) continue;
    const node = targetNode(pod);
    if (node === undefined) continue;
    const there = byNode.get(node);
    if (there === undefined) byNode.set(node, [pod]);
    else there.push(pod);
  }
  return byNode;
}

/** How many of `total` pods may be there twice during an update (`SurgeCount`). */
export function surgeCount({ spec }: Daemon, total: number): number {
  const { type, rollingUpdate } = spec.updateStrategy ?? {};
  if (type !== 'RollingUpdate' || rollingUpdate?.maxSurge === undefined) return 0;
  return scaledValue({ value: rollingUpdate.maxSurge, total, round: 'up' });
}

/** How many of `total` pods may be down during an update (`UnavailableCount`). */
export function unavailableCount({ spec }: Daemon, total: number): number {
  const { type, rollingUpdate } = spec.updateStrategy ?? {};
  if (type !== 'RollingUpdate' || rollingUpdate === undefined) return 0;
  return scaledValue({ value: rollingUpdate.maxUnavailable ?? 1, total, round: 'up' });
}

const alive = (pod: Readonly<Pod>): boolean => pod.metadata.deletionTimestamp === undefined;

class Planner {
  readonly create: string[] = [];
  readonly delete: Deletion[] = [];
  readonly #observed: Observed;
  readonly #surge: boolean;
  readonly #inBackoff: (nodeName: string) => boolean;

  constructor(observed: Observed, inBackoff: (nodeName: string) => boolean) {
    this.#observed = observed;
    this.#surge = surgeCount(observed.daemon, 1) > 0;
    this.#inBackoff = inBackoff;
  }

  run(): void {
    const { nodes, fits, podsByNode: byNode } = this.#observed;
    const known = new Set<string>();
    for (const [i, node] of nodes.entries()) {
      const { name = '' } = node.metadata;
      known.add(name);
      this.#node(name, fits[i] ?? 'none', byNode.get(name));
    }
    // No scheduler can place these, and nobody else deletes them.
    for (const [name, pods] of byNode) {
      if (known.has(name)) continue;
      for (const pod of pods) if ((pod.spec?.nodeName ?? '') === '') this.delete.push({ pod });
    }
  }

  #node(name: string, fit: Fit, pods: readonly Readonly<Pod>[] | undefined): void {
    if (pods === undefined) {
      if (fit === 'run') this.create.push(name);
      return;
    }
    if (fit === 'none') {
      for (const pod of pods) if (alive(pod)) this.delete.push({ pod });
      return;
    }
    const running = pods.filter((pod) => alive(pod) && !this.#ended(name, pod)).toSorted(compareDaemonPods);
    if (!this.#surge) this.delete.push(...running.slice(1).map((pod) => ({ pod })));
    else if (running.length > 1) this.#surged(running);
    else if (running.length === 0 && fit === 'run') this.create.push(name);
  }

  /** Deletes a pod that has ended, after a pause when it has failed; whether it has ended. */
  #ended(node: string, pod: Readonly<Pod>): boolean {
    const { namespace, name } = pod.metadata;
    switch (pod.status?.phase) {
      case 'Failed': {
        if (this.#inBackoff(node)) return true;
        const message = `Found failed daemon pod ${namespace}/${name} on node ${node}, will try to kill it`;
        this.delete.push({ pod, event: { type: 'Warning', reason: 'FailedDaemonPod', message }, failedOn: node });
        return true;
      }
      case 'Succeeded': {
        const message = `Found succeeded daemon pod ${namespace}/${name} on node ${node}, will try to delete it`;
        this.delete.push({ pod, event: { type: 'Normal', reason: 'SucceededDaemonPod', message } });
        return true;
      }
      default:
        return false;
    }
  }

  /** Of several, the oldest of the present revision and the oldest of the others may stay, until the new one can do without the old. */
  #surged(running: readonly Readonly<Pod>[]): void {
    const { daemon, hash, now } = this.#observed;
    const fresh = running.find((pod) => isUpdated(pod, hash));
    const old = running.find((pod) => !isUpdated(pod, hash));
    for (const pod of running) if (pod !== fresh && pod !== old) this.delete.push({ pod });
    if (fresh === undefined || old === undefined) return;
    const replaced = !isPodReady(old) || isPodAvailable(fresh, daemon.spec.minReadySeconds ?? 0, now);
    if (replaced) this.delete.push({ pod: old });
  }
}

/** Decides; `inBackoff` says of a node whether a failed pod there has to stay for now. */
export function plan(observed: Observed, inBackoff: (nodeName: string) => boolean = () => false): DaemonPlan {
  const planner = new Planner(observed, inBackoff);
  planner.run();
  return { create: planner.create, delete: planner.delete };
}
