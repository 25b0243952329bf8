/**
 * One leader among many, by a Lease (client-go `tools/leaderelection/leaderelection.go`).
 *
 * Guarantee under bounded clock rate differences: two candidates never lead at the same time, as a
 * leader stops at `renewDeadline` after its last success, before others may take over at
 * `leaseDuration` after the last change they saw. Only durations on one machine's monotonic clock are
 * compared: neither the clocks of different machines nor jumps of one matter.
 *
 * Differences from upstream: a candidate that has lost competes again; work that fails gives the
 * leadership up, so that another one may try.
 */
import { sleep, type Clock, type Random } from '@kubets/apimachinery/clock';
import type { Lease, LeaseSpec } from '@kubets/api/types/coordination-v1';
import { isAlreadyExists, isConflict, isNotFound } from '@kubets/apimachinery/status';
import { microTime } from '../micro-time.ts';
import type { EventRecorder } from '../record/event-recorder.ts';
import type { ResourceClient } from '../rest/resource-client.ts';

export type { Lease, LeaseSpec };

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
  /** Runs while leading (`OnStartedLeading`); its signal is aborted when leadership ends. */
  readonly lead: (signal: AbortSignal) => Promise<void>;
  /** Leadership has ended, and `lead` too. */
  readonly onStoppedLeading?: () => void;
  /** Another leader was seen, or this one has become it. */
  readonly onNewLeader?: (identity: string) => void;
  /** For Events about the lease that say who leads. The caller's, who disposes of it. */
  readonly events?: Pick<EventRecorder, 'event'>;
  /** Told of every failed try that was not simply lost to another candidate, and of failures of `lead`. */
  readonly onError?: (error: unknown) => void;
}

type State = { readonly type: 'candidate' } | { readonly type: 'leader'; readonly lease: Lease };

/** What a candidate saw last, and when: the basis for calling a lease abandoned. */
interface Observation {
  readonly record: string;
  readonly at: number;
}

type Callbacks = 'onStoppedLeading' | 'onNewLeader' | 'onError' | 'events';

export class LeaderElector {
  readonly #options: Required<Omit<LeaderElectionOptions, Callbacks>> & Pick<LeaderElectionOptions, Callbacks>;
  #observed: Observation = { record: '', at: Number.NEGATIVE_INFINITY };
  #leader = '';
  /** The last success of this candidate, by the monotonic clock. */
  #renewedAt = Number.NEGATIVE_INFINITY;

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

  /**
   * Throws when this candidate thinks that it leads, but has not renewed for so much longer than the
   * lease lasts: its process hangs and is better ended (`LeaderElector.Check`).
   */
  check(toleranceMs: number): void {
    const { clock, leaseDurationMs, name } = this.#options;
    if (this.isLeader && clock.monotonic() - this.#renewedAt > leaseDurationMs + toleranceMs) {
      throw new Error(`failed election to renew leadership on lease ${name}`);
    }
  }

