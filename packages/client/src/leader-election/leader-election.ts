/**
 * One leader among many, by a Lease (client-go `tools/leaderelection/leaderelection.go`).
 *
 * Guarantee under bounded clock rate differences: two candidates never lead at the same time, as a
 * leader stops at `renewDeadline` after its last success, before others may take over at
 * `leaseDuration` after the last change they saw. Only durations are compared, never the clocks of
 * different machines.
 */
import { sleep, type Clock, type Random } from '@kubets/apimachinery/clock';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { isAlreadyExists, isConflict, isNotFound } from '@kubets/apimachinery/status';
import type { ResourceClient } from '../rest/resource-client.ts';

export interface LeaseSpec {
  holderIdentity?: string;
  leaseDurationSeconds?: number;
  acquireTime?: string;
  renewTime?: string;
  leaseTransitions?: number;
}

export interface Lease extends ApiObject {
  spec?: LeaseSpec;
}

export interface LeaderElectionOptions {
  /** In the Lease's namespace. */
  readonly leases: Pick<ResourceClient<Lease>, 'get' | 'create' | 'update'>;
  readonly name: string;
  readonly namespace: string;
  /** Unique to this candidate, e.g. `host_uuid`. */
  readonly identity: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Upstream's 15 s, 10 s, 2 s. */
  readonly leaseDurationMs?: number;
  readonly renewDeadlineMs?: number;
  readonly retryPeriodMs?: number;
  /** Gives the lease up when the signal is aborted, so that the next one need not wait. Default true. */
  readonly releaseOnCancel?: boolean;
  /** Runs while leading; its signal is aborted when leadership ends. */
  readonly lead: (signal: AbortSignal) => Promise<void>;
  readonly onNewLeader?: (identity: string) => void;
  readonly onError?: (error: unknown) => void;
}

type State =
  | { readonly type: 'candidate' }
  | { readonly type: 'leader'; readonly renewedAt: number; readonly lease: Lease };

/** What a candidate saw last, and when: the basis for calling a lease abandoned. */
interface Observation {
  readonly record: string;
  readonly at: number;
}

export class LeaderElector {
  readonly #options: Required<Omit<LeaderElectionOptions, 'onNewLeader' | 'onError'>> &
    Pick<LeaderElectionOptions, 'onNewLeader' | 'onError'>;
  #observed: Observation = { record: '', at: Number.NEGATIVE_INFINITY };
  #leader = '';

