/** Takes pod after pod from the queue, schedules them, has them bound, and deals with those that fit nowhere. */
import type { Clock } from '@kubets/apimachinery/clock';
import type { Log } from '@kubets/apimachinery/log';
import type { Pod } from '@kubets/api/types/core-v1';
import type { KubeClient } from '@kubets/client';
import { type Assumed, type Attempts, type AttemptResult, type Failure, unreserve } from './attempt.ts';
import { bind, type BindingDependencies } from './binding.ts';
import type { SchedulerCache } from './cache/cache.ts';
import type { ConfiguredProfile } from './configured-profile.ts';
import type { PodInfo } from './framework/pod-info.ts';
import type { SchedulerMetrics } from './metrics.ts';
import { patchPodStatus } from './pod-status.ts';
import { action } from './framework/types.ts';
import type { QueuedPod } from './queue/queued-pod.ts';
import type { SchedulingQueue } from './queue/scheduling-queue.ts';

export interface LoopDependencies {
  readonly clock: Clock;
  readonly log: Log;
  readonly client: KubeClient;
  readonly cache: SchedulerCache;
  readonly queue: SchedulingQueue;
  readonly metrics: SchedulerMetrics;
  readonly attempts: Attempts;
  readonly binding: Omit<
    BindingDependencies,
    'onBinding' | 'onPermitWait' | 'onExtensionPoint' | 'onBindStart' | 'onBindEnd' | 'nominate' | 'clock'
  >;
  /** Pods get their node nominated while binding is prepared (gate NominatedNodeNameForExpectation). */
  readonly nominatesExpected: boolean;
  profileOf(pod: Readonly<Pod>): ConfiguredProfile | undefined;
  /** The pod as the informer has it; undefined: it is gone. */
  currentPod(key: string): PodInfo | undefined;
}

/** Bindings under way; more would only make each of them take longer. */
const maxBindings = 128;
/** How long the event loop may be kept busy. */
const sliceMs = 4;
/** Pods in a row before others get their turn: with the server in the same process, each costs it some time in the same turn. */
const sliceMax = 16;

const noteLimit = 1024;
const truncated = (note: string): string => (note.length <= noteLimit ? note : `${note.slice(0, noteLimit - 4)} ...`);

export class SchedulingLoop {
  readonly #d: LoopDependencies;
  readonly #work = new Set<Promise<void>>();
  #bindings = 0;
  /** Since the queue was last looked at. */
  #woken = false;
  #wake: (() => void) | undefined;

  constructor(dependencies: LoopDependencies) {
    this.#d = dependencies;
  }

  get bindingsInFlight(): number {
    return this.#bindings;
  }

  /** Something may be to be done. */
  readonly wake = (): void => {
    this.#woken = true;
    this.#wake?.();
  };

  /** Work that {@link run} waits for at its end. */
  background(work: Promise<void>): void {
    this.#work.add(work);
    void work.finally(() => this.#work.delete(work));
  }

  /** Until the signal is aborted, and then until bindings under way have ended. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', this.wake, { once: true });
    while (!signal.aborted) {
      const more = await this.#slice(signal);
      if (signal.aborted) break;
      if (more) await new Promise((resolve) => setImmediate(resolve));
      else await this.#idle(signal);
    }
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  /** As many pods as fit into one turn. Answers whether there are more. */
  async #slice(signal: AbortSignal): Promise<boolean> {
    const { clock, queue } = this.#d;
    this.#woken = false;
    const until = clock.monotonic() + sliceMs;
    for (let i = 0; i < sliceMax; i++) {
      if (this.#bindings >= maxBindings) return false;
      const pod = queue.pop();
      if (pod === undefined) return false;
      const attempt = this.#attempt(pod, signal);
      if (attempt !== undefined) await attempt;
      if (signal.aborted || clock.monotonic() > until) break;
    }
    return true;
  }

  async #idle(signal: AbortSignal): Promise<void> {
    if (this.#woken || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    await promise;
    this.#wake = undefined;
  }

  /** A promise only where something has to be waited for before the next pod's turn. */
  #attempt(queued: QueuedPod, signal: AbortSignal): Promise<void> | undefined {
    const { attempts, clock, metrics } = this.#d;
    const profile = this.#d.profileOf(queued.podInfo.pod);
    if (profile === undefined || this.#skip(queued, profile)) {
      this.#d.queue.done(queued.uid);
      return undefined;
    }
    const started = clock.monotonic();
    const result = attempts.run(profile, queued.podInfo);
    if (result instanceof Promise) return this.#finishLater(queued, profile, { result, started, signal });
    metrics.algorithm((clock.monotonic() - started) / 1000);
    this.#finish(queued, profile, { result, started, signal });
    return undefined;
  }

