/** kube-scheduler, put together from its parts (`cmd/kube-scheduler/app/server.go`, `pkg/scheduler/scheduler.go`). */
import type { Clock, Random } from '@kubets/apimachinery/clock';
import type { Log } from '@kubets/apimachinery/log';
import { MetricsRegistry } from '@kubets/apimachinery/metrics';
import { featureGateLookup } from '@kubets/api/feature-gates';
import type { Pod } from '@kubets/api/types/core-v1';
import {
  EventRecorder,
  kubeClient,
  LeaderElector,
  SharedInformerFactory,
  type KubeClient,
  type SharedInformer,
  type Transport,
} from '@kubets/client';
import * as resources from '@kubets/client/resources';
import { Attempts } from './attempt.ts';
import { SchedulerCache } from './cache/cache.ts';
import { compareCache, type CacheComparison } from './cache/compare.ts';
import { defaultConfiguration, type SchedulerConfiguration } from './config/configuration.ts';
import type { ConfiguredProfile } from './configured-profile.ts';
import { EventHandlers } from './event-handlers.ts';
import { SchedulerEvents } from './events.ts';
import { ExtenderChain } from './extender/extender-chain.ts';
import { extenderTransport } from './extender/fetch-transport.ts';
import { HttpExtender, type ExtenderConfig, type ExtenderTransport } from './extender/http-extender.ts';
import { NodeSelector } from './fast/node-selector.ts';
import { PodShapes } from './framework/pod-info.ts';
import { Profile, type ProfileOptions, type Registry } from './framework/profile.ts';
import type { Status } from './framework/status.ts';
import type { ClusterEvent, PluginFactory } from './framework/types.ts';
import type { PermitWait } from './framework/waiting-pods.ts';
import { SchedulerMetrics } from './metrics.ts';
import { pluginRegistry } from './plugins/registry.ts';
import { ProfileHandle, type SharedHandle } from './profile-handle.ts';
import { HintDurations } from './queue/hint-durations.ts';
import { QueueingHints } from './queue/queueing-hints.ts';
import { SchedulingQueue } from './queue/scheduling-queue.ts';
import { SchedulingLoop } from './scheduling-loop.ts';

