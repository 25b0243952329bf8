/**
 * The pods that wait to be scheduled (`pkg/scheduler/backend/queue/scheduling_queue.go`):
 * - active: to be tried as soon as possible, in the order of the QueueSort plugin;
 * - back-off: tried in vain lately, tried again after 1 s, 2 s … 10 s, or earlier when nothing else is to be done;
 * - unschedulable: until something happens that may help, or 5 minutes have passed;
 * - gated: until their PreEnqueue plugins let them in.
 */
import type { Clock, Timer } from '@kubets/apimachinery/clock';
import type { Pod } from '@kubets/api/types/core-v1';
import { PodInfo } from '../framework/pod-info.ts';
import type { Status } from '../framework/status.ts';
import { action, type ClusterEvent, type QueueSortPlugin } from '../framework/types.ts';
import { Heap } from './heap.ts';
import { InFlight } from './in-flight.ts';
import { Nominator } from './nominator.ts';
import { QueuedPod, type QueueName } from './queued-pod.ts';
import type { Happening, QueueingHints, RequeueStrategy } from './queueing-hints.ts';
import { WaitingPods } from './waiting-pods.ts';

export interface SchedulingQueueOptions {
  readonly clock: Clock;
  readonly sort: Pick<QueueSortPlugin, 'less'>;
  readonly initialBackoffMs?: number;
  readonly maxBackoffMs?: number;
  /** How long a pod stays unschedulable without being tried again. */
  readonly unschedulableFlushMs?: number;
  /** The pod's profile says whether it may enter the active queue. */
  readonly preEnqueue: (pod: Readonly<Pod>) => Status | undefined;
  readonly hints: (schedulerName: string) => QueueingHints | undefined;
  /** Whether a plugin of any profile has asked to be told of such events. */
  readonly interested: (plugin: string, event: ClusterEvent) => boolean;
  /** Called when a pod can be popped where there was none. */
  readonly onAvailable?: () => void;
  /** `queue` and `event` of `scheduler_queue_incoming_pods_total`. */
  readonly onIncoming?: (queue: QueueName, event: string) => void;
}

const flushEveryMs = 30_000;

export class SchedulingQueue {
  readonly nominator = new Nominator();
  readonly #options: Required<Omit<SchedulingQueueOptions, 'onAvailable' | 'onIncoming'>> &
    Pick<SchedulingQueueOptions, 'onAvailable' | 'onIncoming'>;
  readonly #active: Heap<QueuedPod>;
  readonly #backoff = new Heap<QueuedPod>((a, b) => a.backoffUntil < b.backoffUntil);
  /** Unschedulable and gated. */
  readonly #waiting = new WaitingPods();
  /** Everything that waits anywhere, by `namespace/name`. */
  readonly #pods = new Map<string, QueuedPod>();
  readonly #inFlight = new InFlight();
  #backoffTimer: Timer | undefined;
  #flushTimer: Timer | undefined;
  #gated = 0;
  #closed = false;

  constructor(options: SchedulingQueueOptions) {
    this.#options = { initialBackoffMs: 1000, maxBackoffMs: 10_000, unschedulableFlushMs: 300_000, ...options };
    this.#active = new Heap((a, b) => options.sort.less(a, b));
  }

  /** Pods per queue, as `scheduler_pending_pods` shows them. */
  get sizes(): Readonly<Record<QueueName, number>> {
    return {
      active: this.#active.size,
      backoff: this.#backoff.size,
      unschedulable: this.#waiting.size - this.#gated,
      gated: this.#gated,
    };
  }

  /** Pods that wait, wherever. */
  pending(): readonly QueuedPod[] {
    return [...this.#pods.values()];
  }

  get(key: string): QueuedPod | undefined {
    return this.#pods.get(key);
  }

  /** Starts what is done at intervals. */
  start(): void {
    this.#flushTimer = this.#options.clock.setTimer(flushEveryMs, () => {
      this.#flushUnschedulable();
      if (!this.#closed) this.start();
    });
  }

  close(): void {
    this.#closed = true;
    this.#flushTimer?.cancel();
    this.#backoffTimer?.cancel();
  }