  async #finishLater(
    queued: QueuedPod,
    profile: ConfiguredProfile,
    { result, started, signal }: { result: Promise<AttemptResult>; started: number; signal: AbortSignal },
  ): Promise<void> {
    const known = await result;
    this.#d.metrics.algorithm((this.#d.clock.monotonic() - started) / 1000);
    this.#finish(queued, profile, { result: known, started, signal });
  }

  #finish(
    queued: QueuedPod,
    profile: ConfiguredProfile,
    { result, started, signal }: { result: AttemptResult; started: number; signal: AbortSignal },
  ): void {
    if ('failure' in result) return this.#fail(queued, profile, { failure: result.failure, started });
    this.background(this.#bind(queued, result.assumed, { started, signal }));
  }

  /** Pods being deleted, and pods whose binding is under way (they were changed meanwhile). */
  #skip({ podInfo }: QueuedPod, { events }: ConfiguredProfile): boolean {
    if (!podInfo.terminating) return this.#d.cache.isAssumed(podInfo.uid);
    const note = `skip schedule deleting pod: ${podInfo.key}`;
    events.event(podInfo.pod, { type: 'Warning', reason: 'FailedScheduling', action: 'Scheduling', note });
    return true;
  }

  async #bind(
    queued: QueuedPod,
    assumed: Assumed,
    { started, signal }: { started: number; signal: AbortSignal },
  ): Promise<void> {
    const { cache, clock, metrics, queue, binding } = this.#d;
    const { profile, pod, nodeName } = assumed;
    const dependencies = {
      ...binding,
      clock,
      onBinding: (uid: string) => queue.done(uid),
      onPermitWait: (result: string, seconds: number) => metrics.permitWait(result, seconds),
      onExtensionPoint: metrics.extensionPoint.bind(metrics),
      onBindStart: () => void this.#bindings++,
      onBindEnd: () => {
        if (this.#bindings-- >= maxBindings) this.wake();
      },
      nominate: (about: Assumed) => this.#nominate(about),
    };
    const failure = await bind(assumed, dependencies, signal);
    if (failure === undefined) {
      const now = clock.monotonic();
      metrics.attempt(profile.profile.name, 'scheduled', (now - started) / 1000);
      metrics.scheduled(queued.attempts, (now - (queued.initialAttemptTimestamp ?? started)) / 1000);
      const note = `Successfully assigned ${pod.key} to ${nodeName}`;
      profile.events.event(pod.pod, { type: 'Normal', reason: 'Scheduled', action: 'Binding', note });
      return;
    }
    unreserve(assumed);
    if (cache.forget(pod.uid)) this.#madeRoom(pod.pod, failure);
    // Whoever leads next starts from what the API says.
    if (signal.aborted) return;
    this.#fail(queued, profile, { failure, started });
  }

  async #nominate({ pod, nodeName }: Assumed): Promise<void> {
    if (!this.#d.nominatesExpected) return;
    try {
      await patchPodStatus(pod.pod, { nominatedNodeName: nodeName }, this.#d);
    } catch (error) {
      // Not worth giving up for: it only tells others.
      const fields = { pod: pod.key, nominatedNodeName: nodeName, error: String(error) };
      this.#d.log.error(fields, 'Failed to update the nominated node name in the binding cycle');
    }
  }

  /** A pod that does not take its place leaves room for others; but what was rejected itself does not gain by it. */
  #madeRoom(pod: Readonly<Pod>, { status }: Failure): void {
    const event = { resource: 'AssignedPod', actionType: action.delete, label: 'AssignedPodDelete' };
    const happening = { event, old: pod, now: undefined };
    if (status.rejected) this.#d.queue.moveAll(happening, ({ uid }) => uid !== pod.metadata.uid);
    else this.#d.queue.moveAll(happening);
  }

  /** Back to the queue, with an Event and a condition that say why (`handleSchedulingFailure`). */
  #fail(
    queued: QueuedPod,
    { profile, events }: ConfiguredProfile,
    { failure, started }: { failure: Failure; started: number },
  ): void {
    const { clock, log, metrics, queue } = this.#d;
    const { status, diagnosis, nominatedNodeName } = failure;
    const reason = status.rejected ? 'Unschedulable' : 'SchedulerError';
    const message = diagnosis?.message ?? status.message;
    metrics.attempt(profile.name, status.rejected ? 'unschedulable' : 'error', (clock.monotonic() - started) / 1000);
    if (!status.rejected) log.error({ pod: queued.key, error: message }, 'Error scheduling pod; retrying');
    queued.unschedulablePlugins = diagnosis?.unschedulablePlugins ?? new Set();
    queued.pendingPlugins = diagnosis?.pendingPlugins ?? new Set();
    const attempted = queued.podInfo.pod;
    this.#requeue(queued);
    if (nominatedNodeName !== undefined && nominatedNodeName !== '') {
      queue.nominator.addNominatedPod(queued.podInfo, nominatedNodeName);
    } else if (nominatedNodeName === '') queue.nominator.deleteNominatedPod(attempted);
    const note = truncated(message);
    events.event(attempted, { type: 'Warning', reason: 'FailedScheduling', action: 'Scheduling', note });
    const change = { reason, message, nominatedNodeName } as const;
    this.background(
      patchPodStatus(attempted, change, this.#d).catch((error: unknown) => {
        log.error({ pod: queued.key, error: String(error) }, 'Error updating pod');
      }),
    );
  }

  /** Unless the pod is gone, or bound after all: an answer may have been lost. */
  #requeue(queued: QueuedPod): void {
    const current = this.#d.currentPod(queued.key);
    if (current === undefined || current.uid !== queued.uid || (current.pod.spec?.nodeName ?? '') !== '') {
      this.#d.queue.done(queued.uid);
      return;
    }
    queued.podInfo = current;
    this.#d.queue.addUnschedulable(queued);
    this.wake();
  }
}