export interface SchedulerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Requests as `system:kube-scheduler`. */
  readonly transport: Transport;
  /** Shared with others in this process, who start them; default: the scheduler's own. */
  readonly informers?: SharedInformerFactory;
  /** Default: upstream's defaults. See `loadSchedulerConfiguration`. */
  readonly configuration?: SchedulerConfiguration;
  readonly metrics?: MetricsRegistry;
  /** Unique to this process, as leases name it; its host's name, mostly, for Events. */
  readonly identity: string;
  readonly featureGates?: Readonly<Record<string, boolean>>;
  /** Whether the API server serves a resource; default: everything. */
  readonly serves?: (resource: { readonly group: string; readonly resource: string }) => boolean;
  /** Plugins besides those that come with the scheduler; profiles enable them by these names. */
  readonly plugins?: Readonly<Record<string, PluginFactory>>;
  /** How extenders are asked; default: over HTTP, as configured. */
  readonly extenderTransport?: (extender: ExtenderConfig) => ExtenderTransport;
}

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #configuration: SchedulerConfiguration;
  readonly #client: KubeClient;
  readonly #informers: SharedInformerFactory;
  readonly #cache = new SchedulerCache();
  readonly #shapes = new PodShapes();
  readonly #queue: SchedulingQueue;
  readonly #hintDurations: HintDurations;
  readonly #profiles = new Map<string, ConfiguredProfile>();
  readonly #waiting = new Map<string, PermitWait>();
  readonly #extenders: ExtenderChain | undefined;
  readonly #loop: SchedulingLoop;
  readonly #handlers: EventHandlers;
  readonly #pods: SharedInformer<Pod>;
  #elector: LeaderElector | undefined;

  /** Throws when the configuration names plugins that do not exist, or arguments that they do not accept. */
  constructor(options: SchedulerOptions) {
    this.#options = options;
    const { clock, random, transport } = options;
    const featureEnabled = featureGateLookup(options.featureGates);
    this.#configuration = options.configuration ?? defaultConfiguration(featureEnabled);
    this.#client = kubeClient(transport);
    this.#informers =
      options.informers ?? new SharedInformerFactory({ transport, clock, random, onError: this.#onError });
    this.#pods = this.#informers.informer(resources.pods);
    this.#extenders = this.#makeExtenders();
    const registry = options.metrics ?? new MetricsRegistry();
    this.#hintDurations = new HintDurations(registry, options.clock);
    this.#makeProfiles(this.#sharedHandle(registry, featureEnabled));
    const metrics = this.#makeMetrics(registry);
    this.#queue = this.#makeQueue(metrics);
    this.#handlers = this.#makeHandlers();
    this.#loop = this.#makeLoop(metrics);
  }

  /** For health checks: who leads; undefined without leader election. */
  get elector(): LeaderElector | undefined {
    return this.#elector;
  }

  /** What differs between the cache and the API; for tests and for SIGUSR2. */
  compare(): CacheComparison {
    return compareCache(
      {
        cache: this.#cache,
        queued: this.#queue.pending().map(({ podInfo }) => podInfo.pod),
      },
      { nodes: this.#informers.informer(resources.nodes).store.list(), pods: this.#pods.store.list() },
    );
  }

  /**
   * Runs until the signal is aborted, and then until bindings under way have ended. With leader election only the leader
   * schedules. Single use.
   */
  async run(signal: AbortSignal): Promise<void> {
    await using stack = new AsyncDisposableStack();
    for (const { events } of this.#profiles.values()) stack.use(events);
    if (this.#options.informers === undefined) stack.use(this.#informers);
    this.#handlers.register();
    const { leaderElection, delayCacheUntilActive } = this.#configuration;
    const follow = async (following: AbortSignal): Promise<void> => {
      this.#informers.start(following);
      await this.#synced(following);
    };
    try {
      if (!leaderElection.leaderElect) {
        await follow(signal);
        await this.#schedule(signal);
      } else if (delayCacheUntilActive) await this.#lead(signal, follow);
      else {
        await follow(signal);
        await this.#lead(signal, () => Promise.resolve());
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  readonly #onError = (error: unknown, text: string): void => this.#options.log.error({ error: String(error) }, text);

  async #synced(signal: AbortSignal): Promise<void> {
    await this.#informers.waitForCacheSync(signal);
    while (!this.#handlers.hasSynced) {
      signal.throwIfAborted();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async #schedule(signal: AbortSignal): Promise<void> {
    this.#queue.start();
    try {
      await this.#loop.run(signal);
    } finally {
      this.#queue.close();
    }
  }

  /** `prepare` runs when this scheduler has become the leader, before it schedules. */
  async #lead(signal: AbortSignal, prepare: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { leaderElection: settings } = this.#configuration;
    const { clock, random, identity, log } = this.#options;
    const lost = new AbortController();
    const both = AbortSignal.any([signal, lost.signal]);
    await using events = this.#leadershipEvents();
    this.#elector = new LeaderElector({
      events,
      leases: this.#client.leases(settings.resourceNamespace),
      name: settings.resourceName,
      namespace: settings.resourceNamespace,
      identity,
      clock,
      random,
      leaseDurationMs: settings.leaseDurationMs,
      renewDeadlineMs: settings.renewDeadlineMs,
      retryPeriodMs: settings.retryPeriodMs,
      lead: async (leading) => {
        await prepare(leading);
        await this.#schedule(leading);
      },
      // Upstream's scheduler ends its process then: what it assumes may be wrong by now.
      onStoppedLeading: () => lost.abort(new Error('leaderelection lost')),
      onNewLeader: (leader) => log.info({ leader }, 'new leader elected'),
      onError: (error) => log.error({ error: String(error) }, 'leader election failed'),
    });
    await this.#elector.run(both);
    if (!signal.aborted) throw new Error('leaderelection lost');
  }

  /** Events about the lease come from the first profile (`cmd/kube-scheduler/app/options/options.go`, `Config`). */
  #leadershipEvents(): EventRecorder {
    const { clock, random, log } = this.#options;
    return new EventRecorder({
      events: this.#client.events(),
      component: this.#configuration.profiles[0]?.schedulerName ?? 'default-scheduler',
      clock,
      random,
      onDropped: (reason, error) => log.debug({ error: String(error) }, reason),
    });
  }

  #makeExtenders(): ExtenderChain | undefined {
    const { extenders } = this.#configuration;
    const { clock, log, extenderTransport: transportOf = (config) => extenderTransport(config, clock) } = this.#options;
    if (extenders.length === 0) return undefined;
    // Those that can be done without are asked last.
    const sorted = extenders.toSorted((a, b) => Number(a.ignorable ?? false) - Number(b.ignorable ?? false));
    return new ExtenderChain(
      sorted.map((config) => new HttpExtender(config, transportOf(config))),
      log,
    );
  }

  #sharedHandle(metrics: MetricsRegistry, featureEnabled: (gate: string) => boolean): SharedHandle {
    const { clock, random, log, serves = () => true } = this.#options;
    return {
      client: this.#client,
      informers: this.#informers,
      clock,
      random,
      log,
      metrics,
      cluster: this.#cache.cluster,
      nominator: () => this.#queue.nominator,
      extenders: this.#extenders?.extenders ?? [],
      waiting: this.#waiting,
      featureEnabled,
      serves,
      activate: (pods) => this.#queue.activate(pods),
      background: (work) => this.#loop.background(work),
    };
  }

  #makeProfiles(shared: SharedHandle): void {
    const registry: Registry = { ...pluginRegistry, ...this.#options.plugins };
    for (const options of this.#configuration.profiles) {
      this.#profiles.set(options.schedulerName, this.#makeProfile(options, registry, shared));
    }
    const [first, ...others] = [...this.#profiles.values()].map(({ profile }) => profile.points.queueSort[0]?.name);
    if (others.some((name) => name !== first))
      throw new Error('all profiles must use the same plugin for queue sorting');
  }

  #makeProfile(options: ProfileOptions, registry: Registry, shared: SharedHandle): ConfiguredProfile {
    const { clock, random, log, identity } = this.#options;
    const events = new SchedulerEvents({
      client: this.#client,
      clock,
      random,
      reportingController: options.schedulerName,
      instance: identity.split('_')[0] ?? identity,
      onDropped: (reason, error) =>
        error === undefined ? log.debug({}, reason) : log.warn({ error: String(error) }, reason),
    });
    const handle = new ProfileHandle(options.schedulerName, shared, events);
    const profile = new Profile(withIgnoredResources(options, this.#configuration.extenders), registry, handle);
    handle.complete(profile);
    const selector = new NodeSelector({
      cluster: this.#cache.cluster,
      profile,
      nominator: () => this.#queue.nominator,
      random,
      percentageOfNodesToScore: this.#configuration.percentageOfNodesToScore,
    });
    const hints = new QueueingHints(profile.plugins.values(), log, this.#hintDurations);
    return { profile, selector, events, hints };
  }

  #makeMetrics(registry: MetricsRegistry): SchedulerMetrics {
    return new SchedulerMetrics(registry, {
      queueSizes: () => this.#queue.sizes,
      cacheSizes: () => this.#cache.sizes,
      unschedulablePods: () => this.#unschedulablePods(),
      bindingsInFlight: () => this.#loop.bindingsInFlight,
    });
  }

  *#unschedulablePods(): Iterable<readonly [string, string, number]> {
    const counts = new Map<string, [string, string, number]>();
    for (const { queue, unschedulablePlugins, podInfo } of this.#queue.pending()) {
      if (queue !== 'unschedulable' && queue !== 'gated') continue;
      const profile = podInfo.pod.spec?.schedulerName ?? '';
      for (const plugin of unschedulablePlugins) {
        const known = counts.get(`${plugin}/${profile}`);
        if (known === undefined) counts.set(`${plugin}/${profile}`, [plugin, profile, 1]);
        else known[2]++;
      }
    }
    yield* counts.values();
  }

  #makeQueue(metrics: SchedulerMetrics): SchedulingQueue {
    const [anyProfile] = this.#profiles.values();
    const sort = anyProfile?.profile.points.queueSort[0];
    return new SchedulingQueue({
      clock: this.#options.clock,
      sort: { less: (a, b) => sort?.less?.(a, b) ?? false },
      initialBackoffMs: this.#configuration.podInitialBackoffMs,
      maxBackoffMs: this.#configuration.podMaxBackoffMs,
      preEnqueue: (pod) => this.#preEnqueue(pod),
      hints: (name) => this.#profiles.get(name)?.hints,
      interested: (plugin, event) => this.#interested(plugin, event),
      onAvailable: () => this.#loop.wake(),
      onIncoming: (queue, event) => metrics.incoming(queue, event),
    });
  }

  #interested(plugin: string, event: ClusterEvent): boolean {
    for (const { hints } of this.#profiles.values()) if (hints.interested(plugin, event)) return true;
    return false;
  }

  #preEnqueue(pod: Readonly<Pod>): Status | undefined {
    for (const plugin of this.#profileOf(pod)?.profile.points.preEnqueue ?? []) {
      const status = plugin.preEnqueue?.(pod);
      if (status !== undefined && status.code !== 'Success') return status.by(plugin.name);
    }
    return undefined;
  }

  #profileOf({ spec }: Readonly<Pod>): ConfiguredProfile | undefined {
    return this.#profiles.get(spec?.schedulerName ?? '');
  }

  #makeHandlers(): EventHandlers {
    return new EventHandlers({
      informers: this.#informers,
      cache: this.#cache,
      queue: this.#queue,
      shapes: this.#shapes,
      waiting: this.#waiting,
      isOurs: (pod) => this.#profileOf(pod) !== undefined,
      events: [...this.#profiles.values()].flatMap(({ hints }) => hints.events),
      serves: this.#options.serves ?? (() => true),
    });
  }

  #makeLoop(metrics: SchedulerMetrics): SchedulingLoop {
    const { clock, log } = this.#options;
    const extenders = this.#extenders;
    return new SchedulingLoop({
      clock,
      log,
      client: this.#client,
      cache: this.#cache,
      queue: this.#queue,
      metrics,
      attempts: new Attempts({ cache: this.#cache, nominator: this.#queue.nominator, extenders, clock, metrics }),
      nominatesExpected: featureGateLookup(this.#options.featureGates)('NominatedNodeNameForExpectation'),
      binding: { waiting: this.#waiting, extenders },
      profileOf: (pod) => this.#profileOf(pod),
      currentPod: (key) => {
        const pod = this.#pods.store.get(key);
        return pod === undefined ? undefined : this.#shapes.podInfo(pod);
      },
    });
  }
}

/** Resources that extenders manage by themselves are none of NodeResourcesFit's business (`scheduler.go`, `buildExtenders`). */
function withIgnoredResources(options: ProfileOptions, extenders: readonly ExtenderConfig[]): ProfileOptions {
  const ignored = extenders
    .flatMap(({ managedResources = [] }) => managedResources)
    .filter(({ ignoredByScheduler }) => ignoredByScheduler === true)
    .map(({ name }) => name);
  if (ignored.length === 0) return options;
  const args = options.pluginConfig['NodeResourcesFit'] ?? {};
  const ignoredResources = [...((args['ignoredResources'] ?? []) as readonly string[]), ...ignored];
  return { ...options, pluginConfig: { ...options.pluginConfig, NodeResourcesFit: { ...args, ignoredResources } } };
}

/** A scheduler that is ready to {@link Scheduler.run}. Throws when it cannot be made as configured. */
export function createScheduler(options: SchedulerOptions): Scheduler {
  return new Scheduler(options);
}
