import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { newAlreadyExists, newConflict, newNotFound } from '@kubets/apimachinery/status';
import { describe, expect, it } from 'vitest';
import { eventually, settle } from '../testing/index.ts';
import { LeaderElector, leaderHealthCheck, type LeaderElectionOptions, type Lease } from './leader-election.ts';

const gr = { group: 'coordination.k8s.io', resource: 'leases' };

/** One lease with optimistic locking; unreachable for those named in `cut`. */
class Leases {
  lease: Lease | undefined;
  version = 0;
  readonly cut = new Set<string>();
  hang = false;
  readonly calls: string[] = [];

  /** Somebody labels it. */
  touch(): void {
    if (this.lease !== undefined)
      this.#store({ ...this.lease, metadata: { ...this.lease.metadata, labels: { touched: 'yes' } } });
  }

  as(identity: string) {
    const reach = async (): Promise<void> => {
      await Promise.resolve();
      if (this.hang) await new Promise(() => undefined);
      if (this.cut.has(identity)) throw new Error('unreachable');
    };
    return {
      get: async (name: string) => {
        this.calls.push('get');
        await reach();
        if (this.lease === undefined) throw newNotFound(gr, name);
        return structuredClone(this.lease);
      },
      create: async (lease: Lease) => {
        this.calls.push('create');
        await reach();
        if (this.lease !== undefined) throw newAlreadyExists(gr, 'l');
        return this.#store(lease);
      },
      update: async (lease: Lease) => {
        this.calls.push('update');
        await reach();
        if (lease.metadata.resourceVersion !== `${this.version}`) throw newConflict(gr, 'l', 'stale');
        return this.#store(lease);
      },
    };
  }

  #store(lease: Lease): Lease {
    this.lease = structuredClone({ ...lease, metadata: { ...lease.metadata, resourceVersion: `${++this.version}` } });
    return structuredClone(this.lease);
  }
}

function candidate(identity: string, leases: Leases, clock: FakeClock, options: Partial<LeaderElectionOptions> = {}) {
  const stop = new AbortController();
  const log: string[] = [];
  const elector = new LeaderElector({
    leases: leases.as(identity),
    name: 'l',
    namespace: 'kube-system',
    identity,
    clock,
    random: { float: () => 0.5, uuid: () => '' },
    lead: async (signal) => {
      log.push('start');
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      log.push('stop');
    },
    ...options,
  });
  return { elector, stop, log, leading: () => log.at(-1) === 'start', running: elector.run(stop.signal) };
}

