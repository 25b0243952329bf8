/** What the plugins of one profile are given. */
import type { Clock, Random } from '@kubets/apimachinery/clock';
import type { Log } from '@kubets/apimachinery/log';
import type { ApiObject } from '@kubets/apimachinery/meta';
import type { MetricsRegistry } from '@kubets/apimachinery/metrics';
import type { Pod } from '@kubets/api/types/core-v1';
import type { EventNote, KubeClient, ObjectReference, SharedInformerFactory } from '@kubets/client';
import type { Cluster } from './cache/cluster.ts';
import type { SchedulerEvents } from './events.ts';
import type { FastHandle } from './fast/kernel.ts';
import type { CycleState } from './framework/cycle-state.ts';
import type { NodeInfo } from './framework/node-info.ts';
import type { PodInfo } from './framework/pod-info.ts';
import type { Profile } from './framework/profile.ts';
import type { Extender, NodeInfoLister, Outcome, PodNominator, WaitingPod } from './framework/types.ts';
import type { PermitWait } from './framework/waiting-pods.ts';

/** What is the same for all profiles. */
export interface SharedHandle {
  readonly client: KubeClient;
  readonly informers: SharedInformerFactory;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: MetricsRegistry;
  readonly cluster: Cluster;
  readonly nominator: () => PodNominator;
  readonly extenders: readonly Extender[];
  readonly waiting: ReadonlyMap<string, PermitWait>;
  featureEnabled(gate: string): boolean;
  serves(resource: { readonly group: string; readonly resource: string }): boolean;
  activate(pods: Iterable<Readonly<Pod>>): void;
  background(work: Promise<void>): void;
}

export class ProfileHandle implements FastHandle {
  readonly profileName: string;
  readonly client: KubeClient;
  readonly informers: SharedInformerFactory;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: MetricsRegistry;
  readonly cluster: Cluster;
  readonly extenders: readonly Extender[];
  readonly #shared: SharedHandle;
  readonly #events: SchedulerEvents;
  #profile: Profile | undefined;

  constructor(profileName: string, shared: SharedHandle, events: SchedulerEvents) {
    this.profileName = profileName;
    this.client = shared.client;
    this.informers = shared.informers;
    this.clock = shared.clock;
    this.random = shared.random;
    this.log = shared.log;
    this.metrics = shared.metrics;
    this.cluster = shared.cluster;
    this.extenders = shared.extenders;
    this.#shared = shared;
    this.#events = events;
  }

  /** The profile is made with this handle, and completes it. */
  complete(profile: Profile): void {
    this.#profile = profile;
  }

  get nodes(): NodeInfoLister {
    return this.cluster;
  }

  get nominator(): PodNominator {
    return this.#shared.nominator();
  }

  featureEnabled(gate: string): boolean {
    return this.#shared.featureEnabled(gate);
  }

  serves(resource: { readonly group: string; readonly resource: string }): boolean {
    return this.#shared.serves(resource);
  }

  event(regarding: Readonly<ApiObject> | ObjectReference, note: EventNote): void {
    this.#events.event(regarding, note);
  }

  runFilterPluginsWithNominatedPods(state: CycleState, pod: PodInfo, node: NodeInfo): Outcome {
    return this.#ready.runFilterWithNominated(state, pod, node);
  }

  runAddPod(state: CycleState, pod: PodInfo, other: PodInfo, node: NodeInfo): Outcome {
    return this.#ready.runAddPod(state, pod, other, node);
  }

  runRemovePod(state: CycleState, pod: PodInfo, other: PodInfo, node: NodeInfo): Outcome {
    return this.#ready.runRemovePod(state, pod, other, node);
  }

  waitingPod(uid: string): WaitingPod | undefined {
    return this.#shared.waiting.get(uid);
  }

  waitingPods(): Iterable<WaitingPod> {
    return this.#shared.waiting.values();
  }

  activate(pods: Iterable<Readonly<Pod>>): void {
    this.#shared.activate(pods);
  }

  background(work: Promise<void>): void {
    this.#shared.background(work);
  }

  get #ready(): Profile {
    if (this.#profile === undefined) throw new Error('plugins cannot be called while they are being made');
    return this.#profile;
  }
}
