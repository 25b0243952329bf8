/** Runs the admission plugins (`apiserver/pkg/admission/chain.go`). */
import type { AdmissionAttributes, AdmissionPlugin, Operation } from './plugin.ts';

type Phase = 'admit' | 'validate';
type Step = (attributes: AdmissionAttributes) => void | Promise<void>;

const operations: readonly Operation[] = ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'];

function stepsOf(plugins: readonly AdmissionPlugin[], phase: Phase): Record<Operation, Step[]> {
  const steps: Record<Operation, Step[]> = { CREATE: [], UPDATE: [], DELETE: [], CONNECT: [] };
  for (const operation of operations) {
    for (const plugin of plugins) {
      const step = plugin[phase];
      if (step !== undefined && plugin.handles(operation)) steps[operation].push(step.bind(plugin));
    }
  }
  return steps;
}

/**
 * All plugins, in the given order. Which plugin handles which operation is asked once, here. The first
 * plugin that throws ends the chain. Synchronous as long as the plugins are: then nothing is returned,
 * and nothing need be awaited.
 */
export class AdmissionChain {
  readonly #admit: Record<Operation, Step[]>;
  readonly #validate: Record<Operation, Step[]>;

  constructor(plugins: readonly AdmissionPlugin[] = []) {
    this.#admit = stepsOf(plugins, 'admit');
    this.#validate = stepsOf(plugins, 'validate');
  }

  /** The mutating phase: plugins change `attributes.object`. */
  admit(attributes: AdmissionAttributes): void | Promise<void> {
    return run(this.#admit[attributes.operation], attributes, 0);
  }

  /** The validating phase, behind the strategy's validation. */
  validate(attributes: AdmissionAttributes): void | Promise<void> {
    return run(this.#validate[attributes.operation], attributes, 0);
  }
}

function run(steps: readonly Step[], attributes: AdmissionAttributes, from: number): void | Promise<void> {
  for (let i = from; i < steps.length; i++) {
    const pending = steps[i]?.(attributes);
    if (pending !== undefined) return pending.then(() => run(steps, attributes, i + 1));
  }
}