describe('LeaderElector', () => {
  it('says in Events about the lease who leads', async () => {
    const said: string[] = [];
    const events: LeaderElectionOptions['events'] = {
      event: (about, type, reason, message) =>
        void said.push(`${(about as { kind: string }).kind} ${type} ${reason}: ${message}`),
    };
    const clock = new FakeClock();
    const { stop, running, leading } = candidate('a', new Leases(), clock, { events });
    await eventually(clock, leading);
    expect(said).toEqual(['Lease Normal LeaderElection: a became leader']);
    stop.abort();
    await running;
    expect(said.slice(1)).toEqual(['Lease Normal LeaderElection: a stopped leading']);
  });

  it('elects one, who renews', async () => {
    const clock = new FakeClock();
    const leases = new Leases();
    const a = candidate('a', leases, clock);
    const b = candidate('b', leases, clock);
    await eventually(clock, () => a.leading() || b.leading());
    for (let i = 0; i < 60; i++) {
      clock.advance(1000);
      await settle(2);
      expect([a, b].filter((c) => c.leading())).toHaveLength(1);
    }
    expect(leases.lease?.spec?.leaseTransitions).toBe(0);
    a.stop.abort();
    b.stop.abort();
    await Promise.all([a.running, b.running]);
  });

  it('hands over at once when the leader is stopped', async () => {
    const clock = new FakeClock();
    const leases = new Leases();
    const a = candidate('a', leases, clock);
    await eventually(clock, () => a.leading());
    const b = candidate('b', leases, clock);
    a.stop.abort();
    await a.running;
    expect(leases.lease?.spec?.holderIdentity).toBe('');
    await eventually(clock, () => b.leading(), { steps: 6 });
    b.stop.abort();
    await b.running;
  });

  it('never has two leaders when one is cut off', async () => {
    const clock = new FakeClock();
    const leases = new Leases();
    const a = candidate('a', leases, clock);
    await eventually(clock, () => a.leading());
    const b = candidate('b', leases, clock);
    await settle();
    leases.cut.add('a');
    for (let i = 0; i < 80 && !b.leading(); i++) {
      clock.advance(500);
      await settle(3);
      expect(a.leading() && b.leading()).toBe(false);
    }
    expect(a.log).toEqual(['start', 'stop']);
    expect(b.leading()).toBe(true);
    expect(leases.lease?.spec?.leaseTransitions).toBe(1);
    a.stop.abort();
    b.stop.abort();
    await Promise.all([a.running, b.running]);
  });

  it('stops exactly at the renew deadline when the API hangs, and leaves no timer', async () => {
    const clock = new FakeClock();
    const leases = new Leases();
    const events: string[] = [];
    const a = candidate('a', leases, clock, {
      onNewLeader: (who) => void events.push(`new ${who}`),
      onStoppedLeading: () => void events.push('stopped'),
      onError: (error) => void events.push((error as Error).message),
    });
    await eventually(clock, () => a.leading());
    const led = clock.monotonic();
    leases.hang = true;
    await eventually(clock, () => !a.leading(), { stepMs: 100 });
    expect(clock.monotonic() - led).toBe(10_000);
    await settle();
    expect(events).toEqual(['new a', 'the lease was not answered for within 7.8 s', 'stopped']);
    leases.hang = false;
    await eventually(clock, () => a.leading());
    a.stop.abort();
    await a.running;
    expect(clock.timers).toBe(0);
  });

  it('ends at once when stopped while the API hangs', async () => {
    const clock = new FakeClock();
    const leases = new Leases();
    leases.hang = true;
    const a = candidate('a', leases, clock);
    await settle();
    a.stop.abort();
    await a.running;
    expect(a.log).toEqual([]);
    expect(clock.timers).toBe(0);
  });

  it('renews by one update as long as nobody else writes, and survives a stranger who does', async () => {
    const clock = new FakeClock();
    const leases = new Leases();
    const a = candidate('a', leases, clock);
    await eventually(clock, () => a.leading());
    leases.calls.length = 0;
    for (let i = 0; i < 10; i++) {
      clock.advance(1000);
      await settle(2);
    }
    expect(new Set(leases.calls)).toEqual(new Set(['update']));
    leases.touch();
    for (let i = 0; i < 10; i++) {
      clock.advance(1000);
      await settle(2);
    }
    expect(a.log).toEqual(['start']);
    expect(leases.lease?.metadata.labels).toEqual({ touched: 'yes' });
    a.stop.abort();
    await a.running;
  });

  it('jumps of the machine clock change nothing', async () => {
    const clock = new FakeClock();
    const jumping = {
      now: () => clock.now() + jump,
      monotonic: () => clock.monotonic(),
      setTimer: clock.setTimer.bind(clock),
    };
    let jump = 0;
    const leases = new Leases();
    const a = candidate('a', leases, clock, { clock: jumping });
    await eventually(clock, () => a.leading());
    const b = candidate('b', leases, clock, { clock: jumping });
    for (const ms of [86_400_000, -86_400_000, -1]) {
      jump = ms;
      for (let i = 0; i < 20; i++) {
        clock.advance(1000);
        await settle(2);
      }
    }
    expect(a.log).toEqual(['start']);
    expect(b.log).toEqual([]);
    expect(leases.lease?.spec?.renewTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    a.stop.abort();
    b.stop.abort();
    await Promise.all([a.running, b.running]);
  });

  it('gives the lease up when its work fails', async () => {
    const clock = new FakeClock();
    const leases = new Leases();
    const errors: unknown[] = [];
    const lead = (): Promise<void> => Promise.reject(new Error('broken'));
    const a = candidate('a', leases, clock, { lead, onError: (error) => void errors.push(error) });
    await settle();
    expect(errors).toEqual([new Error('broken')]);
    expect(leases.lease?.spec?.holderIdentity).toBe('');
    a.stop.abort();
    await a.running;
  });

  it('tells the health check when a leader has not renewed for too long', async () => {
    const clock = new FakeClock();
    const leases = new Leases();
    const a = candidate('a', leases, clock);
    const check = leaderHealthCheck(a.elector);
    expect(check.name).toBe('leaderElection');
    check.check();
    await eventually(clock, () => a.leading());
    // Time passes with nothing of the program running.
    clock.advance(10_000);
    clock.advance(26_000);
    expect(() => check.check()).toThrow('failed election to renew leadership on lease l');
    a.stop.abort();
    await a.running;
  });

  it('refuses durations that could give two leaders', () => {
    const clock = new FakeClock();
    const base = {
      leases: new Leases().as('a'),
      name: 'l',
      namespace: 'n',
      identity: 'a',
      clock,
      lead: () => Promise.resolve(),
    };
    const random = { float: () => 0, uuid: () => '' };
    expect(() => new LeaderElector({ ...base, random, leaseDurationMs: 5000, renewDeadlineMs: 5000 })).toThrow(
      'leaseDuration must be',
    );
    expect(() => new LeaderElector({ ...base, random, renewDeadlineMs: 2400 })).toThrow('renewDeadline must be');
  });
});
