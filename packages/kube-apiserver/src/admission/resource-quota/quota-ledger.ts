/**
 * Charges requests to the quotas of one namespace, one batch after the other
 * (`apiserver/pkg/admission/plugin/resourcequota/controller.go` quotaEvaluator).
 *
 * Requests that come while a batch is written wait for the next one: a thousand pods cost a few status updates.
 */
import type { ResourceQuota } from '@kubets/api/types/core-v1';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { isConflict, isNotFound } from '@kubets/apimachinery/status';
import type { InternalClient } from '../../bootstrap/internal-client.ts';
import type { ResourceCache } from '../../storage/cache.ts';
import { checkRequest, stateOf, type QuotaRequest, type QuotaState } from './quota-check.ts';
import { add, toList } from '@kubets/api/core/helpers/quota/resource-list';

export const resourceQuotas = { group: '', version: 'v1', resource: 'resourcequotas' } as const;

/** Why the request is refused; `undefined`: it has been charged. */
type Outcome = string | undefined;

interface Waiting {
  readonly request: QuotaRequest;
  resolve(outcome: Outcome): void;
  reject(error: unknown): void;
}

const attempts = 5;

export class QuotaLedger {
  readonly #namespace: string;
  readonly #cache: ResourceCache;
  readonly #client: InternalClient;
  #waiting: Waiting[] = [];
  #running = false;

  constructor(namespace: string, cache: ResourceCache, client: InternalClient) {
    this.#namespace = namespace;
    this.#cache = cache;
    this.#client = client;
  }

  get isIdle(): boolean {
    return !this.#running;
  }

  /** The quotas as they are now. */
  states(): QuotaState[] {
    const states: QuotaState[] = [];
    for (const entry of this.#cache.list(this.#namespace))
      states.push(stateOf(entry.object as unknown as ResourceQuota));
    return states;
  }

  /** Resolves when the quotas hold the charge, or to the reason of a refusal. Rejects when they cannot be written. */
  charge(request: QuotaRequest): Promise<Outcome> {
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
    this.#waiting.push({ request, resolve, reject });
    if (!this.#running) void this.#run();
    return promise;
  }

  async #run(): Promise<void> {
    this.#running = true;
    // Everything that comes in the same moment shares the first batch.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        await this.#settle(batch);
      } catch (error) {
        for (const one of batch) one.reject(error);
      }
    }
    this.#running = false;
  }

  /** A conflict means that somebody else wrote a quota: look again at what is there now. */
  async #settle(batch: readonly Waiting[]): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const states = this.states();
      const changed = new Set<QuotaState>();
      const outcomes = batch.map(({ request }) => decide(request, states, changed));
      try {
        for (const state of changed) await this.#write(state);
      } catch (error) {
        if (attempt < attempts && (isConflict(error) || isNotFound(error))) continue;
        throw error;
      }
      batch.forEach((one, i) => one.resolve(outcomes[i]));
      return;
    }
  }

  async #write({ quota, used }: QuotaState): Promise<void> {
    const object = { ...structuredClone(quota), status: { ...quota.status, used: toList(used) } };
    await this.#client.updateStatus(resourceQuotas, this.#namespace, object as unknown as ApiObject);
  }
}

function decide(request: QuotaRequest, states: readonly QuotaState[], changed: Set<QuotaState>): Outcome {
  const verdict = checkRequest(request, states);
  if (!verdict.allowed) return verdict.why;
  for (const [state, delta] of verdict.charges) {
    state.used = add(state.used, delta);
    changed.add(state);
  }
  return undefined;
}
