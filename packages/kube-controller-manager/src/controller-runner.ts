/** Keeps one controller running: made anew, after a pause, when it ends by itself. */
import type { Clock, Random } from '@kubets/apimachinery/clock';
import type { Log } from '@kubets/apimachinery/log';
import { Backoff, type SharedInformerFactory } from '@kubets/client';
import type { Controller, ControllerContext, ControllerDescriptor } from './controller.ts';
import { pause } from './lib/pause.ts';

export interface ControllerRunnerOptions {
  readonly descriptor: ControllerDescriptor;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly informers: SharedInformerFactory;
  /** A context for one life of the controller; disposed of when that ends. */
  context(): ControllerContext & AsyncDisposable;
  /** Called when the controller has been made: informers that it has asked for are to be started. */
  onCreated(): void;
}

const backoff = { baseMs: 1000, maxMs: 5 * 60_000, resetMs: 10 * 60_000, jitter: 0.1 };

/** What has become of a controller. */
export type RunnerState =
  | { readonly type: 'new' }
  | { readonly type: 'running' }
  /** As configured it has nothing to do. */
  | { readonly type: 'idle' }
  /** It has ended by itself and is going to be made anew. */
  | { readonly type: 'failed'; readonly error: unknown }
  | { readonly type: 'stopped' };

export class ControllerRunner {
  readonly name: string;
  readonly #options: ControllerRunnerOptions;
  readonly #backoff: Backoff;
  #state: RunnerState = { type: 'new' };

  constructor(options: ControllerRunnerOptions) {
    this.name = options.descriptor.name;
    this.#options = options;
    this.#backoff = new Backoff({ ...backoff, clock: options.clock, random: options.random });
  }

  get state(): RunnerState {
    return this.#state;
  }

  /** Throws when the controller has ended by itself: for `/healthz`. */
  check(): void {
    if (this.#state.type === 'failed') throw new Error(`${this.name} has failed: ${textOf(this.#state.error)}`);
  }

  /** Runs until the signal is aborted and the controller has ended. Never rejects; failures go to the log. */
  async run(signal: AbortSignal): Promise<void> {
    const { log, clock } = this.#options;
    while (!signal.aborted) {
      try {
        const worked = await this.#live(signal);
        if (!worked || signal.aborted) break;
        throw new Error('it has ended though nobody stopped it');
      } catch (error) {
        if (signal.aborted) {
          log.debug({ controller: this.name, error: textOf(error) }, 'controller failed while stopping');
          break;
        }
        this.#state = { type: 'failed', error };
        const pauseMs = Math.round(this.#backoff.next());
        log.error({ controller: this.name, error: textOf(error), pauseMs }, 'controller failed; it is started again');
        await pause(clock, pauseMs, signal);
      }
    }
    if (this.#state.type !== 'idle') this.#state = { type: 'stopped' };
  }

  /** One life of the controller; whether there was anything to do. */
  async #live(signal: AbortSignal): Promise<boolean> {
    const { descriptor, informers, log, onCreated } = this.#options;
    await using context = this.#options.context();
    const { result: controller, registrations } = informers.collecting(() => descriptor.create(context));
    try {
      onCreated();
      if (controller === undefined) {
        this.#state = { type: 'idle' };
        log.info({ controller: this.name }, 'controller has nothing to do as configured');
        return false;
      }
      this.#state = { type: 'running' };
      await runUnlessAborted(controller, signal);
      return true;
    } finally {
      // The informers outlive it: its successor listens for itself.
      for (const registration of registrations) registration.remove();
    }
  }
}

async function runUnlessAborted(controller: Controller, signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await controller.run(signal);
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
