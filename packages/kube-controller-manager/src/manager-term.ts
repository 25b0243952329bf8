/** One term of leadership: informers and controllers from start to end. */
import { sleep, type Clock, type Random } from '@kubets/apimachinery/clock';
import type { Log } from '@kubets/apimachinery/log';
import type { MetricsRegistry } from '@kubets/apimachinery/metrics';
import { Backoff, discover, SharedInformerFactory, type Transport } from '@kubets/client';
import type { ControllerDescriptor } from './controller.ts';
import { contextFor, type ContextOptions, type WorkQueueFamilies } from './controller-context.ts';
import { ControllerRunner } from './controller-runner.ts';
import type { ControllerFact } from './controller-selection.ts';
import { pause } from './lib/pause.ts';
import type { ControllerManagerOptions } from './options.ts';

export interface ChosenController {
  readonly fact: ControllerFact;
  readonly descriptor: ControllerDescriptor;
}

export interface ManagerTermOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: MetricsRegistry;
  readonly families: WorkQueueFamilies;
  readonly options: ControllerManagerOptions;
  readonly transport: Transport;
  readonly chosen: readonly ChosenController[];
  readonly shutdownTimeoutMs: number;
  transportFor(account: string): Transport;
  featureEnabled(gate: string): boolean;
  readonly onStarted: (() => void) | undefined;
}

type Serves = ContextOptions['serves'];

export class ManagerTerm {
  readonly #options: ManagerTermOptions;
  readonly #informers: SharedInformerFactory;
  #runners: readonly ControllerRunner[] = [];

  constructor(options: ManagerTermOptions) {
    this.#options = options;
    const { transport, clock, random, log } = options;
    // What went wrong is tried again by the informer itself.
    const onError = (error: unknown, text: string): void => log.warn({ error: String(error) }, text);
    this.#informers = new SharedInformerFactory({ transport, clock, random, onError });
  }

  /** Empty until they are started. */
  get runners(): readonly ControllerRunner[] {
    return this.#runners;
  }

  /** Resolves when the signal was aborted and everything has ended, or the time for that is over. */
  async run(signal: AbortSignal): Promise<void> {
    const serves = await this.#discover(signal);
    if (serves === undefined) return;
    const live = new AbortController();
    this.#runners = this.#options.chosen.map((chosen) => this.#runner(chosen, serves, live.signal));
    // Every one of them makes its controller at once: its informers are then known and started together.
    const running = this.#runners.map((runner) => runner.run(signal));
    this.#options.log.info({ controllers: running.length }, 'controllers started');
    this.#options.onStarted?.();
    await aborted(signal);
    await this.#stop(running, live);
  }

  #runner({ fact, descriptor }: ChosenController, serves: Serves, live: AbortSignal): ControllerRunner {
    const { clock, random, log, transport, families } = this.#options;
    const transportFor = fact.startedFirst
      ? (): Transport => transport
      : (account: string) => this.#options.transportFor(account);
    const shared: ContextOptions = { ...this.#options, informers: this.#informers, serves, transportFor };
    const identity = { name: fact.name, account: fact.account, eventSource: descriptor.eventSource };
    return new ControllerRunner({
      descriptor,
      clock,
      random,
      log,
      informers: this.#informers,
      context: () => contextFor(identity, shared, families),
      onCreated: () => this.#informers.start(live),
    });
  }

  /** Informers go on until the controllers have ended: these may still wait for what they have asked for. */
  async #stop(running: readonly Promise<void>[], live: AbortController): Promise<void> {
    const { clock, log, shutdownTimeoutMs } = this.#options;
    const late = new AbortController();
    const timedOut = sleep(clock, shutdownTimeoutMs, late.signal).then(
      () => true,
      () => false,
    );
    const ended = Promise.all(running).then(() => false);
    if (await Promise.race([ended, timedOut])) {
      const slow = this.#runners.filter((runner) => runner.state.type !== 'stopped' && runner.state.type !== 'idle');
      log.warn({ controllers: slow.map((runner) => runner.name) }, 'controllers did not end in time: left behind');
    }
    late.abort(new Error('all have ended'));
    live.abort(new Error('the controllers have ended'));
    await this.#informers[Symbol.asyncDispose]();
  }

  /** Asks until the server answers; undefined when stopped before. What an aggregated server serves may stay unknown. */
  async #discover(signal: AbortSignal): Promise<Serves | undefined> {
    const { clock, random, log, transport } = this.#options;
    const backoff = new Backoff({ baseMs: 250, maxMs: 10_000, resetMs: 60_000, jitter: 0.2, clock, random });
    while (!signal.aborted) {
      try {
        const found = await discover(transport, ({ groupVersion, error }) =>
          log.warn({ groupVersion, error: String(error) }, 'discovery of an API group failed'),
        );
        const served = new Set(found.map(({ group, resource }) => `${group}/${resource}`));
        return ({ group, resource }) => served.has(`${group}/${resource}`);
      } catch (error) {
        if (signal.aborted) return undefined;
        log.warn({ error: String(error) }, 'the API server does not say what it serves; it is asked again');
        await pause(clock, backoff.next(), signal);
      }
    }
    return undefined;
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve(), { once: true });
  await promise;
}
