/**
 * Priority and fairness (`apiserver/pkg/util/flowcontrol/apf_controller.go`, `apf_filter.go`).
 * Not contended, a request costs its classification and two additions.
 */
import type { Clock, Timer } from '@kubets/apimachinery/clock';
import type { RequestInfo, UserInfo } from '../server/types.ts';
import type { ResourceCache } from '../storage/cache.ts';
import { adjustLimits, setNominalSeats } from './allocation.ts';
import {
  flowSchemaOf,
  mandatoryLevels,
  mandatorySchemas,
  priorityLevelOf,
  type FlowSchemaConfig,
  type PriorityLevelConfig,
} from './config.ts';
import { matchesSchema } from './match.ts';
import { PriorityLevel } from './priority-level.ts';

/** A flow schema bound to its level. */
export interface Flow {
  readonly schema: FlowSchemaConfig;
  readonly level: PriorityLevel;
}

export interface FlowControllerOptions {
  readonly clock: Clock;
  /** `--max-requests-inflight` plus `--max-mutating-requests-inflight`: 600 by default. */
  readonly serverSeats: number;
}

/** Between two adjustments of borrowed seats (`borrowingAdjustmentPeriod`). */
const adjustmentMs = 10_000;

export class FlowController implements Disposable {
  readonly #options: FlowControllerOptions;
  readonly #levels = new Map<string, PriorityLevel>();
  #flows: Flow[] = [];
  #catchAll: Flow;
  #timer: Timer | undefined;
  #subscriptions: (() => void)[] = [];

  constructor(options: FlowControllerOptions) {
    this.#options = options;
    this.#catchAll = this.configure([], []);
  }

  /** Takes over a configuration; the mandatory objects are added where it lacks them. */
  configure(schemas: readonly FlowSchemaConfig[], levels: readonly PriorityLevelConfig[]): Flow {
    const all = [...levels, ...mandatoryLevels.filter((m) => !levels.some((l) => l.name === m.name))];
    for (const config of all) this.#setLevel(config);
    for (const name of this.#levels.keys()) if (!all.some((l) => l.name === name)) this.#levels.delete(name);
    setNominalSeats([...this.#levels.values()], this.#options.serverSeats);
    const bound = [...schemas, ...mandatorySchemas.filter((m) => !schemas.some((s) => s.name === m.name))];
    this.#flows = bound.toSorted(byPrecedence).flatMap((schema) => this.#bind(schema));
    const catchAll = this.#flows.find((flow) => flow.schema.name === 'catch-all');
    if (catchAll === undefined) throw new Error('the catch-all flow schema has no priority level');
    this.#catchAll = catchAll;
    return catchAll;
  }

  #setLevel(config: PriorityLevelConfig): void {
    const level = this.#levels.get(config.name);
    if (level === undefined) this.#levels.set(config.name, new PriorityLevel(config, this.#options.clock));
    else level.reconfigure(config);
  }

  /** A schema whose level does not exist is not used (its condition `Dangling` upstream). */
  #bind(schema: FlowSchemaConfig): Flow[] {
    const level = this.#levels.get(schema.spec.priorityLevelConfiguration.name);
    return level === undefined ? [] : [{ schema, level }];
  }

  /** Follows the API's objects until disposed. Changes are taken over at once. */
  follow(schemas: ResourceCache, levels: ResourceCache): void {
    const load = (): void => {
      const found = [...schemas.list()].map((entry) => flowSchemaOf(entry.object));
      this.configure(
        found,
        [...levels.list()].map((entry) => priorityLevelOf(entry.object)),
      );
    };
    load();
    this.#subscriptions.push(schemas.subscribe(load), levels.subscribe(load));
  }

  get levels(): Iterable<PriorityLevel> {
    return this.#levels.values();
  }

  get flows(): readonly Flow[] {
    return this.#flows;
  }

  classify(info: RequestInfo, user: UserInfo): Flow {
    const flows = this.#flows;
    for (let i = 0; i < flows.length; i++) {
      const flow = flows[i] as Flow;
      if (matchesSchema(flow.schema.spec, info, user)) return flow;
    }
    return this.#catchAll;
  }

  /** Called when somebody has to wait: from then on levels lend and borrow, until all is quiet again. */
  contended(): void {
    this.#timer ??= this.#options.clock.setTimer(adjustmentMs, () => this.#adjust());
  }

  #adjust(): void {
    this.#timer = undefined;
    const levels = [...this.#levels.values()];
    adjustLimits(levels, this.#options.serverSeats);
    if (levels.some((level) => level.waiting > 0 || level.smoothDemand > level.nominalSeats)) this.contended();
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel();
    for (const unsubscribe of this.#subscriptions) unsubscribe();
    this.#subscriptions = [];
  }
}

/** Lower precedence first, then by name. */
function byPrecedence(a: FlowSchemaConfig, b: FlowSchemaConfig): number {
  const difference = (a.spec.matchingPrecedence ?? 1000) - (b.spec.matchingPrecedence ?? 1000);
  if (difference !== 0) return difference;
  return a.name < b.name ? -1 : 1;
}
