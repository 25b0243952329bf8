/**
 * The manager: runs the controllers that are chosen, while it leads (upstream
 * `cmd/kube-controller-manager/app/controllermanager.go`).
 *
 *     const manager = createControllerManager({ clock, random, log, transport, transportFor, leaderElection: { identity } });
 *     await manager.run(signal);
 */
import type { Clock, Random } from '@kubets/apimachinery/clock';
import type { Log } from '@kubets/apimachinery/log';
import type { MetricsRegistry } from '@kubets/apimachinery/metrics';
import { featureGateLookup } from '@kubets/api/feature-gates';
import { EventRecorder, kubeClient, LeaderElector, leaderHealthCheck, type Transport } from '@kubets/client';
import type { ControllerDescriptor } from './controller.ts';
import { WorkQueueFamilies } from './controller-context.ts';
import { canonicalSelectors, decide, type ControllerFact } from './controller-selection.ts';
import { controllerDescriptors } from './descriptors.ts';
import { controllerFacts } from './generated/controllers.ts';
import { ManagerTerm, type ChosenController } from './manager-term.ts';
import { RestartableMetrics } from './manager-metrics.ts';
import { defaultControllerManagerOptions, type ControllerManagerOptions } from './options.ts';

/** `--leader-elect-*`. */
export interface ManagerLeaderElection {
  /** Unique to this process, or the same as its predecessor's when there can be one only: it then takes its lease back at once. */
  readonly identity: string;
  /** Default `kube-controller-manager`, in `kube-system`. */
  readonly resourceName?: string;
  readonly resourceNamespace?: string;
  /** Default 15 s, 10 s, 2 s. */
  readonly leaseDurationMs?: number;
  readonly renewDeadlineMs?: number;
  readonly retryPeriodMs?: number;
}

export interface ManagerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Requests under the manager's own identity: informers, discovery, the lease. */
  readonly transport: Transport;
  /** Requests as the service account of that name in kube-system. Default: everything as the manager itself. */
  readonly transportFor?: (account: string) => Transport;
  /** `--controllers`. Default `['*']`. */
  readonly controllers?: readonly string[];
  /** What the flags set; upstream's defaults where absent. */
  readonly options?: Partial<ControllerManagerOptions>;
  /** `--feature-gates`. */
  readonly featureGates?: Readonly<Record<string, boolean>>;
  /** Undefined: it leads without asking (`--leader-elect=false`). */
  readonly leaderElection?: ManagerLeaderElection;
  /** `--controller-shutdown-timeout`, milliseconds: how long controllers may take to end. Default 10 s. */
  readonly shutdownTimeoutMs?: number;
  /** Default: all there are. */
  readonly descriptors?: readonly ControllerDescriptor[];
  /** Told when all chosen controllers have been started; again after each time the leadership was lost and won. */
  readonly onStarted?: () => void;
}

/** One of the checks of `/healthz`. */
export interface ManagerHealthCheck {
  readonly name: string;
  /** Throws when it is not healthy. */
  check(): void;
}

export interface ControllerManager {
  /** Competes, leads and runs the controllers until the signal is aborted and they have ended. Never rejects. Single use. */
  run(signal: AbortSignal): Promise<void>;
  readonly metrics: MetricsRegistry;
  /** At this moment: the leader election, and each controller that was started (`leaderElection`, `deployment-controller` …). */
  healthChecks(): readonly ManagerHealthCheck[];
  /** Whether this one leads now. */
  readonly leading: boolean;
}

/**
 * A manager that is not running yet.
 *
 * @throws UnknownControllerError for a name in `controllers` that no controller has
 * @throws FeatureGateError for a gate that does not exist or is locked to another value
 */
export function createControllerManager(options: ManagerOptions): ControllerManager {
  return new Manager(options);
}

class Manager implements ControllerManager {
  readonly metrics = new RestartableMetrics();
  readonly #options: ManagerOptions;
  readonly #featureEnabled: (gate: string) => boolean;
  readonly #chosen: readonly ChosenController[];
  readonly #families: WorkQueueFamilies;
  readonly #elector: LeaderElector | undefined;
  /** About the lease; those of controllers are their own. */
  readonly #events: EventRecorder;
  #term: ManagerTerm | undefined;
  #started = false;

