/** The status of a DaemonSet (upstream `pkg/controller/daemon/daemon_controller.go`, `updateDaemonSetStatus`). */
import { isPodAvailable, isPodReady, untilPodAvailable } from '@kubets/api/core/helpers/pod';
import type { DaemonSetStatus } from '@kubets/api/types/apps-v1';
import { compareDaemonPods, isUpdated, type Daemon } from './daemon-pod.ts';
import type { Observed } from './plan.ts';

/** What is counted. */
export type DaemonCounts = Required<Omit<DaemonSetStatus, 'observedGeneration' | 'collisionCount' | 'conditions'>>;

/**
 * Milliseconds until the next pod becomes available by time alone; undefined when there is none. Also a pod beside an older
 * one counts here: the older one waits for it.
 */
export function nextAvailable({ daemon, podsByNode, now }: Observed): number | undefined {
  const { minReadySeconds = 0 } = daemon.spec;
  if (minReadySeconds === 0) return undefined;
  let next = Infinity;
  for (const pods of podsByNode.values()) {
    for (const pod of pods) {
      if (isPodAvailable(pod, minReadySeconds, now)) continue;
      next = Math.min(next, untilPodAvailable(pod, minReadySeconds, now) ?? Infinity);
    }
  }
  return next < Infinity ? next : undefined;
}

/** Counts nodes; of several pods on one, the oldest speaks for the node. */
export function countDaemon(observed: Observed): DaemonCounts {
  const { daemon, nodes, fits, podsByNode, hash, now } = observed;
  const { minReadySeconds = 0 } = daemon.spec;
  let [desired, current, misscheduled, ready, updated, available] = [0, 0, 0, 0, 0, 0];
  for (const [i, node] of nodes.entries()) {
    const pods = podsByNode.get(node.metadata.name ?? '');
    if (fits[i] !== 'run') {
      if (pods !== undefined) misscheduled++;
      continue;
    }
    desired++;
    const pod = pods === undefined || pods.length === 1 ? pods?.[0] : pods.toSorted(compareDaemonPods)[0];
    if (pod === undefined) continue;
    current++;
    if (isUpdated(pod, hash)) updated++;
    if (!isPodReady(pod)) continue;
    ready++;
    if (isPodAvailable(pod, minReadySeconds, now)) available++;
  }
  return {
    currentNumberScheduled: current,
    numberMisscheduled: misscheduled,
    desiredNumberScheduled: desired,
    numberReady: ready,
    updatedNumberScheduled: updated,
    numberAvailable: available,
    numberUnavailable: desired - available,
  };
}

export interface StatusOptions {
  readonly counts: DaemonCounts;
  readonly collisionCount?: number | undefined;
  /** The present generation was acted upon, not only looked at. */
  readonly processed: boolean;
}

const always = ['currentNumberScheduled', 'numberMisscheduled', 'desiredNumberScheduled', 'numberReady'] as const;
const sometimes = ['updatedNumberScheduled', 'numberAvailable', 'numberUnavailable'] as const;

/** The status to write, as Go writes it; undefined when the DaemonSet says so already. */
export function planStatus(daemon: Daemon, options: StatusOptions): DaemonSetStatus | undefined {
  const { counts, processed } = options;
  const old: Partial<DaemonSetStatus> = daemon.status ?? {};
  const collisionCount = options.collisionCount ?? old.collisionCount;
  const { generation = 0 } = daemon.metadata;
  const same =
    [...always, ...sometimes].every((name) => counts[name] === (old[name] ?? 0)) &&
    (old.observedGeneration ?? 0) >= generation &&
    collisionCount === old.collisionCount;
  if (same) return undefined;
  const { currentNumberScheduled, numberMisscheduled, desiredNumberScheduled, numberReady } = counts;
  const status: DaemonSetStatus = {
    currentNumberScheduled,
    numberMisscheduled,
    desiredNumberScheduled,
    numberReady,
  };
  const observedGeneration = processed ? generation : (old.observedGeneration ?? 0);
  if (observedGeneration > 0) status.observedGeneration = observedGeneration;
  for (const name of sometimes) if (counts[name] > 0) status[name] = counts[name];
  if (collisionCount !== undefined) status.collisionCount = collisionCount;
  if (old.conditions !== undefined) status.conditions = old.conditions;
  return status;
}
