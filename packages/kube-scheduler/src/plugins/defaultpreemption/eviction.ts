/** Making room on the node that was picked (upstream `pkg/scheduler/framework/preemption/executor.go`). */
import { isConflict, isNotFound } from '@kubets/apimachinery/status';
import { formatTime } from '@kubets/apimachinery/time';
import type { Pod } from '@kubets/api/types/core-v1';
import { podCondition } from '@kubets/api/core/helpers/pod';
import type { Histogram, MetricsRegistry, Values } from '@kubets/apimachinery/metrics';
import type { PodInfo } from '../../framework/pod-info.ts';
import type { Handle } from '../../framework/types.ts';
import { podPriority, type Candidate } from './victims.ts';

const pluginName = 'DefaultPreemption';

/** The families of one scheduler process; profiles share them. */
interface PreemptionMetrics {
  readonly attempts: Values;
  readonly victims: Histogram;
  readonly duration: Histogram;
  readonly executions: Values;
}

const metricsOf = new WeakMap<MetricsRegistry, PreemptionMetrics>();
const doubling = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first * 2 ** i);

export function preemptionMetrics(registry: MetricsRegistry): PreemptionMetrics {
  let metrics = metricsOf.get(registry);
  if (metrics === undefined) {
    metrics = {
      attempts: registry.counter(
        'scheduler_preemption_attempts_total',
        'Total preemption attempts in the cluster till now',
      ),
      victims: registry.histogram(
        'scheduler_preemption_victims',
        'Number of selected preemption victims',
        doubling(1, 7),
      ),
      duration: registry.histogram(
        'scheduler_preemption_goroutines_duration_seconds',
        'Duration in seconds for running goroutines for the preemption.',
        doubling(0.01, 20),
      ),
      executions: registry.counter(
        'scheduler_preemption_goroutines_execution_total',
        'Number of preemption goroutines executed.',
      ),
    };
    metricsOf.set(registry, metrics);
  }
  return metrics;
}

/** What became of a pod's preemption so far. */
interface Running {
  /** The last victim, once all others have been dealt with. */
  last: { readonly nodeName: string; readonly uid: string } | undefined;
}

/**
 * Evicts victims: tells them why by a condition, deletes them, and takes back the nominations of lesser pods to the node.
 * Victims whose binding still waits for permission are turned back instead. Whoever is gone already is no failure.
 */
export class Evictor {
  readonly #handle: Handle;
  readonly #metrics: PreemptionMetrics;
  /** By uid of the preemptor. */
  readonly #running = new Map<string, Running>();

  constructor(handle: Handle) {
    this.#handle = handle;
    this.#metrics = preemptionMetrics(handle.metrics);
  }

  /**
   * Whether the pod's victims are being evicted and it should not be tried meanwhile (`IsPodRunningPreemption`). Over as soon
   * as the last one is seen to go: its end may be news before the request has returned.
   */
  isRunning(uid: string): boolean {
    const running = this.#running.get(uid);
    if (running === undefined) return false;
    if (running.last === undefined) return true;
    const { nodeName, uid: victimUid } = running.last;
    const victim = this.#handle.nodes.get(nodeName)?.pods.find((pod) => pod.uid === victimUid);
    return victim !== undefined && !victim.terminating;
  }

  /** Evicts in the background; the pod is not to be tried before that has ended (`prepareCandidateAsync`). */
  start(candidate: Candidate, preemptor: PodInfo): void {
    const victims = candidate.victims.pods.filter((pod) => pod.metadata.deletionTimestamp === undefined);
    if (victims.length === 0) return;
    this.#metrics.victims.observe(candidate.victims.pods.length);
    this.#running.set(preemptor.uid, { last: undefined });
    this.#handle.background(this.#run(candidate.nodeName, preemptor, victims));
  }