  /** Competes and leads, again and again, until the signal is aborted. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const lease = await this.#acquire(signal);
      if (lease !== undefined) await this.#leadUntilLost(lease, signal);
    }
  }

  async #acquire(signal: AbortSignal): Promise<Lease | undefined> {
    while (!signal.aborted) {
      const state = await this.#try(undefined, this.#options.renewDeadlineMs, signal);
      if (state.type === 'leader') return state.lease;
      await this.#pause(signal, Number.POSITIVE_INFINITY);
    }
    return undefined;
  }

  async #leadUntilLost(lease: Lease, signal: AbortSignal): Promise<void> {
    const { lead, onError, onStoppedLeading, releaseOnCancel } = this.#options;
    const stop = new AbortController();
    const failed = new AbortController();
    const work = AbortSignal.any([signal, stop.signal]);
    this.#record(lease, 'became leader');
    const leading = (async () => lead(work))().catch((error: unknown) => {
      if (!work.aborted) onError?.(error);
      failed.abort(error);
    });
    const last = await this.#renew(lease, AbortSignal.any([signal, failed.signal]));
    this.#see('');
    this.#record(last, 'stopped leading');
    stop.abort(new Error('leadership lost'));
    await leading;
    onStoppedLeading?.();
    // Only after the work has ended: another one may begin at once.
    if (failed.signal.aborted || (signal.aborted && releaseOnCancel)) await this.#release(last);
    if (failed.signal.aborted) await this.#pause(signal, Number.POSITIVE_INFINITY);
  }

  /** Renews until the deadline passes without success, or the signal is aborted. Resolves to the lease as last seen. */
  async #renew(lease: Lease, signal: AbortSignal): Promise<Lease> {
    const { clock, renewDeadlineMs } = this.#options;
    let current = lease;
    for (;;) {
      const left = (): number => this.#renewedAt + renewDeadlineMs - clock.monotonic();
      await this.#pause(signal, left());
      if (signal.aborted || left() <= 0) return current;
      const next = await this.#try(current, left(), signal);
      if (next.type === 'leader') current = next.lease;
      else if (signal.aborted || !this.isLeader || left() <= 0) return current;
    }
  }

  /** Until the next try, but not beyond what is left. */
  async #pause(signal: AbortSignal, leftMs: number): Promise<void> {
    const { clock, random, retryPeriodMs } = this.#options;
    const ms = Math.min(leftMs, retryPeriodMs * (1 + 0.2 * random.float()));
    await sleep(clock, ms, signal).catch(() => undefined);
  }

  /** One attempt to take or renew within a time; failures are reported and count as not leading. */
  async #try(held: Lease | undefined, withinMs: number, signal: AbortSignal): Promise<State> {
    const started = this.#options.clock.monotonic();
    try {
      const lease = await this.#within(withinMs, signal, (both) => this.#tryOnce(held, both));
      if (lease === undefined) return { type: 'candidate' };
      this.#renewedAt = started;
      this.#see(this.#options.identity);
      return { type: 'leader', lease };
    } catch (error) {
      // Somebody else was faster, or we are stopping: that is no failure.
      if (!isConflict(error) && !isAlreadyExists(error) && !signal.aborted) this.#options.onError?.(error);
      return { type: 'candidate' };
    }
  }

  /** Runs with a deadline of its own, even if what is run does not heed its signal. */
  async #within<R>(ms: number, signal: AbortSignal, run: (signal: AbortSignal) => Promise<R>): Promise<R> {
    const late = new AbortController();
    const timer = this.#options.clock.setTimer(Math.max(0, ms), () =>
      late.abort(new Error(`the lease was not answered for within ${ms / 1000} s`)),
    );
    const both = AbortSignal.any([signal, late.signal]);
    const aborted = Promise.withResolvers<never>();
    const onAbort = (): void => aborted.reject(both.reason as Error);
    both.addEventListener('abort', onAbort, { once: true });
    if (both.aborted) onAbort();
    try {
      return await Promise.race([run(both), aborted.promise]);
    } finally {
      timer.cancel();
      both.removeEventListener('abort', onAbort);
    }
  }

  /** `held`: the lease as this leader wrote it last: then a single update renews it, if nobody has touched it. */
  async #tryOnce(held: Lease | undefined, signal: AbortSignal): Promise<Lease | undefined> {
    const { leases, name } = this.#options;
    if (held !== undefined) {
      try {
        return await this.#update(held, signal);
      } catch (error) {
        if (!isConflict(error) && !isNotFound(error)) throw error;
      }
    }
    const existing = await leases.get(name, { signal }).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    if (existing === undefined) return await this.#create(signal);
    return this.#mayTake(existing.spec ?? {}) ? await this.#update(existing, signal) : undefined;
  }

  #mayTake(spec: LeaseSpec): boolean {
    const { clock, identity, leaseDurationMs } = this.#options;
    const record = JSON.stringify(spec);
    if (record !== this.#observed.record) this.#observed = { record, at: clock.monotonic() };
    const holder = spec.holderIdentity ?? '';
    if (holder === '' || holder === identity) return true;
    this.#see(holder);
    const duration = (spec.leaseDurationSeconds ?? 0) * 1000 || leaseDurationMs;
    return this.#observed.at + duration <= clock.monotonic();
  }

  async #create(signal: AbortSignal): Promise<Lease> {
    const { leases, name, namespace } = this.#options;
    const spec = this.#spec({}, 0);
    const lease: Lease = { kind: 'Lease', apiVersion: 'coordination.k8s.io/v1', metadata: { name, namespace }, spec };
    return await leases.create(lease, { signal });
  }

  async #update(existing: Lease, signal: AbortSignal): Promise<Lease> {
    const old = existing.spec ?? {};
    const mine = old.holderIdentity === this.#options.identity;
    const spec = this.#spec(
      mine ? old : { ...old, acquireTime: undefined },
      (old.leaseTransitions ?? 0) + (mine ? 0 : 1),
    );
    return await this.#options.leases.update({ ...existing, spec }, { signal });
  }

  #spec(old: LeaseSpec, leaseTransitions: number): LeaseSpec {
    const { identity, leaseDurationMs } = this.#options;
    const now = this.#now();
    return {
      ...old,
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(leaseDurationMs / 1000),
      acquireTime: old.acquireTime ?? now,
      renewTime: now,
      leaseTransitions,
    };
  }

  /** A MicroTime. */
  #now(): string {
    return microTime(this.#options.clock);
  }

  /** Lets the next one begin at once. */
  async #release(lease: Lease): Promise<void> {
    const { leases, renewDeadlineMs, onError } = this.#options;
    const now = this.#now();
    const spec = { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: now, acquireTime: now };
    const never = new AbortController().signal;
    try {
      await this.#within(renewDeadlineMs, never, (signal) => leases.update({ ...lease, spec }, { signal }));
    } catch (error) {
      // Whoever has changed it meanwhile has taken it.
      if (!isConflict(error) && !isNotFound(error)) onError?.(error);
    }
  }

  /** `LeaseLock.RecordEvent`. */
  #record({ metadata: { uid, resourceVersion } }: Lease, what: string): void {
    const { events, identity, name, namespace } = this.#options;
    const lease = { kind: 'Lease', apiVersion: 'coordination.k8s.io/v1', namespace, name, uid, resourceVersion };
    events?.event(lease, 'Normal', 'LeaderElection', `${identity} ${what}`);
  }

  #see(leader: string): void {
    if (leader === this.#leader) return;
    this.#leader = leader;
    if (leader !== '') this.#options.onNewLeader?.(leader);
  }
}

/** For `/healthz` (client-go `leaderelection.HealthzAdaptor`, 20 s of tolerance in every component). */
export function leaderHealthCheck(
  elector: Pick<LeaderElector, 'check'>,
  toleranceMs = 20_000,
): { readonly name: 'leaderElection'; check(): void } {
  return { name: 'leaderElection', check: () => elector.check(toleranceMs) };
}
