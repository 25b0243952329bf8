import { describe, expect, it } from 'vitest';
import type { FakeClock } from '@kubets/apimachinery/fake-clock';
import { silentLog, type Log } from '@kubets/apimachinery/log';
import { systemRandom } from '@kubets/apimachinery/system-clock';
import { keyOf, type Transport } from '@kubets/client';
import { configMaps } from '@kubets/client/resources';
import { settle } from '@kubets/client/testing';
import { TestControlPlane } from '@kubets/kube-apiserver/testing/test-control-plane';
import type { ControllerDescriptor } from './controller.ts';
import { reconciler } from './lib/reconciler.ts';
import { createControllerManager, type ManagerOptions } from './manager.ts';
import { countingTransport } from './testing/counting-transport.ts';

/** Waits until the condition holds, advancing the clock. */
async function until(clock: FakeClock, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 200; i++) {
    await settle(20);
    if (await condition()) return;
    clock.advance(250);
  }
  throw new Error(`never: ${condition.toString()}`);
}

function managerOf(plane: TestControlPlane, options: Partial<ManagerOptions> = {}) {
  const errors: string[] = [];
  const report = (fields: object, message: string): void => void errors.push(`${message} ${JSON.stringify(fields)}`);
  const log: Log = { ...silentLog, error: report };
  const transport = plane.transport('system:kube-controller-manager', ['system:authenticated']);
  const account = (name: string): Transport =>
    plane.transport(`system:serviceaccount:kube-system:${name}`, [
      'system:serviceaccounts',
      'system:serviceaccounts:kube-system',
      'system:authenticated',
    ]);
  const manager = createControllerManager({
    clock: plane.clock,
    random: systemRandom,
    log,
    transport,
    transportFor: account,
    ...options,
  });
  const stop = new AbortController();
  return {
    manager,
    errors,
    running: manager.run(stop.signal),
    stop: () => stop.abort(new Error('the test is over')),
    [Symbol.asyncDispose]: async function (this: { running: Promise<void> }) {
      stop.abort(new Error('the test is over'));
      await this.running;
    },
  };
}

/** Fails so many times, then labels config maps. */
function shaky(failures: number): ControllerDescriptor & { lives: number; handled: string[] } {
  return {
    name: 'job-controller',
    lives: 0,
    handled: [],
    create(context) {
      const life = ++this.lives;
      const informer = context.informers.informer(configMaps);
      const queue = context.queue('shaky');
      context.metrics.counter('shaky_total', 'Lives').add(1);
      informer.addEventHandler({ onAdd: (object) => queue.add(`${life} ${keyOf(object)}`) });
      const work = async (key: string): Promise<void> => void this.handled.push(key);
      const controller = reconciler(context, { queue, informers: [informer], workers: 1, reconcile: work });
      return life <= failures ? { run: () => Promise.reject(new Error('out of luck')) } : controller;
    },
  };
}

describe('the controller manager', () => {
  it('runs all controllers under their own accounts, writes nothing once idle, stops and starts again', async () => {
    await using plane = await TestControlPlane.start();
    const { writes, wrap } = countingTransport({ events: true });
    const transport = wrap(plane.transport('system:kube-controller-manager', ['system:authenticated']));
    const transportFor = (name: string): Transport =>
      wrap(plane.transport(`system:serviceaccount:kube-system:${name}`, ['system:authenticated']));
    for (let round = 0; round < 2; round++) {
      let started = false;
      await using run = managerOf(plane, { transport, transportFor, onStarted: () => (started = true) });
      await until(plane.clock, () => started);
      for (let i = 0; i < 60; i++) {
        plane.clock.advance(1000);
        await settle(5);
      }
      writes.length = 0;
      for (let i = 0; i < 60; i++) {
        plane.clock.advance(1000);
        await settle(5);
      }
      expect(writes).toEqual([]);
      expect(run.errors).toEqual([]);
      for (const check of run.manager.healthChecks()) check.check();
      run.stop();
      await run.running;
    }
  });

  it('starts a controller anew that has failed, and says so', async () => {
    await using plane = await TestControlPlane.start();
    await plane.client.configMaps('default').create({ metadata: { name: 'a' } });
    const descriptor = shaky(2);
    await using run = managerOf(plane, { descriptors: [descriptor] });
    await until(plane.clock, () => descriptor.lives === 1);
    await settle();
    expect(() => run.manager.healthChecks().forEach((check) => check.check())).toThrow(
      'job-controller has failed: out of luck',
    );
    await until(plane.clock, () => descriptor.handled.length > 0);
    expect(descriptor.lives).toBe(3);
    expect(descriptor.handled).toContain('3 default/a');
    expect(descriptor.handled.every((key) => key.startsWith('3 '))).toBe(true);
    expect(run.errors).toHaveLength(2);
    expect(run.manager.metrics.text()).toContain('\nshaky_total 3\n');
    expect(run.manager.metrics.text()).toContain(
      'running_managed_controllers{manager="kube-controller-manager",name="job-controller"} 1',
    );
  });

  it('leaves behind what does not end in time', async () => {
    await using plane = await TestControlPlane.start();
    const stuck: ControllerDescriptor = {
      name: 'job-controller',
      create: () => ({ run: () => Promise.withResolvers<void>().promise }),
    };
    await using run = managerOf(plane, { descriptors: [stuck] });
    await until(plane.clock, () => run.manager.healthChecks().length > 0);
    run.stop();
    const before = plane.clock.monotonic();
    let ended = false;
    void run.running.then(() => (ended = true));
    await until(plane.clock, () => ended);
    expect(plane.clock.monotonic() - before).toBeGreaterThanOrEqual(10_000);
  });

  it('refuses controllers that do not exist', () => {
    expect(() =>
      createControllerManager({ controllers: ['*', '-foo'], log: silentLog } as unknown as ManagerOptions),
    ).toThrow('"foo" is not in the list of known controllers');
  });
});

