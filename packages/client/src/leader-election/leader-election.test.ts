import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { newAlreadyExists, newConflict, newNotFound } from '@kubets/apimachinery/status';
import { describe, expect, it } from 'vitest';
import { eventually, settle } from '../testing/index.ts';
import { LeaderElector, type Lease } from './leader-election.ts';

const gr = { group: 'coordination.k8s.io', resource: 'leases' };

/** One lease with optimistic locking; unreachable for those named in `cut`. */
class Leases {
  lease: Lease | undefined;
  version = 0;
  readonly cut = new Set<string>();

  as(identity: string) {
    const reach = async (): Promise<void> => {
      await Promise.resolve();
      if (this.cut.has(identity)) throw new Error('unreachable');
    };
    return {
      get: async (name: string) => {
        await reach();
        if (this.lease === undefined) throw newNotFound(gr, name);
        return structuredClone(this.lease);
      },
      create: async (lease: Lease) => {
        await reach();
        if (this.lease !== undefined) throw newAlreadyExists(gr, 'l');
        return this.#store(lease);
      },
      update: async (lease: Lease) => {
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

function candidate(identity: string, leases: Leases, clock: FakeClock) {
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
  });
  return { elector, stop, log, leading: () => log.at(-1) === 'start', running: elector.run(stop.signal) };
}

describe('LeaderElector', () => {
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