  constructor(options: ManagerOptions) {
    this.#options = options;
    this.#featureEnabled = featureGateLookup(options.featureGates);
    this.#chosen = this.#choose();
    this.#families = new WorkQueueFamilies(this.metrics);
    this.#events = this.#makeEvents();
    this.#elector = this.#makeElector();
    this.metrics.collected(
      {
        name: 'leader_election_master_status',
        help: "Gauge of if the reporting system is master of the relevant lease, 0 indicates backup, 1 indicates master. 'name' is the string used to identify the lease. Please make sure to group by name.",
        type: 'gauge',
      },
      () => [[`name="${this.#leaseName}"`, this.leading ? 1 : 0]],
    );
    this.metrics.collected(
      {
        name: 'running_managed_controllers',
        help: 'Indicates where instances of a controller are currently running',
        type: 'gauge',
      },
      () =>
        (this.#term?.runners ?? []).map((runner) => [
          `manager="kube-controller-manager",name="${runner.name}"`,
          runner.state.type === 'running' ? 1 : 0,
        ]),
    );
  }

  get leading(): boolean {
    return this.#elector === undefined ? this.#term !== undefined : this.#elector.isLeader;
  }

  healthChecks(): readonly ManagerHealthCheck[] {
    const election = this.#elector === undefined ? [] : [leaderHealthCheck(this.#elector)];
    return [...election, ...(this.#term?.runners ?? [])];
  }

  async run(signal: AbortSignal): Promise<void> {
    if (this.#started) throw new Error('a controller manager runs once: make a new one');
    this.#started = true;
    await using _ = this.#events;
    if (this.#elector === undefined) await this.#lead(signal);
    else await this.#elector.run(signal);
  }

  get #leaseName(): string {
    return this.#options.leaderElection?.resourceName ?? 'kube-controller-manager';
  }

  #choose(): readonly ChosenController[] {
    const { controllers = ['*'], descriptors = controllerDescriptors, log } = this.#options;
    const selectors = canonicalSelectors(controllers, controllerFacts);
    const byName = new Map(descriptors.map((descriptor) => [descriptor.name, descriptor]));
    const chosen: ChosenController[] = [];
    const choose = (fact: ControllerFact): void => {
      const descriptor = byName.get(fact.name);
      byName.delete(fact.name);
      const decision = decide(fact, selectors, this.#featureEnabled);
      if (!decision.run) log.debug({ controller: fact.name, why: decision.reason }, 'controller is not started');
      else if (descriptor !== undefined) chosen.push({ fact, descriptor });
      else {
        // Who asks for it by name is told; of the others, those who want to know.
        const level = selectors.includes(fact.name) ? 'warn' : 'info';
        log[level]({ controller: fact.name }, 'this version has no such controller: what it does is not done');
      }
    };
    for (const fact of controllerFacts) choose(fact);
    const [stray] = byName.keys();
    if (stray !== undefined) throw new Error(`${stray} is no controller of Kubernetes 1.36`);
    return chosen.toSorted((a, b) => Number(b.fact.startedFirst) - Number(a.fact.startedFirst));
  }

  #makeEvents(): EventRecorder {
    const { transport, clock, random, log } = this.#options;
    return new EventRecorder({
      events: kubeClient(transport).events(),
      component: 'kube-controller-manager',
      clock,
      random,
      onDropped: (reason, error) => log.debug({ error: String(error) }, reason),
    });
  }

  #makeElector(): LeaderElector | undefined {
    const { leaderElection, transport, clock, random, log } = this.#options;
    if (leaderElection === undefined) return undefined;
    const { identity, resourceName, resourceNamespace = 'kube-system', ...durations } = leaderElection;
    return new LeaderElector({
      ...durations,
      leases: kubeClient(transport).leases(resourceNamespace),
      name: resourceName ?? 'kube-controller-manager',
      namespace: resourceNamespace,
      identity,
      clock,
      random,
      events: this.#events,
      lead: (signal) => this.#lead(signal),
      onNewLeader: (leader) => log.info({ leader }, leader === identity ? 'leading' : 'new leader'),
      onStoppedLeading: () => log.info({ identity }, 'leading no more'),
      onError: (error) => log.warn({ error: String(error) }, 'leader election failed; it is tried again'),
    });
  }

  async #lead(signal: AbortSignal): Promise<void> {
    const { clock, random, log, transport, transportFor = () => transport, shutdownTimeoutMs = 10_000 } = this.#options;
    const term = new ManagerTerm({
      clock,
      random,
      log,
      transport,
      transportFor,
      shutdownTimeoutMs,
      chosen: this.#chosen,
      metrics: this.metrics,
      families: this.#families,
      featureEnabled: this.#featureEnabled,
      options: { ...defaultControllerManagerOptions, ...this.#options.options },
      onStarted: this.#options.onStarted,
    });
    this.#term = term;
    try {
      await term.run(signal);
    } finally {
      this.#term = undefined;
    }
  }
}
