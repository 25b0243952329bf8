/** Which pods of old revisions are replaced now (upstream `pkg/controller/daemon/update.go`, `rollingUpdate`). */
import { isPodAvailable } from '@kubets/api/core/helpers/pod';
import type { Pod } from '@kubets/api/types/core-v1';
import { isUpdated } from './daemon-pod.ts';
import type { Fit } from './node-fit.ts';
import { surgeCount, unavailableCount, type DaemonPlan, type Observed } from './plan.ts';

/** The pods of one node that stay: at most one of each sort. */
interface Pair {
  readonly fresh?: Readonly<Pod>;
  readonly old?: Readonly<Pod>;
}

/** Undefined when there are several of a sort: these are pruned first (`findUpdatedPodsOnNode`). */
function pairOf(pods: readonly Readonly<Pod>[], hash: string): Pair | undefined {
  const alive = pods.filter((pod) => pod.metadata.deletionTimestamp === undefined);
  const [fresh, second] = alive.filter((pod) => isUpdated(pod, hash));
  const [old, third] = alive.filter((pod) => !isUpdated(pod, hash));
  if (second !== undefined || third !== undefined) return undefined;
  return { ...(fresh && { fresh }), ...(old && { old }) };
}

interface NodeView {
  readonly name: string;
  readonly fit: Fit;
  readonly pods: readonly Readonly<Pod>[];
}

class Updater {
  readonly #observed: Observed;
  readonly #views: readonly NodeView[];
  readonly #desired: number;

  constructor(observed: Observed) {
    this.#observed = observed;
    const { nodes, fits, podsByNode } = observed;
    const byName = new Map(nodes.map((node, i) => [node.metadata.name ?? '', fits[i] ?? 'none'] as const));
    const wanted = [...byName].flatMap(([name, fit]) => (fit === 'run' && !podsByNode.has(name) ? [name] : []));
    this.#desired = fits.filter((fit) => fit === 'run').length;
    this.#views = [
      ...Array.from(podsByNode, ([name, pods]): NodeView => ({ name, pods, fit: byName.get(name) ?? 'none' })),
      ...wanted.map((name): NodeView => ({ name, pods: [], fit: 'run' })),
    ];
  }

  plan(): DaemonPlan {
    const { daemon } = this.#observed;
    const surge = surgeCount(daemon, this.#desired);
    if (surge > 0) return this.#surging(surge);
    const unavailable = unavailableCount(daemon, this.#desired);
    // Both 0 cannot be meant: then it is as if nothing had been said.
    return this.#inPlace(unavailable === 0 && this.#desired > 0 ? 1 : unavailable);
  }

  #isAvailable(pod: Readonly<Pod>): boolean {
    return isPodAvailable(pod, this.#observed.daemon.spec.minReadySeconds ?? 0, this.#observed.now);
  }

  /** Deletes as many old pods as may be down; new ones come when they are gone. */
  #inPlace(maxUnavailable: number): DaemonPlan {
    let unavailable = 0;
    const replaced: Readonly<Pod>[] = [];
    const candidates: Readonly<Pod>[] = [];
    for (const { pods } of this.#views) {
      const { fresh, old } = pairOf(pods, this.#observed.hash) ?? {};
      if ((fresh === undefined) === (old === undefined)) unavailable++;
      else if (fresh !== undefined) {
        if (!this.#isAvailable(fresh)) unavailable++;
      } else if (old !== undefined && this.#isAvailable(old)) candidates.push(old);
      else if (old !== undefined) {
        // What does not work anyway can go at once.
        replaced.push(old);
        unavailable++;
      }
    }
    const more = candidates.slice(0, Math.max(0, maxUnavailable - unavailable));
    return { create: [], delete: [...replaced, ...more].map((pod) => ({ pod })) };
  }

  /** Makes new pods beside old ones; an old one goes when the new one is available, or its node is wanted no more. */
  #surging(maxSurge: number): DaemonPlan {
    let [surging, available] = [0, 0];
    const gone: Readonly<Pod>[] = [];
    const unwanted: Readonly<Pod>[] = [];
    const atOnce: string[] = [];
    const candidates: string[] = [];
    for (const { name, fit, pods } of this.#views) {
      const pair = pairOf(pods, this.#observed.hash);
      if (pair === undefined) {
        surging++;
        continue;
      }
      const { fresh, old } = pair;
      const counted = old ?? fresh;
      if (counted !== undefined && this.#isAvailable(counted)) available++;
      if (old === undefined) continue;
      if (fresh === undefined) {
        const works = this.#isAvailable(old);
        if (fit !== 'run') (works ? unwanted : gone).push(old);
        else (works ? candidates : atOnce).push(name);
      } else if (this.#isAvailable(fresh)) gone.push(old);
      else surging++;
    }
    // On nodes that are wanted no more, pods go as far as there are enough elsewhere.
    gone.push(...unwanted.slice(0, Math.max(0, available - this.#desired)));
    const create = [...atOnce, ...candidates.slice(0, Math.max(0, maxSurge - surging))];
    return { create, delete: gone.map((pod) => ({ pod })) };
  }
}

/** Decides for a DaemonSet of strategy `RollingUpdate` that lacks no pods and has none too many. */
export const planUpdate = (observed: Observed): DaemonPlan => new Updater(observed).plan();