  /** A pod that is new, or that has become ours. */
  add(podInfo: PodInfo): void {
    if (this.#pods.has(podInfo.key)) return this.update(undefined, podInfo);
    const pod = new QueuedPod(podInfo, this.#now());
    this.#toActive(pod, 'PodAdd');
    this.nominator.addNominatedPod(podInfo, '');
  }

  /** A pod that waits, or is being scheduled, has changed. */
  update(old: Readonly<Pod> | undefined, podInfo: PodInfo): void {
    const happening = { event: { ...updateOf(old, podInfo.pod), label: 'PodUpdate' }, old, now: podInfo.pod };
    if (this.#inFlight.has(podInfo.uid)) {
      if (happening.event.actionType !== 0) this.#inFlight.record(happening);
      return;
    }
    const pod = this.#pods.get(podInfo.key);
    if (pod === undefined) return this.add(podInfo);
    if (pod.uid !== podInfo.uid) {
      this.delete(pod.podInfo.pod);
      return this.add(podInfo);
    }
    pod.podInfo = podInfo;
    this.nominator.updateNominatedPod(old, podInfo);
    if (this.#active.has(pod)) this.#active.fix(pod);
    if (this.#waiting.has(pod.key) && happening.event.actionType !== 0) {
      this.#requeue(pod, this.#strategy(pod, happening), 'PodUpdate');
    }
  }

  delete(pod: Readonly<Pod>): void {
    this.nominator.deleteNominatedPod(pod);
    const key = `${pod.metadata.namespace ?? ''}/${pod.metadata.name ?? ''}`;
    const queued = this.#pods.get(key);
    if (queued !== undefined) this.#take(queued);
  }

  /** The next pod; its attempt begins. Follow with {@link addUnschedulable} or {@link done}. */
  pop(): QueuedPod | undefined {
    // With nothing better to do, the one whose back-off ends first is tried; unless something had gone wrong.
    const early = this.#backoff.peek();
    const pod = this.#active.peek() ?? (early !== undefined && early.consecutiveErrors === 0 ? early : undefined);
    if (pod === undefined) return undefined;
    this.#take(pod);
    pod.attempts++;
    pod.initialAttemptTimestamp ??= this.#now();
    this.#inFlight.start(pod.uid);
    return pod;
  }

  /** The attempt has ended, and the pod does not come back. */
  done(uid: string): void {
    this.#inFlight.done(uid);
  }

  /** The attempt has failed; `pod` says who rejected it, or nobody when something went wrong. */
  addUnschedulable(pod: QueuedPod): void {
    if (this.#pods.has(pod.key)) return this.done(pod.uid);
    pod.timestamp = this.#now();
    if (pod.rejected) {
      pod.unschedulableCount++;
      pod.consecutiveErrors = 0;
    } else pod.consecutiveErrors++;
    pod.backoffUntil = this.#backoffEnd(pod);
    let strategy: RequeueStrategy = pod.rejected ? 'skip' : 'afterBackoff';
    for (const happening of this.#inFlight.since(pod.uid)) {
      if (strategy === 'immediately') break;
      const next = this.#strategy(pod, happening);
      if (next !== 'skip') strategy = next;
    }
    this.#inFlight.done(pod.uid);
    this.#requeue(pod, strategy, 'ScheduleAttemptFailure');
  }

  /** Something happened: pods that it may help are tried again. `concerns` is a quick look that spares asking the plugins. */
  moveAll(happening: Happening, concerns?: (pod: QueuedPod) => boolean): void {
    this.#inFlight.record(happening);
    if (this.#waiting.size === 0) return;
    const label = happening.event.label ?? 'Unknown';
    const interested = (plugin: string): boolean => this.#options.interested(plugin, happening.event);
    for (const pod of this.#waiting.rejectedBy(interested)) {
      if (concerns !== undefined && !concerns(pod)) continue;
      const strategy = this.#strategy(pod, happening);
      if (strategy !== 'skip') this.#requeue(pod, strategy, label);
    }
  }

  /** Plugins want these pods tried at once. */
  activate(pods: Iterable<Readonly<Pod>>): void {
    for (const { metadata } of pods) {
      const pod = this.#pods.get(`${metadata.namespace ?? ''}/${metadata.name ?? ''}`);
      if (pod === undefined || this.#active.has(pod)) continue;
      this.#take(pod);
      pod.backoffUntil = 0;
      this.#toActive(pod, 'ForceActivate');
    }
  }

  #now(): number {
    return this.#options.clock.monotonic();
  }

  #strategy(pod: QueuedPod, happening: Happening): RequeueStrategy {
    const hints = this.#options.hints(pod.podInfo.pod.spec?.schedulerName ?? 'default-scheduler');
    return hints === undefined ? 'afterBackoff' : hints.strategy(pod, happening);
  }

  /** Where the pod goes from here; it may be waiting, or nowhere. */
  #requeue(pod: QueuedPod, strategy: RequeueStrategy, event: string): void {
    if (strategy === 'skip') return this.#toWaiting(pod, 'unschedulable', event);
    this.#take(pod);
    if (strategy === 'immediately') pod.backoffUntil = 0;
    // A gated pod was never tried: it has no back-off to wait for.
    if (pod.gatedBy === undefined && pod.backoffUntil > this.#now()) return this.#toBackoff(pod, event);
    this.#toActive(pod, event);
  }

  #toActive(pod: QueuedPod, event: string): void {
    if (this.#isGated(pod, event)) return;
    pod.queue = 'active';
    this.#pods.set(pod.key, pod);
    this.#active.push(pod);
    this.#options.onIncoming?.('active', event);
    this.#options.onAvailable?.();
  }

  /** Pods are taken from here before their time too ({@link pop}): who is gated must not come here (`moveToBackoffQ`). */
  #toBackoff(pod: QueuedPod, event: string): void {
    if (this.#isGated(pod, event)) return;
    pod.queue = 'backoff';
    this.#pods.set(pod.key, pod);
    this.#backoff.push(pod);
    this.#options.onIncoming?.('backoff', event);
    if (this.#backoff.peek() === pod) this.#scheduleBackoff();
    if (pod.consecutiveErrors === 0) this.#options.onAvailable?.();
  }

  /** Asks the PreEnqueue plugins; a pod that one of them keeps out waits. */
  #isGated(pod: QueuedPod, event: string): boolean {
    const status = this.#options.preEnqueue(pod.podInfo.pod);
    if (status === undefined) {
      pod.gatedBy = undefined;
      return false;
    }
    pod.gatedBy = status.plugin;
    // Plugins that rejected it in its last attempt still say what helps.
    pod.unschedulablePlugins = new Set(pod.unschedulablePlugins).add(status.plugin);
    this.#toWaiting(pod, 'gated', event);
    return true;
  }

  #toWaiting(pod: QueuedPod, queue: 'unschedulable' | 'gated', event: string): void {
    const known = this.#waiting.has(pod.key);
    if (pod.queue === 'gated') this.#gated--;
    if (queue === 'gated' || (known && pod.queue === 'gated')) {
      pod.queue = 'gated';
      this.#gated++;
    } else pod.queue = 'unschedulable';
    this.#pods.set(pod.key, pod);
    this.#waiting.add(pod);
    if (!known) this.#options.onIncoming?.(queue, event);
  }

  /** Takes the pod out of wherever it waits. */
  #take(pod: QueuedPod): void {
    this.#pods.delete(pod.key);
    if (!this.#active.delete(pod) && !this.#backoff.delete(pod)) this.#waiting.delete(pod);
    if (pod.queue === 'gated') this.#gated--;
    pod.queue = undefined;
  }

  #backoffEnd(pod: QueuedPod): number {
    const { initialBackoffMs, maxBackoffMs } = this.#options;
    const count = pod.consecutiveErrors > 0 ? pod.consecutiveErrors : pod.unschedulableCount;
    return this.#now() + Math.min(maxBackoffMs, initialBackoffMs * 2 ** Math.max(0, count - 1));
  }

  /** A timer for the end of the shortest back-off. */
  #scheduleBackoff(): void {
    this.#backoffTimer?.cancel();
    const next = this.#backoff.peek();
    if (next === undefined || this.#closed) return;
    const ms = Math.max(0, next.backoffUntil - this.#now());
    this.#backoffTimer = this.#options.clock.setTimer(ms, () => this.#flushBackoff());
  }

  #flushBackoff(): void {
    const now = this.#now();
    for (let pod = this.#backoff.peek(); pod !== undefined && pod.backoffUntil <= now; pod = this.#backoff.peek()) {
      this.#take(pod);
      this.#toActive(pod, 'BackoffComplete');
    }
    this.#scheduleBackoff();
  }

  #flushUnschedulable(): void {
    const before = this.#now() - this.#options.unschedulableFlushMs;
    for (const pod of this.#waiting.list()) {
      if (pod.timestamp <= before) this.#requeue(pod, 'afterBackoff', 'UnschedulableTimeout');
    }
  }
}

/** What of a pod has changed that its own chances may depend on (`PodSchedulingPropertiesChange`). */
function updateOf(old: Readonly<Pod> | undefined, pod: Readonly<Pod>): ClusterEvent {
  const resource = 'UnschedulablePod';
  if (old === undefined) return { resource, actionType: action.updateOther };
  const differs = (a: unknown, b: unknown): boolean => JSON.stringify(a) !== JSON.stringify(b);
  let actionType = 0;
  if (differs(old.metadata.labels, pod.metadata.labels)) actionType |= action.updatePodLabel;
  if (differs(old.spec?.tolerations, pod.spec?.tolerations)) actionType |= action.updatePodToleration;
  if ((old.spec?.schedulingGates?.length ?? 0) > 0 && (pod.spec?.schedulingGates?.length ?? 0) === 0) {
    actionType |= action.updatePodSchedulingGatesEliminated;
  }
  if (differs(old.status?.resourceClaimStatuses, pod.status?.resourceClaimStatuses)) {
    actionType |= action.updatePodGeneratedResourceClaim;
  }
  if (asksForLess(old, pod)) actionType |= action.updatePodScaleDown;
  if (actionType === 0 && differs({ ...old.spec }, { ...pod.spec })) actionType = action.updateOther;
  return { resource, actionType };
}

function asksForLess(old: Readonly<Pod>, pod: Readonly<Pod>): boolean {
  const texts = [old, pod].map(({ spec }) => JSON.stringify(spec?.containers?.map(({ resources }) => resources)));
  if (texts[0] === texts[1]) return false;
  const [before, after] = [new PodInfo(old).requests, new PodInfo(pod).requests];
  const names = ['cpu', 'memory', 'ephemeral-storage', ...(before.scalar?.keys() ?? [])];
  return names.some((name) => after.get(name) < before.get(name));
}
