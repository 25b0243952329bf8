/** Runs the admission plugins (`apiserver/pkg/admission/chain.go`). */
import type { AdmissionAttributes, AdmissionPlugin, Operation } from './plugin.ts';

/** The phases, as upstream's metrics name them. */
export type Phase = 'admit' | 'validate';

/** What an observation is of. */
export interface Observed {
  readonly operation: Operation;
  readonly phase: Phase;
  readonly rejected: boolean;
}

/** Takes one duration, in milliseconds. */
export type Observe = (ms: number) => void;

/** Keeps how long plugins take. */
export interface AdmissionObserver {
  now(): number;
  /** For one plugin, or with '' for all of a phase together. */
  series(name: string, at: Observed): Observe;
}

type Call = (attributes: AdmissionAttributes) => void | Promise<void>;

/** The same call, timed. What it needs to know is made once, not for each request. */
function timed(call: Call, name: string, at: Omit<Observed, 'rejected'>, observer: AdmissionObserver): Call {
  // A series shows up in the metrics once it has a value: those of refusals only then.
  let passed: Observe | undefined;
  let refused: Observe | undefined;
  const pass = (started: number): void => {
    passed ??= observer.series(name, { ...at, rejected: false });
    passed(observer.now() - started);
  };
  const refuse = (started: number, error: unknown): never => {
    refused ??= observer.series(name, { ...at, rejected: true });
    refused(observer.now() - started);
    throw error;
  };
  return (attributes) => {
    const started = observer.now();
    let pending: void | Promise<void>;
    try {
      pending = call(attributes);
    } catch (error) {
      return refuse(started, error);
    }
    if (pending === undefined) return pass(started);
    return pending.then(
      () => pass(started),
      (error: unknown) => refuse(started, error),
    );
  };
}

const operations: readonly Operation[] = ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'];

function run(calls: readonly Call[], attributes: AdmissionAttributes, from: number): void | Promise<void> {
  for (let i = from; i < calls.length; i++) {
    const pending = calls[i]?.(attributes);
    if (pending !== undefined) return pending.then(() => run(calls, attributes, i + 1));
  }
}

function callsOf(
  plugins: readonly AdmissionPlugin[],
  phase: Phase,
  observer: AdmissionObserver | undefined,
): Record<Operation, Call> {
  const entries = operations.map((operation) => {
    const at = { operation, phase };
    const calls = plugins.flatMap((plugin): Call[] => {
      const call = plugin[phase]?.bind(plugin);
      if (call === undefined || !plugin.handles(operation)) return [];
      return [observer === undefined ? call : timed(call, plugin.name, at, observer)];
    });
    const all: Call = (attributes) => run(calls, attributes, 0);
    return [operation, observer === undefined ? all : timed(all, '', at, observer)] as const;
  });
  return Object.fromEntries(entries) as Record<Operation, Call>;
}

/**
 * All plugins, in the given order. Which plugin handles which operation is asked once, here. The first
 * plugin that throws ends the chain. Synchronous as long as the plugins are: then nothing is returned,
 * and nothing need be awaited.
 */
export class AdmissionChain {
  readonly #admit: Record<Operation, Call>;
  readonly #validate: Record<Operation, Call>;

  constructor(plugins: readonly AdmissionPlugin[] = [], observer?: AdmissionObserver) {
    this.#admit = callsOf(plugins, 'admit', observer);
    this.#validate = callsOf(plugins, 'validate', observer);
  }

  /** The mutating phase: plugins change `attributes.object`. */
  admit(attributes: AdmissionAttributes): void | Promise<void> {
    return this.#admit[attributes.operation](attributes);
  }

  /** The validating phase, behind the strategy's validation. */
  validate(attributes: AdmissionAttributes): void | Promise<void> {
    return this.#validate[attributes.operation](attributes);
  }
}
