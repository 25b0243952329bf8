/** Pods that a Permit plugin makes wait (`pkg/scheduler/framework/runtime/waiting_pods_map.go`). */
import type { Clock, Timer } from '@kubets/apimachinery/clock';
import type { Pod } from '@kubets/api/types/core-v1';
import { Status } from './status.ts';
import type { Outcome, WaitingPod } from './types.ts';

export class PermitWait implements WaitingPod {
  readonly pod: Readonly<Pod>;
  /** Settles when all have allowed the pod, or one has rejected it. Never rejects. */
  readonly decided: Promise<Outcome>;
  readonly #pending = new Map<string, Timer>();
  readonly #decide: (outcome: Outcome) => void;
  #over = false;

  /** `waits`: milliseconds by plugin. */
  constructor(pod: Readonly<Pod>, waits: ReadonlyMap<string, number>, clock: Clock) {
    this.pod = pod;
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.decided = promise;
    this.#decide = resolve;
    for (const [plugin, ms] of waits) {
      const late = `rejected due to timeout after waiting ${ms / 1000}s at plugin ${plugin}`;
      this.#pending.set(
        plugin,
        clock.setTimer(ms, () => this.reject(plugin, late)),
      );
    }
  }

  pendingPlugins(): readonly string[] {
    return [...this.#pending.keys()];
  }

  allow(plugin: string): void {
    this.#pending.get(plugin)?.cancel();
    this.#pending.delete(plugin);
    if (this.#pending.size === 0) this.#end(undefined);
  }

  reject(plugin: string, message: string): boolean {
    return this.#end(Status.unschedulable(message).by(plugin));
  }

  preempt(plugin: string, message: string): boolean {
    return this.#end(Status.unschedulable(message).by(plugin));
  }

  #end(outcome: Outcome): boolean {
    if (this.#over) return false;
    this.#over = true;
    for (const timer of this.#pending.values()) timer.cancel();
    this.#decide(outcome);
    return true;
  }
}