  /** Evicts and waits (`prepareCandidate`). Rejects when a victim could not be evicted. */
  async evict(candidate: Candidate, preemptor: PodInfo): Promise<void> {
    const { nodeName, victims } = candidate;
    this.#metrics.victims.observe(victims.pods.length);
    const standing = victims.pods.filter((pod) => pod.metadata.deletionTimestamp === undefined);
    await Promise.all(standing.map((victim) => this.#evictOne(victim, preemptor, nodeName)));
    await this.#clearNominations(nodeName, preemptor);
  }

  async #run(nodeName: string, preemptor: PodInfo, victims: readonly Readonly<Pod>[]): Promise<void> {
    const { clock, log } = this.#handle;
    const started = clock.monotonic();
    let result = await this.#clearNominations(nodeName, preemptor);
    try {
      await this.#evictAll(nodeName, preemptor, victims);
    } catch (error) {
      log.error({ preemptor: preemptor.key, node: nodeName, error: String(error) }, 'preempting failed');
      result = 'error';
    } finally {
      this.#running.delete(preemptor.uid);
    }
    const labels = `result="${result}"`;
    this.#metrics.duration.observe((clock.monotonic() - started) / 1000, labels);
    this.#metrics.executions.add(1, labels);
    // No event need come that would bring the pod back: it is tried again at once.
    if (result === 'error') this.#handle.activate([preemptor.pod]);
  }

  /** The last victim comes alone, after all others: see {@link isRunning}. */
  async #evictAll(nodeName: string, preemptor: PodInfo, victims: readonly Readonly<Pod>[]): Promise<void> {
    const evict = (victim: Readonly<Pod>): Promise<void> => this.#evictOne(victim, preemptor, nodeName);
    await Promise.all(victims.slice(0, -1).map(evict));
    const last = victims.at(-1) as Readonly<Pod>;
    this.#running.set(preemptor.uid, { last: { nodeName, uid: last.metadata.uid ?? '' } });
    await evict(last);
  }

  async #evictOne(victim: Readonly<Pod>, preemptor: PodInfo, nodeName: string): Promise<void> {
    const waiting = this.#handle.waitingPod(victim.metadata.uid ?? '');
    if (waiting !== undefined) waiting.preempt(pluginName, 'preempted');
    else if (!(await this.#delete(victim, preemptor))) return;
    this.#handle.event(victim, {
      related: preemptor.pod,
      type: 'Normal',
      reason: 'Preempted',
      action: 'Preempting',
      note: `Preempted by pod ${preemptor.uid} on node ${nodeName}`,
    });
  }

  /** Answers whether it was there to be deleted. Another pod of the same name is not touched. */
  async #delete(victim: Readonly<Pod>, preemptor: PodInfo): Promise<boolean> {
    const { namespace, name = '', uid } = victim.metadata;
    const pods = this.#handle.client.pods(namespace);
    try {
      const condition = this.#disruptionTarget(victim, preemptor);
      if (condition !== undefined) {
        const body = { metadata: { uid }, status: { conditions: [condition] } };
        await pods.patch(name, { type: 'application/strategic-merge-patch+json', body, subresource: 'status' });
      }
      await pods.delete(name, { preconditions: { uid } });
      return true;
    } catch (error) {
      if (isNotFound(error) || isConflict(error)) return false;
      throw error;
    }
  }

  /** The condition that tells the victim, and its Job, why; undefined when it has it already. */
  #disruptionTarget(victim: Readonly<Pod>, { pod: preemptor }: PodInfo): object | undefined {
    const reason = 'PreemptionByScheduler';
    const message = `${preemptor.spec?.schedulerName}: preempting to accommodate a higher priority pod`;
    const known = podCondition(victim, 'DisruptionTarget');
    if (known?.status === 'True' && known.reason === reason && known.message === message) return undefined;
    const { generation } = victim.metadata;
    return {
      type: 'DisruptionTarget',
      ...(generation !== undefined && { observedGeneration: generation }),
      status: 'True',
      lastTransitionTime: known?.status === 'True' ? known.lastTransitionTime : formatTime(this.#handle.clock.now()),
      reason,
      message,
    };
  }

  /** Lesser pods that were promised room there may not fit any more: they are free to go elsewhere. */
  async #clearNominations(nodeName: string, preemptor: PodInfo): Promise<'success' | 'error'> {
    const lesser = this.#handle.nominator
      .nominatedPodsFor(nodeName)
      .filter(({ pod }) => podPriority(pod) < preemptor.priority && (pod.status?.nominatedNodeName ?? '') !== '');
    const results = await Promise.allSettled(lesser.map(({ pod }) => this.#clearNomination(pod)));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed === undefined) return 'success';
    this.#handle.log.error(
      { node: nodeName, error: String(failed.reason) },
      "Cannot clear 'NominatedNodeName' field from lower priority pods on the same target node",
    );
    return 'error';
  }

  async #clearNomination({ metadata }: Readonly<Pod>): Promise<void> {
    const body = { metadata: { uid: metadata.uid }, status: { nominatedNodeName: null } };
    const patch = { type: 'application/strategic-merge-patch+json', body, subresource: 'status' } as const;
    try {
      await this.#handle.client.pods(metadata.namespace).patch(metadata.name ?? '', patch);
    } catch (error) {
      // It is gone, or somebody else by now.
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }
}