  /** Throws unless leaseDuration > renewDeadline > retryPeriod × 1.2, as upstream demands. */
  constructor(options: LeaderElectionOptions) {
    this.#options = {
      leaseDurationMs: 15_000,
      renewDeadlineMs: 10_000,
      retryPeriodMs: 2000,
      releaseOnCancel: true,
      ...options,
    };
    const { leaseDurationMs, renewDeadlineMs, retryPeriodMs } = this.#options;
    if (leaseDurationMs <= renewDeadlineMs) throw new Error('leaseDuration must be greater than renewDeadline');
    if (renewDeadlineMs <= retryPeriodMs * 1.2) throw new Error('renewDeadline must be greater than retryPeriod*1.2');
  }

  /** Who leads, as far as this candidate has seen; '' when unknown. */
  get leader(): string {
    return this.#leader;
  }

  get isLeader(): boolean {
    return this.#leader === this.#options.identity;
  }

  /** Competes and leads, again and again, until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const lease = await this.#acquire(signal);
      if (lease !== undefined) await this.#leadUntilLost(lease, signal);
    }
  }

  async #acquire(signal: AbortSignal): Promise<Lease | undefined> {
    while (!signal.aborted) {
      const state = await this.#try();
      if (state.type === 'leader') return state.lease;
      await this.#pause(signal);
    }
    return undefined;
  }

  async #leadUntilLost(lease: Lease, signal: AbortSignal): Promise<void> {
    const stop = new AbortController();
    const leading = this.#options
      .lead(AbortSignal.any([signal, stop.signal]))
      .catch((error: unknown) => this.#options.onError?.(error));
    const last = await this.#renew(lease, signal);
    this.#see('');
    stop.abort(new Error('leadership lost'));
    await leading;
    // Only after the work has ended: another one may begin at once.
    if (signal.aborted && this.#options.releaseOnCancel) await this.#release(last);
  }

  /** Renews until the deadline passes without success, or the signal is aborted. Resolves to the lease as last seen. */
  async #renew(lease: Lease, signal: AbortSignal): Promise<Lease> {
    const { clock, renewDeadlineMs } = this.#options;
    let state: State = { type: 'leader', renewedAt: clock.monotonic(), lease };
    for (;;) {
      await this.#pause(signal);
      if (signal.aborted) return state.lease;
      const next = await this.#try(
        clock.monotonic() + Math.max(0, state.renewedAt + renewDeadlineMs - clock.monotonic()),
      );
      if (next.type === 'leader') state = next;
      else if (!this.isLeader || clock.monotonic() - state.renewedAt >= renewDeadlineMs) return state.lease;
    }
  }

  async #pause(signal: AbortSignal): Promise<void> {
    const { clock, random, retryPeriodMs } = this.#options;
    await sleep(clock, retryPeriodMs * (1 + 0.2 * random.float()), signal).catch(() => undefined);
  }

  /** One attempt to take or renew; failures are reported and count as not leading. */
  async #try(deadline?: number): Promise<State> {
    const started = this.#options.clock.monotonic();
    try {
      const lease = await this.#tryOnce(deadline);
      if (lease === undefined) return { type: 'candidate' };
      this.#see(this.#options.identity);
      return { type: 'leader', renewedAt: started, lease };
    } catch (error) {
      // Somebody else was faster: that is no failure.
      if (!isConflict(error) && !isAlreadyExists(error)) this.#options.onError?.(error);
      return { type: 'candidate' };
    }
  }

  async #tryOnce(deadline: number | undefined): Promise<Lease | undefined> {
    const { leases, name, namespace, identity, clock } = this.#options;
    const signal = deadline === undefined ? undefined : this.#until(deadline);
    const withSignal = signal === undefined ? {} : { signal };
    const existing = await leases.get(name, withSignal).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    if (existing === undefined) {
      const spec = this.#spec(0);
      return await leases.create(
        { kind: 'Lease', apiVersion: 'coordination.k8s.io/v1', metadata: { name, namespace }, spec },
        withSignal,
      );
    }
    const old = existing.spec ?? {};
    const record = JSON.stringify(old);
    if (record !== this.#observed.record) this.#observed = { record, at: clock.monotonic() };
    const holder = old.holderIdentity ?? '';
    if (holder !== '' && holder !== identity && this.#isFresh(old)) {
      this.#see(holder);
      return undefined;
    }
    const transitions = (old.leaseTransitions ?? 0) + (holder === identity ? 0 : 1);
    const spec = this.#spec(transitions, holder === identity ? old.acquireTime : undefined);
    return await leases.update({ ...existing, spec }, withSignal);
  }

  #isFresh(spec: LeaseSpec): boolean {
    const duration = (spec.leaseDurationSeconds ?? 0) * 1000 || this.#options.leaseDurationMs;
    return this.#observed.at + duration > this.#options.clock.monotonic();
  }

  #until(deadline: number): AbortSignal {
    const { clock } = this.#options;
    const controller = new AbortController();
    clock.setTimer(Math.max(0, deadline - clock.monotonic()), () =>
      controller.abort(new Error('renew deadline exceeded')),
    );
    return controller.signal;
  }

  #spec(leaseTransitions: number, acquireTime?: string): LeaseSpec {
    const { identity, leaseDurationMs, clock } = this.#options;
    const now = `${new Date(clock.now()).toISOString().slice(0, -1)}000Z`;
    const leaseDurationSeconds = Math.ceil(leaseDurationMs / 1000);
    return {
      holderIdentity: identity,
      leaseDurationSeconds,
      acquireTime: acquireTime ?? now,
      renewTime: now,
      leaseTransitions,
    };
  }

  async #release(lease: Lease): Promise<void> {
    const { acquireTime: _, ...spec } = lease.spec ?? {};
    const now = `${new Date(this.#options.clock.now()).toISOString().slice(0, -1)}000Z`;
    const released: LeaseSpec = {
      ...spec,
      holderIdentity: '',
      leaseDurationSeconds: 1,
      renewTime: now,
      acquireTime: now,
    };
    await this.#options.leases
      .update({ ...lease, spec: released })
      .catch((error: unknown) => this.#options.onError?.(error));
  }

  #see(leader: string): void {
    if (leader === this.#leader) return;
    this.#leader = leader;
    if (leader !== '') this.#options.onNewLeader?.(leader);
  }
}