describe('leader election', () => {
  const lease = (plane: TestControlPlane) => plane.client.leases('kube-system').get('kube-controller-manager');

  const leaders = async (plane: TestControlPlane): Promise<string[]> =>
    (await plane.client.events('kube-system').list()).items
      .filter(({ reason, message = '' }) => reason === 'LeaderElection' && message.endsWith('became leader'))
      .map(({ message = '' }) => message)
      .toSorted();

  it('keeps the second waiting until the first lets go', async () => {
    await using plane = await TestControlPlane.start();
    await using first = managerOf(plane, { descriptors: [shaky(0)], leaderElection: { identity: 'first' } });
    await until(plane.clock, () => first.manager.leading);
    const descriptor = shaky(0);
    await using second = managerOf(plane, { descriptors: [descriptor], leaderElection: { identity: 'second' } });
    for (let i = 0; i < 30; i++) {
      plane.clock.advance(1000);
      await settle(10);
    }
    expect(second.manager.leading).toBe(false);
    expect(descriptor.lives).toBe(0);
    expect((await lease(plane)).spec?.holderIdentity).toBe('first');
    first.stop();
    await until(plane.clock, () => descriptor.lives === 1);
    expect((await lease(plane)).spec?.holderIdentity).toBe('second');
    await until(plane.clock, async () => (await leaders(plane)).length === 2);
    expect(await leaders(plane)).toEqual(['first became leader', 'second became leader']);
    expect(second.manager.metrics.text()).toContain('leader_election_master_status{name="kube-controller-manager"} 1');
    expect(first.manager.metrics.text()).toContain('leader_election_master_status{name="kube-controller-manager"} 0');
  });

  it('lets a successor of the same identity begin at once, after a crash too', async () => {
    await using plane = await TestControlPlane.start();
    const renewTime = '2026-01-01T00:00:00.000000Z';
    await plane.client.leases('kube-system').create({
      metadata: { name: 'kube-controller-manager' },
      spec: {
        holderIdentity: 'only',
        leaseDurationSeconds: 15,
        acquireTime: renewTime,
        renewTime,
        leaseTransitions: 3,
      },
    });
    const before = plane.clock.monotonic();
    await using run = managerOf(plane, { descriptors: [shaky(0)], leaderElection: { identity: 'only' } });
    await until(plane.clock, () => run.manager.leading);
    expect(plane.clock.monotonic()).toBe(before);
    expect((await lease(plane)).spec?.leaseTransitions).toBe(3);
  });

  it('stops its controllers when somebody else takes the lease, and begins anew when it is free again', async () => {
    await using plane = await TestControlPlane.start();
    const descriptor = shaky(0);
    await using run = managerOf(plane, { descriptors: [descriptor], leaderElection: { identity: 'first' } });
    await until(plane.clock, () => descriptor.lives === 1);
    const body = { spec: { holderIdentity: 'thief', renewTime: '2026-01-01T00:00:01.000000Z' } };
    const patch = { type: 'application/merge-patch+json', body } as const;
    await plane.client.leases('kube-system').patch('kube-controller-manager', patch);
    await until(plane.clock, () => !run.manager.leading);
    await settle();
    expect(run.manager.healthChecks().map((check) => check.name)).toEqual(['leaderElection']);
    await plane.client.configMaps('default').create({ metadata: { name: 'late' } });
    await until(plane.clock, () => descriptor.lives === 2);
    await until(plane.clock, () => descriptor.handled.includes('2 default/late'));
    expect(descriptor.handled).not.toContain('1 default/late');
    expect(run.errors).toEqual([]);
  });
});
